/**
 * The stage of the demo: plays a story step by step in a given order, shows it at both levels, and repeats it at random.
 */
import { SerializationError } from '../src/index'
import type { Database, Transaction } from '../src/index'
import { bold, dim, drawCycle, green, heading, red, say, sayWrapped, sideBySide, tableRow, yellow } from './drawing'

type Level = 'snapshot' | 'serializable'
const LEVELS: readonly Level[] = ['snapshot', 'serializable']

/** What an actor has read so far; what it read last is what it acts upon. */
export type Seen = Map<string, string>

/** Somebody with one transaction: it begins, takes these steps, and commits. A step says what it did. */
export interface Actor {
  readonly name: string
  readonly readOnly?: boolean
  readonly steps: readonly ((tx: Transaction, seen: Seen) => Promise<string>)[]
}

export interface Story {
  readonly title: string
  readonly moral: string
  readonly before: Readonly<Record<string, string>>
  readonly actors: readonly Actor[]
  /** Who takes a step, one digit a step; the first step of an actor is to begin, the last to commit. */
  readonly order: string
  /** What must be true in the end, whoever came first. */
  readonly rule: string
  readonly holds: (db: Database, seen: readonly Seen[]) => Promise<boolean>
}

interface Played {
  readonly lines: string[]
  readonly held: boolean
  readonly lost: SerializationError[]
}

/** Plays a story in an order; whoever is aborted begins again at the end, as `db.transact` would. */
async function play(db: Database, story: Story, level: Level, order: string): Promise<Played> {
  await db.transact((tx) => {
    tx.deleteRange({})
    for (const [key, value] of Object.entries(story.before)) tx.put(key, value)
  })
  const lines: string[] = []
  const lost: SerializationError[] = []
  const seen = story.actors.map((): Seen => new Map())
  const open = new Map<number, Transaction>()
  const steps = story.actors.map(() => 0)
  let isAgain = false

  const step = async (index: number): Promise<void> => {
    const actor = story.actors[index]!
    const at = steps[index]!
    steps[index] = at + 1
    const tx = at === 0 ? db.begin({ label: actor.name, isolation: level, readOnly: actor.readOnly }) : open.get(index)
    if (tx === undefined) return // It was aborted: its later steps do not happen.
    open.set(index, tx)
    try {
      if (at === 0) lines.push(isAgain ? dim(`${actor.name} begins again`) : `${actor.name} begins`)
      else if (at <= actor.steps.length) lines.push(`${actor.name} ${await actor.steps[at - 1]!(tx, seen[index]!)}`)
      else lines.push(`${actor.name} ${await tx.commit().then(() => green('commits'))}`)
    } catch (error) {
      if (!(error instanceof SerializationError)) throw error
      open.delete(index)
      lost.push(error)
      lines.push(`${actor.name} ${yellow('is aborted')}`)
    }
  }
  for (const digit of order) await step(Number(digit))
  for (const [index, actor] of story.actors.entries()) {
    if (open.has(index)) continue
    isAgain = true
    steps[index] = 0
    for (let left = actor.steps.length + 2; left > 0; left--) await step(index)
  }
  return { lines, lost, held: await story.holds(db, seen) }
}

/** One story, side by side, with the report of the abort. */
export async function show(db: Database, story: Story): Promise<void> {
  heading(`${story.title}: ${story.moral}`)
  const [loose, strict] = [
    await play(db, story, 'snapshot', story.order),
    await play(db, story, 'serializable', story.order),
  ]
  sideBySide([bold('snapshot isolation'), ...loose.lines], [bold('strict serializability'), ...strict.lines])
  say()
  say(`snapshot isolation:      ${verdict(story, loose.held)}`)
  say(`strict serializability:  ${verdict(story, strict.held)}`)
  for (const error of strict.lost) {
    say()
    sayWrapped(error.message)
    drawCycle(error.report)
  }
}

function verdict(story: Story, held: boolean): string {
  return held ? green(`held: ${story.rule}`) : red(bold(`VIOLATED: ${story.rule}`))
}

/** Every story in `runs` random orders; the same orders for both levels. */
export async function showRuns(db: Database, stories: readonly Story[], runs: number, seed: number): Promise<void> {
  heading(`${runs} random orders of each, seed ${seed}`)
  say(bold(tableRow(['', 'snapshot isolation', 'strict serializability'])))
  const random = createRandom(seed)
  for (const story of stories) {
    const held = { snapshot: 0, serializable: 0 }
    for (let run = 0; run < runs; run++) {
      const order = shuffled(Array.from(story.order), random).join('')
      for (const level of LEVELS) if ((await play(db, story, level, order)).held) held[level]++
    }
    const cells = LEVELS.map((level) => {
      const violated = runs - held[level]
      return `${held[level]} held, ${violated > 0 ? red(`${violated} violated`) : green('0 violated')}`
    })
    say(tableRow([story.title, ...cells]))
  }
  say(dim(`The same again: npm run demo -- --runs ${runs} --seed ${seed}`))
}

/** Fisher and Yates. */
function shuffled<T>(items: T[], random: () => number): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[items[i], items[j]] = [items[j]!, items[i]!]
  }
  return items
}

/** Numbers in [0, 1) that depend on the seed alone (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
