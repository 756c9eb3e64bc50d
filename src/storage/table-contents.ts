/**
 * Everything of a table but its data blocks, read and checked in two reads: the footer, then all sections at once.
 *
 * What the sections say of each other is checked too: counts agree, the index ends where the data ends. Whether the data blocks
 * agree with them is for `verify` (table-verify.ts). Throws `CorruptionError`, `UnsupportedFormatError`, `IoError`.
 */
import type { File } from '../runtime/runtime'
import { Filter } from './filter'
import { RangeTombstoneIndex } from './range-tombstones'
import {
  corrupt,
  decodeFooter,
  fileSeed,
  FOOTER_BYTES,
  openSealed,
  SECTION_FILTER,
  SECTION_INDEX,
  SECTION_PROPERTIES,
  SECTION_RANGE_TOMBSTONES,
} from './table-format'
import type { BlockPlace, BlockType, Footer, TableProperties } from './table-format'
import { TableIndex } from './table-index'
import { decodeProperties, decodeRangeTombstones } from './table-sections'
import type { RangeTombstone } from './version-cursor'

/** The resident parts of a table. */
export interface TableContents {
  readonly properties: TableProperties
  readonly index: TableIndex
  readonly filter: Filter | undefined
  /** Undefined if there are none. */
  readonly rangeTombstones: RangeTombstoneIndex | undefined
}

/** Reads the resident parts of the table with this number. */
export async function readTableContents(file: File, fileNumber: number): Promise<TableContents> {
  const fileBytes = await file.size()
  const footerAt = Math.max(0, fileBytes - FOOTER_BYTES)
  const footer = decodeFooter(await readWhole(file, footerAt, fileBytes - footerAt), {
    file: file.path,
    fileNumber,
    fileBytes,
  })
  const start = footer.sections[0]!.offset
  const bytes = await readWhole(file, start, footerAt - start)
  return decodeContents(footer, { file: file.path, bytes, start })
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

function decodeContents(footer: Footer, sections: SectionBytes): TableContents {
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
  const index = new TableIndex(openIndex.payload, openIndex.place, sections.start)
  const openFilter = open(SECTION_FILTER)
  const filter = openFilter === undefined ? undefined : Filter.decode(openFilter.payload, openFilter.place)
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
  return { properties, index, filter, rangeTombstones: indexTombstones(tombstones) }
}

function indexTombstones(list: readonly RangeTombstone[]): RangeTombstoneIndex | undefined {
  return list.length === 0 ? undefined : RangeTombstoneIndex.from(list)
}
