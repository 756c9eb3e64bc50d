/**
 * The block index of a table: for each data block a separator, found by learned prediction or binary search.
 *
 * A separator is an internal key (key, sequence) at or behind the block's last entry and before the next block's first, as short as
 * possible; so the one block that can hold the first entry at or behind (key, sequence) is the first whose separator is at or behind it.
 * One key's versions can span blocks: then the separator is the exact key with the sequence of the block's last entry. Otherwise its
 * sequence is 0, behind all versions of that key.
 *
 *   separators:  "apple"/0     "b"/0      "cherry"/9     "cherry"/0
 *   blocks:      [.. apple]  [azure ..]  [.. cherry/9]  [cherry/7 ..]
 *
 * This is the index with all separators in memory, with a model (`resident`) or without (`binary`); lean-index.ts is the one that keeps
 * the model alone. Bytes: index-format.ts and model-format.ts. Modes: index-mode.ts.
 *
 * Pinned by test/unit/storage/table/table-index.test.ts, test/contract/storage/block-index.test.ts.
 */
import { assert } from '../../base/assert'
import type { Key } from '../../base/bytes'
import type { Sequence } from '../../base/sequence'
import { fitModel } from '../../learned/fit-model'
import type { ModelCounters, PiecewiseModel } from '../../learned/piecewise-model'
import { encodeIndexPage, encodeIndexRoot, INDEX_PAGE_ROWS, rowsOfPage } from './index-format'
import type { IndexRoot } from './index-format'
import { countTies, MODEL_ERROR_MAX, modelPays } from './index-mode'
import type { IndexMode, TableIndexMode } from './index-mode'
import { encodeModel } from './model-format'
import type { Separators } from './separators'
import { comparePrefix, numberOfKey, SeparatorList } from './separators'
import { BLOCK_ALIGNMENT_BYTES, sealedBytes } from './table-format'

/** What reads need of an index, wherever its separators are. */
export interface BlockIndex {
  /** Number of blocks. */
  readonly count: number
  readonly mode: TableIndexMode
  /** Resident memory, the model's included. */
  readonly bytes: number
  /** Of it the model's. */
  readonly modelBytes: number
  /**
   * The first block whose separator is at or behind (key, sequence) in internal order; `count` if there is none; INDEX_UNREAD if a
   * page has to be read first.
   */
  find(key: Key, sequence: Sequence): number
  /** Whether `blockOffset` and `blockEnd` of a block can be asked for now, without reading a page. */
  has(block: number): boolean
  /** Where a block begins in the file. REQUIRES: `has(block)`, and nothing else was asked for in between. */
  blockOffset(block: number): number
  /** Where it ends. REQUIRES: as `blockOffset`. */
  blockEnd(block: number): number
}

/** What `find` gives where it cannot say without reading. */
export const INDEX_UNREAD = -2

/** The shortest key at or behind `last` and before `next`. REQUIRES: last < next. */
export function shortestSeparator(last: Key, next: Key): Key {
  const shared = Math.min(last.length, next.length)
  let i = 0
  while (i < shared && last.charCodeAt(i) === next.charCodeAt(i)) i++
  // `last` is a prefix of `next`: nothing shorter lies between.
  if (i >= last.length) return last
  const byte = last.charCodeAt(i)
  if (i + 1 >= last.length) return last
  if (byte + 1 < next.charCodeAt(i) || next.length > i + 1) return last.slice(0, i) + String.fromCharCode(byte + 1)
  // `next` ends with the raised byte: go on to the first byte of `last` behind it that can be raised.
  for (let j = i + 1; j < last.length - 1; j++) {
    const code = last.charCodeAt(j)
    if (code < 0xff) return last.slice(0, j) + String.fromCharCode(code + 1)
  }
  return last
}

/** The parts of an index as they are written. */
export interface EncodedIndex {
  /** Payloads of the pages, to be sealed one behind the other where the data ends. */
  readonly pages: readonly Buffer[]
  readonly root: Buffer
  /** Undefined where the mode has none, or where `auto` found that it does not pay. */
  readonly model: Buffer | undefined
}

/** Gathers separators and builds the index. */
export class TableIndexBuilder {
  readonly #list = new SeparatorList()
  #dataBytes = 0

  get count(): number {
    return this.#list.count
  }

  /** Bytes the index will have, roughly. */
  get bytes(): number {
    return this.#list.count * 16 + this.#list.keyBytes
  }

