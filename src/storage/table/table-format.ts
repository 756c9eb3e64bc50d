/**
 * The byte layout of a table file: sealed blocks, sections and the footer; shared by writer, reader and verifier.
 *
 *   data block 0 | data block 1 | ... | index pages | index | model | filter | range tombstones | properties | footer
 *
 * Every block and section is *sealed*: zero-padded to 4 bytes and ended by a trailer, so each begins on a multiple of 4 and its
 * columns can be read in place:
 *
 *   payload, then 0-3 zero bytes
 *   u8 codec (0: none, 1: deflate, 2: zstd; compressed-block.ts) | u8 block type | u16 zero
 *   u32 CRC-32 of file number (u64), offset in the file (u64), payload, padding and the four bytes before
 *
 * The identity in the checksum catches a misdirected read or write: right bytes of the wrong file or place.
 *
 * The footer, the last FOOTER_BYTES of the file; this place and form of version, checksum and magic hold for all versions:
 *
 *     0  u32 format version (1)      4  u32 number of sections     8  u64 file number     16  u64 size of the file
 *    24  SECTIONS_MAX times: u32 section type (0: none), u32 length in bytes with trailer, u64 offset
 *   152  zeros                     180  u32 CRC-32 of bytes 0-179                        184  "SKVTABLE"
 *
 * Numbers are little-endian. A reader ignores sections of a type it does not know. A greater format version is refused by name.
 * Worked through in docs/FORMATS.md; fixtures in test/format/table.
 */
import { assert } from '../../base/assert'
import { crc32 } from '../../base/checksum'
import { CorruptionError, UnsupportedFormatError } from '../../base/errors'
import type { Key } from '../../base/bytes'
import type { KeyRange } from '../../base/key-range'
import { sequenceHigh, sequenceLow, wordsToSequence } from '../../base/sequence'
import type { Sequence } from '../../base/sequence'
import { CODEC_NONE } from '../files/codec'
import { checkFormatVersion } from '../files/format-version'

/** The version written. DO NOT RENUMBER. */
export const TABLE_FORMAT_VERSION = 1

/** Types of sealed blocks, and of sections in the footer. DO NOT RENUMBER: on disk. */
export const BLOCK_ROWS = 1
export const BLOCK_LARGE_VALUE = 2
export const BLOCK_INDEX_PAGE = 3
export const SECTION_INDEX = 16
export const SECTION_FILTER = 17
export const SECTION_RANGE_TOMBSTONES = 18
export const SECTION_PROPERTIES = 19
export const SECTION_INDEX_PAGES = 20
export const SECTION_MODEL = 21
export type BlockType =
  | typeof BLOCK_ROWS
  | typeof BLOCK_LARGE_VALUE
  | typeof BLOCK_INDEX_PAGE
  | typeof SECTION_INDEX
  | typeof SECTION_FILTER
  | typeof SECTION_RANGE_TOMBSTONES
  | typeof SECTION_PROPERTIES
  | typeof SECTION_MODEL

export const BLOCK_ALIGNMENT_BYTES = 4
export const TRAILER_BYTES = 8
export const FOOTER_BYTES = 192
export const SECTIONS_MAX = 8

const MAGIC = 'SKVTABLE'
const FOOTER_CRC_AT = 180
const FOOTER_MAGIC_AT = 184
const FOOTER_SECTIONS_AT = 24
const FOOTER_SECTION_BYTES = 16

/** The CRC-32 of any bytes followed by their own CRC-32: one call checks a block without a view of its part. */
const CRC_RESIDUE = 0x2144df1c

/** What a table says about itself. Sizes in bytes. */
export interface TableProperties {
  readonly fileNumber: number
  /** Size of the file. */
  readonly fileBytes: number
  /** Every key and range tombstone lies in here. */
  readonly bounds: KeyRange
  /** The least and the greatest key of a version; undefined if there are only range tombstones. */
  readonly firstKey: Key | undefined
  readonly lastKey: Key | undefined
  /** Least and greatest sequence of versions and range tombstones. */
  readonly firstSequence: Sequence
  readonly lastSequence: Sequence
  /** Versions, tombstones included, range tombstones not. */
  readonly entries: number
  /** Distinct keys. */
  readonly keys: number
  readonly tombstones: number
  readonly rangeTombstones: number
  /** Keys and values as given, summed over the versions. */
  readonly keyBytes: number
  readonly valueBytes: number
  readonly dataBlocks: number
  /** The sequence that the manifest gives all rows of a table that a bulk load wrote; the file itself holds a placeholder. */
  readonly loadedAt?: Sequence
}

