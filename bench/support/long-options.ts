/**
 * The options of bench:large and bench:open-loop. Pinned by test/unit/bench/options.test.ts.
 */
import { parseArgs } from 'node:util'
import { positiveInteger } from './options'

/** What both are asked for. */
interface LongOptions {
  readonly rows: number
  readonly json: string | undefined
  readonly directory: string | undefined
  readonly markdown: boolean
  readonly from: string | undefined
  readonly help: boolean
}

/** What bench:open-loop is asked for. */
export interface OpenLoopRunOptions extends LongOptions {
  readonly minutes: number
  readonly capacitySeconds: number
  /** Of the capacity. */
  readonly share: number
  readonly durability: 'sync' | 'os'
}

const ABOUT = `  --quick            a first impression: 100000 rows
  --directory DIR    where to measure (a directory beside the installed packages); what is made there is removed
  --json FILE        also write every figure
  --markdown         print the tables as Markdown
  --from FILE        measure nothing: print what --json wrote
`

export const LARGE_USAGE = `npm run bench:large -- [options]

  --rows N           rows that are loaded (10000000)
${ABOUT}`

export const OPEN_LOOP_USAGE = `npm run bench:open-loop -- [options]

  --minutes M        how long (30); may be a fraction
  --share S          of the capacity, which is measured first (0.7)
  --capacity-seconds how long the capacity is measured (20)
  --durability D     sync or os (sync)
  --rows N           rows of the loaded database (1000000)
${ABOUT}`

const OPTIONS = {
  rows: { type: 'string' },
  quick: { type: 'boolean', default: false },
  directory: { type: 'string' },
  json: { type: 'string' },
  markdown: { type: 'boolean', default: false },
  from: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const

const QUICK_ROWS = 100_000

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values']

function common(values: Values, rows: number): LongOptions {
  const { json, directory, markdown, from, help } = values
  return {
    rows: positiveInteger('rows', values.rows) ?? (values.quick ? QUICK_ROWS : rows),
    ...{ json, directory, markdown, from, help },
  }
}

/** Arguments of bench:large. Throws for an unknown option or a number that is none. */
export function parseLargeOptions(argv: readonly string[]): LongOptions {
  return common(parseArgs({ args: [...argv], options: OPTIONS }).values, 10_000_000)
}

/** Arguments of bench:open-loop. Throws as `parseLargeOptions` does. */
export function parseOpenLoopOptions(argv: readonly string[]): OpenLoopRunOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      ...OPTIONS,
      minutes: { type: 'string' },
      share: { type: 'string' },
      'capacity-seconds': { type: 'string' },
      durability: { type: 'string', default: 'sync' },
    },
  })
  const { durability } = values
  if (durability !== 'sync' && durability !== 'os')
    throw new Error(`Cannot use "${durability}" as --durability: give sync or os`)
  return {
    ...common(values, 1_000_000),
    minutes: positive('minutes', values.minutes) ?? (values.quick ? 0.2 : 30),
    capacitySeconds: positive('capacity-seconds', values['capacity-seconds']) ?? (values.quick ? 2 : 20),
    share: positive('share', values.share) ?? 0.7,
    durability,
  }
}

function positive(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (!(value > 0 && value < Infinity)) throw new Error(`Cannot use "${text}" as --${name}: give a number above 0`)
  return value
}
