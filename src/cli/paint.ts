/**
 * Colours of text, or none: what paints is chosen once, where it is known whether the output is a terminal that wants them.
 *
 * Painting changes no letter, so a test or a script compares `withoutPaint(text)`. Pinned by test/cli/cycle-drawing.test.ts.
 */

/** Paints a piece of text; the colours are those that every terminal has. */
export interface Paint {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly red: (text: string) => string
  readonly green: (text: string) => string
  readonly yellow: (text: string) => string
  readonly cyan: (text: string) => string
}

/** `coloured` false: every function gives its text back. */
export function createPaint(coloured: boolean): Paint {
  const paint =
    (code: number) =>
    (text: string): string =>
      coloured ? `\x1b[${code}m${text}\x1b[0m` : text
  return { bold: paint(1), dim: paint(2), red: paint(31), green: paint(32), yellow: paint(33), cyan: paint(36) }
}

/** The text as it was before it was painted. */
export function withoutPaint(text: string): string {
  return text.replace(/\x1b\[\d+m/g, '')
}
