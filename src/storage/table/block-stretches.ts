/**
 * Blocks for reading a whole table front to back: large stretches, one read ahead, past the block cache.
 *
 * A merge or verification reads every block once: caching them would push out what gets need. Memory: two stretches; with
 * `reuse` always the same two, and a block is then valid only until one of the next stretch is asked for.
 */
import type { File } from '../../runtime/runtime'
import type { Block } from './block'
import type { BlockSource, RawBlock } from './table-blocks'
import type { TableIndex } from './table-index'

/** Where all blocks of a table are. */
export type WholeIndex = Pick<TableIndex, 'count' | 'blockOffset' | 'blockEnd'>

/** The table that is read: `TableBlocks` is one. */
export interface StretchedTable {
  readonly file: File
  /** Asked for once. */
  wholeIndex(): WholeIndex | Promise<WholeIndex>
  parse(ordinal: number, raw: RawBlock): Block
  /** Holds the file open while it is read. */
  pin(): void
  unpin(): void
}

/** Stretches end at the first block boundary at or behind this. */
const STRETCH_BYTES_MIN = 256 * 1024
const STRETCH_BYTES_MORE = 16 * 1024

interface Stretch {
  readonly first: number
  /** Behind the last block. */
  readonly end: number
  readonly offset: number
  readonly memory: Buffer
  readonly bytes: Buffer
}

export class BlockStretches implements BlockSource {
  readonly #blocks: StretchedTable
  readonly #reuse: boolean
  /** Memory of a stretch that is done with. */
  #spare: Buffer | undefined
  /** Undefined before the first read. */
  #index: WholeIndex | undefined
  #current: Stretch | undefined
  #ahead: { readonly first: number; readonly reading: Promise<Stretch> } | undefined

  constructor(blocks: StretchedTable, options?: { readonly reuse: boolean }) {
    this.#blocks = blocks
    this.#reuse = options?.reuse === true
  }

  /** REQUIRES: `ordinal` is a block of the table; fast only where ordinals ascend. */
  block(ordinal: number): Block | Promise<Block> {
    const current = this.#current
    if (current !== undefined && ordinal >= current.first && ordinal < current.end) return this.#parse(current, ordinal)
    return this.#blockLater(ordinal)
  }

  async #blockLater(ordinal: number): Promise<Block> {
    const reading = this.#ahead?.first === ordinal ? this.#ahead.reading : this.#read(ordinal)
    this.#ahead = undefined
    const stretch = await reading
    if (this.#reuse) this.#spare = this.#current?.memory
    this.#current = stretch
    if (stretch.end < this.#index!.count) {
      const ahead = this.#read(stretch.end)
      // Nobody may come for it; whoever does sees the error.
      ahead.catch(() => undefined)
      this.#ahead = { first: stretch.end, reading: ahead }
    }
    return this.#parse(stretch, ordinal)
  }

  async #read(first: number): Promise<Stretch> {
    const { file } = this.#blocks
    const index = (this.#index ??= await this.#blocks.wholeIndex())
    const offset = index.blockOffset(first)
    let end = first
    while (end < index.count && (end === first || index.blockEnd(end - 1) - offset < STRETCH_BYTES_MIN)) end++
    const length = index.blockEnd(end - 1) - offset
    const memory = this.#take(length)
    this.#blocks.pin()
    try {
      const read = await file.read(memory, 0, length, offset)
      return { first, end, offset, memory, bytes: memory.subarray(0, read) }
    } finally {
      this.#blocks.unpin()
    }
  }

  #take(bytes: number): Buffer {
    const spare = this.#spare
    this.#spare = undefined
    if (spare !== undefined && spare.length >= bytes) return spare
    // A stretch ends with a whole block: most have a little more than the least.
    return Buffer.allocUnsafeSlow(this.#reuse ? Math.max(bytes, STRETCH_BYTES_MIN + STRETCH_BYTES_MORE) : bytes)
  }

  #parse(stretch: Stretch, ordinal: number): Block {
    const index = this.#index!
    const offset = index.blockOffset(ordinal)
    const length = index.blockEnd(ordinal) - offset
    const start = offset - stretch.offset
    const bytes = stretch.bytes.subarray(start, start + length)
    const read = bytes.length
    return this.#blocks.parse(ordinal, { bytes: read === length ? bytes : Buffer.alloc(length), offset, read })
  }
}
