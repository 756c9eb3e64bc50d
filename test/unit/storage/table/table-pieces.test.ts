import { FOOTER_BYTES } from '../../../../src/storage/table/table-format'
import { readTablePieces } from '../../../../src/storage/table/table-pieces'
import { historyOf } from '../rows/version-model'
import { smallTable, TestFile, writeTable } from './table-world'

const history = historyOf([
  {
    ranges: [{ start: 'a', end: 'b' }],
    points: Array.from({ length: 40 }, (_, i) => ({ key: `key ${i + 10}`, value: Buffer.from('v'.repeat(20)) })),
  },
])

async function damagedAt(change: (bytes: Buffer) => Buffer | undefined): Promise<TestFile> {
  const { file } = await writeTable(history, { ...smallTable, indexMode: 'resident' })
  const copy = new TestFile()
  copy.bytes = Buffer.from(file.bytes)
  copy.bytes = change(copy.bytes) ?? copy.bytes
  return copy
}

/** Sections by type as the footer lists them. */
async function sectionOf(type: number): Promise<{ offset: number; length: number }> {
  const { footer } = await readTablePieces(await damagedAt(() => undefined), 7)
  return footer!.sections.find((section) => section.type === type)!
}

describe('a table read piece by piece', () => {
  it('gives everything of a sound one, with nothing to say', async () => {
    const pieces = await readTablePieces(await damagedAt(() => undefined), 7)
    expect(pieces.problems).toEqual([])
    expect(pieces.properties).toMatchObject({ entries: 40, keys: 40, rangeTombstones: 1 })
    expect(pieces.index!.root.count).toBe(pieces.properties!.dataBlocks)
    expect(pieces.model).toBeDefined()
    expect(pieces.filter!.keys).toBe(40)
    expect(pieces.rangeTombstones).toHaveLength(1)
  })

  it.each([
    [16, 'index'],
    [17, 'filter'],
    [18, 'rangeTombstones'],
    [19, 'properties'],
    [20, 'index'],
    [21, 'model'],
  ] as const)('gives all but section %i where that is damaged', async (type, name) => {
    const section = await sectionOf(type)
    const pieces = await readTablePieces(
      await damagedAt((bytes) => ((bytes[section.offset + 3]! ^= 1), undefined)), 7,
    ) // prettier-ignore
    expect(pieces.problems.map(({ what }) => what)).toEqual(['the checksum does not match'])
    expect(pieces.problems[0]!.offset).toBeGreaterThanOrEqual(section.offset)
    for (const piece of ['index', 'filter', 'rangeTombstones', 'properties', 'model'] as const) {
      expect(pieces[piece] === undefined).toBe(piece === name)
    }
  })

  it('gives nothing without a footer, and says that', async () => {
    for (const change of [
      (bytes: Buffer) => bytes.subarray(0, bytes.length - 1),
      (bytes: Buffer) => bytes.subarray(0, 20),
      (bytes: Buffer) => bytes.subarray(0, 0),
      (bytes: Buffer) => ((bytes[bytes.length - FOOTER_BYTES + 9]! ^= 4), undefined),
    ]) {
      const pieces = await readTablePieces(await damagedAt(change), 7)
      expect(pieces).toMatchObject({
        footer: undefined,
        properties: undefined,
        index: undefined,
        rangeTombstones: undefined,
      })
      expect(pieces.problems).toHaveLength(1)
    }
  })

  it('refuses a table of another number as a whole', async () => {
    const pieces = await readTablePieces(await damagedAt(() => undefined), 9)
    expect(pieces.problems[0]!.what).toBe('it is file 7, not 9')
  })
})
