/**
 * Versions in memory: rows in an arena, found by hash for gets, by an order for scans; range tombstones beside them.
 *
 * A get through the hash touches two or three lines of memory, a miss one; through a tree it takes three times as long. So the
 * order (memtable-order.ts) is touched only by keys new to this memtable and by cursors. Both hold the place of the same row, which
 * an overwrite changes in place. Where too many hashes collide, the order answers for the hash.
 *
 * Invariants (`checkInvariants`): hash and order hold the same rows; sequences descend along each chain; all sizes are what the
 * content adds up to. What it does not do: it never shrinks, and knows nothing of snapshots.
 *
 * Pinned by test/unit/storage/memtable/memtable.test.ts against a naive model.
 * Spec: Compaction!Write.
 */
import { assert } from '../../base/assert'
import type { Key } from '../../base/bytes'
import type { Sequence } from '../../base/sequence'
import { byteOf } from './arena'
import type { EncodedEntry } from '../rows/batch-codec'
import { ENTRY_DELETE } from '../engine'
import { KeyHash, hashKey, hashView } from '../table/filter'
import { HashIndex } from './hash-index'
import { LOOKUP_VALUE } from '../rows/lookup'
import type { Lookup } from '../rows/lookup'
import { MemtableCursor } from './memtable-cursor'
import { GatheredOrder, TreeOrder } from './memtable-order'
import type { OrderedRows, RowOrder } from './memtable-order'
import { MemtableRows, PLACE_NONE, TOMBSTONE_LENGTH } from './memtable-rows'
import { RangeTombstoneIndex } from '../rows/range-tombstones'
import type { VersionCursor, VersionKind } from '../rows/version-cursor'

/** Slots of hash and tree, the row's words and the key's string in the tree, measured; see docs/PERFORMANCE.md. */
const ENTRY_OVERHEAD_BYTES = 120

export class Memtable {
  readonly #rows = new MemtableRows()
  readonly #index = new HashIndex()
  #order: RowOrder
  readonly #hash = new KeyHash()
  #rangeTombstones: RangeTombstoneIndex | undefined = undefined
  #versions = 0
  #keyBytes = 0
  #valueBytes = 0
  #firstSequence: Sequence = 0
  #lastSequence: Sequence = 0

  /** `isFilledFirst`: its order is asked for only when it has all its rows, as in recovery (memtable-order.ts). */
  constructor(isFilledFirst = false) {
    this.#order = isFilledFirst ? new GatheredOrder(this.#rows) : new TreeOrder(this.#rows)
  }

  /** Copies key and value. REQUIRES: `sequence` is not below any inserted one; at most one insert per key and sequence. */
  insert(kind: VersionKind, key: Key, value: Uint8Array | undefined, sequence: Sequence): void {
    this.#take(sequence)
    const isTombstone = kind === ENTRY_DELETE
    assert(isTombstone === (value === undefined), 'a put has a value and a delete has none')
    const hash = this.#hash
    hashKey(key, hash)
    const row = this.#find(key, hash)
    if (row !== PLACE_NONE) {
      this.#rows.overwrite(row, value, sequence)
    } else {
      const created = this.#rows.add(key, value, sequence)
      this.#index.add(hash.low, created)
      this.#order.add(key, created)
      this.#keepSearchable()
    }
    this.#count(key.length, value?.length ?? 0)
  }

  /** The same for a put or a delete whose bytes lie elsewhere; no string is made of its key. */
  insertFrom(entry: EncodedEntry, sequence: Sequence): void {
    this.#take(sequence)
    const { keyLength, valueLength } = entry
    assert((entry.kind === ENTRY_DELETE) === valueLength < 0, 'a put has a value and a delete has none')
    const hash = this.#hash
    hashView(entry.view, entry.keyAt, keyLength, hash)
    const row = this.#findFrom(entry, hash)
    if (row !== PLACE_NONE) {
      this.#rows.overwriteFrom(row, entry, sequence)
    } else {
      const created = this.#rows.addFrom(entry, sequence)
      this.#index.add(hash.low, created)
      this.#order.addRow(created)
      this.#keepSearchable()
    }
    this.#count(keyLength, Math.max(0, valueLength))
  }

