/**
 * The conflict graph: who missed whose write, kept from begin until nothing can depend on it any more.
 *
 * Every rule of isolation that changes state is carried out here, each in one synchronous step; what is decided in it is
 * a pure function of rules.ts. Nodes are read-write transactions; readers without writes only leave floors.
 *
 *      begin --> readKey / readRange --> commit --> publish --> forgotten
 *                        |                 |
 *                        +---> abort <-----+
 *
 * Invariants: 1. An edge goes from a transaction to one that overwrote, while concurrent, what the first read or blindly
 * wrote; it stands in `missed` of the one and `missedBy` of the other. 2. Every end of an edge's head is decided. 3. Retained
 * nodes stand in commit order, and none of them is forgettable. 4. `nodesWithOutEdges` are exactly the retained ones that
 * missed something or have a `low`. 5. Summarized nodes are the oldest of the retained.
 *
 * What it does not do: values, waiting, acknowledging (transaction-store.ts). Pinned by test/model and test/scripts.
 * Spec: SSI!Begin, SSI!Read, SSI!ReadDeclared, SSI!Write, SSI!Commit, SSI!CommitSnapshot, SSI!CommitReader.
 */
import { assert } from '../base/assert'
import type { Key } from '../base/bytes'
import type { KeyRange } from '../base/key-range'
import type { Limits } from '../base/limits'
import type { TxRef } from '../base/serialization-report'
import type { Sequence } from '../base/sequence'
import { SEQUENCE_INFINITY } from '../base/sequence'
import type { Batch } from '../storage/engine'
import { createLostUpdateError, createSerializationError } from './abort-report'
import { decidedPredecessors, firstCommitterOf, floorReaderOf, isEdgeStored } from './commit-test'
import { appended } from './conflict-index'
import { GraphCore } from './graph-core'
import type { SnapshotHolder } from './graph-core'
import { mergeKeyReads, mergeRangeReads } from './memory-bounds'
import type { RangeEntry } from './range-index'
import type { GrowingFloor } from './reader-floors'
import { decideCommit, decideRead, isDoomed, isFloorNeeded, isLostUpdate } from './rules'
import type { Reach } from './search'
import { TransactionNode, createTxRef } from './transaction-node'
import type { Edge, RangeRead } from './transaction-node'

/** The interval that a cursor has registered so far; it grows upwards in place, downwards by pieces. */
export interface GrowingRead {
  entry: RangeEntry<RangeRead> | undefined
  floor: GrowingFloor
}

/** Where an accepted commit goes, in the step that accepts it. */
export interface CommitLog {
  /** Makes `batch` readable at `sequence`. May throw, with no effect. */
  append(batch: Batch, sequence: Sequence): void
}

/** A reader without writes: declared, deferrable, or lone. It is no node. */
export interface Reader extends SnapshotHolder {
  readonly id: number
  readonly label: string | undefined
}

/** See the file's header. */
export class ConflictGraph {
  readonly core: GraphCore
  readonly #readsPerTransactionMax: number
  searches = 0
  searchVisits = 0

  constructor(limits: Limits, startSequence: Sequence) {
    this.core = new GraphCore(limits, startSequence)
    this.#readsPerTransactionMax = limits.readsPerTransactionMax
  }

  /** Rule 1, begin: takes the snapshot and registers it in one synchronous step. */
  begin(
    id: number,
    label: string | undefined,
    snapshot: Sequence,
    serializable: boolean,
    onDoomed: (error: Error) => void,
  ): TransactionNode {
    const node = new TransactionNode(id, label, snapshot, serializable, onDoomed)
    this.core.activate(node)
    return node
  }

  /** Rule 1 for a declared reader, which is no node but holds its snapshot. */
  beginReader(reader: Reader): void {
    this.core.holdReader(reader)
  }

  /** Lets go of a declared reader's snapshot. */
  endReader(reader: Reader): void {
    this.core.releaseReader(reader)
    this.core.forget()
  }

