/**
 * How the demo looks in a terminal: colours where they are wanted, two columns side by side, a cycle drawn with arrows.
 *
 * Colours are left out where NO_COLOR is set or the output is no terminal. Nothing here knows of databases.
 */
import { drawCycle as cycleLines } from '../src/cli/cycle-drawing'
import { createPaint, withoutPaint } from '../src/cli/paint'
import type { SerializationReport } from '../src/index'

const paint = createPaint(process.stdout.isTTY && (process.env.NO_COLOR ?? '') === '')
export const { bold, dim, red, green, yellow, cyan } = paint

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

/** The cycle of a report, with arrows. */
export function drawCycle(report: SerializationReport): void {
  for (const line of cycleLines(report, paint)) say(line)
}

/** Fills up to `chars` as they are seen: colours take no room. */
function padded(text: string, chars = COLUMN_CHARS): string {
  const seen = withoutPaint(text).length
  return text + ' '.repeat(Math.max(0, chars - seen))
}
