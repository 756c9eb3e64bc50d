/**
 * A parsed data block: views of its columns over the bytes as read, made once and cached; no object per entry.
 *
 * Parsing checks every length and offset against the block (hostile input), once; reading trusts them afterwards. Search is a
 * binary search over the `head` column, four bytes of key as a number, and looks at key bytes only where heads are equal.
 *
 * Pinned by test/unit/storage/block.test.ts.
 */
import type { Key } from '../base/bytes'
import { wordsToSequence } from '../base/sequence'
import type { Sequence } from '../base/sequence'
import { KIND_MASK, KIND_OLDER, LARGE_HEADER_BYTES, ROWS_HEADER_BYTES } from './block-format'
import { BLOCK_LARGE_VALUE, BLOCK_ROWS, checkSealed, corrupt, TRAILER_BYTES } from './table-format'
import type { BlockPlace } from './table-format'
import type { VersionKind } from './version-cursor'

/** What the views and the object take beside the bytes; charged to the cache. */
const BLOCK_OVERHEAD_BYTES = 700
const PADDING_BYTES_MAX = 3
const NO_WORDS = new Uint32Array(0)
const NO_HALVES = new Uint16Array(0)

interface Columns {
  readonly count: number
  readonly prefixLength: number
  readonly base: Sequence
  readonly heads: Uint32Array
  readonly deltasLow: Uint32Array
  readonly deltasHigh: Uint32Array
  readonly keyEnds: Uint16Array
  readonly valueEnds: Uint16Array
  /** Where the kind column begins, or -1. */
  readonly kindsAt: number
  readonly prefixAt: number
  readonly valuesAt: number
  readonly largeKind: number
  readonly largeValueLength: number
}

/**
 * Checks and parses a sealed block that fills `sealed`, which must begin at a multiple of 4 of its memory.
 * Throws `CorruptionError`, `UnsupportedFormatError`.
 */
export function parseBlock(sealed: Buffer, place: BlockPlace): Block {
  const type = checkSealed(sealed, place)
  if (type === BLOCK_ROWS) return new Block(sealed, parseRows(sealed, place))
  if (type === BLOCK_LARGE_VALUE) return new Block(sealed, parseLarge(sealed, place))
  throw corrupt(place, `a block of type ${type} stands where data should be`)
}

function parseRows(sealed: Buffer, place: BlockPlace): Columns {
  const { buffer, byteOffset } = sealed
  const payloadBytes = sealed.length - TRAILER_BYTES
  if (payloadBytes < ROWS_HEADER_BYTES) throw corrupt(place, 'the block is shorter than its header')
  const count = sealed.readUInt16LE(0)
  const prefixLength = sealed.readUInt16LE(2)
  const base = wordsToSequence(sealed.readUInt32LE(4), sealed.readUInt32LE(8))
  const deltaBytes = sealed[12]!
  const kindColumn = sealed[13]!
  if (count === 0 || (deltaBytes !== 0 && deltaBytes !== 4 && deltaBytes !== 8) || kindColumn > 1) {
    throw corrupt(place, "the block's header makes no sense")
  }
  const headsAt = byteOffset + ROWS_HEADER_BYTES
  const keyEndsAt = headsAt + 4 * count + deltaBytes * count
  const prefixAt = keyEndsAt - byteOffset + 4 * count + kindColumn * count
  if (prefixAt + prefixLength > payloadBytes) throw corrupt(place, "the block's columns do not fit it")
  const keyEnds = new Uint16Array(buffer, keyEndsAt, count)
  const valueEnds = new Uint16Array(buffer, keyEndsAt + 2 * count, count)
  const valuesAt = prefixAt + prefixLength + keyEnds[count - 1]!
  const unused = payloadBytes - (valuesAt + valueEnds[count - 1]!)
  if (unused < 0 || unused > PADDING_BYTES_MAX || !ascend(keyEnds) || !ascend(valueEnds)) {
    throw corrupt(place, "the block's offsets do not fit it")
  }
  return {
    count,
    prefixLength,
    base,
    heads: new Uint32Array(buffer, headsAt, count),
    deltasLow: deltaBytes === 0 ? NO_WORDS : new Uint32Array(buffer, headsAt + 4 * count, count),
    deltasHigh: deltaBytes === 8 ? new Uint32Array(buffer, headsAt + 8 * count, count) : NO_WORDS,
    keyEnds,
    valueEnds,
    kindsAt: kindColumn === 0 ? -1 : prefixAt - count,
    prefixAt,
    valuesAt,
    largeKind: 0,
    largeValueLength: -1,
  }
}

