/** Manifests written long ago are read as they were meant, and today's are written the same way. */
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { CURRENT_FILE } from '../../../src/storage/files/file-names'
import { decodeHeader, decodeRecord, encodeRecord } from '../../../src/storage/manifest/manifest-format'
import { readManifest } from '../../../src/storage/manifest/manifest-reader'
import { createMemoryRuntime } from '../../support/memory-runtime/memory-runtime'
import { EDITS_BY_FIXTURE, FIXTURES, toPlain, writeManifest } from './fixtures'

const NAMES = readdirSync(FIXTURES)

function filesOf(name: string): Map<string, Uint8Array> {
  const folder = path.join(FIXTURES, name)
  const files = readdirSync(folder).filter((file) => file !== 'expected.json')
  return new Map(files.map((file) => [file, new Uint8Array(readFileSync(path.join(folder, file)))]))
}

describe('frozen manifests', () => {
  test('are there', () => {
    expect(NAMES.sort()).toEqual([...EDITS_BY_FIXTURE.keys()].sort())
  })

  test.each(NAMES)('%s says what it said', async (name) => {
    const files = new Map([...filesOf(name)].map(([file, bytes]) => [`/db/${file}`, bytes]))
    const found = await readManifest(createMemoryRuntime({ files: { directories: ['/db'], files } }), '/db')
    const expected: unknown = JSON.parse(readFileSync(path.join(FIXTURES, name, 'expected.json'), 'utf8'))
    expect(toPlain(found!.state)).toEqual(expected)
    expect(found!.tornAt).toBeUndefined()
  })

  test.each(NAMES)('%s would be written byte for byte as it was', async (name) => {
    const { files } = await writeManifest(EDITS_BY_FIXTURE.get(name)!)
    const frozen = filesOf(name)
    expect([...files.keys()].sort()).toEqual([...frozen.keys()].sort())
    for (const [file, bytes] of frozen) expect(Buffer.from(files.get(file)!).equals(bytes)).toBe(true)
  })
})

describe('the worked example of docs/FORMATS.md', () => {
  test('stands in the bytes of the frozen manifest', () => {
    const text = readFileSync(path.join(__dirname, '../../../docs/FORMATS.md'), 'utf8')
    const from = text.indexOf('\n## Manifest')
    expect(from).toBeGreaterThan(0)
    const section = text.slice(from).split('\n## ')[1]!
    const files = filesOf('v1-every-field')
    const manifest = Buffer.from([...files].find(([file]) => file !== CURRENT_FILE)![1])
    const lines = [...section.matchAll(/^([0-9a-f]{6}) {2}((?:[0-9a-f]{2} ?)+)/gm)]
    expect(lines.length).toBeGreaterThanOrEqual(6)
    for (const [, offset, hex] of lines) {
      const bytes = Buffer.from(hex!.replaceAll(' ', ''), 'hex')
      const at = Number.parseInt(offset!, 16)
      expect(manifest.subarray(at, at + bytes.length).toString('hex')).toBe(bytes.toString('hex'))
    }
    expect(section).toContain(Buffer.from(files.get(CURRENT_FILE)!).toString('latin1').trim())
  })

  test('of a table that a bulk load wrote stands in the bytes of its frozen manifest', () => {
    const text = readFileSync(path.join(__dirname, '../../../docs/FORMATS.md'), 'utf8')
    const [, example] = /<!-- example: v1-loaded -->\n```text\n([^`]*)```/.exec(text)!
    const manifest = Buffer.from(filesOf('v1-loaded').get('0000000001.manifest')!)
    const lines = [...example!.matchAll(/^ {2}([0-9a-f]{6}) {2}((?:[0-9a-f]{2} ?)+)/gm)]
    expect(lines).toHaveLength(14)
    for (const [, offset, hex] of lines) {
      const bytes = Buffer.from(hex!.replaceAll(' ', ''), 'hex')
      const at = Number.parseInt(offset!, 16)
      expect(manifest.subarray(at, at + bytes.length).toString('hex')).toBe(bytes.toString('hex'))
    }
  })

  test('a record verifies only in its own place', () => {
    const place = { fileNumber: 3, offset: 8192, ordinal: 1, promise: 8192 }
    const bytes = Buffer.alloc(16_384)
    bytes.set(encodeRecord(Buffer.from('abc'), place), 8192)
    expect(decodeRecord(bytes, 3, 8192).kind).toBe('record')
    expect(decodeRecord(bytes, 4, 8192).kind).toBe('bad')
    bytes.copyWithin(12_288, 8192, 8300)
    expect(decodeRecord(bytes, 3, 12_288).kind).toBe('bad')
    expect(decodeHeader(bytes).kind).toBe('bad')
  })
})
