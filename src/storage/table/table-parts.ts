/**
 * The parts of one table file, each read and checked by itself: a damaged one does not keep the others from being looked at.
 *
 * An open store reads all sections at once and takes all or none (table-contents.ts). Here each has its own method, which throws for
 * itself; blocks are found page by page of the index, so that a damaged page hides its own blocks alone, and block-scan.ts finds
 * those. Bytes are decoded by the functions of the formats, here as there. Who verifies or saves a whole table asks for all parts at
 * once (table-pieces.ts); who looks, for one after the other.
 *
 * Bytes are hostile: nothing is allocated that the file does not have. Memory: one section, one page of the index or one block at a time.
 * Pinned by test/unit/storage/table/table-pieces.test.ts, test/unit/storage/inspect/inspect-table.test.ts and inspect-damage.test.ts.
 */
import type { Key } from '../../base/bytes'
import type { Sequence } from '../../base/sequence'
import type { File, Runtime } from '../../runtime/runtime'
import type { RangeTombstone } from '../rows/version-cursor'
import { parseBlock } from './block'
import type { Block } from './block'
import { LARGE_PAYLOAD_BYTES_MAX } from './compressed-block'
import { Filter } from './filter'
import { checkSeparators, decodeIndexPage, decodeIndexRoot, joinIndexPages, pageEnd, pageOffset, rowsOfPage } from './index-format' // prettier-ignore
import type { IndexRoot } from './index-format'
import { decodeModel } from './model-format'
import type { StoredModel } from './model-format'
import { Separators } from './separators'
import type { SeparatorColumns } from './separators'
import {
  BLOCK_INDEX_PAGE, checkSealed, codecOf, corrupt, decodeFooter, fileSeed, FOOTER_BYTES, openSealed, SECTION_FILTER, SECTION_INDEX,
  SECTION_INDEX_PAGES, SECTION_MODEL, SECTION_PROPERTIES, SECTION_RANGE_TOMBSTONES, sealedBytes,
} from './table-format' // prettier-ignore
import type { BlockPlace, BlockType, Footer, Section } from './table-format'
import { decodeProperties, decodeRangeTombstones } from './table-sections'
import type { StoredProperties } from './table-sections'

/** Where a data block lies, and between which separators. */
export interface BlockSpan {
  readonly ordinal: number
  readonly offset: number
  readonly end: number
  /** Every entry of the block is behind the separator of the block before; undefined for the first block. */
  readonly before: { readonly key: Key; readonly sequence: Sequence } | undefined
  /** Every entry of the block is at or before it. */
  readonly separator: { readonly key: Key; readonly sequence: Sequence }
}

/** One page of the index, decoded. */
export interface IndexPagePart {
  readonly separators: Separators
  readonly spans: readonly BlockSpan[]
}

/** A data block and how it is stored. */
export interface BlockPart {
  readonly block: Block
  readonly codec: number
}

/** An open table file. */
export class TableParts {
  readonly file: File
  readonly footer: Footer
  readonly #seed: number

  private constructor(file: File, footer: Footer) {
    this.file = file
    this.footer = footer
    this.#seed = fileSeed(footer.fileNumber)
  }

