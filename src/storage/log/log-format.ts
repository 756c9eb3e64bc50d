/**
 * The write-ahead log's bytes, format version 1: names of segments, the header of a segment, the header of a frame.
 *
 * All numbers are little-endian; a u64 is two u32, low word first. DO NOT RENUMBER: on disk. docs/FORMATS.md has the
 * same tables with a worked example.
 *
 *   segment:  | header, 4 KiB | frame 0 | frame 1 | ... | zeros |      written ahead as zeros, then from left to right
 *   frame:    | header, 72 B | payload: batches | zeros |              on 512-byte boundaries
 *
 *   header of a segment (the rest of its 4 KiB is zero)       header of a frame
 *    0  8 bytes  magic 'SKVWAL\r\n'                            0  u32  checksum: CRC-32 of bytes [4, frame bytes)
 *    8  u32      format version, 1                             4  u32  magic 'SKVF'
 *   12  u32      checksum: CRC-32 of the 4 KiB, this as 0      8  u64  nonce of the segment
 *   16  u32      segment number                               16  u32  segment number
 *   20  u64      nonce                                        20  u32  ordinal: 0 for the segment's first frame
 *                                                             24  u32  offset of the frame in the file
 *                                                             28  u32  frame bytes: header, payload and padding
 *                                                             32  u32  payload bytes
 *                                                             36  u32  number of commits, 0 in an empty frame
 *                                                             40  u64  sequence of the first commit
 *                                                             48  u64  sequence of the last commit
 *                                                             56  u32  checksum of the frame before, 0 for the first ever
 *                                                             60  u32  promise: segment number
 *                                                             64  u32  promise: offset
 *                                                             68  u32  0
 *
 * 1. A frame verifies alone: nonce, segment number and offset say that it belongs here and nowhere else.
 * 2. The *promise* says that the log was durable up to that position when the frame was written. Whatever lies before a
 *    promise and does not verify is corruption of acknowledged data; what no promise reaches may be a torn tail.
 * 3. The header of a segment is complete and synced before the manifest names the segment. Its second half, which repeats
 *    end and checksum of the segment before, is the promise and the previous checksum of its frame 0: only then are
 *    they known, and one write says both.
 * 4. An empty frame has no commits; its first sequence is one more than its last, which is the last one of the log so far.
 *
 * Pinned by test/unit/storage/log/log-format.test.ts and the frozen files of test/format/log.
 */
import { assert } from '../../base/assert'
import { crc32 } from '../../base/checksum'
import type { Sequence } from '../../base/sequence'
import { sequenceHigh, sequenceLow, wordsToSequence } from '../../base/sequence'
import type { LogPosition } from './log-contract'

/** The version that this code writes. */
export const LOG_FORMAT_VERSION = 1
/** Frames begin and end on multiples of this, in bytes: a sector, the least that a disk writes at once. */
export const SECTOR_BYTES = 512
/** A synced frame ends on a multiple of this, in bytes: no acknowledged page is ever written again. */
export const PAGE_BYTES = 4096
/** The header of a segment: its first page. */
export const SEGMENT_HEADER_BYTES = PAGE_BYTES
export const FRAME_HEADER_BYTES = 72
/** No frame is larger, whatever its header says: the greatest transaction and the greatest group fit in. */
export const FRAME_BYTES_MAX = 64 * 1024 * 1024

const SEGMENT_MAGIC = 'SKVWAL\r\n'
const FRAME_MAGIC = 0x46564b53

/** The file name of a segment: '0000000042.log'. */
export function segmentFileName(number: number): string {
  assert(Number.isInteger(number) && number > 0 && number < 2 ** 32, 'a segment number is a positive u32')
  return `${String(number).padStart(10, '0')}.log`
}

/** The number of a segment's file name; undefined for any other name. */
export function fileNameToSegment(name: string): number | undefined {
  if (!/^\d{10}\.log$/.test(name)) return undefined
  const number = Number.parseInt(name, 10)
  return number > 0 && number < 2 ** 32 ? number : undefined
}

/** The least multiple of `unit` that is not below `bytes`. */
export function alignUp(bytes: number, unit: number): number {
  return Math.ceil(bytes / unit) * unit
}

