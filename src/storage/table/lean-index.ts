/**
 * The block index that keeps the learned model alone in memory: separators are in pages, read when needed and evictable like blocks.
 *
 *   key -> number -> predicted row -> its page -> block           one page, where the model is right
 *                                  -> before or behind the page?  on from there, in growing steps, then halving
 *
 * A page knows by its fence where it begins, so the page that holds the answer proves it. A model that lies costs pages, never an answer;
 * the number of pages looked at is logarithmic in theirs.
 *
 * Invariant: `#at` is the page of the last answer, so that the place of the block just found costs no second look.
 * Pinned by test/contract/storage/block-index.test.ts and test/unit/storage/table/table-index-modes.test.ts.
 */
import { assert } from '../../base/assert'
import type { Key } from '../../base/bytes'
import type { Sequence } from '../../base/sequence'
import type { PiecewiseModel } from '../../learned/piecewise-model'
import { checkSeparators, decodeIndexPage, rowsOfPage } from './index-format'
import type { IndexRoot } from './index-format'
import { comparePrefix, numberOfKey, Separators } from './separators'
import { BLOCK_INDEX_PAGE, openSealed } from './table-format'
import type { BlockPlace } from './table-format'
import { INDEX_UNREAD } from './table-index'
import type { BlockIndex } from './table-index'

/** What the objects of a page take beside its bytes and numbers; charged to the cache. */
const PAGE_OVERHEAD_BYTES = 500

/** A page in memory. */
export class IndexPage {
  /** The row of all rows that its first one, the fence if there is one, is. */
  readonly firstRow: number
  readonly separators: Separators
  readonly memoryBytes: number
  /** For the block cache. */
  usedAt = 0

  /** Checks and parses the sealed bytes of page `page`. Throws `CorruptionError`. */
  constructor(sealed: Buffer, place: BlockPlace, root: IndexRoot, page: number) {
    const columns = decodeIndexPage(openSealed(sealed, place, BLOCK_INDEX_PAGE), place, root, page)
    this.firstRow = rowsOfPage(root.count, root.pageRows, page).start
    this.separators = new Separators(columns)
    checkSeparators(this.separators.numbers, place)
    this.memoryBytes = sealed.length + this.separators.numbers.byteLength + PAGE_OVERHEAD_BYTES
  }
}

/** Gives pages that are in memory, or cheap enough to be brought there at once. */
export interface PageSource {
  pageNow(page: number): IndexPage | undefined
}

/** One search through pages; who runs it brings the page it asks for. */
export class PageSearch {
  readonly #root: IndexRoot
  #key: Key = ''
  #number = 0
  #sequence: Sequence = 0
  #guess = 0
  /** Pages that can still hold the answer: `[low, high)`. */
  #low = 0
  #high = 0
  /** Those of them that probably do: `[near, far)`; where they do not, they grow by more each time. */
  #near = 0
  #far = 0
  #step = 1
  /** The page to look at next. */
  page = 0
  /** Pages looked at. */
  looks = 0

  constructor(root: IndexRoot) {
    this.#root = root
  }

