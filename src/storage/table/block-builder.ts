/**
 * Builds one data block: gathers rows, then lays them out in columns (block-format.ts).
 *
 * The shared prefix and the least sequence are known only at the end, so rows are gathered whole first. `fits` bounds a block by
 * its target size and by what u16 ends can address; a first row always fits. The builder is reused from block to block.
 *
 * What it does not do: it neither seals blocks nor checks the order of rows, but for that of the heads; the table writer does.
 */
import { assert } from '../../base/assert'
import type { Key } from '../../base/bytes'
import type { Sequence } from '../../base/sequence'
import {
  AREA_BYTES_MAX,
  LARGE_HEADER_BYTES,
  LARGE_VALUE_BYTES_MIN,
  ROWS_HEADER_BYTES,
  ROWS_MAX,
  ROW_COLUMNS_BYTES,
} from './block-format'
import type { Block } from './block'
import { copyInto, copyWords, headInView } from '../files/bytes-in-place'
import { ENTRY_PUT } from '../engine'
import type { Version } from '../rows/version-cursor'
import { writeU64 } from './table-format'

/** A buffer that starts at a multiple of 8 of its memory, with views of its words for aligned writes, and of its bytes. */
export interface BlockTarget {
  readonly bytes: Buffer
  readonly words: Uint32Array
  readonly view: DataView
}

/** A zeroless target of `bytes` (a multiple of 4). */
export function createBlockTarget(bytes: number): BlockTarget {
  const buffer = Buffer.allocUnsafeSlow(bytes)
  return { bytes: buffer, words: new Uint32Array(buffer.buffer), view: viewOf(buffer) }
}

/** A parsed block whose rows are copied, a view of its bytes, and the key of the first row to be copied. */
export interface BlockRows {
  readonly block: Block
  readonly view: DataView
  readonly keyView: DataView
  readonly keyLength: number
}

/** The view that goes with a block. */
export function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}

const WORD = 0x1_0000_0000
const ROWS_INITIAL = 128
/** Stretches up to this length are copied word by word, longer ones at once. */
const WORDS_BYTES_MAX = 64
/** A value of up to this length, of which there is a view, is copied word by word: no view of the value alone is made. */
const VALUE_WORDS_BYTES_MAX = 256

/** Rows of the block under construction. */
export class BlockBuilder {
  readonly #blockBytes: number
  readonly #keys = Buffer.allocUnsafeSlow(AREA_BYTES_MAX)
  readonly #values = Buffer.allocUnsafeSlow(AREA_BYTES_MAX)
  /** Whole keys, one behind the other. */
  readonly keysView = viewOf(this.#keys)
  readonly #valuesView = viewOf(this.#values)
  #keyEnds = new Uint32Array(ROWS_INITIAL)
  #valueEnds = new Uint32Array(ROWS_INITIAL)
  #sequences = new Float64Array(ROWS_INITIAL)
  #kinds = new Uint8Array(ROWS_INITIAL)
  #anyKind = 0
  count = 0

  /** `blockBytes`: the target size of a block with its columns. */
  constructor(blockBytes: number) {
    this.#blockBytes = blockBytes
  }

  /** Begins another block, whatever there was of the last. */
  clear(): void {
    this.count = 0
    this.#anyKind = 0
  }

  /** A bound of the payload as it stands. */
  get bytesMax(): number {
    return ROWS_HEADER_BYTES + this.count * ROW_COLUMNS_BYTES + this.#keyAreaBytes + this.#valueAreaBytes
  }

  get #keyAreaBytes(): number {
    return this.count === 0 ? 0 : this.#keyEnds[this.count - 1]!
  }

