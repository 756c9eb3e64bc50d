/**
 * The byte layout of a table's block index: pages of separators, each a sealed block, and the root that says where the pages are.
 *
 *   data blocks | page 0 | page 1 | ... | root | model | ...
 *
 * A page holds the separators of INDEX_PAGE_ROWS data blocks, and before them once more the last of the page before (the *fence*),
 * so that one page says by itself whether a search ends in it, and where each of its blocks begins and ends.
 *
 * Root (SECTION_INDEX):
 *
 *     0  u32 number of data blocks     4  u16 length of the prefix that all separators share     6  u16 blocks of a page
 *     8  u32 number of pages          12  u32 zero
 *    16  u32 pageEnd[pages]           where each page ends in the file, in units of 4 bytes; the first begins where the data ends
 *        shared prefix
 *
 * Page (BLOCK_INDEX_PAGE); all pages together are the section SECTION_INDEX_PAGES:
 *
 *     0  u16 rows, the fence included  2  u16 1 if the first row is a fence (in all pages but the first), else 0
 *     4  u16 1 if there are sequences  6  u16 zero
 *     8  u32 blockEnd[rows]            where each block ends in the file, in units of 4 bytes; blocks lie one behind the other from 0
 *        u32 keyEnd[rows]              end of each separator's rest | if there are sequences: u32 low[rows], u32 high[rows]
 *        separators without the shared prefix
 *
 * Worked through in docs/FORMATS.md; fixtures in test/format/table. Pinned by test/unit/storage/table/index-format.test.ts.
 */
import { assert } from '../../base/assert'
import { BLOCK_ALIGNMENT_BYTES, corrupt } from './table-format'
import type { BlockPlace } from './table-format'
import type { SeparatorColumns } from './separators'

/** Data blocks of a page, the fence not counted. The reader takes what the root says. */
export const INDEX_PAGE_ROWS = 128

const ROOT_HEADER_BYTES = 16
const PAGE_HEADER_BYTES = 8
const PADDING_BYTES_MAX = 3

/** Where the index is, and what its keys share. */
export interface IndexRoot {
  /** Data blocks. */
  readonly count: number
  readonly pageRows: number
  readonly prefix: Buffer
  /** Where each page ends in the file, in units of 4 bytes. */
  readonly pageEnds: Uint32Array
  /** Where the data ends and the first page begins, in bytes. */
  readonly dataBytes: number
}

/** Encodes a root. */
export function encodeIndexRoot(root: IndexRoot): Buffer {
  const { count, pageRows, prefix, pageEnds } = root
  const payload = Buffer.alloc(ROOT_HEADER_BYTES + 4 * pageEnds.length + prefix.length)
  payload.writeUInt32LE(count, 0)
  payload.writeUInt16LE(prefix.length, 4)
  payload.writeUInt16LE(pageRows, 6)
  payload.writeUInt32LE(pageEnds.length, 8)
  pageEnds.forEach((end, page) => payload.writeUInt32LE(end, ROOT_HEADER_BYTES + 4 * page))
  prefix.copy(payload, ROOT_HEADER_BYTES + 4 * pageEnds.length)
  return payload
}

/**
 * Decodes a root. Its pages fill the file from `pages.start` to `pages.end`, in bytes. Throws `CorruptionError`.
 */
