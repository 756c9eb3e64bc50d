/**
 * The writes of a transaction before it commits: what it sees of itself, what savepoints undo, what becomes the batch.
 *
 * Every write has an ordinal. A cursor sees the writes as of the ordinal at which it was opened; a savepoint rolls back to
 * one. Of a key only the newest write is kept, with the older ones chained behind it while a savepoint or a cursor could
 * still ask for them. A range deletion hides the writes before it, not those after it.
 *
 * Invariants: 1. Ordinals ascend along `#undo` and descend along `previous`, which is undefined while nobody holds. 2. `#sorted`, once built, holds exactly the keys
 * that have a newest write. Pinned by test/unit/mvcc/write-buffer.test.ts and schedules 6 and 7 of test/scripts.
 * Spec: MVCC!Write.
 */
import BTree from 'sorted-btree'
import { assert } from '../base/assert'
import type { Key } from '../base/bytes'
import { escapeKey, keySuccessor } from '../base/bytes'
import { LimitExceededError } from '../base/errors'
import { intersectRanges, isEmptyRange } from '../base/key-range'
import type { KeyRange } from '../base/key-range'
import type { Batch, BatchEntry, EntryKind } from '../storage/engine'
import { ENTRY_DELETE, ENTRY_DELETE_RANGE, ENTRY_PUT, entryBytes } from '../storage/engine'
import { RangeIndex } from './range-index'
import type { RangeEntry } from './range-index'

/** One write. `previous` is the write of the same key that this one replaced, while somebody may still ask for it. */
export interface OwnWrite extends BatchEntry {
  readonly ordinal: number
  previous: OwnWrite | undefined
}

interface RangeWrite {
  readonly write: OwnWrite
  readonly entry: RangeEntry<OwnWrite>
}

/** So many keys are looked at one by one: that costs less than a map, in time and in memory. */
const FEW_KEYS = 8
/** Shared, never changed: a transaction that only reads has no list of its own. */
const NO_WRITES: OwnWrite[] = []

/** Later than every write. */
export const ORDINAL_NOW = Infinity

