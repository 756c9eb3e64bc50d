/**
 * A table read piece by piece: every part of it that can be read, and what is wrong with each of the others.
 *
 * Opening a table (table-contents.ts) ends with the first thing that is wrong; who verifies or saves one goes on. Data blocks are
 * not read here: the index says where they are, and where it is damaged block-scan.ts finds them.
 *
 * Bytes are hostile: nothing is allocated that the file does not have. Pinned by test/unit/storage/table/table-pieces.test.ts.
 */
import type { PiecewiseModel } from '../../learned/piecewise-model'
import type { File } from '../../runtime/runtime'
import { toProblem } from '../files/file-problem'
import type { FileProblem } from '../files/file-problem'
import { Filter } from './filter'
import { checkSeparators, decodeIndexPage, decodeIndexRoot, joinIndexPages, pageEnd, pageOffset } from './index-format'
import type { IndexRoot } from './index-format'
import { decodeModel } from './model-format'
import { Separators } from './separators'
import type { SeparatorColumns } from './separators'
import {
  BLOCK_INDEX_PAGE, checkSealed, corrupt, decodeFooter, fileSeed, FOOTER_BYTES, openSealed, SECTION_FILTER, SECTION_INDEX,
  SECTION_INDEX_PAGES, SECTION_MODEL, SECTION_PROPERTIES, SECTION_RANGE_TOMBSTONES,
} from './table-format' // prettier-ignore
import type { BlockPlace, BlockType, Footer, Section } from './table-format'
import { decodeProperties, decodeRangeTombstones } from './table-sections'
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

/** Reads everything of the table `fileNumber` but its data blocks. Throws nothing of what it finds. */
export async function readTablePieces(file: File, fileNumber: number): Promise<TablePieces> {
  return new PieceReader(file, fileNumber, await file.size()).read()
}

class PieceReader {
  readonly #file: File
  readonly #fileNumber: number
  readonly #fileBytes: number
  readonly #seed: number
  readonly #problems: FileProblem[] = []

  constructor(file: File, fileNumber: number, fileBytes: number) {
    this.#file = file
    this.#fileNumber = fileNumber
    this.#fileBytes = fileBytes
    this.#seed = fileSeed(fileNumber)
  }

  async read(): Promise<TablePieces> {
    const footer = await this.#footer()
    if (footer === undefined) return this.#nothing()
    const properties = await this.#section(footer, SECTION_PROPERTIES, decodeProperties)
    const index = await this.#index(footer)
    const model = await this.#section(footer, SECTION_MODEL, (payload, place) => {
      const own = payload.length < 4 ? 0 : payload.readUInt32LE(0)
      const options = { blocks: index?.root.count ?? own, counters: { hits: 0, fallbacks: 0 } }
      return decodeModel(payload, place, options).model
    })
    const filter = await this.#section(footer, SECTION_FILTER, (payload, place) => Filter.decode(payload, place))
    const rangeTombstones = await this.#rangeTombstones(footer)
    await this.#unknownSections(footer)
    const pieces = { footer, properties, index, model, filter, rangeTombstones }
    this.#compare(pieces)
    return { ...pieces, fileBytes: this.#fileBytes, dataBytes: footer.sections[0]!.offset, problems: this.#problems }
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

  async #footer(): Promise<Footer | undefined> {
    const offset = Math.max(0, this.#fileBytes - FOOTER_BYTES)
    const length = this.#fileBytes - offset
    const expected = { file: this.#file.path, fileNumber: this.#fileNumber, fileBytes: this.#fileBytes }
    return this.#attempt({ offset, length }, async () => decodeFooter(await this.#bytes({ offset, length }), expected))
  }

  /** What a section holds; undefined if it is not there, or if it is damaged, which is noted. */
  async #section<T>(
    footer: Footer,
    type: BlockType,
    decode: (payload: Buffer, place: BlockPlace) => T,
  ): Promise<T | undefined> {
    const section = footer.sections.find((other) => other.type === type)
    if (section === undefined) {
      if (type === SECTION_PROPERTIES || type === SECTION_INDEX)
        this.#missing(footer, 'a table has an index and properties')
      return undefined
    }
    return this.#attempt(section, async () => {
      const place = this.#place(section.offset)
      return decode(openSealed(await this.#bytes(section), place, type), place)
    })
  }

  async #index(footer: Footer): Promise<PieceIndex | undefined> {
    const pages = footer.sections.find(({ type }) => type === SECTION_INDEX_PAGES)
    const start = footer.sections[0]!.offset
    const end = pages === undefined ? start : pages.offset + pages.length
    const root = await this.#section(footer, SECTION_INDEX, (payload, place) => decodeIndexRoot(payload, place, { start, end })) // prettier-ignore
    if (root === undefined) return undefined
    const rows: SeparatorColumns[] = []
    for (let page = 0; page < root.pageEnds.length; page++) {
      const offset = pageOffset(root, page)
      const stretch = { offset, length: pageEnd(root, page) - offset }
      const columns = await this.#attempt(stretch, async () => {
        const place = this.#place(offset)
        return decodeIndexPage(openSealed(await this.#bytes(stretch), place, BLOCK_INDEX_PAGE), place, root, page)
      })
      if (columns !== undefined) rows.push(columns)
    }
    if (rows.length < root.pageEnds.length) return undefined
    return this.#attempt({ offset: start, length: end - start }, async () => {
      const place = this.#place(start)
      const separators = new Separators(joinIndexPages(rows, root, place))
      checkSeparators(separators.numbers, place)
      return { root, separators }
    })
  }

  async #rangeTombstones(footer: Footer): Promise<readonly RangeTombstone[] | undefined> {
    const isThere = footer.sections.some(({ type }) => type === SECTION_RANGE_TOMBSTONES)
    return isThere ? this.#section(footer, SECTION_RANGE_TOMBSTONES, decodeRangeTombstones) : []
  }

  /** Sections of types that this version does not know are sealed as all are. */
  async #unknownSections(footer: Footer): Promise<void> {
    for (const section of footer.sections) {
      if (section.type >= SECTION_INDEX && section.type <= SECTION_MODEL) continue
      await this.#attempt(section, async () => checkSealed(await this.#bytes(section), this.#place(section.offset)))
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

  async #attempt<T>(stretch: { offset: number; length: number }, read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read()
    } catch (error) {
      const { offset, length } = stretch
      this.#problems.push(toProblem(error, this.#file.path, { offset, length }))
      return undefined
    }
  }

  #place(offset: number): BlockPlace {
    return { file: this.#file.path, seed: this.#seed, offset }
  }

  /** REQUIRES: within the file, so that a hostile length asks for no more memory than the file has. */
  async #bytes({ offset, length }: Pick<Section, 'offset' | 'length'>): Promise<Buffer> {
    const bytes = Buffer.allocUnsafeSlow(length)
    const read = await this.#file.read(bytes, 0, length, offset)
    if (read !== length) throw corrupt({ file: this.#file.path, offset }, 'the file ends too early')
    return bytes
  }
}