  /** The separator of the next block and where that block ends in the file, in bytes. */
  add(key: Key, sequence: Sequence, blockEnd: number): void {
    assert(blockEnd % BLOCK_ALIGNMENT_BYTES === 0, 'blocks end on multiples of four')
    assert(blockEnd / BLOCK_ALIGNMENT_BYTES <= 0xffff_ffff, 'a table has less than 16 GiB')
    this.#list.push(key, sequence, blockEnd)
    this.#dataBytes = blockEnd
  }

  /** The index for a mode. */
  finish(mode: IndexMode): EncodedIndex {
    const list = this.#list
    const { count, prefixLength } = list
    const pages: Buffer[] = []
    const pageEnds = new Uint32Array(Math.ceil(count / INDEX_PAGE_ROWS))
    let end = this.#dataBytes
    for (let page = 0; page < pageEnds.length; page++) {
      const rows = rowsOfPage(count, INDEX_PAGE_ROWS, page)
      const payload = encodeIndexPage(list.columns(rows.start, rows.end, prefixLength), page > 0)
      pages.push(payload)
      end += sealedBytes(payload.length)
      assert(end / BLOCK_ALIGNMENT_BYTES <= 0xffff_ffff, 'a table has less than 16 GiB')
      pageEnds[page] = end / BLOCK_ALIGNMENT_BYTES
    }
    const { prefix } = list.columns(0, Math.min(1, count), prefixLength)
    const root = { count, pageRows: INDEX_PAGE_ROWS, prefix, pageEnds, dataBytes: this.#dataBytes }
    return { pages, root: encodeIndexRoot(root), model: this.#model(mode, prefixLength) }
  }

  #model(mode: IndexMode, prefixLength: number): Buffer | undefined {
    if (mode === 'binary' || this.count === 0) return undefined
    const numbers = this.#list.numbers(prefixLength)
    const model = fitModel(numbers, MODEL_ERROR_MAX)
    const figures = { blocks: this.count, segments: model.segments, ties: countTies(numbers) }
    return mode !== 'auto' || modelPays(figures) ? encodeModel({ model, errorMax: MODEL_ERROR_MAX }) : undefined
  }
}

/** An index with all its separators in memory. */
export class TableIndex implements BlockIndex {
  readonly count: number
  readonly root: IndexRoot
  readonly #separators: Separators
  readonly #prefix: Buffer
  readonly #model: PiecewiseModel | undefined

  constructor(root: IndexRoot, separators: Separators, model: PiecewiseModel | undefined) {
    assert(separators.count === root.count, 'an index has a separator for each block')
    assert(model === undefined || model.parts.count === root.count, 'a model has the numbers of its table')
    this.count = root.count
    this.root = root
    this.#separators = separators
    this.#prefix = root.prefix
    this.#model = model
  }

  get mode(): TableIndexMode {
    return this.#model === undefined ? 'binary' : 'resident'
  }

  get bytes(): number {
    return this.#separators.bytes + this.modelBytes
  }

  get modelBytes(): number {
    return this.#model?.bytes ?? 0
  }

  has(): boolean {
    return true
  }

  blockOffset(block: number): number {
    return block === 0 ? 0 : this.#separators.blockEnd(block - 1)
  }

  blockEnd(block: number): number {
    return this.#separators.blockEnd(block)
  }

  find(key: Key, sequence: Sequence): number {
    const prefix = this.#prefix
    const side = comparePrefix(key, prefix)
    if (side !== 0) return side < 0 ? 0 : this.count
    const number = numberOfKey(key, prefix.length)
    const separators = this.#separators
    if (this.#model === undefined) return separators.search(key, number, sequence)
    return separators.behindTies(this.#model.seek(separators.numbers, number), key, number, sequence)
  }

  /** As `find`, by binary search whatever the mode: what a model's answers are held against. */
  findByHalving(key: Key, sequence: Sequence): number {
    const side = comparePrefix(key, this.#prefix)
    if (side !== 0) return side < 0 ? 0 : this.count
    return this.#separators.search(key, numberOfKey(key, this.#prefix.length), sequence)
  }

  /** Whether a model knows the place of every separator and of every gap between two. */
  agreesWith(model: PiecewiseModel): boolean {
    const { numbers } = this.#separators
    const before = model.counters.fallbacks
    for (const number of numbers) {
      model.seek(numbers, number)
      model.seek(numbers, number + 1)
    }
    return model.counters.fallbacks === before
  }

  separatorKey(row: number): Key {
    return this.#separators.keyAt(row)
  }

  separatorSequence(row: number): Sequence {
    return this.#separators.sequenceAt(row)
  }
}

/** A model for a table whose file has none. */
export function fitSeparators(separators: Separators, counters: ModelCounters): PiecewiseModel {
  return fitModel(separators.numbers, MODEL_ERROR_MAX, counters)
}
