/**
 * `strictkv demo`: shows on a real directory what strict serializability is for; `npm run demo` is the same.
 *
 * The database lies in the system's temporary folder and is removed at the end, after Ctrl-C too.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Database } from '../../index'
import type { Json } from '../answer'
import { printJson } from '../answer'
import { UsageError } from '../cli-errors'
import type { Command, Invocation } from '../command'
import { createPage } from '../demo/page'
import { showStory, showTallies } from '../demo/show'
import type { Played } from '../demo/stage'
import { play, tally } from '../demo/stage'
import { STORIES } from '../demo/stories'
import { EXIT_DONE } from '../exit-codes'
import { countOption } from '../invocation'
import { withDatabase } from '../open-database'
import { createPaint } from '../paint'

const DEMOS = ['write-skew'] as const
const RUNS_MAX = 1_000_000

export const demoCommand: Command = {
  name: 'demo',
  summary: 'show four schedules that fool other databases, side by side',
  positionals: ['[write-skew]'],
  options: [
    { name: 'runs', value: 'COUNT', about: 'then play so many random orders of each' },
    { name: 'seed', value: 'NUMBER', about: 'where the random orders begin; the same seed, the same orders' },
  ],
  help: {
    about: [
      'Plays four schedules in which every transaction is right by itself, and the result is wrong all the same. Each is played twice on a real directory, step by step in the same order: under snapshot isolation, which is what most stores offer, and under strict serializability, which is what StrictKV gives unless told otherwise.',
      'The directory lies in the temporary folder of the system and is removed afterwards.',
    ],
    examples: [
      { want: 'the four schedules', line: 'strictkv demo write-skew' },
      { want: 'and then 500 random orders of each', line: 'strictkv demo write-skew --runs 500 --seed 7' },
    ],
  },
  run: async (invocation) => {
    const [name = 'write-skew'] = invocation.positionals
    if (!DEMOS.some((demo) => demo === name)) {
      throw new UsageError(`Cannot show the demo ${JSON.stringify(name)}: there is ${DEMOS.join(', ')}`)
    }
    const runs = countOption(invocation, 'runs', { min: 0, max: RUNS_MAX }) ?? 0
    const seed = countOption(invocation, 'seed', { min: 0, max: 2 ** 32 - 1 }) ?? Date.now() % 1_000_000
    const directory = mkdtempSync(path.join(tmpdir(), 'strictkv-demo-'))
    try {
      await withDatabase(invocation, { directory, create: true }, (db) => perform(invocation, db, { runs, seed }))
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
    return EXIT_DONE
  },
}

async function perform(
  invocation: Invocation,
  db: Database,
  options: { readonly runs: number; readonly seed: number },
): Promise<void> {
  const { json, terminal } = invocation
  const page = createPage((text) => (json ? undefined : terminal.out(text)), createPaint(terminal.colours))
  page.say(page.paint.dim(`Every transaction below runs on disk, in ${db.path}.`))
  const stories: Json[] = []
  for (const story of STORIES) {
    terminal.signal.throwIfAborted()
    const snapshot = await play(db, story, { level: 'snapshot' })
    const serializable = await play(db, story, { level: 'serializable' })
    showStory(page, story, { snapshot, serializable })
    const { title, rule } = story
    stories.push({ title, rule, snapshot: playedJson(snapshot), serializable: playedJson(serializable) })
  }
  const { runs, seed } = options
  const tallies = runs === 0 ? [] : await tally(db, STORIES, { runs, seed, signal: terminal.signal })
  if (runs > 0) showTallies(page, tallies, options)
  const orders = runs === 0 ? undefined : { runs, seed, held: tallies.map(({ story, held }) => ({ title: story.title, ...held })) } // prettier-ignore
  if (json) printJson(terminal, { demo: 'write-skew', stories, randomOrders: orders })
}

function playedJson({ beats, held, lost }: Played): Json {
  return {
    held,
    steps: beats.map(({ actor, did }) => `${actor} ${did}`),
    aborts: lost.map((error) => error.message),
  }
}
