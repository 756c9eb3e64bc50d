/**
 * The data blocks of one open table: cached, read at once, or read asynchronously; and who holds the file open.
 *
 * Invariants:
 * 1. The file is open while there is a holder: the opener, each cursor, each read in flight. The last one closes it. (Closing under a
 *    read in flight would give EBADF, or another file's bytes.)
 * 2. A block is read by at most one asynchronous read at a time; who asks meanwhile shares it.
 */
import { assert } from '../../base/assert'
import type { Key } from '../../base/bytes'
import type { Sequence } from '../../base/sequence'
import type { ModelCounters } from '../../learned/piecewise-model'
import type { Clock, File } from '../../runtime/runtime'
import { parseBlock } from './block'
import type { Block } from './block'
import type { BlockCache, BlockShelf } from './block-cache'
import { decodeIndexPage, joinIndexPages, pageEnd, pageOffset } from './index-format'
import { IndexPages } from './index-pages'
import { LeanIndex } from './lean-index'
import { ReadPace, SYNC_READ_BYTES_MAX } from './read-pace'
import type { SyncReadBudget } from './read-pace'
import { Separators } from './separators'
import { BLOCK_INDEX_PAGE, corrupt, fileSeed, openSealed } from './table-format'
import { TableIndex } from './table-index'

/** Counts shared by the tables of one store. */
export class TableCounters {
  /** Data blocks read from files, not counting merges and verification. */
  blockReads = 0
  /** Those of them that went through the thread pool. */
  blockReadsAsync = 0
  filterChecks = 0
  filterNegatives = 0
  filterFalsePositives = 0
  /** Pages of indexes read from files, by tables that keep only a model of theirs. */
  indexPageReads = 0
  /** How the searches with a model ended. */
  readonly model: ModelCounters = { hits: 0, fallbacks: 0 }
}

export interface TableBlocksOptions {
  readonly fileNumber: number
  readonly cache: BlockCache
  readonly clock: Clock
  readonly counters: TableCounters
  /** Undefined: synchronous reads are bounded by pace alone. */
  readonly budget?: SyncReadBudget
  /** The sequence of a table that a bulk load wrote, once it has one. */
  readonly loadedAt?: Sequence | undefined
}

/** The bytes of a block as they came from the file at `offset`; `read` of them did. */
export interface RawBlock {
  readonly bytes: Buffer
  readonly offset: number
  readonly read: number
}

/** Where cursors get blocks from. */
export interface BlockSource {
  block(ordinal: number): Block | Promise<Block>
}

export class TableBlocks implements BlockSource {
  readonly file: File
  readonly index: TableIndex | LeanIndex
  /** Where the index's pages come from, if they are not resident. */
  readonly #pages: IndexPages | undefined
  readonly #seed: number
  readonly #shelf: BlockShelf
  readonly #clock: Clock
  readonly #counters: TableCounters
  readonly #budget: SyncReadBudget | undefined
  readonly #pace = new ReadPace()
  readonly #inFlight = new Map<number, Promise<Block>>()
  #loadedAt: Sequence | undefined
  #isRead = false
  #holders = 1

  constructor(file: File, index: TableIndex | LeanIndex, options: TableBlocksOptions) {
    this.file = file
    this.index = index
    this.#seed = fileSeed(options.fileNumber)
    this.#shelf = options.cache.openShelf(index.count)
    this.#clock = options.clock
    this.#counters = options.counters
    this.#budget = options.budget
    this.#loadedAt = options.loadedAt
    this.#pages = index instanceof LeanIndex ? this.#createPages(index, options.cache) : undefined
  }

  /** The sequence that all rows show; undefined: each its own. */
  get loadedAt(): Sequence | undefined {
    return this.#loadedAt
  }

