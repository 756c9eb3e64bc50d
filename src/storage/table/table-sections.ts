/**
 * The two small sections of a table, properties and range tombstones, as bytes; both read from disk as hostile.
 *
 *   range tombstones: u32 count | u32 zero | count times: u64 sequence, key start, end
 *   properties:       u64 times 9: first and last sequence, entries, keys, tombstones, range tombstones, bytes of keys,
 *                     bytes of values, data blocks | key start of bounds | end of bounds | end first key | end last key
 *   key: u32 length, bytes      end: u8 1, key; or u8 0 for "none"
 *
 * Checked beyond their checksum: lengths inside the section, integers below 2^53, ranges not empty, nothing left over.
 */
import { assert } from '../../base/assert'
import type { Key } from '../../base/bytes'
import { isEmptyRange } from '../../base/key-range'
import { SEQUENCE_MAX } from '../../base/sequence'
import { corrupt, readU64, writeU64 } from './table-format'
import type { BlockPlace, TableProperties } from './table-format'
import type { RangeTombstone } from '../rows/version-cursor'

/** What the properties section holds; number and size of the file stand in the footer. */
export type StoredProperties = Omit<TableProperties, 'fileNumber' | 'fileBytes'>

const PROPERTIES_NUMBERS = 9

/** Encodes properties. */
export function encodeProperties(properties: StoredProperties): Buffer {
  const { bounds, firstKey, lastKey } = properties
  const writer = new SectionWriter(
    PROPERTIES_NUMBERS * 8 + 4 + bounds.start.length + endBytes(bounds.end) + endBytes(firstKey) + endBytes(lastKey),
  )
  writer.u64(properties.firstSequence)
  writer.u64(properties.lastSequence)
  writer.u64(properties.entries)
  writer.u64(properties.keys)
  writer.u64(properties.tombstones)
  writer.u64(properties.rangeTombstones)
  writer.u64(properties.keyBytes)
  writer.u64(properties.valueBytes)
  writer.u64(properties.dataBlocks)
  writer.key(bounds.start)
  writer.end(bounds.end)
  writer.end(firstKey)
  writer.end(lastKey)
  return writer.finish()
}

/** Decodes properties. Throws `CorruptionError`. */
export function decodeProperties(payload: Buffer, place: BlockPlace): StoredProperties {
  const reader = new SectionReader(payload, place)
  const firstSequence = reader.u64()
  const lastSequence = reader.u64()
  const entries = reader.u64()
  const keys = reader.u64()
  const tombstones = reader.u64()
  const rangeTombstones = reader.u64()
  const keyBytes = reader.u64()
  const valueBytes = reader.u64()
  const dataBlocks = reader.u64()
  const bounds = { start: reader.key(), end: reader.end() }
  const firstKey = reader.end()
  const lastKey = reader.end()
  reader.finish()
  if (firstSequence > lastSequence) throw corrupt(place, 'the first sequence is above the last')
  if (keys > entries || tombstones > entries || dataBlocks > entries)
    throw corrupt(place, 'the counts contradict each other')
  if (entries + rangeTombstones === 0 || isEmptyRange(bounds)) throw corrupt(place, 'a table cannot be empty')
  const hasKeys = entries > 0
  if ((firstKey !== undefined) !== hasKeys || (lastKey !== undefined) !== hasKeys || dataBlocks > 0 !== hasKeys) {
    throw corrupt(place, 'keys and counts contradict each other')
  }
  return { firstSequence, lastSequence, entries, keys, tombstones, rangeTombstones, keyBytes, valueBytes, dataBlocks, bounds, firstKey, lastKey } // prettier-ignore
}

/** Encodes range tombstones. */
export function encodeRangeTombstones(list: readonly RangeTombstone[]): Buffer {
  let bytes = 8
  for (const { start, end } of list) bytes += 8 + 4 + start.length + endBytes(end)
  const writer = new SectionWriter(bytes)
  writer.u32(list.length)
  writer.u32(0)
  for (const { start, end, sequence } of list) {
    writer.u64(sequence)
    writer.key(start)
    writer.end(end)
  }
  return writer.finish()
}

