/**
 * Writing and reading small records field by field: little-endian, lengths before bytes, every read checked.
 *
 * For records that are rare (manifest edits); logs and tables have codecs of their own that avoid the calls.
 * A reader never reads past its end and never throws: it turns `failed`, and gives zeros from there on.
 * Pinned by test/unit/storage/files/byte-codec.test.ts.
 */
import { assert } from '../../base/assert'
import type { Key } from '../../base/bytes'

const WORD = 0x1_0000_0000
const CAPACITY_BYTES_MIN = 256

/** Bytes that grow as fields are written. */
export class ByteWriter {
  #bytes = Buffer.alloc(CAPACITY_BYTES_MIN)
  #length = 0

  u8(value: number): void {
    const at = this.#grow(1)
    this.#bytes.writeUInt8(value, at)
  }

  u32(value: number): void {
    const at = this.#grow(4)
    this.#bytes.writeUInt32LE(value, at)
  }

  /** An integer from 0 to 2^53 - 1, as two u32, low word first. */
  u53(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, 'a u53 is a safe integer from 0')
    const at = this.#grow(8)
    this.#bytes.writeUInt32LE(value >>> 0, at)
    this.#bytes.writeUInt32LE(Math.floor(value / WORD), at + 4)
  }

  /** A u32 length, then one byte a char. */
  latin1(text: Key): void {
    this.u32(text.length)
    const at = this.#grow(text.length)
    this.#bytes.latin1Write(text, at)
  }

  /** What was written. */
  finish(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  #grow(bytes: number): number {
    const at = this.#length
    this.#length += bytes
    if (this.#length > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(this.#length, 2 * this.#bytes.length))
      this.#bytes.copy(larger, 0, 0, at)
      this.#bytes = larger
    }
    return at
  }
}

/** Reads what a `ByteWriter` wrote, from `bytes[at, end)`. */
export class ByteReader {
  readonly #bytes: Buffer
  readonly #end: number
  #at: number
  #failed = false

  constructor(bytes: Buffer, at = 0, end = bytes.length) {
    this.#bytes = bytes
    this.#at = at
    this.#end = end
  }

  /** Something was asked for that is not there. */
  get failed(): boolean {
    return this.#failed
  }

  /** Nothing is left to read. */
  get done(): boolean {
    return this.#at >= this.#end || this.#failed
  }

  u8(): number {
    const at = this.#take(1)
    return at < 0 ? 0 : this.#bytes.readUInt8(at)
  }

  u32(): number {
    const at = this.#take(4)
    return at < 0 ? 0 : this.#bytes.readUInt32LE(at)
  }

  u53(): number {
    const at = this.#take(8)
    if (at < 0) return 0
    const value = this.#bytes.readUInt32LE(at + 4) * WORD + this.#bytes.readUInt32LE(at)
    if (Number.isSafeInteger(value)) return value
    this.#failed = true
    return 0
  }

  latin1(): Key {
    const length = this.u32()
    const at = this.#take(length)
    return at < 0 ? '' : this.#bytes.latin1Slice(at, at + length)
  }

  #take(bytes: number): number {
    if (this.#failed || this.#at + bytes > this.#end) {
      this.#failed = true
      return -1
    }
    const at = this.#at
    this.#at += bytes
    return at
  }
}
