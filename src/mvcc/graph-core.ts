/**
 * The bookkeeping under the conflict graph: snapshots, edges, retained transactions, forgetting, and memory's bounds.
 *
 * Here stands what keeps the graph small (rule 5, summaries, too-old) and the primitive steps that conflict-graph.ts puts
 * together; that file's header has the invariants. Split from it so that each can be read in one go.
 * Spec: SSI!Summarize.
 */
import { assert } from '../base/assert'
import type { Limits } from '../base/limits'
import type { Sequence } from '../base/sequence'
import { SEQUENCE_INFINITY } from '../base/sequence'
import { createTooOldError } from './abort-report'
import { Chain } from './chain'
import { ConflictIndex } from './conflict-index'
import { isForgettable } from './rules'
import type { GraphView } from './search'
import { SnapshotSet } from './snapshots'
import { TransactionNode, createTxRef } from './transaction-node'
import type { Edge, FloorReader } from './transaction-node'

/** Whoever reads at a snapshot that counts as active. */
export interface SnapshotHolder {
  readonly id: number
  readonly label: string | undefined
  snapshot: Sequence
  /** Told once if it must end; it has been let go of by then. */
  readonly onDoomed: (error: Error) => void
}

/** See the file's header. */
export class GraphCore implements GraphView {
  readonly index: ConflictIndex
  /** Snapshots of everything tracked; the published sequence counts besides. */
  readonly snapshots = new SnapshotSet()
  /** Those of read-write transactions alone. */
  readonly readWriteSnapshots = new SnapshotSet()
  /** Read-write transactions that are not decided, oldest first. */
  readonly active = new Chain<TransactionNode>()
  readonly nodesWithOutEdges = new Set<TransactionNode>()
  summarizedFloorMax: Sequence = 0
  /** The newest sequence assigned. */
  decided: Sequence
  /** The newest sequence durable and acknowledged. */
  published: Sequence
  edges = 0
  /** Told of every read-write transaction that is decided or aborted, in the same step. */
  onEnded: (node: TransactionNode) => void = () => undefined

  /** Declared readers, which are no nodes; the read-write holders are `active`. */
  readonly #readers = new Set<SnapshotHolder>()
  /** Decided transactions in commit order from `#front` on; the first `#summarized` of them are summarized. */
  #retained: (TransactionNode | undefined)[] = []
  #front = 0
  #summarized = 0
  readonly #registrationsMax: number
  readonly #retainedExactMax: number
  readonly #retainedCommitsMax: number

  constructor(limits: Limits, startSequence: Sequence) {
    this.index = new ConflictIndex(limits.registrationsMax)
    this.#registrationsMax = limits.registrationsMax
    this.#retainedExactMax = limits.retainedExactMax
    this.#retainedCommitsMax = limits.retainedCommitsMax
    this.decided = startSequence
    this.published = startSequence
  }

  /** Decided transactions not yet forgotten. */
  get retainedCount(): number {
    return this.#retained.length - this.#front
  }

  get summarizedCount(): number {
    return this.#summarized
  }

  /** Decided transactions that are not published, in commit order. */
  *unpublished(): IterableIterator<TransactionNode> {
    for (let i = this.#retained.length - 1; i >= this.#front; i--) {
      const node = this.#retained[i]
      if (node === undefined || node.commit <= this.published) return
      yield node
    }
  }

  /** The snapshot of a declared reader counts as active from here on. */
  holdReader(reader: SnapshotHolder): void {
    this.#readers.add(reader)
    this.snapshots.add(reader.snapshot)
  }

  releaseReader(reader: SnapshotHolder): void {
    const held = this.#readers.delete(reader)
    assert(held, 'a released snapshot was held')
    this.snapshots.remove(reader.snapshot)
  }

  /** Whether the declared reader's snapshot still counts as active. */
  isHeld(reader: SnapshotHolder): boolean {
    return this.#readers.has(reader)
  }

  /** A read-write transaction is active, and holds its snapshot, from here on. */
  activate(node: TransactionNode): void {
    node.activeLink = this.active.add(node)
    this.snapshots.add(node.snapshot)
    this.readWriteSnapshots.add(node.snapshot)
  }

