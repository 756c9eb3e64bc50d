/**
 * Breaks sentences into lines between words. Pure; colours are not expected in what it is given.
 *
 * Pinned by test/cli/help.test.ts.
 */

/** The lines of `sentence`, each at most `columns` characters unless a word alone is longer; all but the first indented. */
export function wrap(sentence: string, columns: number, indent = ''): string[] {
  const lines: string[] = []
  let line = ''
  let isBegun = false
  for (const word of sentence.split(' ')) {
    if (isBegun && line.length + 1 + word.length > columns) {
      lines.push(line)
      line = indent + word
    } else {
      line = isBegun ? `${line} ${word}` : line + word
    }
    isBegun = true
  }
  return [...lines, line]
}

/** Rows of two columns, the first as wide as its longest cell, the second wrapped. */
export function twoColumns(rows: readonly (readonly [string, string])[], columns: number, indent = '  '): string[] {
  const width = Math.max(0, ...rows.map(([first]) => first.length))
  const rest = `${indent}${' '.repeat(width)}  `
  return rows.flatMap(([first, second]) => wrap(`${indent}${first.padEnd(width)}  ${second}`, columns, rest))
}
