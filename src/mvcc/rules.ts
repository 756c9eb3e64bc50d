/**
 * The rules of isolation, one function each, pure: what is decided, apart from the bookkeeping that makes it decidable.
 *
 * The guarantee: a transaction aborts if and only if committing it would leave no strict serial order. Rule 0 (a doomed
 * transaction does nothing more) and rule 1 (snapshot and registration are one step) are the transaction's and the
 * graph's own shape; rules 2 to 5 are decisions and stand here. docs/ISOLATION.md has the proofs.
 *
 *      Tin --rw or ww--> pivot --rw--> Tout        every cycle contains such a pair, Tout the first of it to commit
 *
 * Nothing here awaits, stores or throws. Pinned by test/unit/mvcc/rules.test.ts and, as a whole, by test/model.
 */
import type { Sequence } from '../base/sequence'
import { search } from './search'
import type { Closing, GraphView, Reach, Step } from './search'
import type { Edge, TransactionNode } from './transaction-node'

/** In-edges that accepting a transaction would add, and what it may not come before. */
export interface CommitQuestion {
  /** Who overwrote what the transaction read (and, for ww, its blind writes): its out-edges. */
  readonly missed: ReadonlyMap<TransactionNode, Edge>
  /** Committed concurrent readers of what it writes, and its concurrent ww predecessors, each with its edge to it. */
  readonly predecessors: ReadonlyMap<TransactionNode, Edge> | undefined
  /** The greatest of its snapshot and the snapshots of read-only readers of what it overwrites. */
  readonly floor: Sequence
}

/**
 * Rule 2, read: a reader at `snapshot` has come upon `overwriters` with later commits. Abort now, before the value is
 * returned, if from one of them a commit `<= snapshot` can be reached.
 */
export function decideRead(
  overwriters: ReadonlyMap<TransactionNode, Edge>,
  snapshot: Sequence,
  view: GraphView,
): Reach {
  return search(overwriters, undefined, snapshot, view)
}

/** Rule 3, write: the transaction has read this very key, and a version of it is newer than the snapshot: certainly lost. */
export function isLostUpdate(newestWriter: Sequence, snapshot: Sequence): boolean {
  return newestWriter > snapshot
}

/**
 * Rule 4, commit: accept if nothing read is stale; else search from the overwriters along stored and real-time edges, and
 * abort if the least commit seen is `<= floor`, or a committed concurrent reader of what is written or a concurrent ww
 * predecessor is reached.
 */
export function decideCommit(question: CommitQuestion, view: GraphView): Reach {
  return search(question.missed, question.predecessors, question.floor, view)
}

/** Rule 4, early notice: the reads alone of an active reader at `snapshot` close a cycle through a transaction that reaches `least`. */
export function isDoomed(snapshot: Sequence, least: Sequence): boolean {
  return least <= snapshot
}

/** Rule 5, end: a decided transaction is forgotten once it is published and no active snapshot lies below its commit. */
export function isForgettable(commit: Sequence, published: Sequence, oldestSnapshot: Sequence): boolean {
  return commit <= published && commit <= oldestSnapshot
}

/** A reader without writes at `snapshot` must leave floors only while a read-write transaction with an older snapshot runs. */
export function isFloorNeeded(snapshot: Sequence, oldestReadWriteSnapshot: Sequence): boolean {
  return oldestReadWriteSnapshot < snapshot
}

/** Isolation 'snapshot': the first committer wins; `newestWriter` is the newest commit of a key that is written. */
export function isFirstCommitterLost(newestWriter: Sequence, snapshot: Sequence): boolean {
  return newestWriter > snapshot
}

/**
 * Deferrable: a read-write transaction that was active or unpublished when the snapshot was taken leaves it unsafe if it was
 * decided with a missed commit, or a `low`, at or below it.
 */
export function leavesUnsafe(node: TransactionNode, snapshot: Sequence): boolean {
  if (node.low <= snapshot) return true
  if (node.missed === undefined) return false
  for (const missed of node.missed.keys()) {
    if (missed.commit <= snapshot) return true
  }
  return false
}

/**
 * The dangerous structure (Fekete 2005, with ww between concurrent blind writers as a first edge): necessary for any cycle,
 * not sufficient. `reached` are the commits of the pivot's out-edges; `predecessorCommit` is Infinity while it is active.
 */
export function isDangerousStructure(
  predecessorCommit: Sequence,
  pivotCommit: Sequence,
  outCommits: Iterable<Sequence>,
): boolean {
  for (const out of outCommits) {
    if (out < pivotCommit && out <= predecessorCommit) return true
  }
  return false
}

/** Whether bounded memory, and not a proven cycle, is why a search closed. */
export function isConservative(closing: Closing): boolean {
  if (closing.kind === 'summary') return true
  if (closing.kind === 'edge' && closing.edge.merged) return true
  if (closing.kind === 'real-time' && closing.byLow && closing.last.node.lowMerged) return true
  for (let step: Step | undefined = closing.last; step !== undefined; step = step.from) {
    if (step.edge !== 'real-time' && step.edge.merged) return true
    if (step.edge === 'real-time' && (isByMergedFloor(step) || isByMergedLow(step.from))) return true
  }
  return false
}

/** Whether real time led to `node` only because a floor that stands for more keys than were read is above its snapshot. */
function isByMergedFloor({ node, from }: Step): boolean {
  if (node.floorReader?.merged !== true) return false
  return from === undefined || Math.min(from.node.commit, from.node.low) > node.snapshot
}

/** Whether real time left from what a `low` leads to, and that low rests on merged reads. */
function isByMergedLow(from: Step | undefined): boolean {
  return from !== undefined && from.node.low < from.node.commit && from.node.lowMerged
}
