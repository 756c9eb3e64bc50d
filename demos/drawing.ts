/**
 * How the demo looks in a terminal: colours where they are wanted, two columns side by side, a cycle drawn with arrows.
 *
 * Colours are left out where NO_COLOR is set or the output is no terminal. Nothing here knows of databases.
 */
import type { CycleEdge, SerializationReport } from '../src/index'

const coloured = process.stdout.isTTY && (process.env.NO_COLOR ?? '') === ''
const paint =
  (code: number) =>
  (text: string): string =>
    coloured ? `\x1b[${code}m${text}\x1b[0m` : text

export const bold = paint(1)
export const dim = paint(2)
export const red = paint(31)
export const green = paint(32)
export const yellow = paint(33)
export const cyan = paint(36)

/** Width of a column in characters. */
const COLUMN_CHARS = 46

export function say(text = ''): void {
  process.stdout.write(`${text}\n`)
}

/** A sentence, broken between words. */
export function sayWrapped(sentence: string): void {
  let line = ''
  for (const word of sentence.split(' ')) {
    if (line.length + word.length + 1 > 2 * COLUMN_CHARS + 3) {
      say(line)
      line = ''
    }
    line += line === '' ? word : ` ${word}`
  }
  say(line)
}

/** A heading with a rule under it. */
export function heading(title: string): void {
  say()
  say(bold(cyan(title)))
  say(cyan('─'.repeat(2 * COLUMN_CHARS + 3)))
}

/** Two columns of lines, the shorter one filled up. */
export function sideBySide(left: readonly string[], right: readonly string[]): void {
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    say(`${padded(left[i] ?? '')} ${dim('│')} ${right[i] ?? ''}`)
  }
}

/** One row of a table whose first column is `firstChars` wide and the others 22. */
export function tableRow(cells: readonly string[], firstChars = 34): string {
  return cells.map((cell, index) => padded(cell, index === 0 ? firstChars : 22)).join(' ')
}

/**
 * The cycle of a report: each transaction stands above what has to come after it, and the last one leads back.
 *
 *   ╭─▶ alice
 *   │     │  read "bob" before bob overwrote it
 *   │   bob
 *   │     │  read "alice" before alice overwrote it
 *   ╰─────╯
 */
export function drawCycle(report: SerializationReport): void {
  report.cycle.forEach((edge, index) => {
    say(`  ${yellow(index === 0 ? '╭─▶' : '│  ')} ${bold(nameOf(edge.from))}`)
    say(`  ${yellow('│')}     ${yellow('│')}  ${dim(`${because(edge)}: it comes before ${nameOf(edge.to)}`)}`)
  })
  say(`  ${yellow('╰─────╯')}`)
}

function because(edge: CycleEdge): string {
  const what = edge.key === undefined ? rangeText(edge) : `"${Buffer.from(edge.key).toString()}"`
  if (edge.kind === 'rw') return `read ${what} as it was before ${nameOf(edge.to)} wrote it`
  if (edge.kind === 'ww') return `wrote ${what}, which ${nameOf(edge.to)} overwrote`
  return `had committed when ${nameOf(edge.to)} began`
}

function rangeText({ range }: CycleEdge): string {
  return range === undefined ? 'something' : `the range from "${Buffer.from(range.start).toString()}"`
}

function nameOf({ id, label }: CycleEdge['from']): string {
  return label ?? `transaction ${id}`
}

/** Fills up to `chars` as they are seen: colours take no room. */
function padded(text: string, chars = COLUMN_CHARS): string {
  const seen = text.replace(/\x1b\[\d+m/g, '').length
  return text + ' '.repeat(Math.max(0, chars - seen))
}