/** Decodes range tombstones. Throws `CorruptionError`. */
export function decodeRangeTombstones(payload: Buffer, place: BlockPlace): RangeTombstone[] {
  const reader = new SectionReader(payload, place)
  const count = reader.u32()
  reader.u32()
  const list: RangeTombstone[] = []
  for (let i = 0; i < count; i++) {
    const sequence = reader.u64()
    const tombstone = { start: reader.key(), end: reader.end(), sequence }
    if (isEmptyRange(tombstone)) throw corrupt(place, 'a range tombstone deletes nothing')
    list.push(tombstone)
  }
  reader.finish()
  return list
}

/** How long the payload of properties that begins with `bytes` is; undefined if they cannot be any. */
export function propertiesBytes(bytes: Buffer): number | undefined {
  const start = keyEnd(bytes, PROPERTIES_NUMBERS * 8)
  return endEnd(bytes, endEnd(bytes, endEnd(bytes, start)))
}

/** The same of range tombstones. */
export function rangeTombstonesBytes(bytes: Buffer): number | undefined {
  if (bytes.length < 8 || bytes.readUInt32LE(4) !== 0) return undefined
  let at: number | undefined = 8
  for (let left = bytes.readUInt32LE(0); left > 0 && at !== undefined; left--) at = endEnd(bytes, keyEnd(bytes, at + 8))
  return at
}

/** Where the key at `at` ends. */
function keyEnd(bytes: Buffer, at: number): number | undefined {
  if (at + 4 > bytes.length) return undefined
  const end = at + 4 + bytes.readUInt32LE(at)
  return end > bytes.length ? undefined : end
}

/** Where the end (a flag, perhaps a key) at `at` ends. */
function endEnd(bytes: Buffer, at: number | undefined): number | undefined {
  if (at === undefined || at >= bytes.length || bytes[at]! > 1) return undefined
  return bytes[at] === 0 ? at + 1 : keyEnd(bytes, at + 1)
}

function endBytes(end: Key | undefined): number {
  return end === undefined ? 1 : 5 + end.length
}

/** Writes a section of a size known before. */
class SectionWriter {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: number) {
    this.#bytes = Buffer.alloc(bytes)
  }

  u32(value: number): void {
    this.#at = this.#bytes.writeUInt32LE(value, this.#at)
  }

  u64(value: number): void {
    writeU64(this.#bytes, this.#at, value)
    this.#at += 8
  }

  key(key: Key): void {
    this.u32(key.length)
    this.#at += this.#bytes.latin1Write(key, this.#at)
  }

  end(end: Key | undefined): void {
    this.#bytes[this.#at++] = end === undefined ? 0 : 1
    if (end !== undefined) this.key(end)
  }

  finish(): Buffer {
    assert(this.#at === this.#bytes.length, 'a section has the size worked out for it')
    return this.#bytes
  }
}

/** Reads a section front to back; every step is checked against its end. */
class SectionReader {
  readonly #bytes: Buffer
  readonly #place: BlockPlace
  #at = 0

  constructor(bytes: Buffer, place: BlockPlace) {
    this.#bytes = bytes
    this.#place = place
  }

  #take(bytes: number): number {
    const at = this.#at
    if (bytes > this.#bytes.length - at) throw corrupt(this.#place, 'the section ends too early')
    this.#at = at + bytes
    return at
  }

  u32(): number {
    return this.#bytes.readUInt32LE(this.#take(4))
  }

  u64(): number {
    const value = readU64(this.#bytes, this.#take(8))
    if (value > SEQUENCE_MAX) throw corrupt(this.#place, 'a number is too large')
    return value
  }

  key(): Key {
    const length = this.u32()
    const at = this.#take(length)
    return this.#bytes.latin1Slice(at, at + length)
  }

  end(): Key | undefined {
    const flag = this.#bytes[this.#take(1)]!
    if (flag > 1) throw corrupt(this.#place, `the flag of an end cannot be ${flag}`)
    return flag === 0 ? undefined : this.key()
  }

  /** What is left is the seal's padding. */
  finish(): void {
    if (this.#bytes.length - this.#at > 3) throw corrupt(this.#place, 'the section is longer than what it holds')
    for (let i = this.#at; i < this.#bytes.length; i++) {
      if (this.#bytes[i] !== 0) throw corrupt(this.#place, 'the padding is not zero')
    }
  }
}
