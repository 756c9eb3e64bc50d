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
 * it was given; it trusts nothing: a record that does not add up decodes to undefined.
 *
 * It holds no checksum: the frame around it does. Pinned by test/unit/storage/batch-codec.test.ts and test/format/log.
 */
import { assert } from '../base/assert'
import type { Batch, BatchEntry } from './engine'
import { ENTRY_DELETE, ENTRY_DELETE_RANGE, ENTRY_PUT } from './engine'

/** What a batch takes beyond its entries, in bytes. */
export const BATCH_HEADER_BYTES = 8

const PUT_BYTES = 7
const DELETE_BYTES = 3
const DELETE_RANGE_BYTES = 5
const NO_END = 0xffff

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
  if (end - start < BATCH_HEADER_BYTES) return undefined
  const next = start + source.readUInt32LE(start)
  const count = source.readUInt32LE(start + 4)
  if (next > end || next < start + BATCH_HEADER_BYTES) return undefined
  const batch: BatchEntry[] = []
  let at = start + BATCH_HEADER_BYTES
  for (let i = 0; i < count; i++) {
    const entryEnd = decodeEntry(source, at, next, batch)
    if (entryEnd === undefined) return undefined
    at = entryEnd
  }
  return at === next ? { batch, next } : undefined
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

/** Appends the entry at `start` to `batch` and returns the place behind it; undefined if it does not fit below `limit`. */
function decodeEntry(source: Buffer, start: number, limit: number, batch: BatchEntry[]): number | undefined {
  if (limit - start < DELETE_BYTES) return undefined
  const kind = source[start]
  const keyLength = source.readUInt16LE(start + 1)
  if (kind === ENTRY_DELETE) {
    const end = start + DELETE_BYTES + keyLength
    if (end > limit) return undefined
    batch.push({ kind, key: source.latin1Slice(start + DELETE_BYTES, end), value: undefined, end: undefined })
    return end
  }
  if (kind === ENTRY_PUT) {
    if (limit - start < PUT_BYTES) return undefined
    const valueStart = start + PUT_BYTES + keyLength
    const end = valueStart + source.readUInt32LE(start + 3)
    if (end > limit) return undefined
    const key = source.latin1Slice(start + PUT_BYTES, valueStart)
    batch.push({ kind, key, value: source.subarray(valueStart, end), end: undefined })
    return end
  }
  if (kind !== ENTRY_DELETE_RANGE || limit - start < DELETE_RANGE_BYTES) return undefined
  const endLength = source.readUInt16LE(start + 3)
  const endStart = start + DELETE_RANGE_BYTES + keyLength
  const end = endStart + (endLength === NO_END ? 0 : endLength)
  if (end > limit) return undefined
  const key = source.latin1Slice(start + DELETE_RANGE_BYTES, endStart)
  batch.push({ kind, key, value: undefined, end: endLength === NO_END ? undefined : source.latin1Slice(endStart, end) })
  return end
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
