/**
 * `npm run bench:learned`: the learned index against binary search, over nine key sets; tables, plots, and the page they stand in.
 *
 * A process for each set, size and mode; they take turns, round by round, and figures are medians of processor time. With `--write` the
 * results replace those in docs/LEARNED-INDEX.md and docs/learned. `--checked N` is a campaign: N searches held against binary search.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { buildSync } from 'esbuild'
import { withBenchDirectory } from './support/bench-directory'
import { machineNow } from './support/conductor'
import type { Sample } from './support/figures'
import { KEY_SET_NAMES, KEY_SET_TEXTS } from './support/key-sets'
import type { KeySetName } from './support/key-sets'
import { compareBlooms } from './support/learned-bloom'
import { errorPlots, segmentPlot, sizePlot, timePlot } from './support/learned-plots'
import { bloomTable, getTable, MODES, seekTable, sizeTable, verdictTable } from './support/learned-report'
import type { LearnedRun, MeasuredMode, ModeResult, SetResult } from './support/learned-report'
import { MeasuringChild } from './support/measuring-child'
import { tableToMarkdown, tableToText } from './support/report'
import { note, runTool, say } from './support/terminal'

const USAGE = `npm run bench:learned -- [options]

  --keys N,N        sizes of the sets (100000,1000000); 10000000 takes 2 GiB and some minutes a set
  --sets NAME,...   only these sets
  --rounds N        rounds (5)
  --sample-ms MS    how long a case is measured in a round (200)
  --checked N       searches held against binary search, over all sets and modes (1000000)
  --only-checked    those searches alone, no figures
  --no-extras       no compaction, no Bloom filters
  --write           replace figures and plots in docs
  --json FILE       also write everything measured
  --from FILE,FILE  measure nothing: take what --json wrote, results of several runs one behind the other
`

interface Options {
  readonly keys: readonly number[]
  readonly sets: readonly KeySetName[]
  readonly rounds: number
  readonly sampleMs: number
  readonly checked: number
  readonly onlyChecked: boolean
  readonly extras: boolean
  readonly write: boolean
  readonly json: string | undefined
  readonly from: readonly string[]
}

function parseOptions(argv: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      keys: { type: 'string', default: '100000,1000000' },
      sets: { type: 'string', default: KEY_SET_NAMES.join(',') },
      rounds: { type: 'string', default: '5' },
      'sample-ms': { type: 'string', default: '200' },
      checked: { type: 'string', default: '1000000' },
      'only-checked': { type: 'boolean', default: false },
      'no-extras': { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      json: { type: 'string' },
      from: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return undefined
  const count = (name: string, text: string): number => {
    const number = Number(text)
    if (!Number.isSafeInteger(number) || number < 0) throw new Error(`Cannot use ${text} as --${name}: it is no count`)
    return number
  }
  const sets = values.sets.split(',').map((name) => {
    const known = KEY_SET_NAMES.find((set) => set === name)
    if (known === undefined) throw new Error(`Cannot measure ${name}: the sets are ${KEY_SET_NAMES.join(', ')}`)
    return known
  })
  return {
    keys: values.keys.split(',').map((text) => count('keys', text)),
    sets,
    rounds: count('rounds', values.rounds),
    sampleMs: count('sample-ms', values['sample-ms']),
    checked: count('checked', values.checked),
    onlyChecked: values['only-checked'],
    extras: !values['no-extras'] && !values['only-checked'],
    write: values.write,
    json: values.json,
    from: values.from?.split(',') ?? [],
  }
}

/** Measures one set of one size. */
async function measureSet(module: string, set: KeySetName, keys: number, options: Options): Promise<SetResult> {
  const children = new Map<MeasuredMode, MeasuringChild>()
  const results = new Map<MeasuredMode, { seeks: Sample[]; gets: Sample[]; figures: Sample }>()
  try {
    for (const mode of MODES) {
      const child = await startMode(module, set, keys, mode)
      children.set(mode, child)
      results.set(mode, { seeks: [], gets: [], figures: await child.measure('figures', 0) })
      await child.measure('get', options.sampleMs)
      await child.measure('seek', options.sampleMs)
    }
    for (let round = 0; round < options.rounds; round++) {
      const order = [...MODES.slice(round % MODES.length), ...MODES.slice(0, round % MODES.length)]
      for (const mode of order) {
        note(`${set}, ${keys} keys: round ${round + 1} of ${options.rounds}, ${mode}`)
        results.get(mode)!.seeks.push(await children.get(mode)!.measure('seek', options.sampleMs))
        results.get(mode)!.gets.push(await children.get(mode)!.measure('get', options.sampleMs))
      }
    }
  } finally {
    for (const child of children.values()) await child.end()
  }
  const of = (mode: MeasuredMode): ModeResult => results.get(mode)!
  const byMode = { binary: of('binary'), resident: of('resident'), lean: of('lean'), auto: of('auto') }
  return { set, keys, byMode }
}

function startMode(module: string, set: KeySetName, keys: number, mode: MeasuredMode): Promise<MeasuringChild> {
  note(`${set}, ${keys} keys: setting up ${mode}`)
  return MeasuringChild.start(module, { process: `${set}:${mode}`, directory: '', rows: keys })
}

/** Holds `searches` of each mode that has a model against binary search. */
async function checkSet(module: string, set: KeySetName, keys: number, searches: number): Promise<Sample[]> {
  const checks: Sample[] = []
  for (const mode of ['resident', 'lean'] as const) {
    const child = await startMode(module, set, keys, mode)
    try {
      note(`${set}, ${keys} keys: ${searches} searches held against binary search, ${mode}`)
      // For this case the number stands where others have milliseconds.
      checks.push(await child.measure('checked', searches))
    } finally {
      await child.end()
    }
  }
  return checks
}

