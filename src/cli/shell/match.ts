/**
 * Compares what a command printed with what a script says: lines in order, `...` in a line for any text, `...` alone for any
 * number of lines (none too).
 *
 * Pure; linear in the lines for patterns without lone dots, else it tries the places in turn. Pinned by
 * test/cli/shell/match.test.ts.
 */

const ANYTHING = '...'

/** One sentence about the first difference; undefined if the lines are as expected. */
export function matchLines(expected: readonly string[], lines: readonly string[]): string | undefined {
  let at = 0
  let place = 0
  // Where to go on if the lines behind the last lone dots turn out not to fit: one line further.
  let retry: { readonly place: number; at: number } | undefined
  while (at < lines.length || place < expected.length) {
    const pattern = expected[place]
    const line = lines[at]
    if (pattern === ANYTHING) {
      retry = { place: ++place, at }
    } else if (pattern !== undefined && line !== undefined && isMatch(pattern, line)) {
      place++
      at++
    } else if (retry !== undefined && retry.at < lines.length) {
      at = ++retry.at
      place = retry.place
    } else return difference(pattern, line)
  }
  return undefined
}

/** Whether a line is as a pattern says. */
export function isMatch(pattern: string, line: string): boolean {
  const [first = '', ...rest] = pattern.split(ANYTHING)
  if (rest.length === 0) return pattern === line
  if (!line.startsWith(first)) return false
  const last = rest.at(-1) ?? ''
  let at = first.length
  for (const part of rest.slice(0, -1)) {
    const found = line.indexOf(part, at)
    if (found === -1) return false
    at = found + part.length
  }
  return line.length - last.length >= at && line.endsWith(last)
}

function difference(expected: string | undefined, line: string | undefined): string {
  if (expected === undefined) return `it also printed: ${line ?? ''}`
  if (line === undefined) return `it did not print: ${expected}`
  return `it printed: ${line} - and not: ${expected}`
}
