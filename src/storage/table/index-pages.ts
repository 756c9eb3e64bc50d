/**
 * The pages of one table's index, for a table that keeps none of them resident: cached, read at once, or read asynchronously.
 *
 * Pages share the block cache with data blocks, under the same rules: charged by real size, least recently used out first, read at
 * once while that is cheap. A page is read by at most one asynchronous read at a time; who asks meanwhile shares it.
 *
 * Pinned by test/unit/storage/table/table-index-modes.test.ts.
 */
import type { Key } from '../../base/bytes'
import type { Sequence } from '../../base/sequence'
import type { BlockCache, BlockShelf } from './block-cache'
import { pageEnd, pageOffset } from './index-format'
import type { LeanIndex, PageSource } from './lean-index'
import { IndexPage } from './lean-index'
import { corrupt } from './table-format'

/** How the file of a table is read; offsets and lengths in bytes, `read` is how many the file had. */
export interface TableFileReads {
  readonly path: string
  readonly seed: number
  /** Whether so many bytes are cheap enough to be read at once. */
  mayReadNow(bytes: number): boolean
  readNow(target: Buffer, offset: number): number
  readLater(target: Buffer, offset: number): Promise<number>
}

/** Pages of one table. */
export class IndexPages implements PageSource {
  readonly #index: LeanIndex
  readonly #reads: TableFileReads
  readonly #shelf: BlockShelf<IndexPage>
  readonly #counters: { indexPageReads: number }
  readonly #inFlight = new Map<number, Promise<IndexPage>>()
  /** Whether the search under way blocks rather than waits. */
  #blocks = false

  constructor(index: LeanIndex, reads: TableFileReads, cache: BlockCache, counters: { indexPageReads: number }) {
    this.#counters = counters
    this.#index = index
    this.#reads = reads
    this.#shelf = cache.openShelf<IndexPage>(index.pages)
    index.attach(this)
  }

  pageNow(page: number): IndexPage | undefined {
    const cached = this.#shelf.get(page)
    if (cached !== undefined) return cached
    const target = this.#target(page)
    if (!this.#blocks && !this.#reads.mayReadNow(target.length)) return undefined
    return this.#keep(page, target, this.#reads.readNow(target, pageOffset(this.#index.root, page)))
  }

  /** As `LeanIndex.find`, reading at once whatever it takes. */
  findSync(key: Key, sequence: Sequence): number {
    return this.#blocking(() => this.#index.find(key, sequence))
  }

  /** As `LeanIndex.find`, waiting for pages. */
  findLater(key: Key, sequence: Sequence): Promise<number> {
    return this.#index.findLater(key, sequence, (page) => this.#pageLater(page))
  }

  /** Brings the page that knows where a block is, blocking. */
  placeSync(block: number): void {
    this.#blocking(() => this.#index.has(block))
  }

  /** Where a block is, waiting for its page. */
  async placeLater(block: number): Promise<{ readonly offset: number; readonly length: number }> {
    const page = await this.#pageLater(this.#index.pageOf(block))
    this.#index.keep(page)
    const offset = this.#index.blockOffset(block)
    return { offset, length: this.#index.blockEnd(block) - offset }
  }

  #blocking<T>(step: () => T): T {
    this.#blocks = true
    try {
      return step()
    } finally {
      this.#blocks = false
    }
  }

  #target(page: number): Buffer {
    return Buffer.allocUnsafeSlow(pageEnd(this.#index.root, page) - pageOffset(this.#index.root, page))
  }

  async #pageLater(page: number): Promise<IndexPage> {
    const cached = this.#shelf.get(page)
    if (cached !== undefined) return cached
    const pending = this.#inFlight.get(page)
    if (pending !== undefined) return pending
    const reading = this.#read(page)
    this.#inFlight.set(page, reading)
    return reading
  }

  async #read(page: number): Promise<IndexPage> {
    const target = this.#target(page)
    try {
      return this.#keep(page, target, await this.#reads.readLater(target, pageOffset(this.#index.root, page)))
    } finally {
      this.#inFlight.delete(page)
    }
  }

  #keep(page: number, bytes: Buffer, read: number): IndexPage {
    const { path, seed } = this.#reads
    const place = { file: path, seed, offset: pageOffset(this.#index.root, page) }
    if (read !== bytes.length) throw corrupt(place, `the file ends inside page ${page} of the index`)
    const parsed = new IndexPage(bytes, place, this.#index.root, page)
    this.#counters.indexPageReads++
    this.#shelf.put(page, parsed)
    return parsed
  }

  /** Drops everything. */
  close(): void {
    this.#shelf.close()
  }
}
