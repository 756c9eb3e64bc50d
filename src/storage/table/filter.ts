/**
 * Blocked Bloom filters over hashed keys: a key's bits all lie in one line of 64 bytes, so a probe touches one cache line.
 *
 * A key is hashed once a lookup, into two 32-bit halves shared by all tables: `low` picks the line, `high` the bits in it
 * (multiplied by an odd constant for each next bit, of which the top nine bits count). The filter is sized from the real number of
 * distinct keys, known when the table is finished.
 *
 * Section payload: u32 lines | u8 probes | u8 x 3 zero | u32 keys | u32 zero | lines of 64 bytes (16 u32, bit b of word w is
 * bit 32 w + b of the line).
 *
 * Pinned by test/unit/storage/table/filter.test.ts: no false negatives, false positives within 1.2 times of `designFalsePositiveRate`.
 */
import { assert } from '../../base/assert'
import type { Key } from '../../base/bytes'
import { corrupt } from './table-format'
import type { BlockPlace } from './table-format'

const LINE_WORDS = 16
const LINE_BYTES = LINE_WORDS * 4
const LINE_BITS = LINE_WORDS * 32
const HEADER_BYTES = 16
const PROBES_MAX = 16
/** Probes per bit of a key that come close to the best rate for lines of 512 bits. */
const PROBES_PER_BIT = 0.6
const UNIT = 2 ** -32
const NEXT_BIT = 0x9e3779b1 | 0

/** A key's hash, two int32; reused by its owner. */
export class KeyHash {
  low = 0
  high = 0
}

/**
 * Hashes `key` into `hash`: MurmurHash3 (32 bit) over words of four chars for `low`, a second mixture of the same words for `high`.
 * DO NOT CHANGE: filters on disk depend on it.
 */
export function hashKey(key: Key, hash: KeyHash): void {
  const length = key.length
  const whole = length - 3
  let low = length
  let high = ~length
  let at = 0
  for (; at < whole; at += 4) {
    const word =
      key.charCodeAt(at) |
      (key.charCodeAt(at + 1) << 8) |
      (key.charCodeAt(at + 2) << 16) |
      (key.charCodeAt(at + 3) << 24)
    low = mixLow(low, word)
    high = mixHigh(high, word)
  }
  if (at < length) {
    let word = 0
    for (let shift = 0; at < length; at++, shift += 8) word |= key.charCodeAt(at) << shift
    low = mixLow(low, word)
    high = mixHigh(high, word)
  }
  finish(hash, low, high)
}

/** The same hash of `bytes[0, length)`. */
export function hashBytes(bytes: Uint8Array, length: number, hash: KeyHash): void {
  const whole = length - 3
  let low = length
  let high = ~length
  let at = 0
  for (; at < whole; at += 4) {
    const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    low = mixLow(low, word)
    high = mixHigh(high, word)
  }
  if (at < length) {
    let word = 0
    for (let shift = 0; at < length; at++, shift += 8) word |= bytes[at]! << shift
    low = mixLow(low, word)
    high = mixHigh(high, word)
  }
  finish(hash, low, high)
}

/** The same hash of `view[at, at + length)`. */
export function hashView(view: DataView, at: number, length: number, hash: KeyHash): void {
  const end = at + length
  let low = length
  let high = ~length
  let i = at
  for (; i + 4 <= end; i += 4) {
    const word = view.getInt32(i, true)
    low = mixLow(low, word)
    high = mixHigh(high, word)
  }
  if (i < end) {
    let word = 0
    for (let shift = 0; i < end; i++, shift += 8) word |= view.getUint8(i) << shift
    low = mixLow(low, word)
    high = mixHigh(high, word)
  }
  finish(hash, low, high)
}

function mixLow(low: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51)
  k = (k << 15) | (k >>> 17)
  low ^= Math.imul(k, 0x1b873593)
  low = (low << 13) | (low >>> 19)
  return (Math.imul(low, 5) + 0xe6546b64) | 0
}

function mixHigh(high: number, word: number): number {
  high = Math.imul(high ^ word, 0x85ebca6b)
  return high ^ (high >>> 15)
}

function finish(hash: KeyHash, low: number, high: number): void {
  const finalLow = avalanche(low)
  hash.low = finalLow
  hash.high = avalanche(high + finalLow)
}

function avalanche(h: number): number {
  h ^= h >>> 16
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return h ^ (h >>> 16)
}

/** Gathers hashes of distinct keys and builds the filter. */
export class FilterBuilder {
  #hashes = new Int32Array(2 * 1024)
  keys = 0

  /** Begins another filter in the same memory. */
  clear(): void {
    this.keys = 0
  }

