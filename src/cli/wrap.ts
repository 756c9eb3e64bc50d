/**
 * Breaks sentences into lines between words. Pure; colours are not expected in what it is given.
 *
 * Pinned by test/cli/help.test.ts.
 */

/** The lines of `sentence`, each at most `columns` characters unless a word alone is longer; all but the first indented. */
export function wrap(sentence: string, columns: number, indent = ''): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of sentence.split(' ')) {
    if (line.trim() !== '' && line.length + 1 + word.length > columns) {
      lines.push(line)
      line = indent + word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line]
}

/** Rows of two columns, the first as wide as its longest cell, the second wrapped. */
export function twoColumns(rows: readonly (readonly [string, string])[], columns: number, indent = '  '): string[] {
  const width = Math.max(0, ...rows.map(([first]) => first.length))
  return rows.flatMap(([first, second]) =>
    wrap(`${indent}${first.padEnd(width)}  ${second}`, columns, `${indent}${' '.repeat(width)}  `),
  )
}