/** The measuring process as one file: seventy of them start, and compiling it seventy times would be most of the work. */
function buildProcess(directory: string): string {
  const outfile = path.join(directory, 'learned-process.js')
  const entry = path.join(__dirname, 'support', 'learned-process.ts')
  buildSync({ entryPoints: [entry], outfile, bundle: true, platform: 'node', logLevel: 'error' })
  return outfile
}

async function measure(options: Options, directory: string, command: string): Promise<LearnedRun> {
  const module = buildProcess(directory)
  const begun = new Date().toISOString()
  const loads = [loadavg()[0]!]
  const results: SetResult[] = []
  const checks: Sample[] = []
  const searches = Math.ceil(options.checked / (options.keys.length * options.sets.length * 2))
  for (const keys of options.keys) {
    for (const set of options.sets) {
      if (!options.onlyChecked) results.push(await measureSet(module, set, keys, options))
      if (searches > 0) checks.push(...(await checkSet(module, set, keys, searches)))
      loads.push(loadavg()[0]!)
    }
  }
  const compaction = options.extras ? await measureCompaction() : undefined
  const blooms = options.extras
    ? options.sets.flatMap((set) =>
        (['like the present ones', 'from anywhere'] as const).map((absent) => compareBlooms(set, absent, 100_000, 10)),
      )
    : []
  const sum = (name: string): number => checks.reduce((total, sample) => total + (sample[name] ?? 0), 0)
  const { processor, processors, node, platform } = machineNow()
  return {
    circumstances: [
      `\`${command}\``,
      `${processor}, ${processors} processors, Node ${node}, ${platform}`,
      `begun ${begun}; ${options.onlyChecked ? 'checked alone' : `${options.rounds} rounds of ${options.sampleMs} ms`}; load ${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}`,
    ],
    results,
    checked: { lookups: sum('checked'), hits: sum('hits'), fallbacks: sum('fallbacks') },
    compaction,
    blooms,
  }
}

function measureCompaction(): Promise<Sample> {
  return withBenchDirectory(undefined, async (directory) => {
    note('loading a store for the share of fitting in a compaction')
    const child = await MeasuringChild.start('learned-process', { process: 'compaction', directory, rows: 500_000 })
    try {
      return await child.measure('compaction', 0)
    } finally {
      await child.end()
    }
  })
}

const MARKS = { begin: '<!-- figures: npm run bench:learned -- --write -->', end: '<!-- end of figures -->' }

/** Replaces figures and plots. */
function writeDocs(run: LearnedRun, options: Options): void {
  const docs = path.join(__dirname, '..', 'docs')
  const plots = new Map([
    ['segments.svg', segmentPlot(options.sets)],
    ['time.svg', timePlot(run)],
    ['size.svg', sizePlot(run)],
    ...errorPlots(options.sets).map(({ set, svg }) => [`error-${set}.svg`, svg] as const),
  ])
  mkdirSync(path.join(docs, 'learned'), { recursive: true })
  for (const [name, svg] of plots) writeFileSync(path.join(docs, 'learned', name), svg)
  const page = readFileSync(path.join(docs, 'LEARNED-INDEX.md'), 'utf8')
  const [before, rest] = page.split(MARKS.begin)
  const [, after] = rest!.split(MARKS.end)
  const tables = [verdictTable(run), seekTable(run), getTable(run), sizeTable(run), bloomTable(run)]
  const images = [...plots.keys()].map((name) => `![${name.replace('.svg', '')}](learned/${name})`)
  const text = [
    MARKS.begin,
    run.circumstances.map((line) => `- ${line}`).join('\n'),
    ...tables.filter(({ rows }) => rows.length > 0).map(tableToMarkdown),
    images.join('\n'),
    `The sets: ${options.sets.map((set) => `**${set}** ${KEY_SET_TEXTS[set]}`).join('; ')}.`,
  ]
  writeFileSync(path.join(docs, 'LEARNED-INDEX.md'), `${before!}${text.join('\n\n')}\n\n${MARKS.end}${after!}`)
}

/** The runs of several files as one. */
function runFrom(files: readonly string[]): LearnedRun {
  const runs = files.map((file) => JSON.parse(readFileSync(file, 'utf8')) as LearnedRun)
  const sum = (name: 'lookups' | 'hits' | 'fallbacks'): number =>
    runs.reduce((total, run) => total + run.checked[name], 0)
  return {
    circumstances: runs.flatMap((run) => run.circumstances),
    results: runs.flatMap((run) => run.results),
    checked: { lookups: sum('lookups'), hits: sum('hits'), fallbacks: sum('fallbacks') },
    compaction: runs.find((run) => run.compaction !== undefined)?.compaction,
    blooms: runs.flatMap((run) => run.blooms),
  }
}

async function main(): Promise<void> {
  const argv = process.argv.slice(2)
  const options = parseOptions(argv)
  if (options === undefined) {
    say(USAGE)
    return
  }
  const run =
    options.from.length > 0
      ? runFrom(options.from)
      : await withBenchDirectory(undefined, (directory) =>
          measure(options, directory, ['npm run bench:learned --', ...argv].join(' ')),
        )
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(run, undefined, 1)}\n`)
  for (const line of run.circumstances) say(line)
  const tables = [verdictTable(run), seekTable(run), getTable(run), sizeTable(run), bloomTable(run)]
  for (const table of tables) if (table.rows.length > 0) say(`\n${tableToText(table)}`)
  if (options.write) writeDocs(run, options)
}

runTool(main)