  add(hash: KeyHash): void {
    const at = 2 * this.keys
    if (at === this.#hashes.length) {
      const larger = new Int32Array(2 * at)
      larger.set(this.#hashes)
      this.#hashes = larger
    }
    this.#hashes[at] = hash.low
    this.#hashes[at + 1] = hash.high
    this.keys++
  }

  /** The filter's payload with about `bitsPerKey` (above 0) bits for each key. */
  finish(bitsPerKey: number): Buffer {
    assert(bitsPerKey > 0, 'a filter without bits is left out')
    const { lines, probes } = filterShape(this.keys, bitsPerKey)
    const words = new Int32Array(HEADER_BYTES / 4 + lines * LINE_WORDS)
    const payload = Buffer.from(words.buffer)
    payload.writeUInt32LE(lines, 0)
    payload[4] = probes
    payload.writeUInt32LE(this.keys, 8)
    for (let i = 0; i < this.keys; i++) {
      const first = HEADER_BYTES / 4 + lineOf(this.#hashes[2 * i]!, lines) * LINE_WORDS
      let bits = this.#hashes[2 * i + 1]!
      for (let probe = 0; probe < probes; probe++) {
        const bit = bits >>> 23
        words[first + (bit >>> 5)]! |= 1 << (bit & 31)
        bits = Math.imul(bits, NEXT_BIT)
      }
    }
    return payload
  }
}

/** Bytes a filter for so many keys will take. */
export function filterBytes(keys: number, bitsPerKey: number): number {
  return bitsPerKey === 0 ? 0 : HEADER_BYTES + filterLines(keys, bitsPerKey) * LINE_BYTES
}

/** What a filter for so many keys consists of. */
export function filterShape(
  keys: number,
  bitsPerKey: number,
): { readonly keys: number; readonly lines: number; readonly probes: number } {
  const probes = Math.max(1, Math.min(PROBES_MAX, Math.round(bitsPerKey * PROBES_PER_BIT)))
  return { keys, lines: filterLines(keys, bitsPerKey), probes }
}

function filterLines(keys: number, bitsPerKey: number): number {
  return Math.max(1, Math.ceil((keys * bitsPerKey) / LINE_BITS))
}

function lineOf(low: number, lines: number): number {
  return Math.floor((low >>> 0) * lines * UNIT)
}

/** A filter in memory. */
export class Filter {
  readonly #words: Uint32Array
  readonly lines: number
  readonly probes: number
  /** The distinct keys it was built from. */
  readonly keys: number

  private constructor(words: Uint32Array, header: { lines: number; probes: number; keys: number }) {
    this.#words = words
    this.lines = header.lines
    this.probes = header.probes
    this.keys = header.keys
  }

  /** Checks a payload and keeps its memory; it must begin at a multiple of 4. Throws `CorruptionError`. */
  static decode(payload: Buffer, place: BlockPlace): Filter {
    if (payload.length < HEADER_BYTES) throw corrupt(place, 'the filter is shorter than its header')
    const lines = payload.readUInt32LE(0)
    const probes = payload[4]!
    if (lines === 0 || probes === 0 || probes > PROBES_MAX || payload.length !== HEADER_BYTES + lines * LINE_BYTES) {
      throw corrupt(place, `a filter of ${payload.length} bytes cannot have ${lines} lines and ${probes} probes`)
    }
    const words = new Uint32Array(payload.buffer, payload.byteOffset + HEADER_BYTES, lines * LINE_WORDS)
    return new Filter(words, { lines, probes, keys: payload.readUInt32LE(8) })
  }

  get bytes(): number {
    return this.#words.byteLength
  }

  /** False only if no key with this hash was added. */
  mayContain(hash: KeyHash): boolean {
    const words = this.#words
    const first = Math.floor((hash.low >>> 0) * this.lines * UNIT) * LINE_WORDS
    let bits = hash.high
    for (let probe = this.probes; probe > 0; probe--) {
      const bit = bits >>> 23
      if ((words[first + (bit >>> 5)]! & (1 << (bit & 31))) === 0) return false
      bits = Math.imul(bits, NEXT_BIT)
    }
    return true
  }
}

/**
 * The rate of false positives that a blocked filter has by theory: lines receive Poisson-many keys, and a line with j keys passes an
 * absent key with probability (1 - (1 - 1/512)^(j probes))^probes.
 */
export function designFalsePositiveRate(filter: { keys: number; lines: number; probes: number }): number {
  const mean = filter.keys / filter.lines
  let probability = Math.exp(-mean)
  let rate = 0
  for (let j = 0; j < mean * 4 + 100; j++) {
    rate += probability * (1 - (1 - 1 / LINE_BITS) ** (j * filter.probes)) ** filter.probes
    probability *= mean / (j + 1)
  }
  return rate
}
