/**
 * Where reads and writes meet: readers and retained writers by key and by range, and the floors of readers without writes.
 *
 * This file answers questions ("who overwrote this", "who read that") and keeps the entries; what follows from the
 * answers is decided in rules.ts and done in conflict-graph.ts. The answer never depends on what a memtable still holds.
 */
import type { Key } from '../base/bytes'
import type { KeyRange } from '../base/key-range'
import { intersectRanges, isEmptyRange, pointRange, rangeContains } from '../base/key-range'
import type { Sequence } from '../base/sequence'
import type { Batch } from '../storage/engine'
import { ENTRY_DELETE_RANGE } from '../storage/engine'
import { KeyIndex, hasReader } from './key-index'
import { RangeIndex } from './range-index'
import { ReaderFloors } from './reader-floors'
import type { Edge, KeyRecord, RangeRead, TransactionNode } from './transaction-node'

/** Called with a transaction and the edge that joins it to the asking one. */
export type EdgeVisitor = (node: TransactionNode, edge: Edge) => void

/** Whether a transaction matters to the asking one. */
export type NodeTest = (node: TransactionNode) => boolean

/** See the file's header. */
export class ConflictIndex {
  readonly keys = new KeyIndex()
  readonly rangeReads = new RangeIndex<RangeRead>()
  readonly rangeDeletes = new RangeIndex<TransactionNode>()
  readonly floors: ReaderFloors

  constructor(floorsMax: number) {
    this.floors = new ReaderFloors(floorsMax)
  }

  /** Rule 2: every committed overwriter of `key` above `snapshot`, not only the newest. */
  forEachOverwriterOfKey(key: Key, record: KeyRecord | undefined, snapshot: Sequence, visit: EdgeVisitor): void {
    const writers = record?.writers
    if (writers !== undefined) {
      for (let i = writers.length - 1; i >= 0; i--) {
        const writer = writers[i]
        if (writer === undefined || writer.commit <= snapshot) break
        visit(writer, createKeyEdge('rw', key, false))
      }
    }
    if (this.rangeDeletes.size === 0) return
    this.rangeDeletes.stab(key, (writer) => {
      if (writer.commit > snapshot) visit(writer, createKeyEdge('rw', key, false))
    })
  }

  /** Rule 2 for ranges: every committed overwriter of any key in `range` above `snapshot`: inserts and deletes included. */
  forEachOverwriterInRange(range: KeyRange, snapshot: Sequence, visit: EdgeVisitor): void {
    if (this.keys.writerCount > 0) {
      this.keys.forEachInRange(range, (record) => {
        const writers = record.writers
        if (writers === undefined) return
        for (let i = writers.length - 1; i >= 0; i--) {
          const writer = writers[i]
          if (writer === undefined || writer.commit <= snapshot) break
          visit(writer, createKeyEdge('rw', record.key, false))
        }
      })
    }
    if (this.rangeDeletes.size === 0) return
    this.rangeDeletes.overlaps(range, (writer, entry) => {
      if (writer.commit > snapshot) visit(writer, createRangeEdge('rw', intersectRanges(entry, range), false))
    })
  }

  /** The newest committed writer of a key, by a put, a delete or a range deletion. */
  newestWriterOfKey(key: Key): TransactionNode | undefined {
    const writers = this.keys.get(key)?.writers
    let newest = writers?.[writers.length - 1]
    if (this.rangeDeletes.size > 0) {
      this.rangeDeletes.stab(key, (writer) => {
        if (newest === undefined || writer.commit > newest.commit) newest = writer
      })
    }
    return newest
  }

  /**
   * Everyone who must come before a writer of `batch` and counts: readers of what it writes (rw) and earlier writers (ww;
   * the newest of each key and every covering range deletion, the older ones lead to them). Some may be visited twice.
   * A hot key has a reader for each commit in flight, of whom none counts: no edge is made for those.
   */
  forEachPredecessor(batch: Batch, counts: NodeTest, visit: EdgeVisitor): void {
    for (const { kind, key, end } of batch) {
      if (kind === ENTRY_DELETE_RANGE) this.#predecessorsOfRange({ start: key, end }, counts, visit)
      else this.#predecessorsOfKey(key, counts, visit)
    }
  }

