/**
 * Retention: which versions somebody can still read, decided from sequences alone.
 *
 * Reads happen at the live snapshots, at the published sequence (the next reader takes it) and anywhere above it. Seen
 * from those points, a version stands for the sequences from its own up to the one that replaces it:
 *
 *   versions of a key      5-----------9---14----------------20--->
 *   retained sequences         7             ^15           published 18
 *   needed                 yes         no    yes              yes (above the published sequence)
 *
 * 1. A version is needed if a retained sequence lies in [its own, its replacement's), or it lies above the published one.
 * 2. What replaces a version is the next newer version of the key or the least newer range deletion that covers it.
 * 3. A tombstone may go only if it is at or below the oldest retained sequence and nothing older of its key can remain anywhere.
 *
 * Pinned by test/unit/storage/compaction/compaction-retention.test.ts and, through engines, by test/contract/engine.
 * Spec: MVCC!Collect.
 */
import { assert } from '../../base/assert'
import type { Sequence } from '../../base/sequence'

/** The sequences that reads can happen at, as they were when a merge was planned. */
export interface Retention {
  /** Ascending, distinct; the last one is the published sequence. */
  readonly sequences: readonly Sequence[]
  /** The least of them. */
  readonly oldest: Sequence
  /** The greatest of them: everything above it is needed. */
  readonly published: Sequence
}

/** The retention that live snapshots and the published sequence ask for. */
export function createRetention(liveSnapshots: Iterable<Sequence>, published: Sequence): Retention {
  const distinct = new Set<Sequence>([published])
  // A snapshot above the published sequence needs no entry: everything up there is kept.
  for (const sequence of liveSnapshots) if (sequence < published) distinct.add(sequence)
  const sequences = [...distinct].sort((a, b) => a - b)
  return { sequences, oldest: sequences[0]!, published }
}

/**
 * Whether a read can still see the version at `sequence`, which is replaced at `replacedAt` (Infinity: it is the newest).
 */
export function isVersionNeeded(retention: Retention, sequence: Sequence, replacedAt: Sequence): boolean {
  assert(replacedAt > sequence, 'a version is replaced by a newer one')
  if (sequence > retention.published) return true
  // With one retained sequence, the usual case, this is two comparisons.
  const { sequences } = retention
  let low = 0
  let high = sequences.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sequences[middle]! < sequence) low = middle + 1
    else high = middle
  }
  return low < sequences.length && sequences[low]! < replacedAt
}