  /** Rows show `sequence` from here on. REQUIRES: no block has been read. */
  placeAt(sequence: Sequence): void {
    assert(!this.#isRead && this.#inFlight.size === 0, 'a loaded table is given its sequence before it is read')
    this.#loadedAt = sequence
  }

  #createPages(index: LeanIndex, cache: BlockCache): IndexPages {
    const reads = {
      path: this.file.path,
      seed: this.#seed,
      mayReadNow: (bytes: number) => this.#mayReadNow(bytes),
      readNow: (target: Buffer, offset: number) => this.#readNow(target, offset),
      readLater: (target: Buffer, offset: number) => this.#readLater(target, offset),
    }
    return new IndexPages(index, reads, cache, this.#counters)
  }

  get holders(): number {
    return this.#holders
  }

  pin(): void {
    assert(this.#holders > 0, 'a closed table has no new holders')
    this.#holders++
  }

  unpin(): void {
    assert(this.#holders > 0, 'a table is let go as often as it was held')
    this.#holders--
    if (this.#holders > 0) return
    this.#shelf.close()
    this.#pages?.close()
    void this.file.close()
  }

  /** The block if it is cached; counts a hit or a miss. */
  cached(ordinal: number): Block | undefined {
    return this.#shelf.get(ordinal)
  }

  /** The block, at once if it is cached or cheap to read. Throws or rejects with `CorruptionError`, `IoError`. */
  block(ordinal: number): Block | Promise<Block> {
    return this.cached(ordinal) ?? this.fetch(ordinal)
  }

  /** The block, blocking for a read if it must. */
  blockSync(ordinal: number): Block {
    return this.cached(ordinal) ?? this.fetchSync(ordinal)
  }

  /** As `BlockIndex.find`: INDEX_UNREAD where a page of the index would have to be waited for. */
  find(key: Key, sequence: Sequence): number {
    return this.index.find(key, sequence)
  }

  /** The same, blocking for a page if it must. */
  findSync(key: Key, sequence: Sequence): number {
    return this.#pages === undefined ? this.index.find(key, sequence) : this.#pages.findSync(key, sequence)
  }

  /** The same, waiting for pages; holds the file meanwhile. */
  async findLater(key: Key, sequence: Sequence): Promise<number> {
    if (this.#pages === undefined) return this.index.find(key, sequence)
    this.pin()
    try {
      return await this.#pages.findLater(key, sequence)
    } finally {
      this.unpin()
    }
  }

  /** The whole index in memory, for who reads all blocks; `lean` reads it once more from the file. */
  async wholeIndex(): Promise<TableIndex> {
    if (!(this.index instanceof LeanIndex)) return this.index
    const pages = []
    const { root } = this.index
    this.pin()
    try {
      for (let page = 0; page < root.pageEnds.length; page++) {
        const place = { file: this.file.path, seed: this.#seed, offset: pageOffset(root, page) }
        const sealed = Buffer.allocUnsafeSlow(pageEnd(root, page) - place.offset)
        const read = await this.file.read(sealed, 0, sealed.length, place.offset)
        if (read !== sealed.length) throw corrupt(place, `the file ends inside page ${page} of the index`)
        pages.push(decodeIndexPage(openSealed(sealed, place, BLOCK_INDEX_PAGE), place, root, page))
      }
    } finally {
      this.unpin()
    }
    const place = { file: this.file.path, offset: root.dataBytes, seed: this.#seed }
    return new TableIndex(root, new Separators(joinIndexPages(pages, root, place)), undefined)
  }

  /** Reads a block that is not cached. */
  fetch(ordinal: number): Block | Promise<Block> {
    // The page of a block just found is at hand; only a walk from block to block comes to one that has to be waited for.
    if (!this.index.has(ordinal)) return this.#fetchAsync(ordinal)
    const bytes = this.index.blockEnd(ordinal) - this.index.blockOffset(ordinal)
    return this.#mayReadNow(bytes) ? this.fetchSync(ordinal) : this.#fetchAsync(ordinal)
  }

  /** Reads a block that is not cached, blocking. */
  fetchSync(ordinal: number): Block {
    this.#pages?.placeSync(ordinal)
    const offset = this.index.blockOffset(ordinal)
    const bytes = Buffer.allocUnsafeSlow(this.index.blockEnd(ordinal) - offset)
    return this.#keep(ordinal, { bytes, offset, read: this.#readNow(bytes, offset) })
  }

  #mayReadNow(bytes: number): boolean {
    return bytes <= SYNC_READ_BYTES_MAX && this.#budget?.lasts !== false && this.#pace.shouldReadSync()
  }

  #readNow(target: Buffer, offset: number): number {
    assert(this.#holders > 0, 'a table is read while it is held')
    const startMs = this.#clock.monotonicMs()
    const read = this.file.readSync(target, 0, target.length, offset)
    const ms = this.#clock.monotonicMs() - startMs
    this.#pace.record(ms)
    this.#budget?.spend(ms)
    return read
  }

  async #readLater(target: Buffer, offset: number): Promise<number> {
    this.pin()
    try {
      const startMs = this.#clock.monotonicMs()
      const read = await this.file.read(target, 0, target.length, offset)
      this.#pace.record(this.#clock.monotonicMs() - startMs)
      return read
    } finally {
      this.unpin()
    }
  }

  #fetchAsync(ordinal: number): Promise<Block> {
    const pending = this.#inFlight.get(ordinal)
    if (pending !== undefined) return pending
    const reading = this.#readAsync(ordinal)
    this.#inFlight.set(ordinal, reading)
    return reading
  }

  async #readAsync(ordinal: number): Promise<Block> {
    this.pin()
    try {
      const { offset, length } = this.#placeNow(ordinal) ?? (await this.#pages!.placeLater(ordinal))
      const bytes = Buffer.allocUnsafeSlow(length)
      const read = await this.#readLater(bytes, offset)
      this.#counters.blockReadsAsync++
      return this.#keep(ordinal, { bytes, offset, read })
    } finally {
      this.#inFlight.delete(ordinal)
      this.unpin()
    }
  }

  #placeNow(ordinal: number): { readonly offset: number; readonly length: number } | undefined {
    if (!this.index.has(ordinal)) return undefined
    const offset = this.index.blockOffset(ordinal)
    return { offset, length: this.index.blockEnd(ordinal) - offset }
  }

  #keep(ordinal: number, raw: RawBlock): Block {
    const block = this.parse(ordinal, raw)
    this.#counters.blockReads++
    this.#shelf.put(ordinal, block)
    return block
  }

  /** Checks and parses a block. */
  parse(ordinal: number, { bytes, offset, read }: RawBlock): Block {
    const place = { file: this.file.path, seed: this.#seed, offset }
    if (read !== bytes.length) throw corrupt(place, `the file ends inside block ${ordinal}`)
    this.#isRead = true
    return parseBlock(bytes, place, this.#loadedAt)
  }
}
