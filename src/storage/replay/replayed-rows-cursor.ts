/**
 * Walks a piece of a log in internal order: sorts its rows by the bytes of their keys where they lie, in whatever thread it is.
 *
 * The sort keeps rows of one key in the order they are given in; given newest first, they come out as internal order has them.
 * Forward only. Pinned by test/unit/storage/replay/replayed-rows.test.ts against a memtable's cursor.
 */
import { assert } from '../../base/assert'
import type { Key } from '../../base/bytes'
import type { Sequence } from '../../base/sequence'
import { ENTRY_DELETE, ENTRY_PUT } from '../engine'
import { copyWords } from '../files/bytes-in-place'
import type { SortableRows } from '../memtable/row-sort'
import { sortRows } from '../memtable/row-sort'
import { BatchCursor, entryKeyAt, entryKeyLength } from '../rows/batch-codec'
import type { VersionCursor, VersionKind } from '../rows/version-cursor'
import type { ReplayedRows } from './replayed-rows'

const KEY_BYTES_INITIAL = 256

/** All versions of a piece. */
export class ReplayedRowsCursor implements VersionCursor {
  readonly #rows: ReplayedRows
  readonly #bytes: Buffer
  readonly #entry = new BatchCursor()
  /** Numbers of rows. */
  #order = new Uint32Array(0)
  #at = -1
  #key: Key | undefined

  keyBytes = Buffer.allocUnsafeSlow(KEY_BYTES_INITIAL)
  #keyView = new DataView(this.keyBytes.buffer)
  keyLength = 0
  sequence: Sequence = 0
  kind: VersionKind = ENTRY_PUT
  readonly valueBytes: Uint8Array
  readonly valueView: DataView
  valueAt = 0
  valueLength = 0

  constructor(rows: ReplayedRows) {
    this.#rows = rows
    this.#bytes = Buffer.from(rows.bytes)
    this.valueBytes = this.#bytes
    this.valueView = new DataView(rows.bytes)
  }

  get key(): Key {
    return (this.#key ??= this.keyBytes.latin1Slice(0, this.keyLength))
  }

  seek(key: Key | undefined): boolean {
    assert(key === undefined && this.#at === -1, 'replayed rows are walked once, from the first on')
    this.#order = orderOf(this.#bytes, this.#rows.places)
    return this.next()
  }

  next(): boolean {
    this.#at++
    if (this.#at >= this.#order.length) return false
    const row = this.#order[this.#at]!
    const entry = this.#entry
    entry.show(this.#bytes, this.#rows.places[row]!)
    const { kind, keyLength, valueLength } = entry
    if (keyLength > this.keyBytes.length) {
      this.keyBytes = Buffer.allocUnsafeSlow(2 * keyLength)
      this.#keyView = new DataView(this.keyBytes.buffer)
    }
    copyWords(this.#keyView, 0, entry.view, entry.keyAt, keyLength)
    this.keyLength = keyLength
    this.#key = undefined
    this.sequence = this.#rows.firstSequence + this.#rows.ages[row]!
    this.kind = kind === ENTRY_PUT ? ENTRY_PUT : ENTRY_DELETE
    this.valueAt = entry.valueAt
    this.valueLength = Math.max(0, valueLength)
    return true
  }

  close(): void {
    this.#order = new Uint32Array(0)
  }
}

/** The numbers of the rows at `places` in internal order. */
function orderOf(bytes: Buffer, places: Uint32Array): Uint32Array<ArrayBuffer> {
  const rows: SortableRows = {
    keyBytesAt: () => bytes,
    keyStartAt: (row) => entryKeyAt(bytes, places[row]!),
    keyLengthAt: (row) => entryKeyLength(bytes, places[row]!),
  }
  const count = places.length
  const order = new Uint32Array(count)
  for (let i = 0; i < count; i++) order[i] = count - 1 - i
  sortRows(rows, order)
  return order
}
