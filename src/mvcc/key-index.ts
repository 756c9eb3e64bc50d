/**
 * Who read and who wrote each key: the registrations of readers by key and the commits of retained writers, in one record.
 *
 * One record a key keeps a read or a write at one map lookup. Range questions need the records in order; most records live
 * for less than a millisecond and no range is ever asked about them, so they enter the sorted tree only when the next
 * range question comes (`#unordered` until then).
 *
 * Invariants: 1. A record is in the map while it has a reader or a writer. 2. Every record of the map is either in the
 * tree or among the unordered; dropped records may linger among those. 3. A record's writers ascend by commit. Pinned by test/unit/mvcc/key-index.test.ts.
 */
import BTree from 'sorted-btree'
import { assert } from '../base/assert'
import type { Key } from '../base/bytes'
import type { KeyRange } from '../base/key-range'
import type { KeyRecord, TransactionNode } from './transaction-node'

/** See the file's header. */
export class KeyIndex {
  readonly #records = new Map<Key, KeyRecord>()
  readonly #ordered = new BTree<Key, KeyRecord>(undefined, compareKeys)
  /** A dropped record stays in it until there are more dropped than live ones. */
  #unordered: KeyRecord[] = []
  #unorderedDropped = 0
  #readerCount = 0
  #writerCount = 0
  #keyBytes = 0

  /** Keys with a record. */
  get size(): number {
    return this.#records.size
  }

  /** Length of those keys together. */
  get keyBytes(): number {
    return this.#keyBytes
  }

  /** Point registrations of readers. */
  get readerCount(): number {
    return this.#readerCount
  }

  /** Retained writes of keys. */
  get writerCount(): number {
    return this.#writerCount
  }

  get(key: Key): KeyRecord | undefined {
    return this.#records.get(key)
  }

  /** Registers a reader of a key, once; returns the record. */
  addReader(key: Key, node: TransactionNode): KeyRecord {
    const record = this.#obtain(key)
    const { readers } = record
    if (readers === undefined) record.readers = node
    else if (hasReader(record, node)) return record
    else if (readers instanceof Set) readers.add(node)
    else record.readers = new Set([readers, node])
    this.#readerCount++
    return record
  }

  /** REQUIRES: `node` is a reader of the record. */
  removeReader(record: KeyRecord, node: TransactionNode): void {
    assert(hasReader(record, node), 'a removed reader was registered')
    const { readers } = record
    if (readers instanceof Set && readers.size > 1) readers.delete(node)
    else record.readers = undefined
    this.#readerCount--
    this.#dropIfEmpty(record)
  }

  /** REQUIRES: `node` has just been decided: its commit is the greatest. */
  addWriter(key: Key, node: TransactionNode): KeyRecord {
    const record = this.#obtain(key)
    const { writers } = record
    if (writers === undefined) record.writers = [node]
    else {
      assert((writers[writers.length - 1]?.commit ?? 0) < node.commit, 'writers of a key ascend by commit')
      writers.push(node)
    }
    this.#writerCount++
    return record
  }

  /** REQUIRES: `node` is the oldest writer of the record (writers are forgotten in commit order). */
  removeWriter(record: KeyRecord, node: TransactionNode): void {
    const { writers } = record
    assert(writers?.[record.forgotten] === node, 'writers are forgotten in commit order')
    this.#writerCount--
    record.forgotten++
    // Shifting one by one is quadratic where a long transaction ends that has kept thousands of writers of one key.
    if (record.forgotten * 2 < writers.length) return
    record.writers = record.forgotten === writers.length ? undefined : writers.slice(record.forgotten)
    record.forgotten = 0
    this.#dropIfEmpty(record)
  }

  /** Calls `visit` for every record in the range, ascending. `visit` must not change the index. */
  forEachInRange(range: KeyRange, visit: (record: KeyRecord) => void): void {
    if (this.#records.size === 0) return
    this.#orderAll()
    if (range.end === undefined) {
      for (const [, record] of this.#ordered.entries(range.start)) visit(record)
    } else {
      this.#ordered.forRange(range.start, range.end, false, (_key, record) => {
        visit(record)
      })
    }
  }

  /** Throws `InvariantError` if invariants 1 to 3 do not hold. */
  checkInvariants(): void {
    let readers = 0
    let writers = 0
    let keyBytes = 0
    const unordered = new Set(this.#unordered)
    for (const [key, record] of this.#records) {
      assert(record.key === key, 'a record stands under its key')
      keyBytes += key.length
      assert(record.readers !== undefined || record.writers !== undefined, 'a record has a reader or a writer')
      assert(record.ordered === this.#ordered.has(key), 'an ordered record is in the tree')
      assert(record.ordered !== unordered.has(record), 'a record is ordered or among the unordered')
      readers += record.readers instanceof Set ? record.readers.size : record.readers === undefined ? 0 : 1
      writers += (record.writers?.length ?? 0) - record.forgotten
      assert(
        record.forgotten === 0 || record.forgotten < (record.writers?.length ?? 0),
        'a forgotten writer is one of many',
      )
      for (let i = 1; i < (record.writers?.length ?? 0); i++) {
        assert((record.writers?.[i - 1]?.commit ?? 0) < (record.writers?.[i]?.commit ?? 0), 'writers ascend by commit')
      }
    }
    const unorderedLive = this.#unordered.length - this.#unorderedDropped
    assert(unordered.size === this.#unordered.length, 'a record is among the unordered once')
    assert(this.#ordered.size + unorderedLive === this.#records.size, 'no record is lost or left behind')
    assert(readers === this.#readerCount, 'the count of readers is right')
    assert(writers === this.#writerCount, 'the count of writers is right')
    assert(keyBytes === this.#keyBytes, 'keys are as long as was counted')
  }

  #obtain(key: Key): KeyRecord {
    let record = this.#records.get(key)
    if (record === undefined) {
      record = { key, readers: undefined, writers: undefined, forgotten: 0, ordered: false }
      this.#records.set(key, record)
      this.#unordered.push(record)
      this.#keyBytes += key.length
    }
    return record
  }

  #dropIfEmpty(record: KeyRecord): void {
    if (isLive(record)) return
    this.#records.delete(record.key)
    this.#keyBytes -= record.key.length
    if (record.ordered) {
      this.#ordered.delete(record.key)
      return
    }
    this.#unorderedDropped++
    if (this.#unorderedDropped < DROPPED_KEPT || this.#unorderedDropped * 2 < this.#unordered.length) return
    this.#unordered = this.#records.size === 0 ? [] : this.#unordered.filter(isLive)
    this.#unorderedDropped = 0
  }

  #orderAll(): void {
    if (this.#unordered.length === 0) return
    for (const record of this.#unordered) {
      if (!isLive(record)) continue
      record.ordered = true
      this.#ordered.set(record.key, record)
    }
    this.#unordered = []
    this.#unorderedDropped = 0
  }
}

/** So many dropped records may stay among the unordered before it is looked whether they are half of them. */
const DROPPED_KEPT = 64

/** A record without readers and writers has been dropped, for good: the key's next one is another object. */
function isLive({ readers, writers }: KeyRecord): boolean {
  return readers !== undefined || writers !== undefined
}

/** Whether `node` has read the record's key. */
export function hasReader({ readers }: KeyRecord, node: TransactionNode): boolean {
  return readers === node || (readers instanceof Set && readers.has(node))
}

function compareKeys(a: Key, b: Key): number {
  return a < b ? -1 : a > b ? 1 : 0
}
