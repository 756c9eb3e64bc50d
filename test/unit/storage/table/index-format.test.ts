import { CorruptionError } from '../../../../src/base/errors'
import {
  checkSeparators,
  decodeIndexPage,
  decodeIndexRoot,
  encodeIndexPage,
  INDEX_PAGE_ROWS,
  joinIndexPages,
  pageOffset,
} from '../../../../src/storage/table/index-format'
import type { IndexRoot } from '../../../../src/storage/table/index-format'
import { SeparatorList, Separators } from '../../../../src/storage/table/separators'
import type { SeparatorColumns } from '../../../../src/storage/table/separators'
import { indexFileOf, place, rootOf, separatorsOf } from './index-world'

const separators = Array.from({ length: 2 * INDEX_PAGE_ROWS + 10 }, (_, i) => ({
  key: `shared/${String(i).padStart(4, '0')}`,
  sequence: i === INDEX_PAGE_ROWS + 5 ? 2 ** 35 + 1 : 0,
}))
const encoded = indexFileOf(separators, 'binary')

/** The bytes changed, in memory that begins at a multiple of four. */
function changed(bytes: Buffer, change: (copy: Buffer) => void): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  bytes.copy(copy)
  change(copy)
  return copy
}

describe('the root of an index', () => {
  const pages = { start: encoded.dataBytes, end: encoded.dataBytes + encoded.pages.length }

  it('says where the pages are', () => {
    const root = decodeIndexRoot(encoded.root, place, pages)
    expect([root.count, root.pageRows, root.prefix.toString(), root.pageEnds.length]).toEqual([separators.length, INDEX_PAGE_ROWS, 'shared/0', 3]) // prettier-ignore
    expect(pageOffset(root, 0)).toBe(pages.start)
    expect(root.pageEnds[2]! * 4).toBe(pages.end)
  })

  const refused = (change: (copy: Buffer) => void, place_ = pages): void => {
    const bytes = changed(encoded.root, change)
    expect(() => decodeIndexRoot(bytes, place, place_)).toThrow(CorruptionError)
  }

  it('that does not fit itself or its pages is refused', () => {
    refused((copy) => copy.writeUInt32LE(separators.length + 1000, 0))
    refused((copy) => copy.writeUInt32LE(0xffff_ffff, 0))
    refused((copy) => copy.writeUInt16LE(3, 4))
    refused((copy) => copy.writeUInt16LE(500, 4))
    refused((copy) => copy.writeUInt16LE(0, 6))
    refused((copy) => copy.writeUInt16LE(1, 6))
    refused((copy) => copy.writeUInt32LE(0xffff_fff0, 8))
    refused((copy) => copy.writeUInt32LE(copy.readUInt32LE(20), 16))
    refused((copy) => copy.writeUInt32LE(copy.readUInt32LE(24) + 1, 24))
    refused(() => undefined, { start: pages.start, end: pages.end + 4 })
    refused(() => undefined, { start: pages.end, end: pages.end })
    expect(() => decodeIndexRoot(encoded.root.subarray(0, 12), place, pages)).toThrow(CorruptionError)
  })
})

describe('the pages of an index', () => {
  const root = rootOf(encoded)

  it('joined without their fences are all separators, with their sequences and the ends of their blocks', () => {
    const joined = separatorsOf(encoded)
    expect(joined.count).toBe(separators.length)
    separators.forEach(({ key, sequence }, row) => {
      expect([joined.keyAt(row), joined.sequenceAt(row), joined.blockEnd(row)]).toEqual([key, sequence, 40 * (row + 1)])
    })
  })

  const columnsOf = (page: number, payload: Buffer, of: IndexRoot = root): SeparatorColumns =>
    decodeIndexPage(payload, place, of, page)
  const list = new SeparatorList()
  separators.forEach(({ key, sequence }, i) => list.push(key, sequence, 40 * (i + 1)))
  const payloads = [0, 1, 2].map((page) => {
    const start = Math.max(0, page * INDEX_PAGE_ROWS - 1)
    const end = Math.min(separators.length, (page + 1) * INDEX_PAGE_ROWS)
    return encodeIndexPage(list.columns(start, end, 8), page > 0)
  })

  it('that do not fit themselves are refused', () => {
    const refused = (page: number, change: (copy: Buffer) => void): void => {
      const bytes = changed(payloads[page]!, change)
      expect(() => columnsOf(page, bytes)).toThrow(CorruptionError)
    }
    const rows = INDEX_PAGE_ROWS + 1
    refused(1, (copy) => copy.writeUInt16LE(rows - 1, 0))
    refused(1, (copy) => copy.writeUInt16LE(0, 2))
    refused(0, (copy) => copy.writeUInt16LE(1, 2))
    refused(1, (copy) => copy.writeUInt16LE(0, 4))
    refused(1, (copy) => copy.writeUInt16LE(2, 4))
    refused(2, (copy) => copy.writeUInt16LE(1, 4))
    refused(1, (copy) => copy.writeUInt32LE(1, 12))
    refused(1, (copy) => copy.writeUInt32LE(0xffff_ffff, 8 + 4 * rows + 4))
    refused(1, (copy) => copy.writeUInt32LE(9, 8 + 4 * (2 * rows - 1)))
    expect(() => columnsOf(0, payloads[1]!)).toThrow(CorruptionError)
    expect(() => columnsOf(1, payloads[1]!.subarray(0, 6))).toThrow(CorruptionError)
  })

  it('that do not continue each other, or end elsewhere than the data, are refused', () => {
    const pages = payloads.map((payload, page) =>
      columnsOf(
        page,
        changed(payload, () => undefined),
      ),
    )
    expect(joinIndexPages(pages, root, place).keyEnds).toHaveLength(separators.length)
    const other = columnsOf(
      1,
      changed(payloads[1]!, (copy) => copy.write('9', copy.indexOf('127'))),
    )
    expect(() => joinIndexPages([pages[0]!, other, pages[2]!], root, place)).toThrow('does not begin where')
    expect(() => joinIndexPages(pages, { ...root, dataBytes: root.dataBytes + 4 }, place)).toThrow('elsewhere')
    const low = { ...pages[2]!, sequencesLow: new Uint32Array(11).fill(1), sequencesHigh: new Uint32Array(11) }
    expect(() => joinIndexPages([pages[0]!, pages[1]!, low], root, place)).toThrow('does not begin where')
  })

  it('with separators out of order are refused', () => {
    const columns = columnsOf(
      0,
      changed(payloads[0]!, (copy) => copy.write('z', copy.length - 100)),
    )
    expect(() => checkSeparators(new Separators(columns).numbers, place)).toThrow(CorruptionError)
  })
})