export function decodeIndexRoot(payload: Buffer, place: BlockPlace, pages: { start: number; end: number }): IndexRoot {
  if (payload.length < ROOT_HEADER_BYTES) throw corrupt(place, 'the index is shorter than its header')
  const count = payload.readUInt32LE(0)
  const prefixLength = payload.readUInt16LE(4)
  const pageRows = payload.readUInt16LE(6)
  const pageCount = payload.readUInt32LE(8)
  const prefixAt = ROOT_HEADER_BYTES + 4 * pageCount
  const unused = payload.length - prefixAt - prefixLength
  if (pageRows === 0 || pageCount !== Math.ceil(count / pageRows) || unused < 0 || unused > PADDING_BYTES_MAX) {
    throw corrupt(place, "the index's lengths do not fit it")
  }
  const pageEnds = new Uint32Array(pageCount)
  let end = pages.start / BLOCK_ALIGNMENT_BYTES
  for (let page = 0; page < pageCount; page++) {
    pageEnds[page] = payload.readUInt32LE(ROOT_HEADER_BYTES + 4 * page)
    if (pageEnds[page]! <= end) throw corrupt(place, `the index's pages do not ascend at page ${page}`)
    end = pageEnds[page]!
  }
  if (end * BLOCK_ALIGNMENT_BYTES !== pages.end) throw corrupt(place, 'the index ends elsewhere than its pages')
  const prefix = Buffer.allocUnsafeSlow(prefixLength)
  payload.copy(prefix, 0, prefixAt)
  return { count, pageRows, prefix, pageEnds, dataBytes: pages.start }
}

/** Where a page begins in the file, in bytes. */
export function pageOffset(root: IndexRoot, page: number): number {
  return page === 0 ? root.dataBytes : root.pageEnds[page - 1]! * BLOCK_ALIGNMENT_BYTES
}

/** Where it ends. */
export function pageEnd(root: IndexRoot, page: number): number {
  return root.pageEnds[page]! * BLOCK_ALIGNMENT_BYTES
}

/** The rows of a page as `[start, end)` of all rows, its fence included. */
export function rowsOfPage(count: number, pageRows: number, page: number): { start: number; end: number } {
  const start = page * pageRows
  return { start: page === 0 ? 0 : start - 1, end: Math.min(count, start + pageRows) }
}

/** Encodes a page; `columns` begin with the fence where there is one. */
export function encodeIndexPage(columns: SeparatorColumns, hasFence: boolean): Buffer {
  const { blockEnds, keyEnds, sequencesLow, sequencesHigh, keys } = columns
  const rows = blockEnds.length
  assert(rows > 0 && rows <= 0xffff, 'a page of the index has rows')
  const words = [blockEnds, keyEnds]
  if (sequencesLow !== undefined && sequencesHigh !== undefined) words.push(sequencesLow, sequencesHigh)
  const payload = Buffer.alloc(PAGE_HEADER_BYTES + 4 * rows * words.length + keys.length)
  payload.writeUInt16LE(rows, 0)
  payload.writeUInt16LE(hasFence ? 1 : 0, 2)
  payload.writeUInt16LE(words.length === 4 ? 1 : 0, 4)
  let at = PAGE_HEADER_BYTES
  for (const column of words) for (const word of column) at = payload.writeUInt32LE(word, at)
  keys.copy(payload, at)
  return payload
}

/**
 * Decodes a page and keeps its memory; it must begin at a multiple of 4. Checks that its rows are those of page `page` and that blocks
 * and ends ascend; whether keys do is `checkSeparators`'s. Throws `CorruptionError`.
 */
export function decodeIndexPage(payload: Buffer, place: BlockPlace, root: IndexRoot, page: number): SeparatorColumns {
  const expected = rowsOfPage(root.count, root.pageRows, page)
  const rows = expected.end - expected.start
  if (payload.length < PAGE_HEADER_BYTES || payload.readUInt16LE(0) !== rows) {
    throw corrupt(place, `page ${page} of the index does not have its ${rows} rows`)
  }
  const sequences = payload.readUInt16LE(4)
  const columns = sequences === 1 ? 4 : 2
  const keysAt = PAGE_HEADER_BYTES + columns * 4 * rows
  if (sequences > 1 || payload.readUInt16LE(2) !== (page === 0 ? 0 : 1) || keysAt > payload.length) {
    throw corrupt(place, `the header of page ${page} of the index makes no sense`)
  }
  const column = (i: number): Uint32Array =>
    new Uint32Array(payload.buffer, payload.byteOffset + PAGE_HEADER_BYTES + i * 4 * rows, rows)
  const [blockEnds, keyEnds] = [column(0), column(1)]
  const keyBytes = keyEnds[rows - 1]!
  const unused = payload.length - keysAt - keyBytes
  if (unused < 0 || unused > PADDING_BYTES_MAX || !ascend(blockEnds, keyEnds)) {
    throw corrupt(place, `page ${page} of the index does not fit its ends`)
  }
  return {
    prefix: root.prefix,
    blockEnds,
    keyEnds,
    sequencesLow: sequences === 1 ? column(2) : undefined,
    sequencesHigh: sequences === 1 ? column(3) : undefined,
    keys: payload.subarray(keysAt, keysAt + keyBytes),
  }
}

