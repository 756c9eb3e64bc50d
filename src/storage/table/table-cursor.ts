/**
 * Walks the versions of one table, forward or backward, block by block; holds one block.
 *
 * The key of the position is put together in a buffer of the cursor's own (shared prefix once a block, rest once a row); a string is
 * built only if somebody asks. Values are shown where they lie in the block.
 *
 * Pinned by test/unit/storage/table/table.test.ts.
 */
import { assert } from '../../base/assert'
import type { Key } from '../../base/bytes'
import { SEQUENCE_INFINITY } from '../../base/sequence'
import type { Sequence } from '../../base/sequence'
import type { Block } from './block'
import { copyInto } from '../files/bytes-in-place'
import { ENTRY_PUT } from '../engine'
import type { BlockSource, TableBlocks } from './table-blocks'
import { INDEX_UNREAD } from './table-index'
import type { VersionCursor, VersionKind } from '../rows/version-cursor'

const KEY_BYTES_INITIAL = 64
const NO_BYTES = new Uint8Array(0)

export class TableCursor implements VersionCursor {
  readonly #blocks: TableBlocks
  readonly #source: BlockSource
  readonly #reverse: boolean
  #block: Block | undefined
  #ordinal = -1
  #row = 0
  #key: Key | undefined
  #closed = false

  keyBytes: Buffer = Buffer.allocUnsafe(KEY_BYTES_INITIAL)
  keyLength = 0
  sequence: Sequence = 0
  kind: VersionKind = ENTRY_PUT

  /** Pins `blocks` until closed; reads from `source`. */
  constructor(blocks: TableBlocks, source: BlockSource, reverse: boolean) {
    this.#blocks = blocks
    this.#source = source
    this.#reverse = reverse
    blocks.pin()
  }

  get key(): Key {
    return (this.#key ??= this.keyBytes.latin1Slice(0, this.keyLength))
  }

  get valueBytes(): Uint8Array {
    return this.#block?.bytes ?? NO_BYTES
  }

  get valueAt(): number {
    return this.#block!.valueAt(this.#row)
  }

  get valueLength(): number {
    return this.#block!.valueLengthAt(this.#row)
  }

  seek(key: Key | undefined): boolean | Promise<boolean> {
    assert(!this.#closed, 'a closed cursor does not move')
    if (key === undefined) return this.#enter(this.#reverse ? this.#blocks.index.count - 1 : 0)
    const ordinal = this.#blocks.find(key, SEQUENCE_INFINITY)
    if (ordinal !== INDEX_UNREAD) return this.#seekAt(ordinal, key)
    return this.#blocks.findLater(key, SEQUENCE_INFINITY).then((found) => this.#seekAt(found, key))
  }

  #seekAt(ordinal: number, key: Key): boolean | Promise<boolean> {
    if (ordinal === this.#blocks.index.count) return this.#reverse ? this.#enter(ordinal - 1) : this.#end()
    const block = this.#source.block(ordinal)
    if (block instanceof Promise) return block.then((read) => this.#seekIn(read, ordinal, key))
    return this.#seekIn(block, ordinal, key)
  }

  #seekIn(block: Block, ordinal: number, key: Key): boolean | Promise<boolean> {
    const row = block.lowerBound(key, SEQUENCE_INFINITY)
    if (this.#reverse) return row === 0 ? this.#enter(ordinal - 1) : this.#start(block, ordinal, row - 1)
    return row === block.count ? this.#enter(ordinal + 1) : this.#start(block, ordinal, row)
  }

  next(): boolean | Promise<boolean> {
    const block = this.#block
    if (block === undefined) return false
    if (this.#reverse) return this.#row === 0 ? this.#enter(this.#ordinal - 1) : this.#load(block, this.#row - 1)
    const row = this.#row + 1
    return row === block.count ? this.#enter(this.#ordinal + 1) : this.#load(block, row)
  }

  /** Goes to the near end of a block; false if there is no such block. */
  #enter(ordinal: number): boolean | Promise<boolean> {
    if (ordinal < 0 || ordinal >= this.#blocks.index.count) return this.#end()
    const block = this.#source.block(ordinal)
    if (block instanceof Promise) {
      return block.then((read) => this.#start(read, ordinal, this.#reverse ? read.count - 1 : 0))
    }
    return this.#start(block, ordinal, this.#reverse ? block.count - 1 : 0)
  }

  #end(): false {
    this.#block = undefined
    return false
  }

  #start(block: Block, ordinal: number, row: number): boolean {
    // Closed while the block was on its way.
    if (this.#closed) return false
    this.#block = block
    this.#ordinal = ordinal
    if (block.prefixLength > this.keyBytes.length) this.keyBytes = Buffer.allocUnsafeSlow(2 * block.prefixLength)
    copyInto(this.keyBytes, 0, block.bytes, block.prefixAt, block.prefixLength)
    return this.#load(block, row)
  }

  #load(block: Block, row: number): true {
    const { prefixLength } = block
    const start = block.restStart(row)
    const length = block.restEnd(row) - start
    if (prefixLength + length > this.keyBytes.length) this.#growKey(prefixLength + length)
    copyInto(this.keyBytes, prefixLength, block.bytes, block.keysAt + start, length)
    this.keyLength = prefixLength + length
    this.#key = undefined
    this.#row = row
    this.sequence = block.sequenceAt(row)
    this.kind = block.kindAt(row)
    return true
  }

  #growKey(length: number): void {
    const larger = Buffer.allocUnsafeSlow(2 * length)
    larger.set(this.keyBytes)
    this.keyBytes = larger
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#block = undefined
    this.#blocks.unpin()
  }
}