  /** `guess` and `end`: between which rows the answer probably is. */
  begin(asked: { key: Key; number: number; sequence: Sequence }, guess: number, end: number): void {
    const { pageRows, pageEnds } = this.#root
    this.#key = asked.key
    this.#number = asked.number
    this.#sequence = asked.sequence
    this.#guess = guess
    this.#low = 0
    this.#high = pageEnds.length
    this.#near = Math.min(Math.floor(guess / pageRows), this.#high - 1)
    this.#far = Math.max(this.#near, Math.min(Math.floor(end / pageRows), this.#high - 1)) + 1
    this.#step = 1
    this.looks = 0
    this.page = (this.#near + this.#far) >>> 1
  }

  /** The answer if `page`, the one asked for, has it; else INDEX_UNREAD, and another page is asked for. */
  look({ separators, firstRow }: IndexPage): number {
    const at = this.page
    this.looks++
    if (at > 0 && !separators.isBefore(0, this.#key, this.#number, this.#sequence)) {
      this.#high = at
      if (this.#near >= at) this.#near = Math.max(this.#low, at - this.#grow())
    } else if (separators.isBefore(separators.count - 1, this.#key, this.#number, this.#sequence)) {
      this.#low = at + 1
      if (this.#low === this.#root.pageEnds.length) return this.#root.count
      if (this.#far <= this.#low) this.#far = this.#low + this.#grow()
    } else {
      return firstRow + separators.searchNear(this.#key, this.#number, this.#sequence, this.#guess - firstRow)
    }
    assert(this.#low < this.#high, 'pages of one index agree on where a key belongs')
    this.page = (Math.max(this.#low, this.#near) + Math.min(this.#high, this.#far)) >>> 1
    return INDEX_UNREAD
  }

  #grow(): number {
    const step = this.#step
    this.#step *= 2
    return step
  }
}

/** An index whose separators are read page by page. */
export class LeanIndex implements BlockIndex {
  readonly mode = 'lean'
  readonly count: number
  readonly root: IndexRoot
  readonly #model: PiecewiseModel
  readonly #search: PageSearch
  #source: PageSource | undefined
  /** The page of the last answer. */
  #at: IndexPage | undefined

  constructor(root: IndexRoot, model: PiecewiseModel) {
    assert(root.count > 0 && model.parts.count === root.count, 'a model has the numbers of its table')
    this.count = root.count
    this.root = root
    this.#model = model
    this.#search = new PageSearch(root)
  }

  /** Connects what brings pages. */
  attach(source: PageSource): void {
    this.#source = source
  }

  get pages(): number {
    return this.root.pageEnds.length
  }

  get bytes(): number {
    return this.modelBytes + this.root.pageEnds.byteLength + this.root.prefix.length
  }

  get modelBytes(): number {
    return this.#model.bytes
  }

  /** The page that has a block's separator. */
  pageOf(block: number): number {
    return Math.floor(block / this.root.pageRows)
  }

  find(key: Key, sequence: Sequence): number {
    const { root } = this
    const { prefix } = root
    const side = comparePrefix(key, prefix)
    if (side !== 0) return side < 0 ? 0 : this.count
    const number = numberOfKey(key, prefix.length)
    const guess = this.#model.predict(number)
    // Nearly always the first page has it: no search has to be set up.
    const page = this.#source!.pageNow(((guess < this.count ? guess : this.count - 1) / root.pageRows) | 0)
    if (page !== undefined) {
      const row = page.separators.searchNear(key, number, sequence, guess - page.firstRow)
      if (row < page.separators.count && (row > 0 || page.firstRow === 0)) {
        this.#at = page
        this.#model.counters.hits++
        return page.firstRow + row
      }
    }
    return this.#findFrom(key, sequence)
  }

  /** The same where the first page does not have it, or is not there. */
  #findFrom(key: Key, sequence: Sequence): number {
    const search = this.#search
    const certain = this.#begin(search, key, sequence)
    if (certain !== INDEX_UNREAD) return certain
    for (;;) {
      const page = this.#source!.pageNow(search.page)
      if (page === undefined) return INDEX_UNREAD
      const block = search.look(page)
      if (block !== INDEX_UNREAD) return this.#end(search, page, block)
    }
  }

  /** The same, with pages that come later. */
  async findLater(key: Key, sequence: Sequence, read: (page: number) => Promise<IndexPage>): Promise<number> {
    const search = new PageSearch(this.root)
    const certain = this.#begin(search, key, sequence)
    if (certain !== INDEX_UNREAD) return certain
    for (;;) {
      const page = await read(search.page)
      const block = search.look(page)
      if (block !== INDEX_UNREAD) return this.#end(search, page, block)
    }
  }

  #begin(search: PageSearch, key: Key, sequence: Sequence): number {
    const { prefix } = this.root
    const side = comparePrefix(key, prefix)
    if (side !== 0) return side < 0 ? 0 : this.count
    const number = numberOfKey(key, prefix.length)
    const guess = this.#model.predict(number)
    // Where many separators have this number, the next number begins behind all of them.
    const end = this.#model.predict(number + 1) + this.#model.error
    search.begin({ key, number, sequence }, guess, end)
    return INDEX_UNREAD
  }

  #end(search: PageSearch, page: IndexPage, block: number): number {
    this.#at = page
    if (search.looks === 1) this.#model.counters.hits++
    else this.#model.counters.fallbacks++
    return block
  }

  has(block: number): boolean {
    if (this.#at !== undefined && this.#isIn(this.#at, block)) return true
    const page = this.#source!.pageNow(this.pageOf(block))
    if (page === undefined) return false
    this.#at = page
    return true
  }

  /** A page has a block's place if it has its separator and, for where it begins, the row before. */
  #isIn(page: IndexPage, block: number): boolean {
    const row = block - page.firstRow
    return row < page.separators.count && (row > 0 || block === 0)
  }

  blockOffset(block: number): number {
    return block === 0 ? 0 : this.#pageWith(block).separators.blockEnd(block - 1 - this.#at!.firstRow)
  }

  blockEnd(block: number): number {
    return this.#pageWith(block).separators.blockEnd(block - this.#at!.firstRow)
  }

  #pageWith(block: number): IndexPage {
    const page = this.#at
    assert(page !== undefined && this.#isIn(page, block), 'the place of a block is asked for when its page is at hand')
    return page
  }

  /** Keeps a page that was read for a block's place. */
  keep(page: IndexPage): void {
    this.#at = page
  }
}
