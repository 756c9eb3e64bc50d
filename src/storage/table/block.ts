/**
 * A parsed data block: the bytes as read, one view of their words, and where the columns lie; no object per entry.
 *
 * Parsing checks every length and offset against the block (hostile input), once; reading trusts them afterwards. Search is a
 * binary search over the `head` column, four bytes of key as a number, and looks at key bytes only where heads are equal.
 *
 * Pinned by test/unit/storage/table/block.test.ts.
 */
import type { Key } from '../../base/bytes'
import type { Sequence } from '../../base/sequence'
import {
  KIND_MASK,
  KIND_OLDER,
  LARGE_HEADER_BYTES,
  LOADED_PLACEHOLDER,
  ROWS_HEADER_BYTES,
  ROWS_HEADER_WORDS,
} from './block-format'
import { expandBlock } from './compressed-block'
import { BLOCK_LARGE_VALUE, BLOCK_ROWS, checkSealed, corrupt, TRAILER_BYTES } from './table-format'
import type { BlockPlace } from './table-format'
import type { VersionKind } from '../rows/version-cursor'

/** What the view and the objects take beside the bytes; charged to the cache. */
const BLOCK_OVERHEAD_BYTES = 400
const PADDING_BYTES_MAX = 3
const HALF_MASK = 0xffff
const WORD = 0x1_0000_0000

/** Where the parts of a block lie; `...Word` in words of 4 bytes, `...At` in bytes. */
interface Layout {
  readonly count: number
  readonly prefixLength: number
  readonly base: Sequence
  readonly deltaBytes: number
  /** Where the kind column begins, or -1. */
  readonly kindsAt: number
  readonly prefixAt: number
  readonly valuesAt: number
  readonly largeKind: number
  /** -1 for rows. */
  readonly largeValueLength: number
}

/**
 * Checks, decompresses and parses a sealed block that fills `stored`, which must begin at a multiple of 4 of its memory. `loadedAt`
 * is the sequence of a table that a bulk load wrote: its rows show it instead of the placeholder that they have on disk.
 * Throws `CorruptionError`, `UnsupportedFormatError`.
 */
export function parseBlock(stored: Buffer, place: BlockPlace, loadedAt?: Sequence): Block {
  const type = checkSealed(stored, place)
  if (type !== BLOCK_ROWS && type !== BLOCK_LARGE_VALUE) {
    throw corrupt(place, `a block of type ${type} stands where data should be`)
  }
  const sealed = expandBlock(stored, place, type)
  const words = new Uint32Array(sealed.buffer, sealed.byteOffset, sealed.length >>> 2)
  if (sealed.length - TRAILER_BYTES < (type === BLOCK_ROWS ? ROWS_HEADER_BYTES : LARGE_HEADER_BYTES)) {
    throw corrupt(place, 'the block is shorter than its header')
  }
  const layout = type === BLOCK_ROWS ? layOutRows(sealed, words, place) : layOutLarge(sealed, words, place)
  return new Block(sealed, words, loadedAt === undefined ? layout : placedAt(layout, loadedAt, place))
}

function placedAt(layout: Layout, loadedAt: Sequence, place: BlockPlace): Layout {
  if (layout.base !== LOADED_PLACEHOLDER || layout.deltaBytes !== 0) {
    throw corrupt(place, 'rows of a bulk load have sequences of their own')
  }
  return { ...layout, base: loadedAt }
}

