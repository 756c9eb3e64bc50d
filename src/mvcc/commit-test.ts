/**
 * What the commit test of rule 4 is about, taken from the graph's state without changing it.
 *
 * A commit and its forecast (explain.ts) ask here, so that a forecast is the very test that a commit would meet.
 *
 *      batch --> who has read it, who has written it (predecessors), which readers without writes lift the floor
 *
 * Pure: reads the index, changes nothing, throws nothing. Pinned by test/unit/mvcc/explain.test.ts and test/model.
 */
import type { Key } from '../base/bytes'
import type { Sequence } from '../base/sequence'
import type { Batch } from '../storage/engine'
import { ENTRY_DELETE_RANGE } from '../storage/engine'
import type { ConflictIndex } from './conflict-index'
import type { ReaderFloors } from './reader-floors'
import { isFirstCommitterLost } from './rules'
import type { Edge, FloorReader, TransactionNode } from './transaction-node'

/** The reader without writes with the greatest snapshot above `floor` that has read something of what `batch` overwrites. */
export function floorReaderOf(floors: ReaderFloors, batch: Batch, floor: Sequence): FloorReader | undefined {
  if (floors.size === 0) return undefined
  let greatest: FloorReader | undefined
  for (const { kind, key, end } of batch) {
    const range = kind === ENTRY_DELETE_RANGE ? { start: key, end } : undefined
    const above = greatest?.reader.snapshot ?? floor
    const found = range === undefined ? floors.ofKey(key, above) : floors.ofRange(range, above)
    if (found === undefined) continue
    // The place is what is overwritten: the record may have grown since it was made.
    const place =
      range === undefined ? { key, range } : { key: found.key, range: found.key === undefined ? range : undefined }
    greatest = { reader: found.reader, merged: found.merged, ...place }
  }
  return greatest
}

/** Decided readers and writers of what `batch` writes, each with its first edge to the writer of the batch. */
export function decidedPredecessors(index: ConflictIndex, batch: Batch): Map<TransactionNode, Edge> {
  const predecessors = new Map<TransactionNode, Edge>()
  index.forEachPredecessor(batch, isDecided, (predecessor, edge) => {
    if (!predecessors.has(predecessor)) predecessors.set(predecessor, edge)
  })
  return predecessors
}

/** Isolation 'snapshot': who committed a write of a key of `batch` above `snapshot`, and of which key. */
export function firstCommitterOf(
  index: ConflictIndex,
  batch: Batch,
  snapshot: Sequence,
): { readonly winner: TransactionNode; readonly key: Key } | undefined {
  let found: { readonly winner: TransactionNode; readonly key: Key } | undefined
  index.forEachPredecessor(batch, isDecided, (winner, { kind, key, range }) => {
    if (found !== undefined || kind !== 'ww' || !isFirstCommitterLost(winner.commit, snapshot)) return
    found = { winner, key: key ?? range?.start ?? '' }
  })
  return found
}

/**
 * Whether an edge from `predecessor` to the writer of a batch at `snapshot` is stored when that is decided: real time orders
 * those that committed at or below the snapshot, and of summarized ones no edges are kept.
 */
export function isEdgeStored(predecessor: TransactionNode, writer: TransactionNode): boolean {
  if (predecessor === writer || predecessor.state === 'summarized') return false
  return predecessor.state !== 'retained' || predecessor.commit > writer.snapshot
}

/** Active transactions are not in the order yet. */
function isDecided(node: TransactionNode): boolean {
  return node.state !== 'active'
}
