/**
 * Everything of a table but its data blocks, read and checked in two reads: the footer, then all sections at once.
 *
 * All pages of the index are read and checked here whatever the mode; `lean` then keeps none of them. A mode that is asked for by
 * name and finds no model fits one.
 *
 * What the sections say of each other is checked too: counts agree, the index ends where the data ends. Whether the data blocks
 * agree with them is for `verify` (table-verify.ts). Throws `CorruptionError`, `UnsupportedFormatError`, `IoError`.
 */
import type { ModelCounters, PiecewiseModel } from '../../learned/piecewise-model'
import type { File } from '../../runtime/runtime'
import { Filter } from './filter'
import { checkSeparators, decodeIndexPage, decodeIndexRoot, joinIndexPages, pageEnd, pageOffset } from './index-format'
import type { IndexRoot } from './index-format'
import { countTies, MODEL_ERROR_MAX, modelPays } from './index-mode'
import type { IndexMode } from './index-mode'
import { LeanIndex } from './lean-index'
import { decodeModel } from './model-format'
import type { StoredModel } from './model-format'
import { RangeTombstoneIndex } from '../rows/range-tombstones'
import { Separators } from './separators'
import {
  BLOCK_INDEX_PAGE,
  corrupt,
  decodeFooter,
  fileSeed,
  FOOTER_BYTES,
  openSealed,
  SECTION_FILTER,
  SECTION_INDEX,
  SECTION_INDEX_PAGES,
  SECTION_MODEL,
  SECTION_PROPERTIES,
  SECTION_RANGE_TOMBSTONES,
} from './table-format'
import type { BlockPlace, BlockType, Footer, TableProperties } from './table-format'
import { fitSeparators, TableIndex } from './table-index'
import { decodeProperties, decodeRangeTombstones } from './table-sections'
import type { RangeTombstone } from '../rows/version-cursor'

/** The resident parts of a table. */
export interface TableContents {
  readonly properties: TableProperties
  /** With all separators. */
  readonly index: TableIndex
  /** What lookups use: in the mode asked for. */
  readonly lookupIndex: TableIndex | LeanIndex
  /** As it stands in the file, whether the index uses it or not. */
  readonly model: PiecewiseModel | undefined
  readonly filter: Filter | undefined
  /** Undefined if there are none. */
  readonly rangeTombstones: RangeTombstoneIndex | undefined
}

/** How blocks are to be found. */
export interface IndexOptions {
  readonly indexMode: IndexMode
  readonly modelCounters: ModelCounters
}

/** For who reads a whole table: no lookups, no model. */
const WITHOUT_MODEL: IndexOptions = { indexMode: 'binary', modelCounters: { hits: 0, fallbacks: 0 } }

/** Reads the resident parts of the table with this number. */
export async function readTableContents(
  file: File,
  fileNumber: number,
  options: IndexOptions = WITHOUT_MODEL,
): Promise<TableContents> {
  const fileBytes = await file.size()
  const footerAt = Math.max(0, fileBytes - FOOTER_BYTES)
  const footer = decodeFooter(await readWhole(file, footerAt, fileBytes - footerAt), {
    file: file.path,
    fileNumber,
    fileBytes,
  })
  const start = footer.sections[0]!.offset
  const bytes = await readWhole(file, start, footerAt - start)
  return decodeContents(footer, { file: file.path, bytes, start }, options)
}

async function readWhole(file: File, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(length)
  const read = await file.read(bytes, 0, length, offset)
  if (read !== length) throw corrupt({ file: file.path, offset }, 'the file ends too early')
  return bytes
}

/** The bytes of all sections; `start` is where they begin in the file. */
interface SectionBytes {
  readonly file: string
  readonly bytes: Buffer
  readonly start: number
}

