/**
 * The options of the command line. Pinned by test/unit/bench/options.test.ts.
 */
import { parseArgs } from 'node:util'

/** What `npm run bench:smoke -- <options>` was asked for. */
export interface SmokeOptions {
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

export const USAGE = `npm run bench:smoke -- [options]

  --rounds N         rounds of every case (5); figures are medians over them
  --sample-ms MS     how long a case is measured in a round (1500)
  --rows N           rows of the loaded database (1000000)
  --quick            a first impression: 1 round of 300 ms, 100000 rows
  --only NAME        only this case, or those whose name begins so, or those of a process; may be repeated
  --directory DIR    where to measure (a directory beside the installed packages); what is made there is removed
  --json FILE        also write every sample
  --markdown         print the tables as they stand in docs/PERFORMANCE.md
  --from FILE        measure nothing: print what --json wrote
`

const DEFAULTS = { rounds: 5, sampleMs: 1_500, warmUpMs: 500, rows: 1_000_000 }
const QUICK = { rounds: 1, sampleMs: 300, warmUpMs: 100, rows: 100_000 }

/** Parses arguments. Throws for an unknown option or a number that is none. */
export function parseOptions(argv: readonly string[]): SmokeOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      rounds: { type: 'string' },
      'sample-ms': { type: 'string' },
      rows: { type: 'string' },
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      directory: { type: 'string' },
      json: { type: 'string' },
      markdown: { type: 'boolean', default: false },
      from: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
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

function positiveInteger(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1)
    throw new Error(`Cannot use "${text}" as --${name}: give a number from 1`)
  return value
}