  /** Opens the file of table `number` and reads its footer. Throws `CorruptionError`, `UnsupportedFormatError`, `IoError`. */
  static async open(runtime: Runtime, path: string, number: number): Promise<TableParts> {
    const file = await runtime.files.open(path, 'read')
    try {
      return await TableParts.of(file, number, await file.size())
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /** The parts of an open file of `fileBytes`, which stays the caller's. Throws as `open`. */
  static async of(file: File, number: number, fileBytes: number): Promise<TableParts> {
    const at = Math.max(0, fileBytes - FOOTER_BYTES)
    const bytes = await readWhole(file, at, fileBytes - at)
    return new TableParts(file, decodeFooter(bytes, { file: file.path, fileNumber: number, fileBytes }))
  }

  /** Where data ends: behind it are the sections. */
  get dataBytes(): number {
    return this.footer.sections[0]!.offset
  }

  close(): Promise<void> {
    return this.file.close()
  }

  /** Undefined if there is none. Throws as all that follow: `CorruptionError`, `UnsupportedFormatError`, `IoError`. */
  async properties(): Promise<StoredProperties | undefined> {
    const part = await this.#open(SECTION_PROPERTIES)
    return part === undefined ? undefined : decodeProperties(part.payload, part.place)
  }

  async filter(): Promise<Filter | undefined> {
    const part = await this.#open(SECTION_FILTER)
    return part === undefined ? undefined : Filter.decode(part.payload, part.place)
  }

  async rangeTombstones(): Promise<readonly RangeTombstone[]> {
    const part = await this.#open(SECTION_RANGE_TOMBSTONES)
    return part === undefined ? [] : decodeRangeTombstones(part.payload, part.place)
  }

  /** Where the pages of the index are. */
  async root(): Promise<IndexRoot | undefined> {
    const part = await this.#open(SECTION_INDEX)
    if (part === undefined) return undefined
    const start = this.dataBytes
    const pages = this.section(SECTION_INDEX_PAGES)
    return decodeIndexRoot(part.payload, part.place, { start, end: pages === undefined ? start : pages.offset + pages.length }) // prettier-ignore
  }

  /** The model as it is stored, for a table of so many blocks; for as many as it says itself where that is not known. */
  async model(blocks: number | undefined): Promise<StoredModel | undefined> {
    const part = await this.#open(SECTION_MODEL)
    if (part === undefined) return undefined
    const own = part.payload.length < 4 ? 0 : part.payload.readUInt32LE(0)
    return decodeModel(part.payload, part.place, { blocks: blocks ?? own, counters: { hits: 0, fallbacks: 0 } })
  }

  /** Checks the seal of a section of any type, known or not. */
  async checkSeal({ offset, length }: Section): Promise<void> {
    checkSealed(await readWhole(this.file, offset, length), this.#place(offset))
  }

  section(type: number): Section | undefined {
    return this.footer.sections.find((section) => section.type === type)
  }

  /** The columns of a page of the index, whose order is not checked yet. */
  async columns(root: IndexRoot, page: number): Promise<SeparatorColumns> {
    const place = this.#place(pageOffset(root, page))
    const sealed = await readWhole(this.file, place.offset, pageEnd(root, page) - place.offset)
    return decodeIndexPage(openSealed(sealed, place, BLOCK_INDEX_PAGE), place, root, page)
  }

  /** All of the index, out of the columns of all its pages. */
  separators(root: IndexRoot, columns: readonly SeparatorColumns[]): Separators {
    const place = this.#place(this.dataBytes)
    const separators = new Separators(joinIndexPages(columns, root, place))
    checkSeparators(separators.numbers, place)
    return separators
  }

  /** A page of the index. */
  async page(root: IndexRoot, page: number): Promise<IndexPagePart> {
    const separators = new Separators(await this.columns(root, page))
    checkSeparators(separators.numbers, this.#place(pageOffset(root, page)))
    const { start } = rowsOfPage(root.count, root.pageRows, page)
    const spans: BlockSpan[] = []
    for (let row = page === 0 ? 0 : 1; row < separators.count; row++) {
      const offset = row === 0 ? 0 : separators.blockEnd(row - 1)
      const before = row === 0 ? undefined : separatorAt(separators, row - 1)
      spans.push({ ordinal: start + row, offset, end: separators.blockEnd(row), before, separator: separatorAt(separators, row) }) // prettier-ignore
    }
    return { separators, spans }
  }

  /** A data block. `loadedAt`: the sequence of a table that a bulk load wrote. */
  async block(span: BlockSpan, loadedAt?: Sequence): Promise<BlockPart> {
    const place = this.#place(span.offset)
    const bytes = span.end - span.offset
    if (bytes > sealedBytes(LARGE_PAYLOAD_BYTES_MAX) || span.end > this.dataBytes) {
      throw corrupt(place, `a block cannot have ${bytes} bytes there`)
    }
    const stored = await readWhole(this.file, span.offset, bytes)
    return { block: parseBlock(stored, place, loadedAt), codec: codecOf(stored) }
  }

  async #open(type: BlockType): Promise<{ readonly payload: Buffer; readonly place: BlockPlace } | undefined> {
    const section = this.section(type)
    if (section === undefined) return undefined
    const place = this.#place(section.offset)
    return { payload: openSealed(await readWhole(this.file, section.offset, section.length), place, type), place }
  }

  #place(offset: number): BlockPlace {
    return { file: this.file.path, seed: this.#seed, offset }
  }
}

function separatorAt(separators: Separators, row: number): { readonly key: Key; readonly sequence: Sequence } {
  return { key: separators.keyAt(row), sequence: separators.sequenceAt(row) }
}

/** Memory of its own, so that columns can be read in place. */
async function readWhole(file: File, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(length)
  const read = await file.read(bytes, 0, length, offset)
  if (read !== length) throw corrupt({ file: file.path, offset }, 'the file ends too early')
  return bytes
}