function layOutRows(sealed: Buffer, words: Uint32Array, place: BlockPlace): Layout {
  const payloadBytes = sealed.length - TRAILER_BYTES
  const count = words[0]! & HALF_MASK
  const prefixLength = words[0]! >>> 16
  const deltaBytes = sealed[12]!
  const kindColumn = sealed[13]!
  if (count === 0 || (deltaBytes !== 0 && deltaBytes !== 4 && deltaBytes !== 8) || kindColumn > 1) {
    throw corrupt(place, "the block's header makes no sense")
  }
  const kindsAt = ROWS_HEADER_BYTES + (8 + deltaBytes) * count
  const prefixAt = kindsAt + kindColumn * count
  if (prefixAt + prefixLength > payloadBytes) throw corrupt(place, "the block's columns do not fit it")
  const endsWord = ROWS_HEADER_WORDS + count
  const lastEnds = words[endsWord + count - 1]!
  const valuesAt = prefixAt + prefixLength + (lastEnds & HALF_MASK)
  const unused = payloadBytes - valuesAt - (lastEnds >>> 16)
  if (unused < 0 || unused > PADDING_BYTES_MAX || !endsAscend(words, endsWord, count)) {
    throw corrupt(place, "the block's offsets do not fit it")
  }
  return {
    count,
    prefixLength,
    base: words[1]! + words[2]! * WORD,
    deltaBytes,
    kindsAt: kindColumn === 0 ? -1 : kindsAt,
    prefixAt,
    valuesAt,
    largeKind: 0,
    largeValueLength: -1,
  }
}

function endsAscend(words: Uint32Array, endsWord: number, count: number): boolean {
  let keyEnd = 0
  let valueEnd = 0
  for (let i = endsWord; i < endsWord + count; i++) {
    const ends = words[i]!
    if ((ends & HALF_MASK) < keyEnd || ends >>> 16 < valueEnd) return false
    keyEnd = ends & HALF_MASK
    valueEnd = ends >>> 16
  }
  return true
}

