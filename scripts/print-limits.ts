/**
 * Prints docs/LIMITS.md from the one table of limits: `npx ts-node scripts/print-limits.ts > docs/LIMITS.md`.
 *
 * A test holds the file and the table together, so whoever adds a limit runs this.
 */
import { LIMITS, LIMIT_NAMES } from '../src/base/limits'
import type { LimitName } from '../src/base/limits'

const UNITS: readonly (readonly [ending: RegExp, unit: string])[] = [
  [/Bytes(Max|Min|Base)?$/, 'bytes'],
  [/Ms(Max|Min|Warn)?$/, 'ms'],
  [/.*/, 'count'],
]

/** The whole text of the page. */
export function printLimits(): string {
  const rows = LIMIT_NAMES.map((name) => {
    const { initial, min, max, about } = LIMITS[name]
    const cells = [`\`${name}\``, print(name, initial), print(name, min), print(name, max), about]
    return `| ${cells.join(' | ')} |\n`
  })
  return HEAD + rows.join('')
}

const HEAD = `# Limits

Every queue, buffer and size has a name that ends with its unit, a default, and bounds. Each is an option of \`open\` under its
name: \`await open('./data', { memtableBytesMax: 8 * 1024 * 1024 })\`. A value outside its bounds is refused with
\`InvalidArgumentError\`; an operation that would exceed a limit is refused with \`LimitExceededError\`, or waits where the table
says so, and nothing is lost.

Printed from \`src/base/limits.ts\` by \`npx ts-node scripts/print-limits.ts > docs/LIMITS.md\`; a test holds the two together.

| name | default | least | greatest | what it bounds |
|---|---|---|---|---|
`

function print(name: LimitName, value: number): string {
  const unit = UNITS.find(([ending]) => ending.test(name))![1]
  if (unit === 'ms') return `${printCount(value)} ms`
  return unit === 'bytes' ? printBytes(value) : printCount(value)
}

function printBytes(bytes: number): string {
  for (const [size, unit] of [
    [2 ** 30, 'GiB'],
    [2 ** 20, 'MiB'],
    [2 ** 10, 'KiB'],
  ] as const) {
    if (bytes >= size && bytes % size === 0) return `${printCount(bytes / size)} ${unit}`
  }
  return `${printCount(bytes)} bytes`
}

/** Thousands set apart by commas, the same on every machine. */
function printCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',')
}

if (require.main === module) process.stdout.write(printLimits())