  /** An active transaction reads at `snapshot` from here on. */
  moveSnapshot(node: TransactionNode, snapshot: Sequence): void {
    assert(node.activeLink?.isLinked === true, 'a moving snapshot is held')
    this.snapshots.remove(node.snapshot)
    this.readWriteSnapshots.remove(node.snapshot)
    node.snapshot = snapshot
    if (node.floor < snapshot) node.floor = snapshot
    this.snapshots.add(snapshot)
    this.readWriteSnapshots.add(snapshot)
  }

  /** Adds an edge: `from` missed `to`, which is decided. The first edge between two stays. */
  link(from: TransactionNode, to: TransactionNode, edge: Edge): void {
    assert(to.commit !== SEQUENCE_INFINITY, 'what was missed is decided')
    const missed = (from.missed ??= new Map<TransactionNode, Edge>())
    const known = missed.get(to)
    if (known !== undefined && !known.merged) return
    if (known === undefined) this.edges++
    missed.set(to, edge)
    ;(to.missedBy ??= new Set()).add(from)
    if (from.state === 'retained') this.nodesWithOutEdges.add(from)
  }

  raiseFloor(node: TransactionNode, floorReader: FloorReader): void {
    const sequence = floorReader.reader.snapshot
    if (sequence <= node.floor) return
    node.floor = sequence
    node.floorReader = floorReader
    if (node.state === 'summarized' && this.summarizedFloorMax < sequence) this.summarizedFloorMax = sequence
  }

  /** An active transaction is decided: it is retained from here on. */
  retain(node: TransactionNode, commit: Sequence): void {
    this.deactivate(node)
    node.commit = commit
    node.state = 'retained'
    // It cannot be doomed any more, and would keep the whole transaction, values and all, as long as the node.
    node.onDoomed = nothing
    this.#retained.push(node)
    if (node.missed !== undefined && node.missed.size > 0) this.nodesWithOutEdges.add(node)
  }

  /** An active transaction no longer holds its snapshot. */
  deactivate(node: TransactionNode): void {
    const link = node.activeLink
    node.activeLink = undefined
    assert(link !== undefined && this.active.remove(link), 'a released snapshot was held')
    this.snapshots.remove(node.snapshot)
    this.readWriteSnapshots.remove(node.snapshot)
  }

  /** Takes a transaction that leaves no node behind out of everything. REQUIRES: deactivated. */
  dropNode(node: TransactionNode): void {
    this.#unlinkOut(node)
    this.index.removeReads(node)
    node.state = 'gone'
    this.ended(node)
    this.forget()
  }

  ended(node: TransactionNode): void {
    this.onEnded(node)
  }

  /** Rule 5: forgets in commit order; folds what was reached through the forgotten into `low` of those that missed it. */
  forget(): void {
    const oldest = Math.min(this.snapshots.min, this.published)
    let node = this.#retained[this.#front]
    while (node !== undefined && isForgettable(node.commit, this.published, oldest)) {
      this.#retained[this.#front++] = undefined
      this.#forgetNode(node)
      node = this.#retained[this.#front]
    }
    if (this.#front > 1024 && this.#front * 2 > this.#retained.length) {
      this.#retained = this.#retained.slice(this.#front)
      this.#front = 0
    } else if (this.#front === this.#retained.length && this.#front > 0) {
      this.#retained.length = 0
      this.#front = 0
    }
    this.index.floors.dropBelow(this.readWriteSnapshots.min)
  }

  #forgetNode(node: TransactionNode): void {
    this.#foldInto(node)
    this.#unlinkOut(node)
    this.index.removeReads(node)
    this.index.removeWrites(node)
    this.nodesWithOutEdges.delete(node)
    if (node.state === 'summarized') {
      this.#summarized--
      if (this.#summarized === 0) this.summarizedFloorMax = 0
    }
    node.state = 'gone'
  }

