import { RANGE_ALL, rangeContains } from '../../../../src/base/key-range'
import { Losses } from '../../../../src/storage/salvage/salvage-report'
import type { Loss } from '../../../../src/storage/salvage/salvage-report'
import { prepareTable, SalvagedRows } from '../../../../src/storage/salvage/salvaged-table'
import type { SalvageSource } from '../../../../src/storage/salvage/salvaged-table'
import { FOOTER_BYTES, SECTION_INDEX } from '../../../../src/storage/table/table-format'
import { readTablePieces } from '../../../../src/storage/table/table-pieces'
import type { IoCall } from '../../../support/memory-runtime/io-calls'
import { createMemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import { propertiesToRecord } from '../../../../src/storage/table/table-store'
import { historyOf } from '../rows/version-model'
import { smallTable, TestFile, writeTable } from '../table/table-world'

const KEYS = Array.from({ length: 60 }, (_, i) => `key ${String(i).padStart(3, '0')}`)
const history = historyOf([
  { ranges: [{ start: 'a', end: 'b' }], points: KEYS.map((key) => ({ key, value: Buffer.from(`value of ${key}`) })) },
  { ranges: [], points: [{ key: 'key 020', value: Buffer.alloc(5000, 'large') }] },
])

/** What is read of a table whose bytes were changed, and what is told; `isNamed`: a manifest speaks of it; `inject`: reads that fail. */
async function salvaged(
  change: (bytes: Buffer) => Buffer | undefined,
  { isNamed = false, inject }: { isNamed?: boolean; inject?: (call: IoCall) => 'EIO' | undefined } = {},
): Promise<{ keys: string[]; losses: readonly Loss[] }> {
  const { file, properties } = await writeTable(history, smallTable)
  const bytes = Buffer.from(file.bytes)
  const files = new Map([['/db/0000000007.table', new Uint8Array(change(bytes) ?? bytes)]])
  const runtime = createMemoryRuntime({ seed: 1, files: { directories: ['/db'], files }, ...(inject && { inject }) })
  const losses = new Losses()
  const source: SalvageSource = { runtime, directory: '/db', losses, count: () => undefined }
  const record = isNamed ? propertiesToRecord(properties, { level: 0, run: 1 }) : undefined
  const table = await prepareTable(source, { number: 7, record })
  const keys: string[] = []
  const rows = await SalvagedRows.open(source, table!)
  for (let block = await rows.next(); block !== undefined; block = await rows.next()) {
    for (let row = 0; row < block.count; row++) keys.push(block.keyOf(row))
  }
  rows.tell()
  await rows.close()
  return { keys, losses: losses.losses }
}

async function blockEnds(): Promise<number[]> {
  const file = new TestFile()
  file.bytes = (await writeTable(history, smallTable)).file.bytes
  const { index } = await readTablePieces(file, 7)
  return Array.from({ length: index!.root.count }, (_, i) => index!.separators.blockEnd(i))
}

describe('a table saved', () => {
  it('gives all rows of a sound one, with nothing lost', async () => {
    const { keys, losses } = await salvaged(() => undefined)
    expect(losses).toEqual([])
    expect([...new Set(keys)]).toEqual(KEYS)
    expect(keys).toHaveLength(61)
  })

  it('tells of a damaged block the keys between its neighbours, and no others', async () => {
    const ends = await blockEnds()
    const { keys, losses } = await salvaged((bytes) => ((bytes[ends[1]! + 20]! ^= 1), undefined))
    expect(losses).toMatchObject([{ file: '0000000007.table', offset: ends[1], length: ends[2]! - ends[1]! }])
    const { range } = losses[0]!
    for (const key of KEYS) if (!keys.includes(key)) expect(rangeContains(range, key)).toBe(true)
    expect(KEYS.filter((key) => !keys.includes(key)).length).toBeGreaterThan(2)
    // Beyond what was lost the range holds its two neighbours.
    expect(KEYS.filter((key) => keys.includes(key) && rangeContains(range, key))).toHaveLength(2)
  })

  it('loses nothing by damage to what only helps to find rows: index, filter, model, footer', async () => {
    const { file } = await writeTable(history, smallTable)
    const { footer } = await readTablePieces(file, 7)
    for (const { type, offset } of footer!.sections) {
      if (type === 18 || type === 19) continue
      const { keys, losses } = await salvaged((bytes) => ((bytes[offset + 2]! ^= 1), undefined))
      expect(losses).toEqual([])
      expect(keys).toHaveLength(61)
    }
    const { keys, losses } = await salvaged((bytes) => ((bytes[bytes.length - FOOTER_BYTES + 30]! ^= 1), undefined))
    expect(losses).toEqual([])
    expect(keys).toHaveLength(61)
  })

  it('tells of a damaged block alone where the index is damaged too, whether or not a manifest says how long the file was', async () => {
    const { file } = await writeTable(history, smallTable)
    const { footer } = await readTablePieces(file, 7)
    const root = footer!.sections.find(({ type }) => type === SECTION_INDEX)!
    const ends = await blockEnds()
    for (const isNamed of [false, true]) {
      const harm = (bytes: Buffer): undefined => {
        bytes[root.offset + 2]! ^= 1
        bytes[ends[1]! + 20]! ^= 1
      }
      const { losses } = await salvaged(harm, { isNamed })
      expect(losses.map(({ offset, length }) => [offset, length])).toEqual([[ends[1], ends[2]! - ends[1]!]])
    }
  })

  it('tells once of what the disk does not give while blocks are looked for', async () => {
    const { file } = await writeTable(history, smallTable)
    const { footer, dataBytes } = await readTablePieces(file, 7)
    const root = footer!.sections.find(({ type }) => type === SECTION_INDEX)!
    const inject = ({ operation, position = 0 }: IoCall): 'EIO' | undefined =>
      operation === 'read' && position < dataBytes ? 'EIO' : undefined
    const { keys, losses } = await salvaged((bytes) => ((bytes[root.offset + 2]! ^= 1), undefined), { inject })
    expect(keys).toEqual([])
    expect(losses.map(({ offset, length }) => [offset, length])).toEqual([[0, dataBytes]])
  })

  it('tells of range tombstones that cannot be read', async () => {
    const { file } = await writeTable(history, smallTable)
    const { footer } = await readTablePieces(file, 7)
    const { offset } = footer!.sections.find(({ type }) => type === 18)!
    const { losses } = await salvaged((bytes) => ((bytes[offset + 2]! ^= 1), undefined))
    expect(losses).toHaveLength(1)
    expect(losses[0]!.what).toContain('deletions of ranges')
  })

  it('reads what is left of one that was cut anywhere, and tells that all behind may be lost', async () => {
    const ends = await blockEnds()
    for (const length of [0, 3, ends[0]!, ends[2]! + 5, ends.at(-1)! + 11]) {
      const { keys, losses } = await salvaged((bytes) => bytes.subarray(0, length))
      expect(keys).toEqual(KEYS.flatMap((key) => (key === 'key 020' ? [key, key] : [key])).slice(0, keys.length))
      expect(losses.length).toBeGreaterThan(0)
      for (const key of KEYS)
        if (!keys.includes(key)) expect(losses.some(({ range }) => rangeContains(range, key))).toBe(true)
    }
  })

  it('reads nothing of the table of another number', async () => {
    const files = new Map([
      ['/db/0000000009.table', new Uint8Array((await writeTable(history, smallTable)).file.bytes)],
    ])
    const runtime = createMemoryRuntime({ seed: 1, files: { directories: ['/db'], files } })
    const losses = new Losses()
    const source: SalvageSource = { runtime, directory: '/db', losses, count: () => undefined }
    const rows = await SalvagedRows.open(source, (await prepareTable(source, { number: 9, record: undefined }))!)
    expect(await rows.next()).toBeUndefined()
    rows.tell()
    expect(losses.losses.every(({ range }) => range.start === RANGE_ALL.start)).toBe(true)
    expect(losses.losses.length).toBeGreaterThan(0)
  })
})