/** Where a section lies; `length` with its trailer. */
export interface Section {
  readonly type: number
  readonly offset: number
  readonly length: number
}

/** What a footer says. */
export interface Footer {
  readonly fileNumber: number
  readonly fileBytes: number
  readonly sections: readonly Section[]
}

/** The checksum's start for everything in the file of this number; see `blockSeed`. */
export function fileSeed(fileNumber: number): number {
  return crc32(u64Bytes(fileNumber), 0, 8)
}

/** The checksum's start for the block at `offset` of a file whose `fileSeed` is given. */
export function blockSeed(seed: number, offset: number): number {
  return crc32(u64Bytes(offset), 0, 8, seed)
}

const seedBytes = new Uint8Array(8)
const seedView = new DataView(seedBytes.buffer)

function u64Bytes(value: number): Uint8Array {
  seedView.setUint32(0, sequenceLow(value), true)
  seedView.setUint32(4, sequenceHigh(value), true)
  return seedBytes
}

/** Bytes of a sealed block whose payload has `payloadBytes`. */
export function sealedBytes(payloadBytes: number): number {
  return Math.ceil(payloadBytes / BLOCK_ALIGNMENT_BYTES) * BLOCK_ALIGNMENT_BYTES + TRAILER_BYTES
}

/**
 * Seals the payload at `bytes[at, at + payloadBytes)`, which will stand at `offset` of its file, and gives the sealed length.
 * REQUIRES: room for `sealedBytes(payloadBytes)` at `at`.
 */
export function sealBlock(
  bytes: Uint8Array,
  block: { at: number; payloadBytes: number; type: BlockType; seed: number; offset: number; codec?: number },
): number {
  const { at, payloadBytes, codec = CODEC_NONE } = block
  const length = sealedBytes(payloadBytes)
  assert(at + length <= bytes.length, 'a sealed block fits its buffer')
  assert(block.offset % BLOCK_ALIGNMENT_BYTES === 0, 'blocks begin on multiples of four')
  const trailerAt = at + length - TRAILER_BYTES
  bytes.fill(0, at + payloadBytes, at + length)
  bytes[trailerAt] = codec
  bytes[trailerAt + 1] = block.type
  writeU32(bytes, trailerAt + 4, crc32(bytes, at, trailerAt + 4, blockSeed(block.seed, block.offset)))
  return length
}

/** Where a block came from, for its checksum and for errors. */
export interface BlockPlace {
  readonly file: string
  readonly seed: number
  readonly offset: number
}

/** Checks the checksum of the sealed block that fills `sealed` and gives its type. Throws `CorruptionError`. */
export function checkSealed(sealed: Uint8Array, place: BlockPlace): number {
  const length = sealed.length
  if (length < TRAILER_BYTES || length % BLOCK_ALIGNMENT_BYTES !== 0) {
    throw corrupt(place, `a block cannot have ${length} bytes`)
  }
  if (crc32(sealed, 0, length, blockSeed(place.seed, place.offset)) !== CRC_RESIDUE) {
    throw corrupt(place, 'the checksum does not match')
  }
  return sealed[length - 7]!
}

/**
 * As `checkSealed`, for a block that must be of one type and not compressed; gives its payload with padding. Throws
 * `UnsupportedFormatError` for one that is.
 */
export function openSealed(sealed: Buffer, place: BlockPlace, type: BlockType): Buffer {
  const found = checkSealed(sealed, place)
  if (found !== type) throw corrupt(place, `a block of type ${found} stands where type ${type} should be`)
  const codec = codecOf(sealed)
  if (codec !== CODEC_NONE) {
    throw new UnsupportedFormatError(
      `Cannot read ${place.file}: the section at offset ${place.offset} has codec ${codec}, this version knows sections of codec ${CODEC_NONE}`,
    )
  }
  return sealed.subarray(0, sealed.length - TRAILER_BYTES)
}

/** The codec that a sealed block says it is stored with. REQUIRES: `checkSealed` accepted it. */
export function codecOf(sealed: Uint8Array): number {
  return sealed[sealed.length - TRAILER_BYTES]!
}

/** The error for bytes that are not what was written. */
export function corrupt(place: { readonly file: string; readonly offset: number }, why: string): CorruptionError {
  return new CorruptionError(`Cannot read ${place.file} at offset ${place.offset}: ${why}`, place.file, place.offset)
}

