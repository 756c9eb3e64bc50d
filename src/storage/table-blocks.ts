/**
 * The data blocks of one open table: cached, read at once, or read asynchronously; and who holds the file open.
 *
 * Invariants:
 * 1. The file is open while there is a holder: the opener, each cursor, each read in flight. The last one closes it. (Closing under a
 *    read in flight would give EBADF, or another file's bytes.)
 * 2. A block is read by at most one asynchronous read at a time; who asks meanwhile shares it.
 */
import { assert } from '../base/assert'
import type { Clock, File } from '../runtime/runtime'
import { parseBlock } from './block'
import type { Block } from './block'
import type { BlockCache, BlockShelf } from './block-cache'
import { ReadPace, SYNC_READ_BYTES_MAX } from './read-pace'
import type { SyncReadBudget } from './read-pace'
import { corrupt, fileSeed } from './table-format'
import type { TableIndex } from './table-index'

/** Counts shared by the tables of one store. */
export class TableCounters {
  /** Data blocks read from files, not counting merges and verification. */
  blockReads = 0
  /** Those of them that went through the thread pool. */
  blockReadsAsync = 0
  filterChecks = 0
  filterNegatives = 0
  filterFalsePositives = 0
}

export interface TableBlocksOptions {
  readonly fileNumber: number
  readonly cache: BlockCache
  readonly clock: Clock
  readonly counters: TableCounters
  /** Undefined: synchronous reads are bounded by pace alone. */
  readonly budget?: SyncReadBudget
}

/** Where cursors get blocks from. */
export interface BlockSource {
  block(ordinal: number): Block | Promise<Block>
}

export class TableBlocks implements BlockSource {
  readonly file: File
  readonly index: TableIndex
  readonly #seed: number
  readonly #shelf: BlockShelf
  readonly #clock: Clock
  readonly #counters: TableCounters
  readonly #budget: SyncReadBudget | undefined
  readonly #pace = new ReadPace()
  readonly #inFlight = new Map<number, Promise<Block>>()
  #holders = 1

  constructor(file: File, index: TableIndex, options: TableBlocksOptions) {
    this.file = file
    this.index = index
    this.#seed = fileSeed(options.fileNumber)
    this.#shelf = options.cache.openShelf(index.count)
    this.#clock = options.clock
    this.#counters = options.counters
    this.#budget = options.budget
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

  /** Reads a block that is not cached. */
  fetch(ordinal: number): Block | Promise<Block> {
    const bytes = this.index.blockEnd(ordinal) - this.index.blockOffset(ordinal)
    const isSmall = bytes <= SYNC_READ_BYTES_MAX
    if (isSmall && this.#budget?.lasts !== false && this.#pace.shouldReadSync()) return this.fetchSync(ordinal)
    return this.#fetchAsync(ordinal)
  }

  /** Reads a block that is not cached, blocking. */
  fetchSync(ordinal: number): Block {
    assert(this.#holders > 0, 'a table is read while it is held')
    const offset = this.index.blockOffset(ordinal)
    const length = this.index.blockEnd(ordinal) - offset
    const bytes = Buffer.allocUnsafeSlow(length)
    const startMs = this.#clock.monotonicMs()
    const read = this.file.readSync(bytes, 0, length, offset)
    const ms = this.#clock.monotonicMs() - startMs
    this.#pace.record(ms)
    this.#budget?.spend(ms)
    return this.#keep(ordinal, bytes, read)
  }

  #fetchAsync(ordinal: number): Promise<Block> {
    const pending = this.#inFlight.get(ordinal)
    if (pending !== undefined) return pending
    const reading = this.#readAsync(ordinal)
    this.#inFlight.set(ordinal, reading)
    return reading
  }

  async #readAsync(ordinal: number): Promise<Block> {
    const offset = this.index.blockOffset(ordinal)
    const length = this.index.blockEnd(ordinal) - offset
    const bytes = Buffer.allocUnsafeSlow(length)
    this.pin()
    try {
      const startMs = this.#clock.monotonicMs()
      const read = await this.file.read(bytes, 0, length, offset)
      this.#pace.record(this.#clock.monotonicMs() - startMs)
      this.#counters.blockReadsAsync++
      return this.#keep(ordinal, bytes, read)
    } finally {
      this.#inFlight.delete(ordinal)
      this.unpin()
    }
  }

  #keep(ordinal: number, bytes: Buffer, read: number): Block {
    const block = this.parse(ordinal, bytes, read)
    this.#counters.blockReads++
    this.#shelf.put(ordinal, block)
    return block
  }

  /** Checks and parses the bytes of a block, of which `read` came from the file. */
  parse(ordinal: number, bytes: Buffer, read: number): Block {
    const place = { file: this.file.path, seed: this.#seed, offset: this.index.blockOffset(ordinal) }
    if (read !== bytes.length) throw corrupt(place, `the file ends inside block ${ordinal}`)
    return parseBlock(bytes, place)
  }
}
