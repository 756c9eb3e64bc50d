/**
 * Blocks for reading a whole table front to back: large stretches, one read ahead, past the block cache.
 *
 * A merge or verification reads every block once: caching them would push out what gets need. Memory: two stretches.
 */
import type { Block } from './block'
import type { BlockSource, TableBlocks } from './table-blocks'

/** Stretches end at the first block boundary at or behind this. */
const STRETCH_BYTES_MIN = 256 * 1024

interface Stretch {
  readonly first: number
  /** Behind the last block. */
  readonly end: number
  readonly offset: number
  readonly bytes: Buffer
}

export class BlockStretches implements BlockSource {
  readonly #blocks: TableBlocks
  #current: Stretch | undefined
  #ahead: { readonly first: number; readonly reading: Promise<Stretch> } | undefined

  constructor(blocks: TableBlocks) {
    this.#blocks = blocks
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
    this.#current = stretch
    if (stretch.end < this.#blocks.index.count) {
      const ahead = this.#read(stretch.end)
      // Nobody may come for it; whoever does sees the error.
      ahead.catch(() => undefined)
      this.#ahead = { first: stretch.end, reading: ahead }
    }
    return this.#parse(stretch, ordinal)
  }

  async #read(first: number): Promise<Stretch> {
    const { index, file } = this.#blocks
    const offset = index.blockOffset(first)
    let end = first
    while (end < index.count && (end === first || index.blockEnd(end - 1) - offset < STRETCH_BYTES_MIN)) end++
    const bytes = Buffer.allocUnsafeSlow(index.blockEnd(end - 1) - offset)
    this.#blocks.pin()
    try {
      const read = await file.read(bytes, 0, bytes.length, offset)
      return { first, end, offset, bytes: bytes.subarray(0, read) }
    } finally {
      this.#blocks.unpin()
    }
  }

  #parse(stretch: Stretch, ordinal: number): Block {
    const { index } = this.#blocks
    const start = index.blockOffset(ordinal) - stretch.offset
    const length = index.blockEnd(ordinal) - index.blockOffset(ordinal)
    const bytes = stretch.bytes.subarray(start, start + length)
    if (bytes.length === length) return this.#blocks.parse(ordinal, bytes, length)
    return this.#blocks.parse(ordinal, Buffer.alloc(length), bytes.length)
  }
}