/** Below zero if `a` lies before `b` in the log, 0 if they are one place, above zero if behind it. */
export function comparePositions(a: LogPosition, b: LogPosition): number {
  return a.segment === b.segment ? a.offset - b.offset : a.segment - b.segment
}

/** Tells the segments of a log apart from whatever else was ever on the disk: 64 random bits, as two u32. */
export interface Nonce {
  readonly low: number
  readonly high: number
}

/** What the header of a segment says. */
export interface SegmentHeader {
  readonly number: number
  readonly nonce: Nonce
}

/** Writes a segment's header into the first page of `target`. */
export function encodeSegmentHeader(header: SegmentHeader, target: Buffer): void {
  target.fill(0, 0, SEGMENT_HEADER_BYTES)
  target.latin1Write(SEGMENT_MAGIC, 0)
  target.writeUInt32LE(LOG_FORMAT_VERSION, 8)
  target.writeUInt32LE(header.number, 16)
  target.writeUInt32LE(header.nonce.low, 20)
  target.writeUInt32LE(header.nonce.high, 24)
  target.writeUInt32LE(crc32(target, 0, SEGMENT_HEADER_BYTES), 12)
}

/** What a segment's first page turned out to be; an 'unsupported' one is of another format version. */
export type DecodedSegmentHeader =
  | ({ readonly kind: 'valid' } & SegmentHeader)
  | { readonly kind: 'unsupported'; readonly version: number }
  | { readonly kind: 'invalid'; readonly why: string }

/** Reads a segment's header from `page`, the first bytes of a file. */
export function decodeSegmentHeader(page: Buffer): DecodedSegmentHeader {
  if (page.length < SEGMENT_HEADER_BYTES) return { kind: 'invalid', why: `it ends after ${page.length} bytes` }
  if (page.latin1Slice(0, SEGMENT_MAGIC.length) !== SEGMENT_MAGIC) {
    return { kind: 'invalid', why: 'it does not begin as a log segment does' }
  }
  const version = page.readUInt32LE(8)
  const checksum = page.readUInt32LE(12)
  const seen = crc32(page, 16, SEGMENT_HEADER_BYTES, crc32(ZERO_WORD, 0, 4, crc32(page, 0, 12)))
  // A later version may lay out the rest differently, so the version is looked at before the checksum; a version that
  // was merely damaged is told by the checksum being right for ours.
  if (checksum !== seen) {
    const isDamaged = version === LOG_FORMAT_VERSION || isChecksumOfOurVersion(page, checksum)
    return isDamaged ? { kind: 'invalid', why: 'its header does not match its checksum' } : { kind: 'unsupported', version } // prettier-ignore
  }
  if (version !== LOG_FORMAT_VERSION) return { kind: 'unsupported', version }
  const nonce = { low: page.readUInt32LE(20), high: page.readUInt32LE(24) }
  return { kind: 'valid', number: page.readUInt32LE(16), nonce }
}

const ZERO_WORD = new Uint8Array(4)

function isChecksumOfOurVersion(page: Buffer, checksum: number): boolean {
  const copy = Buffer.from(page.subarray(0, SEGMENT_HEADER_BYTES))
  copy.writeUInt32LE(LOG_FORMAT_VERSION, 8)
  copy.writeUInt32LE(0, 12)
  return crc32(copy) === checksum
}

/** What the header of a frame says, its checksum apart. Sizes in bytes. */
export interface FrameHeader {
  readonly nonce: Nonce
  readonly segment: number
  readonly ordinal: number
  readonly offset: number
  readonly frameBytes: number
  readonly payloadBytes: number
  readonly commits: number
  readonly firstSequence: Sequence
  readonly lastSequence: Sequence
  readonly previousChecksum: number
  readonly promise: LogPosition
}

/**
 * Writes the header of a frame in front of the payload that stands in `frame` already, zeros the padding, and returns the
 * frame's checksum. REQUIRES: `frame[FRAME_HEADER_BYTES, + payloadBytes)` is the payload.
 */