  get #valueAreaBytes(): number {
    return this.count === 0 ? 0 : this.#valueEnds[this.count - 1]!
  }

  /** Whether a row more keeps the block within its bounds. */
  fits(keyLength: number, valueLength: number): boolean {
    if (this.count === 0) return true
    return (
      this.bytesMax + ROW_COLUMNS_BYTES + keyLength + valueLength <= this.#blockBytes &&
      this.count < ROWS_MAX &&
      this.#keyAreaBytes + keyLength <= AREA_BYTES_MAX &&
      this.#valueAreaBytes + valueLength <= AREA_BYTES_MAX
    )
  }

  /** Copies a row. `kind` is the stored kind, KIND_OLDER included. REQUIRES: `fits`. */
  add(
    row: Pick<Version, 'keyBytes' | 'keyLength' | 'valueBytes' | 'valueAt' | 'valueLength' | 'valueView'>,
    sequence: Sequence,
    kind: number,
  ): void {
    const { keyLength, valueLength } = row
    assert(valueLength < LARGE_VALUE_BYTES_MIN, 'a large value has a block of its own')
    assert(keyLength <= AREA_BYTES_MAX, 'a key fits a block')
    const keyAt = this.#keyAreaBytes
    const valueAt = this.#valueAreaBytes
    const i = this.count
    if (i === this.#kinds.length) this.#grow()
    copyInto(this.#keys, keyAt, row.keyBytes, 0, keyLength)
    const { valueView } = row
    const isCopiedByWords = valueView !== undefined && valueLength <= VALUE_WORDS_BYTES_MAX
    if (isCopiedByWords) copyWords(this.#valuesView, valueAt, valueView, row.valueAt, valueLength)
    else copyInto(this.#values, valueAt, row.valueBytes, row.valueAt, valueLength)
    this.#keyEnds[i] = keyAt + keyLength
    this.#valueEnds[i] = valueAt + valueLength
    this.#sequences[i] = sequence
    this.#kinds[i] = kind
    this.#anyKind |= kind
    this.count = i + 1
  }

  /**
   * Copies as many rows of `[from, to)` as fit, one at least if the builder is empty, and gives the first not copied. They are
   * puts, none of them large, each of another key than the row before.
   */
  addRows({ block, view }: BlockRows, from: number, to: number): number {
    const { prefixLength, prefixAt, keysAt } = block
    const room = this.#blockBytes - ROWS_HEADER_BYTES
    const valuesAt = block.valueAt(from)
    const valuesStart = this.#valueAreaBytes
    let i = this.count
    let keyEnd = this.#keyAreaBytes
    let valueEnd = valuesStart
    const valuesMoved = valuesStart - block.valueStart(from)
    let restStart = block.restStart(from)
    let row = from
    for (; row < to; row++, i++) {
      const ends = block.endsAt(row)
      const restEnd = ends & 0xffff
      const keyLength = prefixLength + restEnd - restStart
      const valueNext = valuesMoved + (ends >>> 16)
      if (i > 0) {
        if ((i + 1) * ROW_COLUMNS_BYTES + keyEnd + keyLength + valueNext > room || i >= ROWS_MAX) break
        if (keyEnd + keyLength > AREA_BYTES_MAX || valueNext > AREA_BYTES_MAX) break
      }
      assert(keyLength <= AREA_BYTES_MAX, 'a key fits a block')
      copyWords(this.keysView, keyEnd, view, prefixAt, prefixLength)
      copyWords(this.keysView, keyEnd + prefixLength, view, keysAt + restStart, restEnd - restStart)
      restStart = restEnd
      keyEnd += keyLength
      valueEnd = valueNext
      if (i === this.#kinds.length) this.#grow()
      this.#keyEnds[i] = keyEnd
      this.#valueEnds[i] = valueEnd
      this.#sequences[i] = block.sequenceAt(row)
      this.#kinds[i] = ENTRY_PUT
    }
    const valueBytes = valueEnd - valuesStart
    if (valueBytes <= WORDS_BYTES_MAX) copyWords(this.#valuesView, valuesStart, view, valuesAt, valueBytes)
    else copyInto(this.#values, valuesStart, block.bytes, valuesAt, valueBytes)
    this.count = i
    return row
  }

  /** Where row `i`'s key begins in `keysView`; for `i === count` where the last one ends. */
  keyStart(i: number): number {
    return i === 0 ? 0 : this.#keyEnds[i - 1]!
  }

  keyOf(i: number): Key {
    return this.#keys.latin1Slice(this.keyStart(i), this.keyStart(i + 1))
  }

  sequenceOf(i: number): Sequence {
    return this.#sequences[i]!
  }

  #grow(): void {
    const rows = this.#kinds.length * 2
    this.#keyEnds = grown(this.#keyEnds, new Uint32Array(rows))
    this.#valueEnds = grown(this.#valueEnds, new Uint32Array(rows))
    this.#sequences = grown(this.#sequences, new Float64Array(rows))
    this.#kinds = grown(this.#kinds, new Uint8Array(rows))
  }

  /** Lays the rows out at `at` (a multiple of 4), empties the builder and gives the payload's length. REQUIRES: room for `bytesMax`. */
  encodeInto(target: BlockTarget, at: number): number {
    const { bytes } = target
    const count = this.count
    assert(count > 0 && at % 4 === 0 && at + this.bytesMax <= bytes.length, 'a block is laid out where it fits')
    const prefixLength = this.#sharedPrefixLength()
    const deltaBytes = this.#writeHeader(target, at, prefixLength)
    this.#writeRows(target, at, prefixLength)
    let end = at + ROWS_HEADER_BYTES + (8 + deltaBytes) * count
    if (this.#anyKind !== 0) {
      for (let i = 0; i < count; i++) bytes[end++] = this.#kinds[i]!
    }
    copyInto(bytes, end, this.#keys, 0, prefixLength)
    end += prefixLength
    this.#writeKeys(target, end, prefixLength)
    end += this.#keyAreaBytes - count * prefixLength
    copyInto(bytes, end, this.#values, 0, this.#valueAreaBytes)
    end += this.#valueAreaBytes
    this.count = 0
    this.#anyKind = 0
    return end - at
  }

  /** Keys ascend, so what the first and the last share, all share. */
  #sharedPrefixLength(): number {
    const keys = this.#keys
    const lastAt = this.count === 1 ? 0 : this.#keyEnds[this.count - 2]!
    const longest = Math.min(this.#keyEnds[0]!, this.#keyAreaBytes - lastAt)
    let length = 0
    while (length < longest && keys[length] === keys[lastAt + length]) length++
    return length
  }

  /** Header and sequences; gives the bytes of a delta. */
  #writeHeader(target: BlockTarget, at: number, prefixLength: number): number {
    const { bytes, words } = target
    const count = this.count
    let base = this.#sequences[0]!
    let greatest = base
    for (let i = 1; i < count; i++) {
      const sequence = this.#sequences[i]!
      if (sequence < base) base = sequence
      if (sequence > greatest) greatest = sequence
    }
    const deltaBytes = greatest === base ? 0 : greatest - base < WORD ? 4 : 8
    words[at >>> 2] = (count | (prefixLength << 16)) >>> 0
    writeU64(bytes, at + 4, base)
    words[(at >>> 2) + 3] = deltaBytes | (this.#anyKind === 0 ? 0 : 0x100)
    if (deltaBytes === 0) return deltaBytes
    const deltasAt = ((at + ROWS_HEADER_BYTES) >>> 2) + 2 * count
    for (let i = 0; i < count; i++) {
      const delta = this.#sequences[i]! - base
      words[deltasAt + i] = delta >>> 0
      if (deltaBytes === 8) words[deltasAt + count + i] = Math.floor(delta / WORD)
    }
    return deltaBytes
  }

  /** Heads and ends. */
  #writeRows({ words }: BlockTarget, at: number, prefixLength: number): void {
    const headsAt = (at + ROWS_HEADER_BYTES) >>> 2
    const endsAt = headsAt + this.count
    let keyAt = 0
    let headBefore = 0
    for (let i = 0; i < this.count; i++) {
      const keyEnd = this.#keyEnds[i]!
      const head = headInView(this.keysView, keyAt + prefixLength, keyEnd)
      assert(head >= headBefore, 'keys ascend in a block')
      words[headsAt + i] = headBefore = head
      words[endsAt + i] = ((keyEnd - (i + 1) * prefixLength) | (this.#valueEnds[i]! << 16)) >>> 0
      keyAt = keyEnd
    }
  }

  #writeKeys({ view }: BlockTarget, at: number, prefixLength: number): void {
    let keyAt = 0
    let end = at
    for (let i = 0; i < this.count; i++) {
      const keyEnd = this.#keyEnds[i]!
      copyWords(view, end, this.keysView, keyAt + prefixLength, keyEnd - keyAt - prefixLength)
      end += keyEnd - keyAt - prefixLength
      keyAt = keyEnd
    }
  }
}

/** Payload bytes of a large value's block. */
export function largeBlockBytes(keyLength: number, valueLength: number): number {
  return LARGE_HEADER_BYTES + keyLength + valueLength
}

/** Lays out a large value's block at `at`. REQUIRES: room for `largeBlockBytes`. */
export function encodeLargeBlock(
  bytes: Buffer,
  at: number,
  row: { keyBytes: Uint8Array; keyLength: number; valueBytes: Uint8Array; valueAt: number; valueLength: number },
  stored: { sequence: Sequence; kind: number },
): number {
  const { keyLength, valueLength } = row
  assert(keyLength <= AREA_BYTES_MAX, 'a key fits a block')
  bytes.writeUInt16LE(1, at)
  bytes.writeUInt16LE(keyLength, at + 2)
  writeU64(bytes, at + 4, stored.sequence)
  bytes.writeUInt32LE(stored.kind, at + 12)
  bytes.writeUInt32LE(0, at + 16)
  bytes.writeUInt32LE(valueLength, at + 20)
  copyInto(bytes, at + LARGE_HEADER_BYTES, row.keyBytes, 0, keyLength)
  copyInto(bytes, at + LARGE_HEADER_BYTES + keyLength, row.valueBytes, row.valueAt, valueLength)
  return largeBlockBytes(keyLength, valueLength)
}

function grown<T extends Uint8Array | Uint32Array | Float64Array>(old: T, larger: T): T {
  larger.set(old)
  return larger
}
