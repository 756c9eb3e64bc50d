/**
 * Walks a memtable's rows in order by batches, so that rows may be added between moves.
 *
 * A batch of keys and rows is fetched in one descent and grows from scan to scan (a scan of ten rows should not pay for hundreds).
 * Keys inserted after the fetch are missed; they are newer than what the cursor was opened for. Rows change in place when
 * overwritten, so a position holds its own copy of what it shows and finds the next older version by sequence.
 *
 * Pinned by test/unit/storage/memtable/memtable.test.ts.
 */
import type { Key } from '../../base/bytes'
import { keySuccessor } from '../../base/bytes'
import { SEQUENCE_INFINITY } from '../../base/sequence'
import type { Sequence } from '../../base/sequence'
import { byteOf } from './arena'
import { ENTRY_DELETE, ENTRY_PUT } from '../engine'
import type { OrderedRows, RowOrder } from './memtable-order'
import { PLACE_NONE, TOMBSTONE_LENGTH } from './memtable-rows'
import type { MemtableRows } from './memtable-rows'
import type { VersionCursor, VersionKind } from '../rows/version-cursor'

const BATCH_ENTRIES_MIN = 16
const BATCH_ENTRIES_MAX = 256
const KEY_BYTES_INITIAL = 64
const NO_BYTES = new Uint8Array(0)

interface MemtableCursorOptions {
  readonly order: RowOrder
  readonly rows: MemtableRows
  readonly reverse: boolean
  /** With one, only each key's newest version at or below it is shown. */
  readonly sequence: Sequence | undefined
}

/** What a version was when the cursor came to its key. */
interface PendingVersion {
  readonly sequence: Sequence
  readonly valueLength: number
  readonly valuePlace: number
}

export class MemtableCursor implements VersionCursor {
  readonly #order: RowOrder
  readonly #rows: MemtableRows
  readonly #reverse: boolean
  readonly #bound: Sequence | undefined
  readonly #keys: Key[] = []
  /** The places of the rows of `#keys`. */
  readonly #places: number[] = []
  readonly #fetched: OrderedRows = { keys: this.#keys, places: this.#places }
  /** Where the cursor is in `#keys`. */
  #at = 0
  #batchMax = BATCH_ENTRIES_MIN
  /** Backward: the key's versions still to be shown, newest first, popped from the end. */
  readonly #pending: PendingVersion[] = []
  #keyBytes = Buffer.allocUnsafe(KEY_BYTES_INITIAL)
  #keyBytesWritten = false

  key: Key = ''
  sequence: Sequence = 0
  kind: VersionKind = ENTRY_PUT
  valueBytes: Uint8Array = NO_BYTES
  valueAt = 0
  valueLength = 0

  constructor(options: MemtableCursorOptions) {
    this.#order = options.order
    this.#rows = options.rows
    this.#reverse = options.reverse
    this.#bound = options.sequence
  }

  get keyLength(): number {
    return this.key.length
  }

  /** Written on first use: most reads never ask. */
  get keyBytes(): Uint8Array {
    if (!this.#keyBytesWritten) {
      const length = this.key.length
      if (length > this.#keyBytes.length) this.#keyBytes = Buffer.allocUnsafeSlow(2 * length)
      this.#keyBytes.latin1Write(this.key, 0)
      this.#keyBytesWritten = true
    }
    return this.#keyBytes
  }

  seek(key: Key | undefined): boolean {
    this.#batchMax = BATCH_ENTRIES_MIN
    this.#pending.length = 0
    if (this.#reverse) this.#fetchBackward(key)
    else this.#fetchForward(key ?? '')
    return this.#settle()
  }

  next(): boolean {
    if (this.#bound === undefined && (this.#reverse ? this.#showPending() : this.#showOlder())) return true
    this.#at++
    return this.#settle()
  }

  #showOlder(): boolean {
    const row = this.#places[this.#at]
    if (row === undefined || this.#rows.olderAt(row) === PLACE_NONE) return false
    // The newest version may have been overwritten meanwhile: what follows is found by sequence.
    const older = this.#rows.newestAt(row, this.sequence - 1)
    return older !== PLACE_NONE && this.#show(this.key, older)
  }

  #showPending(): boolean {
    const version = this.#pending.pop()
    if (version === undefined) return false
    return this.#showVersion(this.key, version.sequence, version.valueLength, version.valuePlace)
  }

  /** Shows the first version of the row at `#at` or of the next one that has any. */
  #settle(): boolean {
    for (;;) {
      if (this.#at === this.#keys.length && !this.#fetchMore()) return false
      const newest = this.#rows.newestAt(this.#places[this.#at]!, this.#bound ?? SEQUENCE_INFINITY)
      if (newest !== PLACE_NONE) {
        const first = this.#reverse && this.#bound === undefined ? this.#oldest(newest) : newest
        return this.#show(this.#keys[this.#at]!, first)
      }
      this.#at++
    }
  }

  #oldest(newest: number): number {
    const rows = this.#rows
    let version = newest
    for (let older = rows.olderAt(version); older !== PLACE_NONE; older = rows.olderAt(version)) {
      // The row is overwritten in place; what is pending must not change.
      this.#pending.push({
        sequence: rows.sequenceAt(version),
        valueLength: rows.valueLengthAt(version),
        valuePlace: rows.valuePlaceAt(version),
      })
      version = older
    }
    return version
  }

  #show(key: Key, version: number): true {
    const rows = this.#rows
    return this.#showVersion(key, rows.sequenceAt(version), rows.valueLengthAt(version), rows.valuePlaceAt(version))
  }

  #showVersion(key: Key, sequence: Sequence, valueLength: number, valuePlace: number): true {
    if (key !== this.key) this.#keyBytesWritten = false
    this.key = key
    this.sequence = sequence
    if (valueLength === TOMBSTONE_LENGTH) {
      this.kind = ENTRY_DELETE
      this.valueBytes = NO_BYTES
      this.valueAt = 0
      this.valueLength = 0
    } else {
      this.kind = ENTRY_PUT
      this.valueBytes = this.#rows.valueBytes(valuePlace)
      this.valueAt = byteOf(valuePlace)
      this.valueLength = valueLength
    }
    return true
  }

  #fetchMore(): boolean {
    const last = this.#keys.at(-1)
    if (last === undefined) return false
    this.#batchMax = Math.min(BATCH_ENTRIES_MAX, this.#batchMax * 2)
    if (this.#reverse) this.#fetchBackward(last)
    else this.#fetchForward(keySuccessor(last))
    return this.#keys.length > 0
  }

  #clear(): void {
    this.#keys.length = 0
    this.#places.length = 0
    this.#at = 0
  }

  #fetchForward(low: Key): void {
    this.#clear()
    this.#order.ascending(low, this.#batchMax, this.#fetched)
  }

  /** The keys below `high`, descending. */
  #fetchBackward(high: Key | undefined): void {
    this.#clear()
    this.#order.descending(high, this.#batchMax, this.#fetched)
  }

  close(): void {
    this.#clear()
    this.#pending.length = 0
    this.valueBytes = NO_BYTES
  }
}