function ascend(blockEnds: Uint32Array, keyEnds: Uint32Array): boolean {
  let keyEnd = 0
  let blockEnd = 0
  for (let row = 0; row < keyEnds.length; row++) {
    if (keyEnds[row]! < keyEnd || blockEnds[row]! <= blockEnd) return false
    keyEnd = keyEnds[row]!
    blockEnd = blockEnds[row]!
  }
  return true
}

/**
 * Puts the pages of a table together, fences left out, in memory of its own. Throws `CorruptionError` where a fence is not the last
 * row of the page before, or the last block does not end where the data does.
 */
export function joinIndexPages(
  pages: readonly SeparatorColumns[],
  root: IndexRoot,
  place: BlockPlace,
): SeparatorColumns {
  const { count, prefix } = root
  const hasSequences = pages.some(({ sequencesLow }) => sequencesLow !== undefined)
  const blockEnds = new Uint32Array(count)
  const keyEnds = new Uint32Array(count)
  const sequencesLow = hasSequences ? new Uint32Array(count) : undefined
  const sequencesHigh = hasSequences ? new Uint32Array(count) : undefined
  const keys = Buffer.allocUnsafeSlow(pages.reduce((sum, columns) => sum + columns.keys.length, 0))
  let row = 0
  let keyEnd = 0
  pages.forEach((columns, page) => {
    const fences = page === 0 ? 0 : 1
    if (fences === 1 && !isFenceOf(pages[page - 1]!, columns)) {
      throw corrupt(place, `page ${page} of the index does not begin where the one before it ends`)
    }
    const skipped = fences === 0 ? 0 : columns.keyEnds[0]!
    columns.keys.copy(keys, keyEnd, skipped)
    blockEnds.set(columns.blockEnds.subarray(fences), row)
    for (let i = fences; i < columns.keyEnds.length; i++) {
      keyEnds[row] = keyEnd + columns.keyEnds[i]! - skipped
      if (sequencesLow !== undefined) sequencesLow[row] = columns.sequencesLow?.[i] ?? 0
      if (sequencesHigh !== undefined) sequencesHigh[row] = columns.sequencesHigh?.[i] ?? 0
      row++
    }
    keyEnd = row === 0 ? 0 : keyEnds[row - 1]!
  })
  const end = count === 0 ? 0 : blockEnds[count - 1]! * BLOCK_ALIGNMENT_BYTES
  if (end !== root.dataBytes) throw corrupt(place, 'the index ends elsewhere than its blocks')
  return { prefix, blockEnds, keyEnds, sequencesLow, sequencesHigh, keys: keys.subarray(0, keyEnd) }
}

function isFenceOf(before: SeparatorColumns, columns: SeparatorColumns): boolean {
  const last = before.keyEnds.length - 1
  const start = last === 0 ? 0 : before.keyEnds[last - 1]!
  return (
    before.blockEnds[last] === columns.blockEnds[0] &&
    (before.sequencesLow?.[last] ?? 0) === (columns.sequencesLow?.[0] ?? 0) &&
    (before.sequencesHigh?.[last] ?? 0) === (columns.sequencesHigh?.[0] ?? 0) &&
    before.keys.subarray(start).equals(columns.keys.subarray(0, columns.keyEnds[0]))
  )
}

/** Throws `CorruptionError` unless numbers ascend; bytes behind them are compared by `verify`. */
export function checkSeparators(numbers: Float64Array, place: BlockPlace): void {
  for (let row = 1; row < numbers.length; row++) {
    if (numbers[row]! < numbers[row - 1]!) throw corrupt(place, `separators do not ascend at block ${row}`)
  }
}
