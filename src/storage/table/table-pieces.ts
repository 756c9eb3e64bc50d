/**
 * A table read piece by piece: every part of it that can be read, and what is wrong with each of the others.
 *
 * Opening a table (table-contents.ts) ends with the first thing that is wrong; who verifies or saves one goes on. Data blocks are
 * not read here: the index says where they are, and where it is damaged block-scan.ts finds them. Each part is read by table-parts.ts.
 *
 * Pinned by test/unit/storage/table/table-pieces.test.ts.
 */
import type { PiecewiseModel } from '../../learned/piecewise-model'
import type { File } from '../../runtime/runtime'
import { toProblem } from '../files/file-problem'
import type { FileProblem } from '../files/file-problem'
import type { Filter } from './filter'
import { pageEnd, pageOffset } from './index-format'
import type { IndexRoot } from './index-format'
import type { Separators, SeparatorColumns } from './separators'
import {
  corrupt, FOOTER_BYTES, SECTION_FILTER, SECTION_INDEX, SECTION_INDEX_PAGES, SECTION_MODEL, SECTION_PROPERTIES,
  SECTION_RANGE_TOMBSTONES,
} from './table-format' // prettier-ignore
import type { BlockType, Footer } from './table-format'
import { TableParts } from './table-parts'
import type { StoredProperties } from './table-sections'
import type { RangeTombstone } from '../rows/version-cursor'

/** Where the blocks are. */
export interface PieceIndex {
  readonly root: IndexRoot
  readonly separators: Separators
}

/** What is readable of a table; undefined is what is not, or is not there. */
export interface TablePieces {
  readonly fileBytes: number
  readonly footer: Footer | undefined
  readonly properties: StoredProperties | undefined
  readonly index: PieceIndex | undefined
  readonly model: PiecewiseModel | undefined
  readonly filter: Filter | undefined
  /** Undefined where it cannot be known; empty where there are none. */
  readonly rangeTombstones: readonly RangeTombstone[] | undefined
  /** Where the data ends: behind it are the sections. The end of the file where that cannot be known. */
  readonly dataBytes: number
  readonly problems: readonly FileProblem[]
}

/** Reads everything of the table `fileNumber` but its data blocks. Throws nothing of what it finds, only what says nothing about it. */
export async function readTablePieces(file: File, fileNumber: number): Promise<TablePieces> {
  return new PieceReader(file, fileNumber, await file.size()).read()
}

class PieceReader {
  readonly #file: File
  readonly #fileNumber: number
  readonly #fileBytes: number
  readonly #problems: FileProblem[] = []

  constructor(file: File, fileNumber: number, fileBytes: number) {
    this.#file = file
    this.#fileNumber = fileNumber
    this.#fileBytes = fileBytes
  }

  async read(): Promise<TablePieces> {
    const offset = Math.max(0, this.#fileBytes - FOOTER_BYTES)
    const open = (): Promise<TableParts> => TableParts.of(this.#file, this.#fileNumber, this.#fileBytes)
    const parts = await this.#attempt({ offset, length: this.#fileBytes - offset }, open)
    if (parts === undefined) return this.#nothing()
    const { footer, dataBytes } = parts
    const properties = await this.#section(parts, SECTION_PROPERTIES, () => parts.properties())
    const index = await this.#index(parts)
    const model = await this.#section(parts, SECTION_MODEL, () => parts.model(index?.root.count))
    const filter = await this.#section(parts, SECTION_FILTER, () => parts.filter())
    const rangeTombstones = await this.#section(parts, SECTION_RANGE_TOMBSTONES, () => parts.rangeTombstones(), [])
    await this.#unknownSections(parts)
    const pieces = { footer, properties, index, model: model?.model, filter, rangeTombstones }
    this.#compare(pieces)
    return { ...pieces, fileBytes: this.#fileBytes, dataBytes, problems: this.#problems }
  }

  #nothing(): TablePieces {
    return {
      fileBytes: this.#fileBytes,
      footer: undefined,
      properties: undefined,
      index: undefined,
      model: undefined,
      filter: undefined,
      rangeTombstones: undefined,
      dataBytes: this.#fileBytes,
      problems: this.#problems,
    }
  }

  /** What a section holds; undefined if it is damaged, which is noted; `absent` if the table has none. */
  async #section<T>(
    parts: TableParts,
    type: BlockType,
    read: () => Promise<T | undefined>,
    absent?: T,
  ): Promise<T | undefined> {
    const section = parts.section(type)
    if (section !== undefined) return this.#attempt(section, read)
    const isNeeded = type === SECTION_PROPERTIES || type === SECTION_INDEX
    if (isNeeded) this.#missing(parts.footer, 'a table has an index and properties')
    return absent
  }

  async #index(parts: TableParts): Promise<PieceIndex | undefined> {
    const root = await this.#section(parts, SECTION_INDEX, () => parts.root())
    if (root === undefined) return undefined
    const rows: SeparatorColumns[] = []
    for (let page = 0; page < root.pageEnds.length; page++) {
      const offset = pageOffset(root, page)
      const columns = await this.#attempt({ offset, length: pageEnd(root, page) - offset }, () => parts.columns(root, page)) // prettier-ignore
      if (columns !== undefined) rows.push(columns)
    }
    if (rows.length < root.pageEnds.length) return undefined
    const offset = parts.dataBytes
    const pages = parts.section(SECTION_INDEX_PAGES)
    const length = pages === undefined ? 0 : pages.offset + pages.length - offset
    return this.#attempt({ offset, length }, () => ({ root, separators: parts.separators(root, rows) }))
  }

  /** Sections of types that this version does not know are sealed as all are. */
  async #unknownSections(parts: TableParts): Promise<void> {
    for (const section of parts.footer.sections) {
      if (section.type >= SECTION_INDEX && section.type <= SECTION_MODEL) continue
      await this.#attempt(section, () => parts.checkSeal(section))
    }
  }

  /** What the sections say of each other. */
  #compare(pieces: Pick<TablePieces, 'footer' | 'properties' | 'index' | 'filter' | 'rangeTombstones'>): void {
    const { footer, properties, index, filter, rangeTombstones } = pieces
    if (properties === undefined) return
    const isSame =
      (index === undefined || properties.dataBlocks === index.root.count) &&
      (rangeTombstones === undefined || properties.rangeTombstones === rangeTombstones.length) &&
      (filter === undefined || filter.keys === properties.keys)
    if (!isSame) this.#missing(footer!, 'the sections contradict each other')
  }

  #missing(footer: Footer, why: string): void {
    const place = { file: this.#file.path, offset: footer.fileBytes - FOOTER_BYTES }
    const stretch = { offset: place.offset, length: FOOTER_BYTES }
    this.#problems.push(toProblem(corrupt(place, why), this.#file.path, stretch))
  }

  async #attempt<T>(stretch: { offset: number; length: number }, read: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await read()
    } catch (error) {
      const { offset, length } = stretch
      this.#problems.push(toProblem(error, this.#file.path, { offset, length }))
      return undefined
    }
  }
}