function ascend(ends: Uint16Array): boolean {
  let before = 0
  for (let i = 0; i < ends.length; i++) {
    const end = ends[i]!
    if (end < before) return false
    before = end
  }
  return true
}

function parseLarge(sealed: Buffer, place: BlockPlace): Columns {
  const payloadBytes = sealed.length - TRAILER_BYTES
  if (payloadBytes < LARGE_HEADER_BYTES) throw corrupt(place, 'the block is shorter than its header')
  const keyLength = sealed.readUInt16LE(2)
  const valueLength = sealed.readUInt32LE(16)
  const unused = payloadBytes - LARGE_HEADER_BYTES - keyLength - valueLength
  if (sealed.readUInt16LE(0) !== 1 || unused < 0 || unused > PADDING_BYTES_MAX) {
    throw corrupt(place, "the block's lengths do not fit it")
  }
  // The whole key is the shared prefix; its rest, the only row's, is empty.
  return {
    count: 1,
    prefixLength: keyLength,
    base: wordsToSequence(sealed.readUInt32LE(4), sealed.readUInt32LE(8)),
    heads: new Uint32Array(1),
    deltasLow: NO_WORDS,
    deltasHigh: NO_WORDS,
    keyEnds: new Uint16Array(1),
    valueEnds: NO_HALVES,
    kindsAt: -1,
    prefixAt: LARGE_HEADER_BYTES,
    valuesAt: LARGE_HEADER_BYTES + keyLength,
    largeKind: sealed[12]!,
    largeValueLength: valueLength,
  }
}

/** One block, parsed. Rows are numbered from 0 in internal order. */
export class Block {
  readonly count: number
  readonly bytes: Buffer
  readonly prefixLength: number
  readonly prefixAt: number
  /** Where the keys' rests begin. */
  readonly keysAt: number
  readonly keyEnds: Uint16Array
  readonly valuesAt: number
  readonly base: Sequence
  readonly #heads: Uint32Array
  readonly #deltasLow: Uint32Array
  readonly #deltasHigh: Uint32Array
  readonly #valueEnds: Uint16Array
  readonly #kindsAt: number
  readonly #largeKind: number
  readonly #largeValueLength: number

  constructor(bytes: Buffer, columns: Columns) {
    this.bytes = bytes
    this.count = columns.count
    this.prefixLength = columns.prefixLength
    this.prefixAt = columns.prefixAt
    this.keysAt = columns.prefixAt + columns.prefixLength
    this.keyEnds = columns.keyEnds
    this.valuesAt = columns.valuesAt
    this.base = columns.base
    this.#heads = columns.heads
    this.#deltasLow = columns.deltasLow
    this.#deltasHigh = columns.deltasHigh
    this.#valueEnds = columns.valueEnds
    this.#kindsAt = columns.kindsAt
    this.#largeKind = columns.largeKind
    this.#largeValueLength = columns.largeValueLength
  }

  /** What it takes in memory. */
  get memoryBytes(): number {
    return this.bytes.length + BLOCK_OVERHEAD_BYTES
  }

