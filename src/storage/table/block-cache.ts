/**
 * Parsed blocks of all tables in bounded memory, least recently used out first; counts hits and misses.
 *
 * Each open table has a *shelf*: one slot for each of its blocks, so that a hit costs an array access and no hashing. Behind the
 * shelves one `lru-cache` bounds the sum of sizes, under small integers as keys. Order of use matters only when something is pushed out,
 * and so it is refreshed only as time passes, counted in blocks brought in: a block used again and again tells `lru-cache` once in
 * REFRESHES_PER_TURNOVER parts of the time in which the whole cache could be replaced. While nothing is brought in, hits touch nothing.
 *
 * An evicted block lives on as long as somebody reads it.
 *
 * Invariants: the charged sizes, real ones, sum up to at most `bytesMax`; a slot holds a block exactly while `lru-cache` does.
 * Pinned by test/unit/storage/table/block-cache.test.ts.
 */
import { LRUCache } from 'lru-cache'
import { assert } from '../../base/assert'
import type { Block } from './block'

/** What the cache needs to know of what it holds: blocks, and pages of indexes. */
export interface Cacheable {
  /** Charged. */
  readonly memoryBytes: number
  /** The cache's own. */
  usedAt: number
}

/** Room in the cache's own arrays is set aside for blocks of this mean size; smaller ones are bounded by number instead. */
const BLOCK_BYTES_EXPECTED = 2048
/** A block that takes more than this part of the cache is not kept: it would push everything else out. */
const BLOCK_SHARE_MAX = 1 / 8
const REFRESHES_PER_TURNOVER = 16
const GET_OPTIONS = {}

/** A block in the cache, and where its slot is. */
interface Shelved {
  readonly block: Cacheable
  readonly slots: (Cacheable | undefined)[]
  readonly ordinal: number
}

/** Bounded memory for blocks. `bytesMax` 0 keeps nothing. */
export class BlockCache {
  readonly #blocks: LRUCache<number, Shelved> | undefined
  #nextId = 0
  /** Stretches of numbers given back, by length. */
  readonly #freeIdsByCount = new Map<number, number[]>()
  #broughtIn = 0
  /** Uses before this moment, counted in blocks brought in, are worth telling again. */
  #refreshBefore = 0
  hits = 0
  misses = 0

  constructor(options: { readonly bytesMax: number }) {
    const { bytesMax } = options
    assert(Number.isSafeInteger(bytesMax) && bytesMax >= 0, 'the size of the block cache is a number of bytes')
    if (bytesMax === 0) return
    this.#blocks = new LRUCache<number, Shelved>({
      max: Math.ceil(bytesMax / BLOCK_BYTES_EXPECTED),
      maxSize: bytesMax,
      maxEntrySize: Math.max(1, Math.floor(bytesMax * BLOCK_SHARE_MAX)),
      dispose: ({ slots, ordinal }) => {
        slots[ordinal] = undefined
      },
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

  /** A shelf for the blocks `[0, count)` of a table. */
  openShelf<T extends Cacheable = Block>(count: number): BlockShelf<T> {
    const first = this.#freeIdsByCount.get(count)?.pop() ?? this.#nextId
    if (first === this.#nextId) this.#nextId += count
    return new BlockShelf(this, first, count)
  }

  /** For shelves: keeps a block, pushing others out. */
  put(id: number, shelved: Shelved): void {
    const blocks = this.#blocks
    if (blocks === undefined) return
    const { block, slots, ordinal } = shelved
    slots[ordinal] = block
    block.usedAt = ++this.#broughtIn
    this.#refreshBefore = this.#broughtIn - Math.floor(blocks.size / REFRESHES_PER_TURNOVER)
    blocks.set(id, shelved, { size: block.memoryBytes })
    // Too large to be kept: `lru-cache` says nothing about it.
    if (!blocks.has(id)) slots[ordinal] = undefined
  }

  /** For shelves: a block was found in its slot. */
  used(id: number, block: Cacheable): void {
    this.hits++
    if (block.usedAt >= this.#refreshBefore) return
    block.usedAt = this.#broughtIn
    this.#blocks!.get(id, GET_OPTIONS)
  }

  /** For shelves: drops their blocks and takes their numbers back. */
  release(first: number, count: number): void {
    if (this.blocks > 0) for (let id = first; id < first + count; id++) this.#blocks!.delete(id)
    const free = this.#freeIdsByCount.get(count)
    if (free === undefined) this.#freeIdsByCount.set(count, [first])
    else free.push(first)
  }

  checkInvariants(): void {
    let bytes = 0
    for (const { block, slots, ordinal } of this.#blocks?.values() ?? []) {
      bytes += block.memoryBytes
      assert(slots[ordinal] === block, 'a block in the cache stands in its slot')
    }
    assert(bytes === this.bytes, 'the block cache charges what its blocks take')
  }
}

/** The cached blocks of one table. */
export class BlockShelf<T extends Cacheable = Block> {
  readonly #cache: BlockCache
  readonly #first: number
  readonly #slots: (T | undefined)[]

  constructor(cache: BlockCache, first: number, count: number) {
    this.#cache = cache
    this.#first = first
    this.#slots = new Array<T | undefined>(count).fill(undefined)
  }

  /** The block if it is cached; counts a hit or a miss. */
  get(ordinal: number): T | undefined {
    const block = this.#slots[ordinal]
    if (block === undefined) this.#cache.misses++
    else this.#cache.used(this.#first + ordinal, block)
    return block
  }

  /** Keeps a block, pushing others out. */
  put(ordinal: number, block: T): void {
    this.#cache.put(this.#first + ordinal, { block, slots: this.#slots, ordinal })
  }

  /** Number of blocks held. */
  get blocks(): number {
    return this.#slots.reduce((count, block) => (block === undefined ? count : count + 1), 0)
  }

  /** Drops everything. */
  close(): void {
    this.#cache.release(this.#first, this.#slots.length)
  }
}