/** Encodes a footer. */
export function encodeFooter(footer: Footer): Buffer {
  assert(footer.sections.length <= SECTIONS_MAX, 'a footer has room for its sections')
  const bytes = Buffer.alloc(FOOTER_BYTES)
  bytes.writeUInt32LE(TABLE_FORMAT_VERSION, 0)
  bytes.writeUInt32LE(footer.sections.length, 4)
  writeU64(bytes, 8, footer.fileNumber)
  writeU64(bytes, 16, footer.fileBytes)
  let at = FOOTER_SECTIONS_AT
  for (const section of footer.sections) {
    bytes.writeUInt32LE(section.type, at)
    bytes.writeUInt32LE(section.length, at + 4)
    writeU64(bytes, at + 8, section.offset)
    at += FOOTER_SECTION_BYTES
  }
  bytes.writeUInt32LE(crc32(bytes, 0, FOOTER_CRC_AT), FOOTER_CRC_AT)
  bytes.latin1Write(MAGIC, FOOTER_MAGIC_AT)
  return bytes
}

/**
 * Decodes and checks the footer of a file of `fileBytes`: it is of file `fileNumber`, and its sections lie one behind the other
 * up to it. Throws `CorruptionError`, `UnsupportedFormatError`.
 */
export function decodeFooter(bytes: Buffer, expected: { file: string; fileNumber: number; fileBytes: number }): Footer {
  const place = { file: expected.file, offset: Math.max(0, expected.fileBytes - FOOTER_BYTES) }
  if (bytes.length !== FOOTER_BYTES) throw corrupt(place, `${bytes.length} bytes are too few for a footer`)
  if (bytes.latin1Slice(FOOTER_MAGIC_AT, FOOTER_BYTES) !== MAGIC)
    throw corrupt(place, 'it does not end as a table does')
  if (crc32(bytes, 0, FOOTER_CRC_AT) !== bytes.readUInt32LE(FOOTER_CRC_AT)) {
    throw corrupt(place, "the footer's checksum does not match")
  }
  const version = bytes.readUInt32LE(0)
  checkFormatVersion(version, { name: 'table', current: TABLE_FORMAT_VERSION, file: expected.file })
  const fileNumber = readU64(bytes, 8)
  if (fileNumber !== expected.fileNumber) throw corrupt(place, `it is file ${fileNumber}, not ${expected.fileNumber}`)
  const fileBytes = readU64(bytes, 16)
  if (fileBytes !== expected.fileBytes) throw corrupt(place, `it has ${expected.fileBytes} bytes, not ${fileBytes}`)
  return { fileNumber, fileBytes, sections: decodeSections(bytes, place) }
}

function decodeSections(bytes: Buffer, place: { file: string; offset: number }): Section[] {
  const count = bytes.readUInt32LE(4)
  if (count === 0 || count > SECTIONS_MAX) throw corrupt(place, `a footer cannot list ${count} sections`)
  const sections: Section[] = []
  let end = -1
  for (let i = 0; i < count; i++) {
    const at = FOOTER_SECTIONS_AT + i * FOOTER_SECTION_BYTES
    const section = { type: bytes.readUInt32LE(at), length: bytes.readUInt32LE(at + 4), offset: readU64(bytes, at + 8) }
    if (section.length < TRAILER_BYTES || section.offset % BLOCK_ALIGNMENT_BYTES !== 0) {
      throw corrupt(place, `section ${i} cannot have ${section.length} bytes at ${section.offset}`)
    }
    if (end !== -1 && section.offset !== end) throw corrupt(place, `section ${i} does not follow the one before it`)
    if (sections.some((other) => other.type === section.type))
      throw corrupt(place, `section type ${section.type} comes twice`)
    end = section.offset + section.length
    sections.push(section)
  }
  if (end !== place.offset) throw corrupt(place, 'the last section does not end at the footer')
  return sections
}

/** Writes a u32 at a place that need not be aligned. */
export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value & 0xff
  bytes[at + 1] = (value >>> 8) & 0xff
  bytes[at + 2] = (value >>> 16) & 0xff
  bytes[at + 3] = value >>> 24
}

/** Writes an integer below 2^53 as a u64. */
export function writeU64(bytes: Uint8Array, at: number, value: number): void {
  writeU32(bytes, at, sequenceLow(value))
  writeU32(bytes, at + 4, sequenceHigh(value))
}

/** Reads a u64; beyond 2^53 the result is inexact and for the caller's checks to refuse. */
export function readU64(bytes: Buffer, at: number): number {
  return wordsToSequence(bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4))
}