  #count(keyLength: number, valueLength: number): void {
    this.#versions++
    this.#keyBytes += keyLength
    this.#valueBytes += valueLength
  }

  /** Where the order answers for the hash too, it must not be made anew for each row. */
  #keepSearchable(): void {
    if (!this.#index.isComplete) this.#order = this.#order.searchable()
  }

  #find(key: Key, hash: KeyHash): number {
    const row = this.#index.find(hash.low, key, this.#rows)
    return row !== PLACE_NONE || this.#index.isComplete ? row : this.#order.find(key)
  }

  #findFrom(entry: EncodedEntry, hash: KeyHash): number {
    const row = this.#index.find(hash.low, entry, this.#rows.byEntry)
    if (row !== PLACE_NONE || this.#index.isComplete) return row
    return this.#order.find(entry.bytes.latin1Slice(entry.keyAt, entry.keyAt + entry.keyLength))
  }

  /** Deletes `[start, end)` at `sequence`; an insert of the same sequence, before or after, is newer. */
  insertRange(start: Key, end: Key | undefined, sequence: Sequence): void {
    this.#take(sequence)
    this.#rangeTombstones ??= new RangeTombstoneIndex()
    this.#rangeTombstones.insert(start, end, sequence)
    this.#keyBytes += start.length + (end?.length ?? 0)
  }

  #take(sequence: Sequence): void {
    assert(sequence > 0 && sequence >= this.#lastSequence, 'a memtable receives ascending sequences')
    if (this.#firstSequence === 0) this.#firstSequence = sequence
    this.#lastSequence = sequence
  }

  /**
   * Writes into `found` what is newest for `key` at or below `sequence`; false (and LOOKUP_ABSENT) if nothing. Allocates nothing.
   * `hash` is `hashKey(key)`.
   */
  get(key: Key, hash: KeyHash, sequence: Sequence, found: Lookup): boolean {
    const rows = this.#rows
    const row = this.#find(key, hash)
    const version = row === PLACE_NONE ? PLACE_NONE : rows.newestAt(row, sequence)
    const covered = this.#rangeTombstones === undefined ? 0 : this.#rangeTombstones.newestCovering(key, sequence)
    if (version === PLACE_NONE) return covered === 0 ? found.setAbsent() : found.setTombstone(covered)
    const newest = rows.sequenceAt(version)
    if (covered > newest) return found.setTombstone(covered)
    const length = rows.valueLengthAt(version)
    if (length === TOMBSTONE_LENGTH) return found.setTombstone(newest)
    const place = rows.valuePlaceAt(version)
    found.state = LOOKUP_VALUE
    found.sequence = newest
    found.bytes = rows.valueBytes(place)
    found.at = byteOf(place)
    found.length = length
    return true
  }

  /** Versions and range tombstones held. */
  get entries(): number {
    return this.#versions + (this.#rangeTombstones?.size ?? 0)
  }

  /** Distinct keys with versions. */
  get keys(): number {
    return this.#order.size
  }

  /** What the content takes in memory: keys, values, and an overhead for each entry; what `memtableBytesMax` bounds. */
  get bytes(): number {
    return this.#keyBytes + this.#valueBytes + this.entries * ENTRY_OVERHEAD_BYTES + this.#order.longKeyBytes
  }

  /** Bytes of memory that its parts really take: arena, hash and order. */
  get memoryBytes(): number {
    return this.arenaBytes + this.#index.memoryBytes + this.#order.memoryBytes
  }

  /** Of them the arena's: shared memory, beside the heap. */
  get arenaBytes(): number {
    return this.#rows.memoryBytes
  }

  /** The least and the greatest sequence inserted; 0 if empty. */
  get firstSequence(): Sequence {
    return this.#firstSequence
  }

  get lastSequence(): Sequence {
    return this.#lastSequence
  }

  /** Undefined while there is none. */
  get rangeTombstones(): RangeTombstoneIndex | undefined {
    return this.#rangeTombstones
  }

  /**
   * Never promises. Inserts may go on: what was inserted before the cursor opened is seen, what comes later may be or not,
   * so a cursor on a growing memtable is read at a sequence already appended. With `sequence`, only each key's newest
   * version at or below it is shown.
   */
  openCursor(reverse: boolean, sequence?: Sequence): VersionCursor {
    return new MemtableCursor({ order: this.#order, rows: this.#rows, reverse, sequence })
  }

  /** The memory of all rows, for another thread. REQUIRES: nothing is inserted any more. */
  get chunks(): readonly SharedArrayBuffer[] {
    return this.#rows.chunks
  }

  /** The places of the rows behind `key` (undefined: from the first on) in order of their keys, up to `max` of them. */
  placesBehind(key: Key | undefined, max: number): { readonly places: Uint32Array; readonly lastKey: Key | undefined } {
    const places = this.#order.placesBehind(key, max)
    const last = places.at(-1)
    return { places, lastKey: last === undefined ? key : this.#rows.keyAt(last) }
  }

  /** Keys ascend, hash and order agree, chains descend, sizes add up. */
  checkInvariants(): void {
    const rows = this.#rows
    assert(!this.#index.isComplete || this.#order.size === this.#index.size, 'hash and order hold as many keys')
    let before: Key | undefined
    let versions = 0
    let keyBytes = this.#rangeTombstones?.list().reduce((sum, t) => sum + t.start.length + (t.end?.length ?? 0), 0) ?? 0
    let valueBytes = 0
    const ordered: OrderedRows = { keys: [], places: [] }
    this.#order.ascending('', this.#order.size, ordered)
    assert(ordered.keys.length === this.#order.size, 'the order shows every row')
    for (const [at, key] of ordered.keys.entries()) {
      const row = ordered.places[at]!
      assert(before === undefined || before < key, 'keys ascend')
      before = key
      hashKey(key, this.#hash)
      assert(this.#find(key, this.#hash) === row && rows.hasKey(row, key), 'hash and order hold the same row')
      versions += rows.versionsAt(row)
      keyBytes += key.length * rows.versionsAt(row)
      valueBytes += this.#checkChain(row)
    }
    assert(versions === this.#versions && keyBytes === this.#keyBytes, 'the memtable counts what it holds')
    assert(valueBytes === this.#valueBytes, 'its values are as long as was counted')
    this.#rangeTombstones?.checkInvariants()
  }

  #checkChain(row: number): number {
    const rows = this.#rows
    let bytes = 0
    let before = Infinity
    for (let version = row; version !== PLACE_NONE; version = rows.olderAt(version)) {
      assert(rows.sequenceAt(version) < before, 'versions of a key descend')
      before = rows.sequenceAt(version)
      const length = rows.valueLengthAt(version)
      bytes += length === TOMBSTONE_LENGTH ? 0 : length
    }
    return bytes
  }
}
