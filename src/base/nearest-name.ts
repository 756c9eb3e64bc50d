/**
 * The name that somebody probably meant: for messages about names that do not exist.
 *
 * Pure. Pinned by test/unit/base/nearest-name.test.ts.
 */

/** A longer name is near nothing. */
const NAME_CHARS_MAX = 100

/** The one of `known` that takes the fewest edits to reach from `name`; undefined if none comes near. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  if (name.length > NAME_CHARS_MAX) return undefined
  let nearest: string | undefined
  let least = Math.max(2, Math.ceil(name.length / 2))
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase())
    if (distance < least) {
      least = distance
      nearest = candidate
    }
  }
  return nearest
}

/** How many letters must be added, removed, replaced, or exchanged with their neighbour. */
function editDistance(from: string, to: string): number {
  let before: number[] = []
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1] ? 0 : 1
      const plain = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + same)
      const isExchanged = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]
      next.push(isExchanged ? Math.min(plain, before[j - 2]! + 1) : plain)
    }
    before = row
    row = next
  }
  return row[to.length]!
}
