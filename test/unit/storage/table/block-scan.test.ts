import { FileWindow } from '../../../../src/storage/files/file-window'
import { BlockScan } from '../../../../src/storage/table/block-scan'
import { FOOTER_BYTES } from '../../../../src/storage/table/table-format'
import { readTablePieces } from '../../../../src/storage/table/table-pieces'
import { historyOf } from '../rows/version-model'
import { smallTable, TestFile, writeTable } from './table-world'

/** Rows over several blocks, a large value, tombstones, a range tombstone. */
const history = historyOf([
  { ranges: [{ start: 'key 010', end: 'key 012' }], points: Array.from({ length: 60 }, (_, i) => ({ key: `key ${String(i).padStart(3, '0')}`, value: Buffer.from(`value ${i} `.repeat(4)) })) },
  { ranges: [], points: [{ key: 'key 020', value: Buffer.alloc(5000, 'large') }, { key: 'key 030', value: undefined }] },
]) // prettier-ignore

async function scan(
  file: TestFile,
  end = file.bytes.length,
): Promise<{ keys: string[]; places: number[]; scan: BlockScan }> {
  const window = new FileWindow(file, file.bytes.length)
  const scanned = new BlockScan(window, { fileNumber: 7, end, sections: true, count: () => undefined })
  const keys: string[] = []
  const places: number[] = []
  for (let found = await scanned.next(); found !== undefined; found = await scanned.next()) {
    places.push(found.offset, found.length)
    for (let row = 0; row < found.block.count; row++) keys.push(found.block.keyOf(row))
  }
  return { keys, places, scan: scanned }
}

describe.each(['none', 'deflate'] as const)('a scan for the blocks of a table written with codec %s', (codec) => {
  const options = { ...smallTable, compression: { codec, payloadBytesMax: 1 << 20 } }

  it('finds every block that the index names, and the small sections', async () => {
    const { file, properties } = await writeTable(history, options)
    const { index } = await readTablePieces(file, 7)
    const places = Array.from({ length: index!.root.count }, (_, i) => {
      const offset = i === 0 ? 0 : index!.separators.blockEnd(i - 1)
      return [offset, index!.separators.blockEnd(i) - offset]
    })
    const found = await scan(file)
    expect(places.length).toBeGreaterThan(3)
    expect(found.places).toEqual(places.flat())
    expect(found.keys).toHaveLength(62)
    expect(found.scan.sections.properties).toMatchObject({ entries: properties.entries, bounds: properties.bounds })
    expect(found.scan.sections.rangeTombstones).toEqual([{ start: 'key 010', end: 'key 012', sequence: 1 }])
  })

  it('finds all others where one is damaged, wherever in it', async () => {
    const { file } = await writeTable(history, options)
    const sound = await scan(file)
    for (const at of [sound.places[2]!, sound.places[2]! + 20, sound.places[4]! - 4]) {
      const damaged = new TestFile()
      damaged.bytes = Buffer.from(file.bytes)
      damaged.bytes[at]! ^= 0x10
      const found = await scan(damaged)
      expect(found.places).toEqual([...sound.places.slice(0, 2), ...sound.places.slice(4)])
    }
  })

  it('finds what is left of a table that was cut, and nothing in another one', async () => {
    const { file } = await writeTable(history, options)
    const sound = await scan(file)
    const cut = new TestFile()
    cut.bytes = Buffer.from(file.bytes.subarray(0, sound.places[4]! + 7))
    expect((await scan(cut)).places).toEqual(sound.places.slice(0, 4))
    const other = await writeTable(history, { ...options, fileNumber: 8 })
    const wrong = await scan(other.file)
    expect(wrong.places).toEqual([])
    expect(wrong.scan.sections).toEqual({ properties: undefined, rangeTombstones: undefined })
  })
})

describe('a scan of hostile bytes', () => {
  it('ends, and finds nothing', async () => {
    const file = new TestFile()
    file.bytes = Buffer.from(Array.from({ length: 30_000 }, (_, i) => (i % 5 === 0 ? 1 : (i * i) & 0xff)))
    expect((await scan(file)).places).toEqual([])
    file.bytes = Buffer.alloc(30_001)
    expect((await scan(file, 29_997)).places).toEqual([])
    file.bytes = Buffer.alloc(FOOTER_BYTES, 0xff)
    expect((await scan(file)).places).toEqual([])
  })
})
