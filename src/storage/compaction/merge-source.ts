/**
 * One run of tables as a source of a merge: walked block by block, its rows handed out by stretches and never one object each.
 *
 *   block:  row | row | ROW | row | row | row | row | row        the other source's next key stands here: |
 *                      ^ position              ^ rowsBefore ------------------------------------------------'
 *
 * Keys are compared by numbers first: positions of two sources by six bytes behind what all keys of the merge share, the rows of
 * a block against another source's key by the block's own column of heads (four bytes a row, block-format.ts). Bytes are looked
 * at only where these are equal.
 *
 * Pinned by test/unit/storage/compaction/table-merge.test.ts.
 */
import type { Key } from '../../base/bytes'
import type { Sequence } from '../../base/sequence'
import type { Block } from '../table/block'
import { viewOf } from '../table/block-builder'
import type { BlockRows } from '../table/block-builder'
import { copyWords, headInView } from '../files/bytes-in-place'
import type { Version, VersionKind } from '../rows/version-cursor'

const KEY_BYTES_INITIAL = 256
const NUMBER_BYTES = 6
const WORD = 0x1_0000_0000

/** The blocks of a run, one after the other; each is valid until the next is asked for. */
export interface BlockStream {
  /** Undefined behind the last. */
  next(): Block | undefined | Promise<Block | undefined>
}

/** A source and its position. REQUIRES, for everything but `start`: it has moved to a row. */
export class MergeSource implements Version, BlockRows {
  /** 0 is the newest. */
  readonly rank: number
  readonly #blocks: BlockStream
  readonly #sharedLength: number
  #key: Key | undefined
  #lastKey: Key | undefined

  block!: Block
  view!: DataView
  row = 0
  keyBytes = Buffer.allocUnsafeSlow(KEY_BYTES_INITIAL)
  keyView = new DataView(this.keyBytes.buffer)
  keyLength = 0
  /** Six bytes of the key behind what all keys of the merge share. */
  keyNumber = 0
  sequence: Sequence = 0

  /** `sharedLength`: bytes that all keys of the merge begin with. */
  constructor(blocks: BlockStream, options: { readonly rank: number; readonly sharedLength: number }) {
    this.#blocks = blocks
    this.rank = options.rank
    this.#sharedLength = options.sharedLength
  }

  get key(): Key {
    return (this.#key ??= this.keyBytes.latin1Slice(0, this.keyLength))
  }

  /** The last key of the block. */
  get lastKey(): Key {
    return (this.#lastKey ??= this.block.keyOf(this.block.count - 1))
  }

  get kind(): VersionKind {
    return this.block.kindAt(this.row)
  }

  get valueBytes(): Uint8Array {
    return this.block.bytes
  }

  get valueAt(): number {
    return this.block.valueAt(this.row)
  }

  get valueLength(): number {
    return this.block.valueLengthAt(this.row)
  }

  /** Goes to the first row of the next block; false if there is none. */
  nextBlock(): boolean | Promise<boolean> {
    const block = this.#blocks.next()
    return block instanceof Promise ? block.then((read) => this.#enter(read)) : this.#enter(block)
  }

  #enter(block: Block | undefined): boolean {
    if (block === undefined) return false
    this.block = block
    this.view = viewOf(block.bytes)
    this.#lastKey = undefined
    this.#growKey(block.prefixLength)
    copyWords(this.keyView, 0, this.view, block.prefixAt, block.prefixLength)
    this.moveTo(0)
    return true
  }

  /** Goes to a row of the block. */
  moveTo(row: number): void {
    const { block } = this
    const { prefixLength } = block
    const start = block.restStart(row)
    const length = block.restEnd(row) - start
    this.#growKey(prefixLength + length)
    copyWords(this.keyView, prefixLength, this.view, block.keysAt + start, length)
    this.keyLength = prefixLength + length
    this.#key = undefined
    this.row = row
    this.sequence = block.sequenceAt(row)
    this.keyNumber = this.#numberOfKey()
  }

  #growKey(length: number): void {
    if (length <= this.keyBytes.length) return
    const larger = Buffer.allocUnsafeSlow(2 * length)
    larger.set(this.keyBytes)
    this.keyBytes = larger
    this.keyView = new DataView(larger.buffer)
  }

  #numberOfKey(): number {
    const at = this.#sharedLength
    const { keyView, keyLength } = this
    if (keyLength - at >= NUMBER_BYTES) return keyView.getUint16(at) * WORD + keyView.getUint32(at + 2)
    let number = 0
    for (let i = at; i < at + NUMBER_BYTES; i++) number = number * 256 + (i < keyLength ? keyView.getUint8(i) : 0)
    return number
  }

