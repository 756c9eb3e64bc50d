/**
 * Walks the rows of a frozen memtable through its shared memory alone, in the order of the places that it is fed with.
 *
 * What a thread other than the memtable's has instead of its tree: the owner hands over the places of the rows in the order of
 * their keys, piece by piece; key, versions and values are read where they lie. Forward only.
 *
 * Pinned by test/unit/storage/compaction/byte-jobs.test.ts against the memtable's own cursor.
 */
import { assert } from '../../base/assert'
import type { Key } from '../../base/bytes'
import type { Sequence } from '../../base/sequence'
import { byteOf } from './arena'
import { ENTRY_DELETE, ENTRY_PUT } from '../engine'
import { MemtableRows, PLACE_NONE, TOMBSTONE_LENGTH } from './memtable-rows'
import type { VersionCursor, VersionKind } from '../rows/version-cursor'

const KEY_BYTES_INITIAL = 256
const NO_BYTES = new Uint8Array(0)

/** The next places, undefined behind the last. */
export type NextPlaces = () => Promise<Uint32Array | undefined>

/** All versions of the rows, in internal order. */
export class PlacedRowsCursor implements VersionCursor {
  readonly #rows: MemtableRows
  readonly #nextPlaces: NextPlaces
  #places = new Uint32Array(0)
  #at = -1
  /** The version shown: the row itself, or an older one. */
  #version = PLACE_NONE
  #key: Key | undefined

  keyBytes = Buffer.allocUnsafeSlow(KEY_BYTES_INITIAL)
  keyLength = 0
  sequence: Sequence = 0
  kind: VersionKind = ENTRY_PUT
  valueBytes: Uint8Array = NO_BYTES
  valueAt = 0
  valueLength = 0

  /** `chunks`: the memory of the rows. */
  constructor(chunks: readonly SharedArrayBuffer[], nextPlaces: NextPlaces) {
    this.#rows = new MemtableRows(chunks)
    this.#nextPlaces = nextPlaces
  }

  get key(): Key {
    return (this.#key ??= this.keyBytes.latin1Slice(0, this.keyLength))
  }

  seek(key: Key | undefined): boolean | Promise<boolean> {
    assert(key === undefined && this.#at === -1, 'rows in places are walked once, from the first on')
    return this.#nextRow()
  }

  next(): boolean | Promise<boolean> {
    const older = this.#rows.olderAt(this.#version)
    return older === PLACE_NONE ? this.#nextRow() : this.#show(older)
  }

  #nextRow(): boolean | Promise<boolean> {
    this.#at++
    if (this.#at < this.#places.length) return this.#enter(this.#places[this.#at]!)
    return this.#fetch()
  }

  async #fetch(): Promise<boolean> {
    do {
      const places = await this.#nextPlaces()
      if (places === undefined) return false
      this.#places = places as Uint32Array<ArrayBuffer>
      this.#at = 0
    } while (this.#places.length === 0)
    return this.#enter(this.#places[0]!)
  }

  #enter(row: number): true {
    const length = this.#rows.keyLengthAt(row)
    if (length > this.keyBytes.length) this.keyBytes = Buffer.allocUnsafeSlow(2 * length)
    this.#rows.copyKey(row, this.keyBytes)
    this.keyLength = length
    this.#key = undefined
    return this.#show(row)
  }

  #show(version: number): true {
    const rows = this.#rows
    this.#version = version
    this.sequence = rows.sequenceAt(version)
    const length = rows.valueLengthAt(version)
    if (length === TOMBSTONE_LENGTH) {
      this.kind = ENTRY_DELETE
      this.valueBytes = NO_BYTES
      this.valueAt = 0
      this.valueLength = 0
    } else {
      const place = rows.valuePlaceAt(version)
      this.kind = ENTRY_PUT
      this.valueBytes = rows.valueBytes(place)
      this.valueAt = byteOf(place)
      this.valueLength = length
    }
    return true
  }

  close(): void {
    this.valueBytes = NO_BYTES
  }
}