  /** Rule 2, read of a key. Throws `SerializationError`; the caller then aborts the transaction. */
  readKey(node: TransactionNode, key: Key): void {
    const { index } = this.core
    const registered = index.keys.readerCount
    const record = index.keys.addReader(key, node)
    if (index.keys.readerCount > registered) {
      const reads = (node.keyReads = appended(node.keyReads, record))
      if (reads.length > this.#readsPerTransactionMax) this.#mergeReads(node)
    }
    this.core.summarizeBeyondLimits()
    if (node.snapshot === this.core.decided) return
    let found: Map<TransactionNode, Edge> | undefined
    index.forEachOverwriterOfKey(key, record, node.snapshot, (writer, edge) => {
      if (node.missed?.has(writer) !== true) (found ??= new Map()).set(writer, edge)
    })
    if (found !== undefined) this.#missAtRead(node, found)
  }

  #mergeReads(node: TransactionNode): void {
    const { index } = this.core
    mergeKeyReads(node, index)
    if ((node.rangeReads?.size ?? 0) > this.#readsPerTransactionMax) mergeRangeReads(node, index)
  }

  /** Rule 2, read of an interval that a cursor hands over: it joins what `growing` has registered, if they touch. */
  readRange(node: TransactionNode, range: KeyRange, growing: GrowingRead): void {
    const { index } = this.core
    this.#growRead(node, range, growing)
    if ((node.rangeReads?.size ?? 0) > this.#readsPerTransactionMax) mergeRangeReads(node, index)
    this.core.summarizeBeyondLimits()
    if (node.snapshot === this.core.decided) return
    let found: Map<TransactionNode, Edge> | undefined
    index.forEachOverwriterInRange(range, node.snapshot, (writer, edge) => {
      if (node.missed?.has(writer) !== true) (found ??= new Map()).set(writer, edge)
    })
    if (found !== undefined) this.#missAtRead(node, found)
  }

  /** A scan grows one interval: upwards in place, downwards by replacing it. */
  #growRead(node: TransactionNode, range: KeyRange, growing: GrowingRead): void {
    const { rangeReads } = this.core.index
    const entry = growing.entry !== undefined && rangeReads.has(growing.entry) ? growing.entry : undefined
    if (entry?.end === range.start) {
      rangeReads.extendEnd(entry, range.end)
      return
    }
    const reads = (node.rangeReads ??= new Set())
    const below = entry !== undefined && entry.start === range.end
    if (below) {
      rangeReads.remove(entry)
      reads.delete(entry)
    }
    growing.entry = rangeReads.insert(range.start, below ? entry.end : range.end, { node, merged: false })
    reads.add(growing.entry)
  }

  #missAtRead(node: TransactionNode, found: ReadonlyMap<TransactionNode, Edge>): void {
    const { closing } = this.#counted(decideRead(found, node.snapshot, this.core))
    if (closing !== undefined) {
      throw createSerializationError({ victim: node.ref(), reader: false, closing, floorReader: undefined })
    }
    for (const [writer, edge] of found) this.core.link(node, writer, edge)
  }

  /** Rule 2, read of a key by a reader without writes. Throws `SerializationError`, and then leaves nothing behind. */
  readKeyAsReader(reader: Reader, key: Key): void {
    const { core } = this
    if (core.decided > reader.snapshot) {
      let found: Map<TransactionNode, Edge> | undefined
      core.index.forEachOverwriterOfKey(key, core.index.keys.get(key), reader.snapshot, (writer, edge) => {
        ;(found ??= new Map()).set(writer, edge)
      })
      if (found !== undefined) this.#raiseAtRead(refOf(reader), found)
    }
    if (isFloorNeeded(reader.snapshot, core.readWriteSnapshots.min)) core.index.floors.addKey(key, refOf(reader))
  }

  /** The same for several keys at once: none leaves anything behind unless all of them pass. */
  readKeysAsReader(reader: Reader, keys: readonly Key[]): void {
    const { core } = this
    if (core.decided > reader.snapshot) {
      const found = new Map<TransactionNode, Edge>()
      for (const key of keys) {
        core.index.forEachOverwriterOfKey(key, core.index.keys.get(key), reader.snapshot, (writer, edge) => {
          found.set(writer, edge)
        })
      }
      if (found.size > 0) this.#raiseAtRead(refOf(reader), found)
    }
    if (!isFloorNeeded(reader.snapshot, core.readWriteSnapshots.min)) return
    for (const key of keys) core.index.floors.addKey(key, refOf(reader))
  }