  /** Whether its position comes before the other's: by key, then the greater sequence, then the newer source. */
  isBefore(other: MergeSource): boolean {
    if (this.keyNumber !== other.keyNumber) return this.keyNumber < other.keyNumber
    const byKey = this.#compareKey(other)
    if (byKey !== 0) return byKey < 0
    if (this.sequence !== other.sequence) return this.sequence > other.sequence
    return this.rank < other.rank
  }

  #compareKey(other: MergeSource): number {
    const a = this.keyBytes
    const b = other.keyBytes
    const shared = Math.min(this.keyLength, other.keyLength)
    for (let i = this.#sharedLength; i < shared; i++) {
      const difference = a[i]! - b[i]!
      if (difference !== 0) return difference
    }
    return this.keyLength - other.keyLength
  }

  /**
   * The first row behind the position whose key is at or behind the other source's; `block.count` if there is none.
   * REQUIRES: the position comes before the other's.
   */
  rowsBefore(other: MergeSource): number {
    const { block } = this
    const { count } = block
    const after = this.row + 1
    if (after === count) return count
    const bySide = this.#comparePrefix(other)
    if (bySide !== 0) return bySide < 0 ? count : after
    const head = headInView(other.keyView, block.prefixLength, other.keyLength)
    if (block.headAt(count - 1) < head) return count
    let row = after
    while (row < count && block.headAt(row) < head) row++
    while (row < count && block.headAt(row) === head && this.#compareRest(row, other) < 0) row++
    return row
  }

  /** The prefix of the block's keys against as many bytes of the other's key; a shorter key stands before all of them. */
  #comparePrefix(other: MergeSource): number {
    const { prefixLength } = this.block
    const a = this.keyBytes
    const b = other.keyBytes
    const shared = Math.min(prefixLength, other.keyLength)
    for (let i = this.#sharedLength; i < shared; i++) {
      const difference = a[i]! - b[i]!
      if (difference !== 0) return difference
    }
    return prefixLength - shared
  }

  /** A row's key against the other's. REQUIRES: equal up to the head, which is equal too. */
  #compareRest(row: number, other: MergeSource): number {
    const { block, view } = this
    const { prefixLength } = block
    const start = block.restStart(row)
    const length = block.restEnd(row) - start
    const otherLength = other.keyLength - prefixLength
    const shared = Math.min(length, otherLength)
    for (let i = 4; i < shared; i++) {
      const difference = view.getUint8(block.keysAt + start + i) - other.keyBytes[prefixLength + i]!
      if (difference !== 0) return difference
    }
    return length - otherLength
  }

  /**
   * The end of the stretch of rows from `row` on, up to `end`, that are puts of one new key each and not large. That `row` itself
   * is of another key than the row before it in the merge is the caller's to know.
   */
  plainEnd(row: number, end: number): number {
    const { block } = this
    if (block.isPlain) return end
    if (block.isLarge) return row
    let next = row
    while (next < end && block.storedKindAt(next) === 0) next++
    return next
  }

  /** Bytes of keys and values of the rows `[from, to)`. */
  bytesOf(from: number, to: number): number {
    const { block } = this
    const keyBytes = (to - from) * block.prefixLength + block.restEnd(to - 1) - block.restStart(from)
    return keyBytes + block.valueAt(to - 1) + block.valueLengthAt(to - 1) - block.valueAt(from)
  }
}

/** Length of the prefix that all keys between two, these included, share. REQUIRES: least <= greatest. */
export function sharedKeyLength(least: Key, greatest: Key): number {
  const longest = Math.min(least.length, greatest.length)
  let length = 0
  while (length < longest && least.charCodeAt(length) === greatest.charCodeAt(length)) length++
  return length
}
