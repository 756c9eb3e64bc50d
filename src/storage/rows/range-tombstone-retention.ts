/**
 * What a merge keeps of range tombstones: fragments, and in each fragment only the sequences that some snapshot can tell apart.
 *
 * One sweep over the sorted boundaries with the set of tombstones that are open there. Of the open ones a fragment keeps, for each
 * snapshot, the newest at or below it, and all above the greatest snapshot (later readers may stand between them). Neighbours that
 * keep the same are one fragment, so a queue that deletes [0, 1), [0, 2), [0, 3) ... ends as one tombstone.
 *
 *   [a ------------ d) 9                 a      b      d    f
 *          [b --------------- f) 5   ->  [  9   |  9   | 5  )   with one snapshot at 10:  [a, d) 9  [d, f) 5
 *
 * Cost: O(n log n) with few snapshots. Pinned by test/unit/storage/rows/range-tombstones.test.ts.
 */
import BTree from 'sorted-btree'
import type { Key } from '../../base/bytes'
import { compareEnds, intersectRanges, isEmptyRange } from '../../base/key-range'
import type { KeyRange } from '../../base/key-range'
import type { Sequence } from '../../base/sequence'
import type { RangeTombstone } from './version-cursor'

interface Fragment {
  readonly start: Key
  readonly end: Key | undefined
  /** Descending. */
  readonly sequences: readonly Sequence[]
}

/**
 * Fragments a list (a merge's inputs) into tombstones whose ranges are equal or disjoint and keeps, per fragment, the newest
 * one at or below each of `snapshots` (any order; the published sequence is one) and those above the greatest of them; without
 * snapshots all. By start ascending, then sequence descending.
 */
export function retainRangeTombstones(
  list: readonly RangeTombstone[],
  snapshots: Iterable<Sequence>,
): RangeTombstone[] {
  const descending = [...new Set(snapshots)].sort((a, b) => b - a)
  const result: RangeTombstone[] = []
  for (const { start, end, sequences } of joinedFragments(list, descending)) {
    for (const sequence of sequences) result.push({ start, end, sequence })
  }
  return result
}

function joinedFragments(list: readonly RangeTombstone[], snapshots: readonly Sequence[]): Fragment[] {
  const byStart = sortRangeTombstones(list)
  const byEnd = [...list].sort((a, b) => compareEnds(a.end, b.end))
  const open = new BTree<Sequence, number>(undefined, (a, b) => a - b)
  const fragments: Fragment[] = []
  let starting = 0
  let ending = 0
  let at: Key | undefined = byStart[0]?.start
  while (at !== undefined && ending < byEnd.length) {
    while (ending < byEnd.length && byEnd[ending]!.end === at) closeOne(open, byEnd[ending++]!.sequence)
    while (starting < byStart.length && byStart[starting]!.start === at) openOne(open, byStart[starting++]!.sequence)
    if (ending === byEnd.length) break
    const nextStart = byStart[starting]?.start
    const nextEnd = byEnd[ending]!.end
    // No range is empty, so the next boundary lies behind this one.
    const next: Key | undefined = nextStart !== undefined && compareEnds(nextStart, nextEnd) < 0 ? nextStart : nextEnd
    pushFragment(fragments, { start: at, end: next, sequences: retained(open, snapshots) })
    at = next
  }
  return fragments
}

function openOne(open: BTree<Sequence, number>, sequence: Sequence): void {
  open.set(sequence, (open.get(sequence) ?? 0) + 1)
}

function closeOne(open: BTree<Sequence, number>, sequence: Sequence): void {
  const count = open.get(sequence)! - 1
  if (count === 0) open.delete(sequence)
  else open.set(sequence, count)
}

function retained(open: BTree<Sequence, number>, snapshots: readonly Sequence[]): Sequence[] {
  const sequences: Sequence[] = []
  const greatest = snapshots[0] ?? 0
  for (let above = open.maxKey(); above !== undefined && above > greatest; above = open.nextLowerKey(above)) {
    sequences.push(above)
  }
  for (const snapshot of snapshots) {
    const newest = open.has(snapshot) ? snapshot : open.nextLowerKey(snapshot)
    if (newest === undefined) break
    if (newest !== sequences.at(-1)) sequences.push(newest)
  }
  return sequences
}

function pushFragment(fragments: Fragment[], fragment: Fragment): void {
  if (fragment.sequences.length === 0) return
  const last = fragments.at(-1)
  if (
    last !== undefined &&
    last.end === fragment.start &&
    last.sequences.length === fragment.sequences.length &&
    last.sequences.every((sequence, i) => sequence === fragment.sequences[i])
  ) {
    fragments[fragments.length - 1] = { start: last.start, end: fragment.end, sequences: last.sequences }
  } else {
    fragments.push(fragment)
  }
}

/** The parts of tombstones that lie in `range`, in the order of the list. */
export function clipRangeTombstones(list: readonly RangeTombstone[], range: KeyRange): RangeTombstone[] {
  const clipped: RangeTombstone[] = []
  for (const tombstone of list) {
    const part = intersectRanges(tombstone, range)
    if (!isEmptyRange(part)) clipped.push({ start: part.start, end: part.end, sequence: tombstone.sequence })
  }
  return clipped
}

/** By start ascending, then sequence descending, then end: the order in tables. */
export function sortRangeTombstones(list: readonly RangeTombstone[]): RangeTombstone[] {
  return [...list].sort((a, b) => {
    if (a.start !== b.start) return a.start < b.start ? -1 : 1
    return b.sequence - a.sequence || compareEnds(a.end, b.end)
  })
}
