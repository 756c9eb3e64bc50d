/** The format version of each file is told, of another version too, and of a damaged file none. */
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { crc32 } from '../../../../src/base/checksum'
import { readFormatVersions } from '../../../../src/storage/inspect/format-versions'
import { FOOTER_BYTES } from '../../../../src/storage/table/table-format'
import { createMemoryRuntime } from '../../../support/memory-runtime/memory-runtime'

const fixtures = path.join(__dirname, '../../../format')

/** Frozen files of each format in one directory, under names that a store gives. */
function frozenFiles(): Map<string, Buffer> {
  const read = (...parts: string[]): Buffer => readFileSync(path.join(fixtures, ...parts))
  const nameIn = (folder: string, end: string): string => {
    return readdirSync(path.join(fixtures, folder)).find((name) => name.endsWith(end))!
  }
  const log = 'log/fixtures/v1-closed'
  const manifest = 'manifest/fixtures/v1-every-field'
  const table = read('table/fixtures/v1-plain.table')
  const number = String(table.readUInt32LE(table.length - FOOTER_BYTES + 8)).padStart(10, '0')
  return new Map([
    ['0000000001.log', read(log, nameIn(log, ''))],
    ['0000000002.manifest', read(manifest, nameIn(manifest, '.manifest'))],
    [`${number}.table`, table],
  ])
}

async function versionsOf(files: ReadonlyMap<string, Buffer>): Promise<(number | undefined)[]> {
  const named = [...files].map(([name, bytes]): [string, Uint8Array] => [`/db/${name}`, new Uint8Array(bytes)])
  const runtime = createMemoryRuntime({ files: { directories: ['/db'], files: new Map([...named, ['/db/notes.txt', new Uint8Array(3)]]) } }) // prettier-ignore
  const found = await readFormatVersions(runtime, '/db')
  expect(found.map(({ file }) => file)).toEqual([...files.keys()])
  expect(found.map(({ format }) => format)).toEqual(['log', 'manifest', 'table'])
  return found.map(({ version }) => version)
}

/** Writes another version into a file, its checksum mended. */
function setVersion(name: string, bytes: Buffer, version: number): void {
  if (name.endsWith('.log')) {
    bytes.writeUInt32LE(version, 8)
    bytes.writeUInt32LE(0, 12)
    bytes.writeUInt32LE(crc32(bytes, 0, 4096), 12)
  } else if (name.endsWith('.manifest')) {
    bytes.writeUInt32LE(version, 4)
    bytes.writeUInt32LE(crc32(bytes, 0, 28), 28)
  } else {
    const at = bytes.length - FOOTER_BYTES
    bytes.writeUInt32LE(version, at)
    bytes.writeUInt32LE(crc32(bytes, at, at + 180), at + 180)
  }
}

test('files of this version say so, and foreign files are none', async () => {
  expect(await versionsOf(frozenFiles())).toEqual([1, 1, 1])
})

test.each([0, 2, 77])('version %d is told of each format, though nothing else of it could be read', async (version) => {
  const files = frozenFiles()
  for (const [name, bytes] of files) setVersion(name, bytes, version)
  expect(await versionsOf(files)).toEqual([version, version, version])
})

test('a file that is damaged where its version stands, or too short, has none', async () => {
  const damaged = frozenFiles()
  for (const [name, bytes] of damaged) {
    const at = name.endsWith('.log') ? 9 : name.endsWith('.manifest') ? 5 : bytes.length - FOOTER_BYTES + 1
    bytes[at]! ^= 0x40
  }
  expect(await versionsOf(damaged)).toEqual([undefined, undefined, undefined])
  const short = new Map([...frozenFiles()].map(([name]) => [name, Buffer.alloc(3)]))
  expect(await versionsOf(short)).toEqual([undefined, undefined, undefined])
})
