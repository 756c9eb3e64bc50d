/**
 * The options of the command lines of everything that is measured in rounds. Pinned by test/unit/bench/options.test.ts.
 */
import { parseArgs } from 'node:util'

/** What a benchmark in rounds was asked for. */
export interface RoundOptions {
  readonly rounds: number
  readonly sampleMs: number
  readonly warmUpMs: number
  readonly rows: number
  readonly only: readonly string[]
  readonly json: string | undefined
  readonly directory: string | undefined
  readonly markdown: boolean
  /** A file written by --json before, whose table is printed instead of measuring. */
  readonly from: string | undefined
  readonly help: boolean
}

const ABOUT_ROUNDS = `  --rounds N         rounds of every case (5); figures are medians over them
  --sample-ms MS     how long a case is measured in a round (1500)
  --rows N           rows of the loaded database (1000000)
  --quick            a first impression: 1 round of 300 ms, 100000 rows
  --only NAME        only this case, or those whose name begins so, or those of a process; may be repeated
  --directory DIR    where to measure (a directory beside the installed packages); what is made there is removed
  --json FILE        also write every sample
  --markdown         print the tables as Markdown, as they stand in docs/PERFORMANCE.md
  --from FILE        measure nothing: print what --json wrote
`

export const SMOKE_USAGE = `npm run bench:smoke -- [options]\n\n${ABOUT_ROUNDS}`
export const PEERS_USAGE = `npm run bench:peers -- [options]

  --engine NAME      only this engine; may be repeated (strictkv, lmdb, classic-level, better-sqlite3)
${ABOUT_ROUNDS}`

const DEFAULTS = { rounds: 5, sampleMs: 1_500, warmUpMs: 500, rows: 1_000_000 }
const QUICK = { rounds: 1, sampleMs: 300, warmUpMs: 100, rows: 100_000 }

const OF_ROUNDS = {
  rounds: { type: 'string' },
  'sample-ms': { type: 'string' },
  rows: { type: 'string' },
  quick: { type: 'boolean', default: false },
  only: { type: 'string', multiple: true, default: [] as string[] },
  directory: { type: 'string' },
  json: { type: 'string' },
  markdown: { type: 'boolean', default: false },
  from: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const

/** Arguments of bench:smoke. Throws for an unknown option or a number that is none. */
export function parseOptions(argv: readonly string[]): RoundOptions {
  return checked(parseArgs({ args: [...argv], options: OF_ROUNDS }).values)
}

/** What bench:peers was asked for. */
export interface PeerOptions extends RoundOptions {
  readonly engines: readonly string[]
}

/** Arguments of bench:peers. Throws as `parseOptions` does. */
export function parsePeerOptions(argv: readonly string[]): PeerOptions {
  const engine = { type: 'string', multiple: true, default: [] as string[] } as const
  const { values } = parseArgs({ args: [...argv], options: { ...OF_ROUNDS, engine } })
  return { ...checked(values), engines: values.engine }
}

type RoundValues = ReturnType<typeof parseArgs<{ options: typeof OF_ROUNDS }>>['values']

function checked(values: RoundValues): RoundOptions {
  const base = values.quick ? QUICK : DEFAULTS
  const sampleMs = positiveInteger('sample-ms', values['sample-ms']) ?? base.sampleMs
  return {
    rounds: positiveInteger('rounds', values.rounds) ?? base.rounds,
    sampleMs,
    warmUpMs: Math.min(base.warmUpMs, sampleMs),
    rows: positiveInteger('rows', values.rows) ?? base.rows,
    only: values.only,
    json: values.json,
    directory: values.directory,
    markdown: values.markdown,
    from: values.from,
    help: values.help,
  }
}

/** The number that an option was given. Throws if it is no integer from 1. */
export function positiveInteger(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1)
    throw new Error(`Cannot use "${text}" as --${name}: give a number from 1`)
  return value
}
