import { InvariantError } from '../../../../src/base/assert'
import { ENTRY_PUT } from '../../../../src/storage/engine'
import { TableWriter } from '../../../../src/storage/table/table-writer'
import { asVersion, openTestTable, smallTable, TestFile, writeTable } from './table-world'
import type { ModelVersion } from '../rows/version-model'

const put = (key: string, sequence: number, valueBytes = 10): ModelVersion => {
  return { key, sequence, kind: ENTRY_PUT, value: Buffer.alloc(valueBytes, 1) }
}
const name = (i: number): string => `key${String(i).padStart(8, '0')}`

describe('a table writer', () => {
  it.each([
    ['a key behind the next', [put('b', 1), put('a', 2)]],
    ['a prefix behind its extension', [put('ab', 1), put('a', 2)]],
    ['an older version before a newer one', [put('a', 1), put('a', 2)]],
    ['two versions of a key at one sequence', [put('a', 1), put('a', 1)]],
    ['sequence 0', [put('a', 0)]],
  ])('refuses %s', (_, versions) => {
    const writer = new TableWriter(new TestFile(), smallTable)
    expect(() => {
      for (const version of versions) writer.add(asVersion(version))
    }).toThrow(InvariantError)
  })

  it('holds its blocks to their target size', async () => {
    for (const blockBytes of [256, 4096, 65_536]) {
      const versions = Array.from({ length: 5000 }, (_, i) => put(name(i), i + 1, i % 90))
      const { properties } = await writeTable({ versions, rangeTombstones: [] }, { ...smallTable, blockBytes })
      const data = properties.keyBytes + properties.valueBytes
      expect(properties.dataBlocks).toBeGreaterThan(data / blockBytes / 1.2)
      expect(properties.dataBlocks).toBeLessThan((1.8 * data) / blockBytes + 2)
    }
  })

  it('takes at most a tenth more than keys and values of 120 bytes, filter and index included', async () => {
    const versions = Array.from({ length: 20_000 }, (_, i) => put(`user${String((i * 7919) % 99_991).padStart(16, '0')}`, i + 1, 100)) // prettier-ignore
    const distinct = [...new Map(versions.map((version) => [version.key, version])).values()]
    const { properties } = await writeTable(
      { versions: distinct, rangeTombstones: [] },
      { ...smallTable, blockBytes: 4096 },
    )
    expect(properties.fileBytes).toBeLessThan(1.1 * (properties.keyBytes + properties.valueBytes))
  })

  it('knows on the way how large the table will be', async () => {
    const file = new TestFile()
    const writer = new TableWriter(file, { ...smallTable, blockBytes: 4096 })
    expect(writer.empty).toBe(true)
    for (let i = 0; i < 20_000; i++) {
      writer.add(asVersion(put(name(i), i + 1, i === 777 ? 100_000 : 30)))
      if (writer.needsDrain) await writer.drain()
    }
    writer.addRangeTombstone({ start: 'a', end: 'b', sequence: 9 })
    const estimate = writer.estimatedBytes
    const { fileBytes } = await writer.finish()
    expect(fileBytes).toBe(file.bytes.length)
    expect(Math.abs(estimate - fileBytes)).toBeLessThan(0.03 * fileBytes)
  })

  it('writes the same bytes for the same versions, however often they are drained', async () => {
    const versions = Array.from({ length: 3000 }, (_, i) => put(name(i), i + 1, 200))
    const { file } = await writeTable({ versions, rangeTombstones: [] })
    const other = new TestFile()
    const writer = new TableWriter(other, smallTable)
    for (const [i, version] of versions.entries()) {
      writer.add(asVersion(version))
      if (i % 100 === 0) await writer.drain()
    }
    await writer.finish()
    expect(other.bytes.equals(file.bytes)).toBe(true)
  })

  it('is of no use after a failed write, nor after its end', async () => {
    const failing = new TestFile()
    failing.write = () => Promise.reject(new Error('EIO'))
    const writer = new TableWriter(failing, smallTable)
    for (let i = 0; i < 50; i++) writer.add(asVersion(put(name(i), i + 1)))
    await expect(writer.drain()).rejects.toThrow('EIO')
    expect(() => writer.add(asVersion(put('z', 99)))).toThrow(InvariantError)
    await expect(writer.finish()).rejects.toThrow(InvariantError)
    const done = new TableWriter(new TestFile(), smallTable)
    await expect(done.finish()).rejects.toThrow('holds something')
    done.add(asVersion(put('a', 1)))
    await done.finish()
    expect(() => done.add(asVersion(put('b', 2)))).toThrow(InvariantError)
  })

  it('writes a table whose blocks all end up in one file, in order', async () => {
    const versions = Array.from({ length: 20_000 }, (_, i) => put(name(i), i + 1, 8))
    const { file } = await writeTable({ versions, rangeTombstones: [] }, { ...smallTable, blockBytes: 4096 })
    const { table } = await openTestTable(file)
    await table.verify()
  })
})