  #predecessorsOfKey(key: Key, counts: NodeTest, visit: EdgeVisitor): void {
    const record = this.keys.get(key)
    if (record !== undefined) visitRecord(record, counts, visit)
    if (this.rangeReads.size > 0) {
      this.rangeReads.stab(key, ({ node, merged }) => {
        if (counts(node)) visit(node, createKeyEdge('rw', key, merged))
      })
    }
    if (this.rangeDeletes.size > 0) {
      this.rangeDeletes.stab(key, (writer) => {
        if (counts(writer)) visit(writer, createKeyEdge('ww', key, false))
      })
    }
  }

  #predecessorsOfRange(range: KeyRange, counts: NodeTest, visit: EdgeVisitor): void {
    this.keys.forEachInRange(range, (record) => {
      visitRecord(record, counts, visit)
    })
    this.rangeReads.overlaps(range, ({ node, merged }, entry) => {
      if (counts(node)) visit(node, createRangeEdge('rw', intersectRanges(entry, range), merged))
    })
    this.rangeDeletes.overlaps(range, (writer, entry) => {
      if (counts(writer)) visit(writer, createRangeEdge('ww', intersectRanges(entry, range), false))
    })
  }

  /** Enters the writes of a transaction that has just been decided. */
  addWrites(node: TransactionNode, batch: Batch): void {
    for (const { kind, key, end } of batch) {
      if (kind === ENTRY_DELETE_RANGE) {
        ;(node.rangeWrites ??= []).push(this.rangeDeletes.insert(key, end, node))
      } else {
        node.keyWrites = appended(node.keyWrites, this.keys.addWriter(key, node))
      }
    }
  }

  /** Takes the writes of a forgotten transaction out. REQUIRES: transactions are forgotten in commit order. */
  removeWrites(node: TransactionNode): void {
    if (node.keyWrites !== undefined) for (const record of node.keyWrites) this.keys.removeWriter(record, node)
    if (node.rangeWrites !== undefined) for (const entry of node.rangeWrites) this.rangeDeletes.remove(entry)
    node.keyWrites = undefined
    node.rangeWrites = undefined
  }

  /** Takes every reader registration of a transaction out. */
  removeReads(node: TransactionNode): void {
    if (node.keyReads !== undefined) for (const record of node.keyReads) this.keys.removeReader(record, node)
    if (node.rangeReads !== undefined) for (const entry of node.rangeReads) this.rangeReads.remove(entry)
    node.keyReads = undefined
    node.rangeReads = undefined
  }

  /** Whether the transaction has certainly read this very key: by itself, or in a range that was not merged. */
  hasRead(node: TransactionNode, key: Key): boolean {
    const record = this.keys.get(key)
    if (record !== undefined && hasReader(record, node)) return true
    if (node.rangeReads === undefined) return false
    let isRead = false
    this.rangeReads.stab(key, (read) => {
      if (read.node === node && !read.merged) isRead = true
    })
    return isRead
  }

  /** In `range`, a key of each exact read of the transaction that a range deletion above its snapshot covers. */
  keysReadUnderDeletions(node: TransactionNode, range: KeyRange): Key[] {
    const keys: Key[] = []
    if (this.rangeDeletes.size === 0) return keys
    this.rangeDeletes.overlaps(range, (writer, entry) => {
      if (writer.commit <= node.snapshot) return
      const part = intersectRanges(entry, range)
      for (const { key } of node.keyReads ?? []) if (rangeContains(part, key)) keys.push(key)
      for (const read of node.rangeReads ?? []) {
        const both = intersectRanges(read, part)
        if (!read.value.merged && !isEmptyRange(both)) keys.push(both.start)
      }
    })
    return keys
  }

  /** Registrations, retained writes and floors held: what memory is bounded by, edges apart. */
  get entries(): number {
    return this.keys.readerCount + this.keys.writerCount + this.rangeReads.size + this.rangeDeletes.size
  }

  checkInvariants(): void {
    this.keys.checkInvariants()
    this.rangeReads.checkInvariants()
    this.rangeDeletes.checkInvariants()
    this.floors.checkInvariants()
  }
}

function visitRecord({ key, readers, writers }: KeyRecord, counts: NodeTest, visit: EdgeVisitor): void {
  if (readers instanceof Set) {
    for (const reader of readers) if (counts(reader)) visit(reader, createKeyEdge('rw', key, false))
  } else if (readers !== undefined && counts(readers)) visit(readers, createKeyEdge('rw', key, false))
  const newest = writers?.[writers.length - 1]
  if (newest !== undefined && counts(newest)) visit(newest, createKeyEdge('ww', key, false))
}

/** `records` with one more; most transactions have one or two, and a list made by pushing has room for seventeen. */
export function appended(records: KeyRecord[] | undefined, record: KeyRecord): KeyRecord[] {
  if (records === undefined) return [record]
  records.push(record)
  return records
}

function createKeyEdge(kind: 'rw' | 'ww', key: Key, merged: boolean): Edge {
  return { kind, key, range: undefined, merged }
}

function createRangeEdge(kind: 'rw' | 'ww', range: KeyRange, merged: boolean): Edge {
  const isPoint = range.end !== undefined && range.end === pointRange(range.start).end
  return { kind, key: isPoint ? range.start : undefined, range: isPoint ? undefined : range, merged }
}
