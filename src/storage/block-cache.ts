/**
 * Parsed blocks of all tables in bounded memory, least recently used out first; counts hits and misses.
 *
 * Keys are small integers (55 ns a lookup; a double costs 106, a string 247): each open table takes a stretch of numbers, one a
 * block, and gives it back when it closes. An evicted block lives on as long as somebody reads it.
 *
 * Invariant: the charged sizes, real ones, sum up to at most `bytesMax`. Pinned by test/unit/storage/block-cache.test.ts.
 */
import { LRUCache } from 'lru-cache'
import { assert } from '../base/assert'
import type { Block } from './block'

/** Room in the cache's own arrays is set aside for blocks of this mean size; smaller ones are bounded by number instead. */
const BLOCK_BYTES_EXPECTED = 1024
/** A block that takes more than this part of the cache is not kept: it would push everything else out. */
const BLOCK_SHARE_MAX = 1 / 8
const GET_OPTIONS = {}

/** Bounded memory for blocks. `bytesMax` 0 keeps nothing. */
export class BlockCache {
  readonly #blocks: LRUCache<number, Block> | undefined
  #nextId = 0
  /** Stretches given back, by length. */
  readonly #freeIdsByCount = new Map<number, number[]>()
  hits = 0
  misses = 0

  constructor(options: { readonly bytesMax: number }) {
    const { bytesMax } = options
    assert(Number.isSafeInteger(bytesMax) && bytesMax >= 0, 'the size of the block cache is a number of bytes')
    if (bytesMax === 0) return
    this.#blocks = new LRUCache<number, Block>({
      max: Math.ceil(bytesMax / BLOCK_BYTES_EXPECTED),
      maxSize: bytesMax,
      maxEntrySize: Math.max(1, Math.floor(bytesMax * BLOCK_SHARE_MAX)),
    })
  }

  /** Bytes held, as charged. */
  get bytes(): number {
    return this.#blocks?.calculatedSize ?? 0
  }

  /** Number of blocks held. */
  get blocks(): number {
    return this.#blocks?.size ?? 0
  }

  /** Takes numbers for the blocks of a table: `[result, result + count)`. */
  takeIds(count: number): number {
    const free = this.#freeIdsByCount.get(count)?.pop()
    if (free !== undefined) return free
    const first = this.#nextId
    this.#nextId += count
    return first
  }

  /** Gives them back and drops the blocks under them. */
  releaseIds(first: number, count: number): void {
    if (this.#blocks !== undefined && this.#blocks.size > 0) {
      for (let id = first; id < first + count; id++) this.#blocks.delete(id)
    }
    const free = this.#freeIdsByCount.get(count)
    if (free === undefined) this.#freeIdsByCount.set(count, [first])
    else free.push(first)
  }

  /** The block under `id`; counts a hit or a miss. */
  get(id: number): Block | undefined {
    const block = this.#blocks?.get(id, GET_OPTIONS)
    if (block === undefined) this.misses++
    else this.hits++
    return block
  }

  /** Keeps a block, pushing others out. */
  put(id: number, block: Block): void {
    this.#blocks?.set(id, block, { size: block.memoryBytes })
  }

  checkInvariants(): void {
    let bytes = 0
    for (const block of this.#blocks?.values() ?? []) bytes += block.memoryBytes
    assert(bytes === this.bytes, 'the block cache charges what its blocks take')
  }
}
