/**
 * Batches as bytes: what a commit looks like inside a frame of the write-ahead log.
 *
 * All numbers are little-endian. DO NOT RENUMBER: on disk since format version 1.
 *
 *   batch        u32 bytes of the whole record, this field included
 *                u32 number of entries
 *                entries
 *   put          u8 0, u16 key length, u32 value length, key, value
 *   delete       u8 1, u16 key length, key
 *   delete range u8 2, u16 start length, u16 end length (0xffff: no end), start, end
 *
 * Entries are encoded straight into the group's buffer, without an object or a copy in between. An entry never takes more
 * bytes than `entryBytes` counts for it, so that what was reserved always suffices. Decoding gives views into the bytes
 * it was given, or places in them (`BatchCursor`); it trusts nothing: a record that does not add up decodes to undefined.
 *
 * It holds no checksum: the frame around it does. Pinned by test/unit/storage/rows/batch-codec.test.ts and test/format/log.
 */
import { assert } from '../../base/assert'
import type { Batch, BatchEntry, EntryKind } from '../engine'
import { ENTRY_DELETE, ENTRY_DELETE_RANGE, ENTRY_PUT } from '../engine'

/** What a batch takes beyond its entries, in bytes. */
export const BATCH_HEADER_BYTES = 8

const PUT_BYTES = 7
const DELETE_BYTES = 3
const DELETE_RANGE_BYTES = 5
const NO_END = 0xffff
const NO_BYTES = Buffer.alloc(0)

/** Encodes `batch` into `target` from `start` on; returns the place behind it. REQUIRES: room for `batchBytes` + header. */
export function encodeBatch(batch: Batch, target: Buffer, start: number): number {
  let at = start + BATCH_HEADER_BYTES
  for (const entry of batch) at = encodeEntry(entry, target, at)
  assert(at <= target.length, 'a batch stays within what was reserved for it')
  writeU32(target, start, at - start)
  writeU32(target, start + 4, batch.length)
  return at
}

/** A decoded batch and the place behind it. */
export interface DecodedBatch {
  readonly batch: Batch
  readonly next: number
}

/** Decodes the batch at `start` of `source[start, end)`; undefined if the bytes are no batch. Values are views. */
export function decodeBatch(source: Buffer, start: number, end: number): DecodedBatch | undefined {
  const cursor = new BatchCursor()
  if (!cursor.open(source, start, end)) return undefined
  const batch: BatchEntry[] = []
  while (cursor.next()) batch.push(cursor.entry())
  return cursor.isWhole ? { batch, next: cursor.end } : undefined
}

/** An entry where its bytes lie: places in `bytes`, which may change once it has been looked at. */
export interface EncodedEntry {
  readonly kind: EntryKind
  /** Where the entry begins. */
  readonly entryAt: number
  readonly bytes: Buffer
  readonly view: DataView
  /** The key, or the start of the range. */
  readonly keyAt: number
  readonly keyLength: number
  /** The value of a put, or the end of a range; -1 long where there is none. */
  readonly valueAt: number
  readonly valueLength: number
}

/** Walks the entries of a batch without an object for any of them: what replays a log of millions. */
export class BatchCursor implements EncodedEntry {
  bytes: Buffer = NO_BYTES
  view: DataView = new DataView(NO_BYTES.buffer)
  kind: EntryKind = ENTRY_PUT
  entryAt = 0
  keyAt = 0
  keyLength = 0
  valueAt = 0
  valueLength = -1
  #at = 0
  #end = 0
  #left = 0

