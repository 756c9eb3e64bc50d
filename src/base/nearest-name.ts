/**
 * The name that somebody probably meant: for messages about names that do not exist.
 *
 * Pure. Pinned by test/unit/base/nearest-name.test.ts.
 */

/** The one of `known` that takes the fewest edits to reach from `name`; undefined if none comes near. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
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

/** Levenshtein's distance with one row of memory; names longer than 100 characters are cut, they are near nothing. */
function editDistance(from: string, to: string): number {
  const a = from.slice(0, 100)
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const same = a.charCodeAt(i - 1) === to.charCodeAt(j - 1) ? 0 : 1
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + same))
    }
    row = next
  }
  return row[to.length]!
}
