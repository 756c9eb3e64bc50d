/** A version field of another format version: refused by name in each of the three formats, whatever it says otherwise. */
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { crc32 } from '../../src/base/checksum'
import { UnsupportedFormatError } from '../../src/base/errors'
import { recoverLog } from '../../src/storage/log/log-reader'
import { FOOTER_BYTES } from '../../src/storage/table/table-format'
import { readManifest } from '../../src/storage/manifest/manifest-reader'
import { createMemoryRuntime } from '../support/memory-runtime/memory-runtime'
import type { MemoryRuntime } from '../support/memory-runtime/memory-runtime'
import { openTestTable, TestFile } from '../unit/storage/table/table-world'

const folderOf = (format: string, fixture: string): string => path.join(__dirname, format, 'fixtures', fixture)

/** A frozen folder in `/db`; `change` is given each file's bytes and may write to them. */
function runtimeWith(folder: string, change: (name: string, bytes: Buffer) => void): MemoryRuntime {
  const names = readdirSync(folder).filter((name) => name !== 'expected.json')
  const files = names.map((name): [string, Uint8Array] => {
    const bytes = readFileSync(path.join(folder, name))
    change(name, bytes)
    return [`/db/${name.replace('.segment', '.log')}`, new Uint8Array(bytes)]
  })
  return createMemoryRuntime({ files: { directories: ['/db'], files: new Map(files) } })
}

const readWithVersion: Readonly<Record<'log' | 'table' | 'manifest', (version: number) => Promise<unknown>>> = {
  log: (version) => {
    const numbers: number[] = []
    const runtime = runtimeWith(folderOf('log', 'v1-closed'), (name, bytes) => {
      numbers.push(Number.parseInt(name, 10))
      bytes.writeUInt32LE(version, 8)
      bytes.writeUInt32LE(0, 12)
      bytes.writeUInt32LE(crc32(bytes, 0, 4096), 12)
    })
    return recoverLog(runtime, { directory: '/db', numbers }, { afterSequence: 0 }, () => undefined)
  },
  table: async (version) => {
    const file = new TestFile('v1-plain.table')
    file.bytes = readFileSync(folderOf('table', 'v1-plain.table'))
    const at = file.bytes.length - FOOTER_BYTES
    file.bytes.writeUInt32LE(version, at)
    file.bytes.writeUInt32LE(crc32(file.bytes, at, at + 180), at + 180)
    const { table } = await openTestTable(file)
    table.unpin()
  },
  manifest: (version) => {
    const runtime = runtimeWith(folderOf('manifest', 'v1-every-field'), (name, bytes) => {
      if (!name.endsWith('.manifest')) return
      bytes.writeUInt32LE(version, 4)
      bytes.writeUInt32LE(crc32(bytes, 0, 28), 28)
    })
    return readManifest(runtime, '/db')
  },
}

describe.each(['log', 'table', 'manifest'] as const)('the version of a %s', (format) => {
  const refusalOf = (version: number): Promise<unknown> =>
    readWithVersion[format](version).then(() => undefined, (error: unknown) => error) // prettier-ignore

  test('that is 1 is read', async () => {
    expect(await refusalOf(1)).toBeUndefined()
  })

  test.each([
    [2, `its ${format} format is 2, this version reads up to 1; open it with the version that wrote it`],
    [0xffff_ffff, `its ${format} format is 4294967295, this version reads up to 1`],
    [0, `its ${format} format is 0, this version reads from 1 on, and nothing older was ever written`],
  ])('that is %d is refused by name, with both versions', async (version, message) => {
    const refusal = await refusalOf(version)
    expect(refusal).toBeInstanceOf(UnsupportedFormatError)
    expect((refusal as Error).message).toContain(message)
  })
})