  /** The first row at or behind (key, sequence) in internal order; `count` if there is none. */
  lowerBound(key: Key, sequence: Sequence): number {
    const side = this.#comparePrefix(key)
    if (side !== 0) return side < 0 ? 0 : this.count
    const heads = this.#heads
    const head = this.#headOf(key)
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      const other = heads[middle]!
      if (other < head || (other === head && this.#compareRow(middle, key, sequence) < 0)) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Negative if `key` stands before all keys that share the prefix, positive if behind, 0 if it has the prefix. */
  #comparePrefix(key: Key): number {
    const { bytes, prefixAt, prefixLength } = this
    const shared = key.length < prefixLength ? key.length : prefixLength
    for (let i = 0; i < shared; i++) {
      const difference = key.charCodeAt(i) - bytes[prefixAt + i]!
      if (difference !== 0) return difference
    }
    return key.length < prefixLength ? -1 : 0
  }

  #headOf(key: Key): number {
    const at = this.prefixLength
    const length = key.length
    if (length - at >= 4) {
      return (
        ((key.charCodeAt(at) << 24) |
          (key.charCodeAt(at + 1) << 16) |
          (key.charCodeAt(at + 2) << 8) |
          key.charCodeAt(at + 3)) >>>
        0
      )
    }
    let head = 0
    for (let i = at; i < at + 4; i++) head = (head << 8) | (i < length ? key.charCodeAt(i) : 0)
    return head >>> 0
  }

  /** The row against (key, sequence) in internal order. REQUIRES: heads equal, key has the prefix. */
  #compareRow(row: number, key: Key, sequence: Sequence): number {
    const { bytes, keyEnds, prefixLength } = this
    const start = row === 0 ? 0 : keyEnds[row - 1]!
    const restLength = keyEnds[row]! - start
    const keyRestLength = key.length - prefixLength
    const shared = restLength < keyRestLength ? restLength : keyRestLength
    const at = this.keysAt + start
    // Equal heads are equal first bytes, as far as both keys reach.
    for (let i = 4; i < shared; i++) {
      const difference = bytes[at + i]! - key.charCodeAt(prefixLength + i)
      if (difference !== 0) return difference
    }
    return restLength === keyRestLength ? sequence - this.sequenceAt(row) : restLength - keyRestLength
  }

  /** Whether the row's key is `key`. */
  hasKey(row: number, key: Key): boolean {
    const { bytes, keyEnds, prefixLength } = this
    const start = row === 0 ? 0 : keyEnds[row - 1]!
    const restLength = keyEnds[row]! - start
    if (key.length !== prefixLength + restLength) return false
    const at = this.keysAt + start
    for (let i = restLength - 1; i >= 0; i--) {
      if (bytes[at + i] !== key.charCodeAt(prefixLength + i)) return false
    }
    for (let i = 0; i < prefixLength; i++) {
      if (bytes[this.prefixAt + i] !== key.charCodeAt(i)) return false
    }
    return true
  }

  /** The row's key as a string. */
  keyOf(row: number): Key {
    const { bytes, prefixAt, keysAt, keyEnds } = this
    const start = row === 0 ? 0 : keyEnds[row - 1]!
    return bytes.latin1Slice(prefixAt, keysAt) + bytes.latin1Slice(keysAt + start, keysAt + keyEnds[row]!)
  }

  sequenceAt(row: number): Sequence {
    if (this.#deltasLow.length === 0) return this.base
    const low = this.base + this.#deltasLow[row]!
    return this.#deltasHigh.length === 0 ? low : low + wordsToSequence(0, this.#deltasHigh[row]!)
  }

  /** The kind as stored, with its mark. */
  storedKindAt(row: number): number {
    return this.#kindsAt === -1 ? this.#largeKind : this.bytes[this.#kindsAt + row]!
  }

  /** A kind that no version writes reads as what its low bits say; `verify` refuses it. */
  kindAt(row: number): VersionKind {
    return (this.storedKindAt(row) & KIND_MASK) as VersionKind
  }

  /** Whether the row before it in the table has the same key. */
  isOlderAt(row: number): boolean {
    return (this.storedKindAt(row) & KIND_OLDER) !== 0
  }

  /** Where the row's value begins in `bytes`. */
  valueAt(row: number): number {
    return row === 0 ? this.valuesAt : this.valuesAt + this.#valueEnds[row - 1]!
  }

  valueLengthAt(row: number): number {
    if (this.#largeValueLength !== -1) return this.#largeValueLength
    return row === 0 ? this.#valueEnds[0]! : this.#valueEnds[row]! - this.#valueEnds[row - 1]!
  }
}
