/**
 * The bytes of a compressed data block, and the way there and back.
 *
 *   u32 bytes of the plain payload | u32 bytes of the codec's output | output, zeros to a multiple of 4 | trailer
 *
 * The trailer is that of every sealed block (table-format.ts); its checksum covers the block as it is stored, its codec byte
 * says how. A block that does not shrink by an eighth is stored plain: every read would pay for nothing. Index, filter and the other
 * sections are never compressed.
 *
 * What is read is hostile: the plain size is bounded by the block's type before any memory is taken, and the codec must give
 * exactly that. A parsed block never refers to the stored bytes, so caches charge its decompressed size.
 *
 * Pinned by test/unit/storage/table/compressed-block.test.ts and test/unit/storage/table/table-codecs.test.ts.
 */
import { UnsupportedFormatError } from '../../base/errors'
import { CODEC_NONE, codecs } from '../files/codec'
import type { Codec, CodecName } from '../files/codec'
import { BLOCK_ROWS, corrupt, sealedBytes, TRAILER_BYTES, writeU32 } from './table-format'
import type { BlockPlace } from './table-format'

/** How a table's data blocks are compressed. */
export interface Compression {
  readonly codec: CodecName
  /** Larger payloads are stored plain, in bytes. */
  readonly payloadBytesMax: number
}

const HEADER_BYTES = 8
const PADDING_BYTES_MAX = 3
/** Saved less than this part of a payload, it is stored plain. */
const SAVED_PART_MIN = 1 / 8

/** The most that the payloads of version 1 have: rows of 64 KiB of keys and as much of values; the largest key and value. */
export const ROWS_PAYLOAD_BYTES_MAX = 256 * 1024
export const LARGE_PAYLOAD_BYTES_MAX = 16 * 1024 * 1024 + 8 * 1024

/** Compresses payloads of one table. */
export class BlockCompressor {
  readonly #codec: Codec
  readonly #payloadBytesMax: number

  constructor({ codec, payloadBytesMax }: Compression) {
    this.#codec = codecs.named(codec)
    this.#payloadBytesMax = payloadBytesMax
  }

  get codec(): number {
    return this.#codec.id
  }

  /** Replaces the payload at `bytes[at, at + payloadBytes)` and gives its new length; 0: left as it was. */
  shrink(bytes: Buffer, at: number, payloadBytes: number): number {
    if (payloadBytes > this.#payloadBytesMax) return 0
    const output = this.#codec.compress(bytes.subarray(at, at + payloadBytes))
    const shrunk = HEADER_BYTES + output.length
    if (shrunk > payloadBytes * (1 - SAVED_PART_MIN)) return 0
    writeU32(bytes, at, payloadBytes)
    writeU32(bytes, at + 4, output.length)
    bytes.set(output, at + HEADER_BYTES)
    return shrunk
  }
}

/**
 * The sealed block as it would stand uncompressed, its trailer's checksum left out. REQUIRES: its checksum has been checked and
 * `type` is its type. Throws `CorruptionError`; `UnsupportedFormatError` for a codec that is not known or that the runtime lacks.
 */
export function expandBlock(sealed: Buffer, place: BlockPlace, type: number): Buffer {
  const end = sealed.length - TRAILER_BYTES
  const id = sealed[end]!
  if (id === CODEC_NONE) return sealed
  const codec = codecs.withId(id)
  if (codec === undefined) {
    throw new UnsupportedFormatError(
      `Cannot read ${place.file}: the block at offset ${place.offset} has codec ${id}, but ${codecs.problemOfId(id)}`,
    )
  }
  if (end < HEADER_BYTES) throw corrupt(place, 'a compressed block is shorter than its header')
  const plainBytes = sealed.readUInt32LE(0)
  const bytesMax = type === BLOCK_ROWS ? ROWS_PAYLOAD_BYTES_MAX : LARGE_PAYLOAD_BYTES_MAX
  if (plainBytes === 0 || plainBytes > bytesMax) {
    throw corrupt(place, `a block of type ${type} cannot have ${plainBytes} bytes when decompressed`)
  }
  const outputEnd = HEADER_BYTES + sealed.readUInt32LE(4)
  if (outputEnd > end || end - outputEnd > PADDING_BYTES_MAX)
    throw corrupt(place, "a compressed block's length is wrong")
  const expanded = Buffer.allocUnsafeSlow(sealedBytes(plainBytes))
  try {
    expanded.set(codec.decompress(sealed.subarray(HEADER_BYTES, outputEnd), plainBytes))
  } catch (error) {
    throw corrupt(place, `the block does not decompress (${error instanceof Error ? error.message : String(error)})`)
  }
  expanded.fill(0, plainBytes)
  expanded[expanded.length - TRAILER_BYTES + 1] = type
  return expanded
}