  /** Goes to the batch at `start` of `source[start, end)`, before its first entry; false if there can be none. */
  open(source: Buffer, start: number, end: number): boolean {
    this.#see(source)
    this.#left = 0
    if (end - start < BATCH_HEADER_BYTES) return false
    this.#at = start + BATCH_HEADER_BYTES
    this.#end = start + source.readUInt32LE(start)
    if (this.#end > end || this.#end < this.#at) return false
    this.#left = source.readUInt32LE(start + 4)
    return true
  }

  /** Goes to the entry at `start` of `source`, the only one then. REQUIRES: it was walked before, there or where it was copied from. */
  show(source: Buffer, start: number): void {
    this.#see(source)
    this.#left = 0
    assert(this.#decode(start, source.length) >= 0, 'an entry lies where it was found before')
  }

  #see(source: Buffer): void {
    if (source.buffer !== this.bytes.buffer || source.byteOffset !== this.bytes.byteOffset) {
      this.view = new DataView(source.buffer, source.byteOffset, source.byteLength)
    }
    this.bytes = source
  }

  /** Moves to the next entry; false behind the last one, or if the bytes go on with none (`isWhole` tells). */
  next(): boolean {
    if (this.#left === 0) return false
    const next = this.#decode(this.#at, this.#end)
    if (next < 0) return false
    this.#at = next
    this.#left--
    return true
  }

  /** Whether all entries were walked, and are all there is. */
  get isWhole(): boolean {
    return this.#left === 0 && this.#at === this.#end
  }

  /** The place behind the batch. REQUIRES: `open` gave true. */
  get end(): number {
    return this.#end
  }

  /** The entry as an object, its value a view. */
  entry(): BatchEntry {
    const { kind, bytes, valueAt, valueLength } = this
    const key = bytes.latin1Slice(this.keyAt, this.keyAt + this.keyLength)
    if (kind === ENTRY_PUT) return { kind, key, value: bytes.subarray(valueAt, valueAt + valueLength), end: undefined }
    const end = valueLength < 0 ? undefined : bytes.latin1Slice(valueAt, valueAt + valueLength)
    return { kind, key, value: undefined, end }
  }

  /** Reads the entry at `start` and returns the place behind it; -1 if it does not fit below `limit`. */
  #decode(start: number, limit: number): number {
    if (limit - start < DELETE_BYTES) return -1
    const { bytes, view } = this
    const kind = bytes[start]!
    const keyLength = view.getUint16(start + 1, true)
    let headBytes = DELETE_BYTES
    let valueLength = -1
    if (kind === ENTRY_PUT) {
      headBytes = PUT_BYTES
      if (limit - start < headBytes) return -1
      valueLength = view.getUint32(start + 3, true)
    } else if (kind === ENTRY_DELETE_RANGE) {
      headBytes = DELETE_RANGE_BYTES
      if (limit - start < headBytes) return -1
      const endLength = view.getUint16(start + 3, true)
      if (endLength !== NO_END) valueLength = endLength
    } else if (kind !== ENTRY_DELETE) {
      return -1
    }
    this.kind = kind
    this.entryAt = start
    this.keyAt = start + headBytes
    this.keyLength = keyLength
    this.valueAt = this.keyAt + keyLength
    this.valueLength = valueLength
    const next = this.valueAt + Math.max(0, valueLength)
    return next > limit ? -1 : next
  }
}

/** Where the key of the put or delete at `at` begins. REQUIRES: there is one. */
export function entryKeyAt(bytes: Uint8Array, at: number): number {
  return at + (bytes[at] === ENTRY_PUT ? PUT_BYTES : DELETE_BYTES)
}

/** How long that key is. */
export function entryKeyLength(bytes: Uint8Array, at: number): number {
  return bytes[at + 1]! + bytes[at + 2]! * 256
}

function encodeEntry(entry: BatchEntry, target: Buffer, start: number): number {
  const { kind, key } = entry
  assert(key.length < NO_END, 'a key is shorter than 64 KiB')
  target[start] = kind
  writeU16(target, start + 1, key.length)
  if (kind === ENTRY_PUT) {
    const value = entry.value
    assert(value !== undefined, 'a put has a value')
    writeU32(target, start + 3, value.length)
    const at = start + PUT_BYTES
    target.latin1Write(key, at)
    target.set(value, at + key.length)
    return at + key.length + value.length
  }
  if (kind === ENTRY_DELETE) {
    target.latin1Write(key, start + DELETE_BYTES)
    return start + DELETE_BYTES + key.length
  }
  const end = entry.end
  assert(end === undefined || end.length < NO_END, 'the end of a range is shorter than 64 KiB')
  writeU16(target, start + 3, end === undefined ? NO_END : end.length)
  let at = start + DELETE_RANGE_BYTES
  target.latin1Write(key, at)
  at += key.length
  if (end !== undefined) {
    target.latin1Write(end, at)
    at += end.length
  }
  return at
}

// Plain stores are several times cheaper here than `writeUInt32LE`, which checks value and bounds of each call.
function writeU16(target: Buffer, at: number, value: number): void {
  target[at] = value
  target[at + 1] = value >>> 8
}

function writeU32(target: Buffer, at: number, value: number): void {
  target[at] = value
  target[at + 1] = value >>> 8
  target[at + 2] = value >>> 16
  target[at + 3] = value >>> 24
}