/** See the file's header. */
export class WriteBuffer {
  readonly #bytesMax: number
  /** The newest write of each key, in the order of the keys' first writes; found by looking at each while they are few. */
  #newest: OwnWrite[] = NO_WRITES
  /** The same by key, once they are more than `FEW_KEYS`; `#newest` is empty then. */
  #newestByKey: Map<Key, OwnWrite> | undefined = undefined
  /** Range deletions by range and in order, once there are any. */
  #ranges: RangeIndex<OwnWrite> | undefined = undefined
  #rangeWrites: RangeWrite[] | undefined = undefined
  /** Point writes since the oldest open savepoint. */
  #undo: OwnWrite[] = NO_WRITES
  #sorted: BTree<Key, true> | undefined = undefined
  #ordinal = 0
  #bytes = 0
  /** Savepoints and cursors that may ask for older writes. */
  #holds = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get isEmpty(): boolean {
    return this.#keyCount === 0 && (this.#rangeWrites?.length ?? 0) === 0
  }

  /** The ordinal of the newest write. */
  get ordinal(): number {
    return this.#ordinal
  }

  /** Keeps older writes for a savepoint or a cursor until `unhold`. */
  hold(): void {
    this.#holds++
  }

  unhold(): void {
    assert(this.#holds > 0, 'older writes are let go of once')
    this.#holds--
    if (this.#holds > 0) return
    for (const write of this.#undo) {
      if (write.previous === undefined) continue
      this.#bytes -= entryBytes(write.previous)
      write.previous = undefined
    }
    this.#undo = NO_WRITES
  }

  put(key: Key, value: Uint8Array): void {
    this.#writePoint(ENTRY_PUT, key, value)
  }

  delete(key: Key): void {
    this.#writePoint(ENTRY_DELETE, key, undefined)
  }

  deleteRange(range: KeyRange): void {
    if (isEmptyRange(range)) return
    const write = this.#createWrite(ENTRY_DELETE_RANGE, range.start, undefined, range.end, undefined)
    this.#charge(entryBytes(write), range.start)
    this.#ranges ??= new RangeIndex()
    this.#rangeWrites ??= []
    this.#rangeWrites.push({ write, entry: this.#ranges.insert(range.start, range.end, write) })
  }

  /** The write that a read of `key` is shown, as of an ordinal: a put, a deletion, or undefined for none. */
  lookup(key: Key, asOf: number): OwnWrite | undefined {
    let found = newestAsOf(this.#find(key), asOf)
    this.#ranges?.stab(key, (write) => {
      if (write.ordinal <= asOf && write.ordinal > (found?.ordinal ?? 0)) found = write
    })
    return found
  }

  /** The nearest key after `after` (or at it, with `inclusive`) that has a point write as of an ordinal. */
  nextKey(after: Key, inclusive: boolean, asOf: number): Key | undefined {
    const sorted = this.#sort()
    let key = inclusive && sorted.has(after) ? after : sorted.nextHigherKey(after)
    while (key !== undefined && newestAsOf(this.#find(key), asOf) === undefined) key = sorted.nextHigherKey(key)
    return key
  }

  /** The nearest key below `before` (undefined: the last one) that has a point write as of an ordinal. */
  previousKey(before: Key | undefined, asOf: number): Key | undefined {
    const sorted = this.#sort()
    let key = before === undefined ? sorted.maxKey() : sorted.nextLowerKey(before)
    while (key !== undefined && newestAsOf(this.#find(key), asOf) === undefined) key = sorted.nextLowerKey(key)
    return key
  }

  /** The parts of `range` that hold no write as of an ordinal, ascending: there a reader is shown the database, not itself. */
  unwrittenParts(range: KeyRange, asOf: number): KeyRange[] {
    const written: KeyRange[] = []
    for (let key = this.nextKey(range.start, true, asOf); key !== undefined; key = this.nextKey(key, false, asOf)) {
      if (range.end !== undefined && key >= range.end) break
      written.push({ start: key, end: keySuccessor(key) })
    }
    this.#ranges?.overlaps(range, (write, entry) => {
      if (write.ordinal <= asOf) written.push(intersectRanges(entry, range))
    })
    return subtract(range, written)
  }

  /** Undoes every write after `ordinal`. */
  rollbackTo(ordinal: number): void {
    for (let write = this.#undo.at(-1); write !== undefined && write.ordinal > ordinal; write = this.#undo.at(-1)) {
      this.#undo.pop()
      this.#bytes -= entryBytes(write)
      if (write.previous === undefined) {
        this.#forget(write.key)
        this.#sorted?.delete(write.key)
      } else {
        this.#remember(write.previous)
      }
    }
    for (let last = this.#rangeWrites?.at(-1); last !== undefined; last = this.#rangeWrites?.at(-1)) {
      if (last.write.ordinal <= ordinal) return
      this.#rangeWrites?.pop()
      this.#bytes -= entryBytes(last.write)
      this.#ranges?.remove(last.entry)
    }
  }

  /** The batch to commit: range deletions first, then the newest write of each key that none of them hides. Ends the writing. */
  batch(): Batch {
    const points = this.#newestByKey === undefined ? this.#newest : [...this.#newestByKey.values()]
    if (this.#rangeWrites === undefined) return points
    const batch: OwnWrite[] = this.#rangeWrites.map(({ write }) => write)
    for (const write of points) {
      if (this.lookup(write.key, ORDINAL_NOW) === write) batch.push(write)
    }
    return batch
  }

  get #keyCount(): number {
    return this.#newestByKey?.size ?? this.#newest.length
  }

  /** The newest write of each key. */
  #points(): Iterable<OwnWrite> {
    return this.#newestByKey?.values() ?? this.#newest
  }

  #find(key: Key): OwnWrite | undefined {
    if (this.#newestByKey !== undefined) return this.#newestByKey.get(key)
    for (const write of this.#newest) if (write.key === key) return write
    return undefined
  }

  /** Makes `write` the newest of its key. */
  #remember(write: OwnWrite): void {
    if (this.#newestByKey === undefined) {
      const at = this.#newest.findIndex(({ key }) => key === write.key)
      if (at >= 0) this.#newest[at] = write
      // A list made by pushing has room for seventeen at once, and most transactions write a key or two.
      else if (this.#newest.length === 0) this.#newest = [write]
      else if (this.#newest.length < FEW_KEYS) this.#newest.push(write)
      else this.#newestByKey = new Map([...this.#newest, write].map((each) => [each.key, each]))
      if (this.#newestByKey !== undefined) this.#newest = NO_WRITES
      return
    }
    this.#newestByKey.set(write.key, write)
  }

  #forget(key: Key): void {
    if (this.#newestByKey === undefined) this.#newest = this.#newest.filter((write) => write.key !== key)
    else this.#newestByKey.delete(key)
  }

  #writePoint(kind: EntryKind, key: Key, value: Uint8Array | undefined): void {
    const replaced = this.#find(key)
    const write = this.#createWrite(kind, key, value, undefined, this.#holds > 0 ? replaced : undefined)
    const freed = replaced === undefined || this.#holds > 0 ? 0 : entryBytes(replaced)
    this.#charge(entryBytes(write) - freed, key)
    this.#remember(write)
    if (replaced === undefined) this.#sorted?.set(key, true)
    if (this.#holds === 0) return
    if (this.#undo === NO_WRITES) this.#undo = [write]
    else this.#undo.push(write)
  }

  #createWrite(
    kind: EntryKind,
    key: Key,
    value: Uint8Array | undefined,
    end: Key | undefined,
    previous: OwnWrite | undefined,
  ): OwnWrite {
    return { kind, key, value, end, ordinal: ++this.#ordinal, previous }
  }

  #charge(bytes: number, key: Key): void {
    if (this.#bytes + bytes > this.#bytesMax) {
      throw new LimitExceededError(
        `Cannot write ${escapeKey(key)}: the transaction's writes would exceed transactionBytesMax (${String(this.#bytesMax)} bytes); commit in smaller parts`,
      )
    }
    this.#bytes += bytes
  }

  #sort(): BTree<Key, true> {
    if (this.#sorted !== undefined) return this.#sorted
    const sorted = new BTree<Key, true>(undefined, (a, b) => (a < b ? -1 : a > b ? 1 : 0))
    for (const { key } of this.#points()) sorted.set(key, true)
    this.#sorted = sorted
    return sorted
  }
}

/** Whether a batch frees room in the end: such ones may go on where the disk is full. */
export function isDeletesOnly(batch: Batch): boolean {
  return batch.every(({ kind }) => kind !== ENTRY_PUT)
}

function newestAsOf(newest: OwnWrite | undefined, asOf: number): OwnWrite | undefined {
  let write = newest
  while (write !== undefined && write.ordinal > asOf) write = write.previous
  return write
}

/** `range` without the `holes`; REQUIRES: they lie within it. */
function subtract(range: KeyRange, holes: KeyRange[]): KeyRange[] {
  if (holes.length === 0) return [range]
  holes.sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0))
  const parts: KeyRange[] = []
  let start: Key | undefined = range.start
  for (const hole of holes) {
    if (start === undefined) return parts
    if (hole.start > start) parts.push({ start, end: hole.start })
    if (hole.end === undefined) start = undefined
    else if (hole.end > start) start = hole.end
  }
  if (start !== undefined && (range.end === undefined || start < range.end)) parts.push({ start, end: range.end })
  return parts
}