function decodeContents(footer: Footer, sections: SectionBytes, options: IndexOptions): TableContents {
  const seed = fileSeed(footer.fileNumber)
  const open = (type: BlockType): { payload: Buffer; place: BlockPlace } | undefined => {
    const section = footer.sections.find((other) => other.type === type)
    if (section === undefined) return undefined
    const place = { file: sections.file, seed, offset: section.offset }
    const at = section.offset - sections.start
    return { payload: openSealed(sections.bytes.subarray(at, at + section.length), place, type), place }
  }
  const footerPlace = { file: sections.file, offset: footer.fileBytes - FOOTER_BYTES }
  const openProperties = open(SECTION_PROPERTIES)
  const openIndex = open(SECTION_INDEX)
  if (openProperties === undefined || openIndex === undefined) {
    throw corrupt(footerPlace, 'a table has an index and properties')
  }
  const { fileNumber, fileBytes } = footer
  const properties = { fileNumber, fileBytes, ...decodeProperties(openProperties.payload, openProperties.place) }
  const pages = footer.sections.find(({ type }) => type === SECTION_INDEX_PAGES)
  const pagesEnd = pages === undefined ? sections.start : pages.offset + pages.length
  const root = decodeIndexRoot(openIndex.payload, openIndex.place, { start: sections.start, end: pagesEnd })
  const openModel = open(SECTION_MODEL)
  const stored =
    openModel === undefined
      ? undefined
      : decodeModel(openModel.payload, openModel.place, { blocks: root.count, counters: options.modelCounters })
  const separators = readSeparators(root, sections, seed)
  const lookupIndex = createIndex(root, separators, stored, options)
  const index = lookupIndex instanceof TableIndex ? lookupIndex : new TableIndex(root, separators, undefined)
  const openFilter = open(SECTION_FILTER)
  const filter = openFilter === undefined ? undefined : Filter.decode(ownMemory(openFilter.payload), openFilter.place)
  const openTombstones = open(SECTION_RANGE_TOMBSTONES)
  const tombstones =
    openTombstones === undefined ? [] : decodeRangeTombstones(openTombstones.payload, openTombstones.place)
  if (
    properties.dataBlocks !== index.count ||
    properties.rangeTombstones !== tombstones.length ||
    (filter !== undefined && filter.keys !== properties.keys)
  ) {
    throw corrupt(footerPlace, 'the sections contradict each other')
  }
  return { properties, index, lookupIndex, model: stored?.model, filter, rangeTombstones: indexTombstones(tombstones) }
}

/** A copy, so that what is kept of a section does not keep all the others. */
function ownMemory(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  bytes.copy(copy)
  return copy
}

/** Reads and joins all pages of the index. */
function readSeparators(root: IndexRoot, sections: SectionBytes, seed: number): Separators {
  const pages = Array.from(root.pageEnds, (_, page) => {
    const place = { file: sections.file, seed, offset: pageOffset(root, page) }
    const sealed = sections.bytes.subarray(place.offset - sections.start, pageEnd(root, page) - sections.start)
    return decodeIndexPage(openSealed(sealed, place, BLOCK_INDEX_PAGE), place, root, page)
  })
  const place = { file: sections.file, seed, offset: sections.start }
  const separators = new Separators(joinIndexPages(pages, root, place))
  checkSeparators(separators.numbers, place)
  return separators
}

function createIndex(
  root: IndexRoot,
  separators: Separators,
  stored: StoredModel | undefined,
  { indexMode, modelCounters }: IndexOptions,
): TableIndex | LeanIndex {
  if (indexMode === 'binary' || root.count === 0) return new TableIndex(root, separators, undefined)
  // One of another version, fitted otherwise, is as good as none.
  const fitting = stored?.errorMax === MODEL_ERROR_MAX ? stored.model : undefined
  if (indexMode === 'auto') return new TableIndex(root, separators, worthwhile(fitting, separators))
  const model = fitting ?? fitSeparators(separators, modelCounters)
  return indexMode === 'lean' ? new LeanIndex(root, model) : new TableIndex(root, separators, model)
}

/** The model if it pays: one written for a mode asked for by name need not. */
function worthwhile(model: PiecewiseModel | undefined, separators: Separators): PiecewiseModel | undefined {
  if (model === undefined) return undefined
  const figures = { blocks: separators.count, segments: model.segments, ties: countTies(separators.numbers) }
  return modelPays(figures) ? model : undefined
}

function indexTombstones(list: readonly RangeTombstone[]): RangeTombstoneIndex | undefined {
  return list.length === 0 ? undefined : RangeTombstoneIndex.from(list)
}