export function encodeFrame(header: FrameHeader, frame: Buffer): number {
  assert(header.frameBytes % SECTOR_BYTES === 0 && header.offset % SECTOR_BYTES === 0, 'frames stand on sectors')
  assert(header.frameBytes <= FRAME_BYTES_MAX, 'a frame is within the format')
  const payloadEnd = FRAME_HEADER_BYTES + header.payloadBytes
  assert(payloadEnd <= header.frameBytes && header.frameBytes <= frame.length, 'a frame holds its payload')
  frame.fill(0, payloadEnd, header.frameBytes)
  frame.writeUInt32LE(FRAME_MAGIC, 4)
  frame.writeUInt32LE(header.nonce.low, 8)
  frame.writeUInt32LE(header.nonce.high, 12)
  frame.writeUInt32LE(header.segment, 16)
  frame.writeUInt32LE(header.ordinal, 20)
  frame.writeUInt32LE(header.offset, 24)
  frame.writeUInt32LE(header.frameBytes, 28)
  frame.writeUInt32LE(header.payloadBytes, 32)
  frame.writeUInt32LE(header.commits, 36)
  writeSequence(frame, 40, header.firstSequence)
  writeSequence(frame, 48, header.lastSequence)
  frame.writeUInt32LE(header.previousChecksum, 56)
  frame.writeUInt32LE(header.promise.segment, 60)
  frame.writeUInt32LE(header.promise.offset, 64)
  frame.writeUInt32LE(0, 68)
  const checksum = crc32(frame, 4, header.frameBytes)
  frame.writeUInt32LE(checksum, 0)
  return checksum
}

/** Where a frame is looked for, and in which segment. */
export interface FramePlace {
  readonly header: SegmentHeader
  readonly offset: number
  /** The size of the file in bytes: no frame reaches past it. */
  readonly fileBytes: number
}

/**
 * The frame header at the start of `bytes`, if it can be one at this place; its checksum is not looked at. What is
 * returned bounds every length by the file, so that a hostile one cannot ask for more memory than the file has bytes.
 */
export function decodeFrameHeader(bytes: Buffer, place: FramePlace): FrameHeader | undefined {
  if (bytes.length < FRAME_HEADER_BYTES || bytes.readUInt32LE(4) !== FRAME_MAGIC) return undefined
  const nonce = { low: bytes.readUInt32LE(8), high: bytes.readUInt32LE(12) }
  const { header } = place
  if (nonce.low !== header.nonce.low || nonce.high !== header.nonce.high) return undefined
  if (bytes.readUInt32LE(16) !== header.number || bytes.readUInt32LE(24) !== place.offset) return undefined
  const frameBytes = bytes.readUInt32LE(28)
  const payloadBytes = bytes.readUInt32LE(32)
  if (frameBytes % SECTOR_BYTES !== 0 || frameBytes > FRAME_BYTES_MAX || place.offset + frameBytes > place.fileBytes) {
    return undefined
  }
  if (FRAME_HEADER_BYTES + payloadBytes > frameBytes) return undefined
  return {
    nonce,
    segment: header.number,
    ordinal: bytes.readUInt32LE(20),
    offset: place.offset,
    frameBytes,
    payloadBytes,
    commits: bytes.readUInt32LE(36),
    firstSequence: readSequence(bytes, 40),
    lastSequence: readSequence(bytes, 48),
    previousChecksum: bytes.readUInt32LE(56),
    promise: { segment: bytes.readUInt32LE(60), offset: bytes.readUInt32LE(64) },
  }
}

/** The checksum that a frame says it has. */
export function frameChecksum(frame: Buffer): number {
  return frame.readUInt32LE(0)
}

/** Whether the whole frame `frame[0, frameBytes)` matches its checksum. */
export function isFrameIntact(frame: Buffer, frameBytes: number): boolean {
  return crc32(frame, 4, frameBytes) === frameChecksum(frame)
}

function writeSequence(target: Buffer, at: number, sequence: Sequence): void {
  target.writeUInt32LE(sequenceLow(sequence), at)
  target.writeUInt32LE(sequenceHigh(sequence), at + 4)
}

function readSequence(source: Buffer, at: number): Sequence {
  return wordsToSequence(source.readUInt32LE(at), source.readUInt32LE(at + 4))
}