  #foldInto(node: TransactionNode): void {
    if (node.missedBy === undefined) return
    for (const from of node.missedBy) {
      const edge = from.missed?.get(node)
      from.missed?.delete(node)
      this.edges--
      foldLow(from, node, edge?.merged === true)
    }
    node.missedBy = undefined
  }

  #unlinkOut(node: TransactionNode): void {
    if (node.missed === undefined) return
    for (const to of node.missed.keys()) to.missedBy?.delete(node)
    this.edges -= node.missed.size
    node.missed = undefined
  }

  /** Keeps memory within its limits: summarizes the oldest retained. */
  summarizeBeyondLimits(): void {
    while (this.#isAboveExact()) {
      const node = this.#retained[this.#front + this.#summarized]
      if (node === undefined) return
      this.#summarize(node)
    }
  }

  /** Where even summaries are too many, gives up whoever reads at the oldest snapshot. */
  giveUpBeyondLimits(): void {
    while (this.retainedCount > this.#retainedCommitsMax && this.snapshots.min < this.published) this.#giveUpOldest()
  }

  #isAboveExact(): boolean {
    if (this.retainedCount - this.#summarized > this.#retainedExactMax) return true
    return this.index.entries + this.edges > this.#registrationsMax && this.#summarized < this.retainedCount
  }

  /** Keeps of a decided transaction its writes, commit, low and floor; a search that meets it closes, conservatively. */
  #summarize(node: TransactionNode): void {
    for (const [missed, { merged }] of node.missed ?? []) foldLow(node, missed, merged)
    this.#unlinkOut(node)
    this.index.removeReads(node)
    node.state = 'summarized'
    this.nodesWithOutEdges.delete(node)
    this.#summarized++
    if (this.summarizedFloorMax < node.floor) this.summarizedFloorMax = node.floor
  }

  #giveUpOldest(): void {
    const oldest = this.snapshots.min
    const holder = firstAt(this.active, oldest) ?? firstAt(this.#readers, oldest)
    assert(holder !== undefined, 'somebody holds the oldest snapshot')
    const error = createTooOldError(createTxRef(holder.id, holder.label, holder.snapshot, SEQUENCE_INFINITY))
    if (holder instanceof TransactionNode) {
      this.deactivate(holder)
      this.dropNode(holder)
    } else {
      this.releaseReader(holder)
      this.forget()
    }
    holder.onDoomed(error)
  }

  checkInvariants(): void {
    this.index.checkInvariants()
    let edges = 0
    let before = 0
    const nodes = this.#retained.slice(this.#front).filter((node) => node !== undefined)
    assert(nodes.length === this.retainedCount, 'what is retained is there')
    nodes.forEach((node, place) => {
      assert(node.commit > before, 'retained transactions stand in commit order')
      before = node.commit
      assert((node.state === 'summarized') === place < this.#summarized, 'the summarized are the oldest retained')
      const hasOut = (node.missed?.size ?? 0) > 0 || node.low !== SEQUENCE_INFINITY
      assert(
        node.state === 'summarized' || hasOut === this.nodesWithOutEdges.has(node),
        'nodes with out-edges are known',
      )
    })
    for (const node of [...nodes, ...this.active]) {
      for (const to of node.missed?.keys() ?? []) {
        edges++
        assert(to.missedBy?.has(node) === true, 'an edge is known at both ends')
        assert(to.state === 'retained' || to.state === 'summarized', 'an edge ends in a retained transaction')
      }
    }
    assert(edges === this.edges, 'the count of edges is right')
    assert(this.#readers.size + this.active.size === this.snapshots.size, 'every active snapshot has a holder')
    assert(this.active.size === this.readWriteSnapshots.size, 'every active transaction has its snapshot')
    const first = nodes[0]
    if (first === undefined) return
    const oldest = Math.min(this.snapshots.min, this.published)
    assert(!isForgettable(first.commit, this.published, oldest), 'what can be forgotten is forgotten')
  }
}

function nothing(): void {
  // For nobody.
}

function firstAt<Holder extends SnapshotHolder>(holders: Iterable<Holder>, snapshot: Sequence): Holder | undefined {
  for (const holder of holders) if (holder.snapshot === snapshot) return holder
  return undefined
}

/** What can be reached through `to` is kept in the `low` of `from`, whose edge to it goes away. */
function foldLow(from: TransactionNode, to: TransactionNode, isMergedEdge: boolean): void {
  const byLow = to.low < to.commit
  const reached = byLow ? to.low : to.commit
  const merged = isMergedEdge || (byLow && to.lowMerged)
  if (reached > from.low || (reached === from.low && (merged || !from.lowMerged))) return
  from.low = reached
  from.lowMerged = merged
  from.lowRef = byLow ? to.lowRef : createTxRef(to.id, to.label, to.snapshot, to.commit)
}