function layOutLarge(sealed: Buffer, words: Uint32Array, place: BlockPlace): Layout {
  const keyLength = words[0]! >>> 16
  const valueLength = words[5]!
  const unused = sealed.length - TRAILER_BYTES - LARGE_HEADER_BYTES - keyLength - valueLength
  if ((words[0]! & HALF_MASK) !== 1 || words[4] !== 0 || unused < 0 || unused > PADDING_BYTES_MAX) {
    throw corrupt(place, "the block's lengths do not fit it")
  }
  // The whole key is the shared prefix; its rest, the only row's, is empty, and its head zero.
  return {
    count: 1,
    prefixLength: keyLength,
    base: words[1]! + words[2]! * WORD,
    deltaBytes: 0,
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
  readonly #words: Uint32Array
  readonly #valuesAt: number
  readonly #base: Sequence
  readonly #deltaBytes: number
  readonly #kindsAt: number
  readonly #largeKind: number
  readonly #largeValueLength: number
  /** When the cache last heard of its use; the cache's own. */
  usedAt = 0

  constructor(bytes: Buffer, words: Uint32Array, layout: Layout) {
    this.bytes = bytes
    this.count = layout.count
    this.prefixLength = layout.prefixLength
    this.prefixAt = layout.prefixAt
    this.keysAt = layout.prefixAt + layout.prefixLength
    this.#words = words
    this.#valuesAt = layout.valuesAt
    this.#base = layout.base
    this.#deltaBytes = layout.deltaBytes
    this.#kindsAt = layout.kindsAt
    this.#largeKind = layout.largeKind
    this.#largeValueLength = layout.largeValueLength
  }

  /** What it takes in memory. */
  get memoryBytes(): number {
    return this.bytes.length + BLOCK_OVERHEAD_BYTES
  }

  /** The first row at or behind (key, sequence) in internal order; `count` if there is none. */
  lowerBound(key: Key, sequence: Sequence): number {
    const side = this.#comparePrefix(key)
    if (side !== 0) return side < 0 ? 0 : this.count
    const head = this.#headOf(key)
    let low = this.#headBound(head)
    let high = this.#headRunEnd(low, head)
    while (low < high) {
      const middle = (low + high) >>> 1
      const order = this.#compareRest(middle, key)
      if (order < 0 || (order === 0 && this.sequenceAt(middle) > sequence)) low = middle + 1
      else high = middle
    }
    return low
  }

  /** The row of the newest version of `key` at or below `sequence`, or -1. */
  find(key: Key, sequence: Sequence): number {
    // The block is seldom in the processor's caches: what its prefix, columns and rests take to arrive must not add up. So the search
    // goes on behind one byte of the prefix, and the others are compared last.
    const { prefixLength } = this
    if (prefixLength > 0 && this.bytes[this.keysAt - 1] !== key.charCodeAt(prefixLength - 1)) return -1
    const head = this.#headOf(key)
    const low = this.#headBound(head)
    const high = this.#headRunEnd(low, head)
    if (low === high) return -1
    const row = high - low === 1 ? low : this.lowerBound(key, sequence)
    if (row >= high || this.#compareRest(row, key) !== 0 || this.sequenceAt(row) > sequence) return -1
    return this.#comparePrefix(key) === 0 ? row : -1
  }

  /** The first row whose head is at or above `head`. */
  #headBound(head: number): number {
    const words = this.#words
    let low = ROWS_HEADER_WORDS
    let high = low + this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (words[middle]! < head) low = middle + 1
      else high = middle
    }
    return low - ROWS_HEADER_WORDS
  }

  /** Behind the rows from `first` on that have this head; nearly always there is one at most. */
  #headRunEnd(first: number, head: number): number {
    const words = this.#words
    if (first === this.count || words[ROWS_HEADER_WORDS + first] !== head) return first
    const next = first + 1
    if (next === this.count || words[ROWS_HEADER_WORDS + next] !== head) return next
    return this.#headBound(head + 1)
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

  /** The row's key against `key`. REQUIRES: heads equal, key has the prefix. */
  #compareRest(row: number, key: Key): number {
    const { bytes, prefixLength } = this
    const start = this.restStart(row)
    const restLength = this.restEnd(row) - start
    const keyRestLength = key.length - prefixLength
    const shared = restLength < keyRestLength ? restLength : keyRestLength
    const at = this.keysAt + start
    // Equal heads are equal first bytes, as far as both keys reach.
    for (let i = 4; i < shared; i++) {
      const difference = bytes[at + i]! - key.charCodeAt(prefixLength + i)
      if (difference !== 0) return difference
    }
    return restLength - keyRestLength
  }

  /** The row's key as a string. */
  keyOf(row: number): Key {
    const { bytes, prefixAt, keysAt } = this
    const rest = bytes.latin1Slice(keysAt + this.restStart(row), keysAt + this.restEnd(row))
    return bytes.latin1Slice(prefixAt, keysAt) + rest
  }

  sequenceAt(row: number): Sequence {
    if (this.#deltaBytes === 0) return this.#base
    const at = ROWS_HEADER_WORDS + 2 * this.count + row
    const low = this.#base + this.#words[at]!
    return this.#deltaBytes === 4 ? low : low + this.#words[at + this.count]! * WORD
  }

  /** The row's two ends; a large value's key has no rest. */
  #endsOf(row: number): number {
    return this.#largeValueLength === -1 ? this.#words[ROWS_HEADER_WORDS + this.count + row]! : 0
  }

  /** Where the row's key behind the shared prefix begins, counted from `keysAt`. */
  restStart(row: number): number {
    return row === 0 ? 0 : this.#endsOf(row - 1) & HALF_MASK
  }

  restEnd(row: number): number {
    return this.#endsOf(row) & HALF_MASK
  }

  /** The first four bytes of the row's key behind the shared prefix, big-endian, zeros where there are fewer. */
  headAt(row: number): number {
    return this.#words[ROWS_HEADER_WORDS + row]!
  }

  /** The row's two ends as they are stored: of its key in the low half, of its value in the high half. */
  endsAt(row: number): number {
    return this.#endsOf(row)
  }

  /** Where the row's value begins, counted from where the values begin. REQUIRES: not large. */
  valueStart(row: number): number {
    return row === 0 ? 0 : this.#endsOf(row - 1) >>> 16
  }

  /** It holds one large value. */
  get isLarge(): boolean {
    return this.#largeValueLength !== -1
  }

  /** All rows are puts of distinct keys, none of them large. */
  get isPlain(): boolean {
    return this.#kindsAt === -1 && this.#largeValueLength === -1
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
    return row === 0 ? this.#valuesAt : this.#valuesAt + (this.#endsOf(row - 1) >>> 16)
  }

  valueLengthAt(row: number): number {
    if (this.#largeValueLength !== -1) return this.#largeValueLength
    const end = this.#endsOf(row) >>> 16
    return row === 0 ? end : end - (this.#endsOf(row - 1) >>> 16)
  }
}
