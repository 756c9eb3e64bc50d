/**
 * The writes of a transaction before it commits: what it sees of itself, what savepoints undo, what becomes the batch.
 *
 * Every write has an ordinal. A cursor sees the writes as of the ordinal at which it was opened; a savepoint rolls back to
 * one. Of a key only the newest write is kept, with the older ones chained behind it while a savepoint or a cursor could
 * still ask for them. A range deletion hides the writes before it, not those after it.
 *
 * Invariants: 1. Ordinals ascend along `#undo` and descend along `previous`, which is undefined while nobody holds. 2. `#sorted`, once built, holds exactly the keys
 * of `#newestByKey`. Pinned by test/unit/mvcc/write-buffer.test.ts and schedules 6 and 7 of test/scripts.
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

/** Later than every write. */
export const ORDINAL_NOW = Infinity

/** See the file's header. */
export class WriteBuffer {
  readonly #bytesMax: number
  readonly #newestByKey = new Map<Key, OwnWrite>()
  /** Range deletions by range and in order, once there are any. */
  #ranges: RangeIndex<OwnWrite> | undefined = undefined
  #rangeWrites: RangeWrite[] | undefined = undefined
  /** Point writes since the oldest open savepoint. */
  readonly #undo: OwnWrite[] = []
  #sorted: BTree<Key, true> | undefined = undefined
  #ordinal = 0
  #bytes = 0
  /** Savepoints and cursors that may ask for older writes. */
  #holds = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get isEmpty(): boolean {
    return this.#newestByKey.size === 0 && (this.#rangeWrites?.length ?? 0) === 0
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
    this.#undo.length = 0
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
    let found = newestAsOf(this.#newestByKey.get(key), asOf)
    this.#ranges?.stab(key, (write) => {
      if (write.ordinal <= asOf && write.ordinal > (found?.ordinal ?? 0)) found = write
    })
    return found
  }

  /** The nearest key after `after` (or at it, with `inclusive`) that has a point write as of an ordinal. */
  nextKey(after: Key, inclusive: boolean, asOf: number): Key | undefined {
    const sorted = this.#sort()
    let key = inclusive && sorted.has(after) ? after : sorted.nextHigherKey(after)
    while (key !== undefined && newestAsOf(this.#newestByKey.get(key), asOf) === undefined)
      key = sorted.nextHigherKey(key)
    return key
  }

  /** The nearest key below `before` (undefined: the last one) that has a point write as of an ordinal. */
  previousKey(before: Key | undefined, asOf: number): Key | undefined {
    const sorted = this.#sort()
    let key = before === undefined ? sorted.maxKey() : sorted.nextLowerKey(before)
    while (key !== undefined && newestAsOf(this.#newestByKey.get(key), asOf) === undefined)
      key = sorted.nextLowerKey(key)
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
        this.#newestByKey.delete(write.key)
        this.#sorted?.delete(write.key)
      } else {
        this.#newestByKey.set(write.key, write.previous)
      }
    }
    for (let last = this.#rangeWrites?.at(-1); last !== undefined; last = this.#rangeWrites?.at(-1)) {
      if (last.write.ordinal <= ordinal) return
      this.#rangeWrites?.pop()
      this.#bytes -= entryBytes(last.write)
      this.#ranges?.remove(last.entry)
    }
  }

  /** The batch to commit: range deletions first, then the newest write of each key that none of them hides. */
  batch(): Batch {
    if (this.#rangeWrites === undefined) return [...this.#newestByKey.values()]
    const batch: OwnWrite[] = this.#rangeWrites.map(({ write }) => write)
    for (const [key, write] of this.#newestByKey) {
      if (this.lookup(key, ORDINAL_NOW) === write) batch.push(write)
    }
    return batch
  }

  #writePoint(kind: EntryKind, key: Key, value: Uint8Array | undefined): void {
    const replaced = this.#newestByKey.get(key)
    const write = this.#createWrite(kind, key, value, undefined, this.#holds > 0 ? replaced : undefined)
    const freed = replaced === undefined || this.#holds > 0 ? 0 : entryBytes(replaced)
    this.#charge(entryBytes(write) - freed, key)
    this.#newestByKey.set(key, write)
    if (replaced === undefined) this.#sorted?.set(key, true)
    if (this.#holds > 0) this.#undo.push(write)
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
    for (const key of this.#newestByKey.keys()) sorted.set(key, true)
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
