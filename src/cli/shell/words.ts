/**
 * Takes a line of the shell apart into words, and says where each one stands.
 *
 * Blanks separate words, except within double quotes, which may begin anywhere in a word (--from="a b"); a backslash in quotes
 * guards the next character. `#` at the beginning of a word makes the rest of the line a comment. Quotes stay in the
 * word: byte-text.ts knows what they mean. Pure. Pinned by test/cli/shell/words.test.ts.
 */

/** A word as it was typed, and its place in the line, in characters. */
export interface Word {
  readonly text: string
  readonly start: number
  readonly end: number
}

/** The words of a line; a quote that is not closed takes the rest of it. */
export function splitWords(line: string): Word[] {
  const words: Word[] = []
  let at = 0
  while (at < line.length) {
    if (isBlank(line[at]!)) {
      at++
      continue
    }
    if (line[at] === '#') break
    const start = at
    at = endOfWord(line, start)
    words.push({ text: line.slice(start, at), start, end: at })
  }
  return words
}

function endOfWord(line: string, start: number): number {
  let isQuoted = false
  let at = start
  while (at < line.length && (isQuoted || !isBlank(line[at]!))) {
    if (line[at] === '"') isQuoted = !isQuoted
    else if (isQuoted && line[at] === '\\') at++
    at++
  }
  return Math.min(at, line.length)
}

function isBlank(char: string): boolean {
  return char === ' ' || char === '\t' || char === '\r'
}
