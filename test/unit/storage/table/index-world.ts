/** Block indexes built from separators, in every mode, over bytes in memory. */
import {
  decodeIndexPage,
  decodeIndexRoot,
  joinIndexPages,
  pageEnd,
  pageOffset,
} from '../../../../src/storage/table/index-format'
import type { IndexRoot } from '../../../../src/storage/table/index-format'
import { MODEL_ERROR_MAX } from '../../../../src/storage/table/index-mode'
import type { TableIndexMode } from '../../../../src/storage/table/index-mode'
import { IndexPage, LeanIndex } from '../../../../src/storage/table/lean-index'
import { fitModel } from '../../../../src/learned/fit-model'
import type { PiecewiseModel } from '../../../../src/learned/piecewise-model'
import { decodeModel } from '../../../../src/storage/table/model-format'
import { Separators } from '../../../../src/storage/table/separators'
import {
  BLOCK_INDEX_PAGE,
  fileSeed,
  openSealed,
  sealBlock,
  sealedBytes,
} from '../../../../src/storage/table/table-format'
import { TableIndex, TableIndexBuilder } from '../../../../src/storage/table/table-index'

export interface Separator {
  readonly key: string
  readonly sequence: number
}

export const compareSeparators = (a: Separator, b: Separator): number =>
  a.key === b.key ? b.sequence - a.sequence : a.key < b.key ? -1 : 1

/** Bytes of every block. */
export const BLOCK_BYTES = 40
const FILE_NUMBER = 7
export const place = { file: 'test', seed: fileSeed(FILE_NUMBER), offset: 0 }

/** An index as it lies in a file, pages sealed. */
export interface IndexFile {
  readonly root: Buffer
  readonly model: Buffer | undefined
  /** The pages, sealed, one behind the other; the first stands at `dataBytes`. */
  readonly pages: Buffer
  readonly dataBytes: number
}

export function indexFileOf(separators: readonly Separator[], mode: TableIndexMode | 'auto'): IndexFile {
  const builder = new TableIndexBuilder()
  separators.forEach(({ key, sequence }, i) => builder.add(key, sequence, BLOCK_BYTES * (i + 1)))
  const { pages, root, model } = builder.finish(mode)
  const dataBytes = BLOCK_BYTES * separators.length
  const sealed = Buffer.allocUnsafeSlow(pages.reduce((sum, page) => sum + sealedBytes(page.length), 0))
  let at = 0
  for (const page of pages) {
    page.copy(sealed, at)
    const block = { at, payloadBytes: page.length, seed: place.seed, offset: dataBytes + at }
    at += sealBlock(sealed, { ...block, type: BLOCK_INDEX_PAGE })
  }
  return { root, model, pages: sealed, dataBytes }
}

/** A page's sealed bytes, in memory of their own. */
export function sealedPage(file: IndexFile, root: IndexRoot, page: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(pageEnd(root, page) - pageOffset(root, page))
  file.pages.copy(bytes, 0, pageOffset(root, page) - file.dataBytes)
  return bytes
}

export function rootOf(file: IndexFile): IndexRoot {
  const pages = { start: file.dataBytes, end: file.dataBytes + file.pages.length }
  return decodeIndexRoot(file.root, place, pages)
}

export function separatorsOf(file: IndexFile): Separators {
  const root = rootOf(file)
  const pages = Array.from(root.pageEnds, (_, page) => {
    const at = { ...place, offset: pageOffset(root, page) }
    return decodeIndexPage(openSealed(sealedPage(file, root, page), at, BLOCK_INDEX_PAGE), at, root, page)
  })
  return new Separators(joinIndexPages(pages, root, place))
}

/** A lean index that is given every page at once; `pageReads` counts them. */
export interface LeanWorld {
  readonly index: LeanIndex
  pageReads: number
}

export function leanIndexOf(file: IndexFile, model: PiecewiseModel): LeanWorld {
  const root = rootOf(file)
  const index = new LeanIndex(root, model)
  const world = { index, pageReads: 0 }
  index.attach({
    pageNow: (page) => {
      world.pageReads++
      return new IndexPage(sealedPage(file, root, page), { ...place, offset: pageOffset(root, page) }, root, page)
    },
  })
  return world
}

/** The index of a mode, its model read back from the bytes. */
export function indexOf(separators: readonly Separator[], mode: TableIndexMode): TableIndex | LeanIndex {
  const file = indexFileOf(separators, mode)
  const counters = { hits: 0, fallbacks: 0 }
  const stored =
    file.model === undefined ? undefined : decodeModel(file.model, place, { blocks: separators.length, counters })
  if (mode === 'lean' && stored !== undefined) return leanIndexOf(file, stored.model).index
  return new TableIndex(rootOf(file), separatorsOf(file), stored?.model)
}

/** A model fitted to these separators. */
export function modelOf(separators: readonly Separator[]): PiecewiseModel {
  const { numbers } = separatorsOf(indexFileOf(separators, 'binary'))
  return fitModel(numbers, MODEL_ERROR_MAX)
}

/** Separators of `count` blocks, `per` keys apart, from ascending keys. */
export function separatorsFrom(keyAt: (rank: number) => string, count: number, per: number): Separator[] {
  return Array.from({ length: count }, (_, i) => ({ key: keyAt((i + 1) * per - 1), sequence: 0 }))
}
