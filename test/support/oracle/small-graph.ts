/**
 * The same definition as checker.ts for a handful of transactions over a handful of keys, in bit masks: fast enough for
 * tens of millions of schedules.
 *
 * The key space is cut into cells, three keys and the gaps between them; a set of keys is a mask of cells. Two sets share a
 * key exactly if their masks share a bit, so a range that contains only a gap conflicts only with ranges over that gap.
 * Pinned by test/unit/oracle/small-graph.test.ts against checker.ts and brute-force.ts.
 */

/** The keys of small schedules, and the range, half-open, that holds the first two. */
export const SMALL_KEYS = ['a', 'b', 'c'] as const
export const SMALL_RANGE = { start: 'a', end: 'c' } as const

/** The cell of each key; the range also has the gap between a and b and the one between b and c. */
export const KEY_CELLS = [1, 2, 4] as const
export const RANGE_CELLS = 1 | 2 | 8 | 16

/** One transaction of a small history. */
export interface SmallNode {
  name: string
  snapshot: number
  /** 0 while it has none. */
  commit: number
  /** Cells shown to it, minus its own. */
  reads: number
  writes: number
  counted: boolean
}

/** A node that has done nothing yet. */
export function createSmallNode(name: string): SmallNode {
  return { name, snapshot: 0, commit: 0, reads: 0, writes: 0, counted: false }
}

/** Whether `a` comes before `b` in every strict serial order. */
function isBefore(a: SmallNode, b: SmallNode): boolean {
  if (a.commit !== 0 && a.commit <= b.snapshot) return true
  if (b.commit === 0) return false
  if ((a.reads & b.writes) !== 0 && b.commit > a.snapshot) return true
  return a.commit !== 0 && a.commit < b.commit && (a.writes & b.writes) !== 0
}

/**
 * Whether counting `candidate`, at commit sequence `commit` (0: without writes), would close a cycle through it.
 * REQUIRES: the counted nodes are acyclic without it.
 */
export function closesSmallCycle(nodes: readonly SmallNode[], candidate: SmallNode, commit: number): boolean {
  const kept = candidate.commit
  candidate.commit = commit
  let reached = 0
  let frontier: SmallNode[] = [candidate]
  let isClosed = false
  while (frontier.length > 0 && !isClosed) {
    const next: SmallNode[] = []
    for (const from of frontier) {
      for (let i = 0; i < nodes.length; i++) {
        const to = nodes[i]!
        if (!to.counted || to === candidate || to === from || (reached & (1 << i)) !== 0 || !isBefore(from, to))
          continue
        reached |= 1 << i
        if (isBefore(to, candidate)) isClosed = true
        next.push(to)
      }
    }
    frontier = next
  }
  candidate.commit = kept
  return isClosed
}