  /** The same for an interval; `growing` is undefined where the whole range is registered at once. */
  readRangeAsReader(reader: Reader, range: KeyRange, growing: GrowingFloor | undefined): void {
    const { core } = this
    if (core.decided > reader.snapshot) {
      const found = new Map<TransactionNode, Edge>()
      core.index.forEachOverwriterInRange(range, reader.snapshot, (writer, edge) => {
        found.set(writer, edge)
      })
      if (found.size > 0) this.#raiseAtRead(refOf(reader), found)
    }
    if (!isFloorNeeded(reader.snapshot, core.readWriteSnapshots.min)) return
    if (growing === undefined) core.index.floors.addRange(range, refOf(reader), false)
    else core.index.floors.growRange(growing, range, refOf(reader))
  }

  #raiseAtRead(reader: TxRef, found: ReadonlyMap<TransactionNode, Edge>): void {
    const { closing } = this.#counted(decideRead(found, reader.snapshot, this.core))
    if (closing !== undefined) {
      throw createSerializationError({ victim: reader, reader: true, closing, floorReader: undefined })
    }
    for (const [writer, { key, range, merged }] of found) this.core.raiseFloor(writer, { reader, key, range, merged })
  }

  /** Rule 3, write: throws `SerializationError` if the transaction has read `key` and a version newer than its snapshot is committed. */
  checkWrite(node: TransactionNode, key: Key): void {
    if (node.missed === undefined || node.missed.size === 0) return
    const writer = this.core.index.newestWriterOfKey(key)
    if (writer === undefined || !isLostUpdate(writer.commit, node.snapshot)) return
    if (this.core.index.hasRead(node, key)) throw createLostUpdateError(node.ref(), writer.ref(), key)
  }

  /** Rule 3 for a range: some key in it that was read and overwritten. */
  checkRangeWrite(node: TransactionNode, range: KeyRange): void {
    if (node.missed === undefined || node.missed.size === 0) return
    const overwritten: Key[] = []
    this.core.index.keys.forEachInRange(range, ({ key, writers }) => {
      if (writers !== undefined) overwritten.push(key)
    })
    overwritten.push(...this.core.index.keysReadUnderDeletions(node, range))
    for (const key of overwritten) this.checkWrite(node, key)
  }

  /**
   * Rule 4, commit of a transaction that writes. Throws `SerializationError` and changes nothing, or accepts: assigns the
   * sequence, gives it to `log` (the batch is then readable), adds the edges, tells and dooms active readers.
   * ATOMIC: no await.
   */
  commit(node: TransactionNode, batch: Batch, log: CommitLog): Sequence {
    const { core } = this
    assert(node.state === 'active', 'only an active transaction commits')
    this.#takeFloors(node, batch)
    const { least } = node.serializable ? this.#decide(node, batch) : this.#decideSnapshot(node, batch)
    const sequence = core.decided + 1
    log.append(batch, sequence)
    core.decided = sequence
    core.retain(node, sequence)
    const doomed = this.#tellPredecessors(node, batch, least)
    core.index.addWrites(node, batch)
    core.ended(node)
    if (doomed !== undefined) for (const [reader, edge] of doomed) this.#doom(reader, node, edge)
    core.forget()
    core.summarizeBeyondLimits()
    core.giveUpBeyondLimits()
    return sequence
  }

  /** The floor of a transaction that is about to be decided takes up the read-only readers of what it overwrites. */
  #takeFloors(node: TransactionNode, batch: Batch): void {
    const reader = floorReaderOf(this.core.index.floors, batch, node.floor)
    if (reader !== undefined) this.core.raiseFloor(node, reader)
  }

  #decide(node: TransactionNode, batch: Batch): Reach {
    const { missed } = node
    if (missed === undefined || missed.size === 0) return NOTHING_STALE
    const predecessors = decidedPredecessors(this.core.index, batch)
    const reach = this.#counted(decideCommit({ missed, predecessors, floor: node.floor }, this.core))
    const { closing } = reach
    if (closing === undefined) return reach
    throw createSerializationError({ victim: node.ref(), reader: false, closing, floorReader: node.floorReader })
  }

  #decideSnapshot(node: TransactionNode, batch: Batch): Reach {
    const lost = firstCommitterOf(this.core.index, batch, node.snapshot)
    if (lost !== undefined) throw createLostUpdateError(node.ref(), lost.winner.ref(), lost.key)
    return NOTHING_STALE
  }

  /** Adds the in-edges; returns the active readers whose reads alone now close a cycle. */
  #tellPredecessors(node: TransactionNode, batch: Batch, least: Sequence): Map<TransactionNode, Edge> | undefined {
    let doomed: Map<TransactionNode, Edge> | undefined
    const counts = (predecessor: TransactionNode): boolean => isEdgeStored(predecessor, node)
    this.core.index.forEachPredecessor(batch, counts, (predecessor, edge) => {
      this.core.link(predecessor, node, edge)
      if (predecessor.state !== 'active' || !isDoomed(predecessor.snapshot, least)) return
      doomed ??= new Map<TransactionNode, Edge>()
      doomed.set(predecessor, edge)
    })
    return doomed
  }

  #doom(reader: TransactionNode, overwriter: TransactionNode, edge: Edge): void {
    const { closing } = this.#counted(decideRead(new Map([[overwriter, edge]]), reader.snapshot, this.core))
    assert(closing !== undefined, 'the cycle of a doomed transaction is found again')
    const error = createSerializationError({ victim: reader.ref(), reader: false, closing, floorReader: undefined })
    this.abort(reader)
    reader.onDoomed(error)
  }

  /**
   * Rule 4 for an undeclared transaction that wrote nothing: decides, then turns its reads into floors. Throws
   * `SerializationError` and changes nothing. ATOMIC: no await.
   */
  commitReader(node: TransactionNode): void {
    assert(node.state === 'active', 'only an active transaction commits')
    const missed = node.missed ?? NOTHING_MISSED
    const question = { missed, predecessors: undefined, floor: node.snapshot }
    const { closing } = this.#counted(decideCommit(question, this.core))
    if (closing !== undefined) {
      throw createSerializationError({ victim: node.ref(), reader: true, closing, floorReader: undefined })
    }
    const reader = node.ref()
    for (const [writer, { key, range, merged }] of missed) this.core.raiseFloor(writer, { reader, key, range, merged })
    this.core.deactivate(node)
    if (isFloorNeeded(node.snapshot, this.core.readWriteSnapshots.min)) this.#leaveFloors(node, reader)
    this.core.dropNode(node)
  }

  #leaveFloors(node: TransactionNode, reader: TxRef): void {
    const { floors } = this.core.index
    for (const record of node.keyReads ?? []) floors.addKey(record.key, reader)
    for (const { start, end, value } of node.rangeReads ?? []) floors.addRange({ start, end }, reader, value.merged)
  }

  /** Rule 5 for a transaction that did not commit: as if it had never been. */
  abort(node: TransactionNode): void {
    assert(node.state === 'active', 'only an active transaction aborts')
    this.core.deactivate(node)
    this.core.dropNode(node)
  }

  /** Whether the snapshot can move to the newest decided: nothing that was read has been overwritten. */
  canMoveSnapshot(node: TransactionNode): boolean {
    return node.missed === undefined || node.missed.size === 0
  }

  /** getForUpdate: moves the snapshot to the newest decided. REQUIRES: `canMoveSnapshot`, no open cursor. */
  moveSnapshot(node: TransactionNode): void {
    assert(this.canMoveSnapshot(node), 'a moving snapshot leaves nothing stale behind')
    if (node.snapshot === this.core.decided) return
    this.core.moveSnapshot(node, this.core.decided)
    this.core.forget()
  }

  /** Everything through `sequence` is durable and about to be acknowledged. */
  publish(sequence: Sequence): void {
    assert(sequence <= this.core.decided, 'only what is decided is published')
    this.core.published = sequence
    this.core.forget()
  }

  checkInvariants(): void {
    this.core.checkInvariants()
  }

  #counted(reach: Reach): Reach {
    if (reach.visits > 0) this.searches++
    this.searchVisits += reach.visits
    return reach
  }
}

const NOTHING_MISSED: ReadonlyMap<TransactionNode, Edge> = new Map()
const NOTHING_STALE: Reach = { closing: undefined, least: SEQUENCE_INFINITY, visits: 0 }

function refOf(reader: Reader): TxRef {
  return createTxRef(reader.id, reader.label, reader.snapshot, SEQUENCE_INFINITY)
}
