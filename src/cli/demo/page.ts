/**
 * The page that the demo writes on: headings, sentences broken between words, two columns side by side.
 *
 * Colours are chosen by its `Paint`. Nothing here knows of databases. Pinned by test/cli/demo.test.ts.
 */
import type { Paint } from '../paint'
import { withoutPaint } from '../paint'
import { wrap } from '../wrap'

/** Width of a column in characters. */
const COLUMN_CHARS = 46
const PAGE_CHARS = 2 * COLUMN_CHARS + 3

/** Where the demo writes. */
export interface Page {
  readonly paint: Paint
  readonly say: (text?: string) => void
  /** A sentence, broken between words. */
  readonly sayWrapped: (sentence: string) => void
  /** A heading with a rule under it. */
  readonly heading: (title: string) => void
  /** Two columns of lines, the shorter one filled up. */
  readonly sideBySide: (left: readonly string[], right: readonly string[]) => void
}

/** A page whose lines go to `out`. */
export function createPage(out: (text: string) => void, paint: Paint): Page {
  const say = (text = ''): void => out(`${text}\n`)
  return {
    paint,
    say,
    sayWrapped: (sentence) => wrap(sentence, PAGE_CHARS).forEach((line) => say(line)),
    heading: (title) => {
      say()
      say(paint.bold(paint.cyan(title)))
      say(paint.cyan('─'.repeat(PAGE_CHARS)))
    },
    sideBySide: (left, right) => {
      for (let i = 0; i < Math.max(left.length, right.length); i++) {
        say(`${padded(left[i] ?? '')} ${paint.dim('│')} ${right[i] ?? ''}`)
      }
    },
  }
}

/** One row of a table whose first column is `firstChars` wide and the others 22. */
export function tableRow(cells: readonly string[], firstChars = 34): string {
  return cells.map((cell, index) => padded(cell, index === 0 ? firstChars : 22)).join(' ')
}

/** Fills up to `chars` as they are seen: colours take no room. */
function padded(text: string, chars = COLUMN_CHARS): string {
  const seen = withoutPaint(text).length
  return text + ' '.repeat(Math.max(0, chars - seen))
}
