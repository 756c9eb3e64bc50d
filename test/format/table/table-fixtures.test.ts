/** Tables written long ago are read as they were meant, and today's are written the same way. */
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { crc32 } from '../../../src/base/checksum'
import { hashKey, KeyHash } from '../../../src/storage/table/filter'
import { Lookup } from '../../../src/storage/rows/lookup'
import { blockSeed, fileSeed } from '../../../src/storage/table/table-format'
import { openTestTable, TestFile, versionsFrom } from '../../unit/storage/table/table-world'
import type { OpenedTable } from '../../unit/storage/table/table-world'
import { modelGet } from '../../unit/storage/rows/version-model'
import { FILE_NUMBER, FIXTURE_BY_NAME, FIXTURES, toPlain, writeFixture } from './fixtures'

const names = readdirSync(FIXTURES)
  .filter((file) => file.endsWith('.table'))
  .map((file) => path.basename(file, '.table'))

const bytesOf = (name: string): Buffer => readFileSync(path.join(FIXTURES, `${name}.table`))

async function open(name: string): Promise<OpenedTable> {
  const file = new TestFile(`${name}.table`)
  file.bytes = bytesOf(name)
  return openTestTable(file, { fileNumber: FILE_NUMBER })
}

describe('frozen tables', () => {
  test('are there', () => {
    expect(names.sort()).toEqual([...FIXTURE_BY_NAME.keys()].sort())
  })

  test.each(names)('%s holds what it held, and verifies', async (name) => {
    const { table } = await open(name)
    const versions = await versionsFrom(table.openCursor({ reverse: false }), undefined)
    const expected: unknown = JSON.parse(readFileSync(path.join(FIXTURES, `${name}.json`), 'utf8'))
    expect(toPlain(versions, table.rangeTombstones?.list() ?? [], table.properties)).toEqual(expected)
    await table.verify()
  })

  test.each(names)('%s answers lookups through its filter and index', async (name) => {
    const { table } = await open(name)
    const { history } = FIXTURE_BY_NAME.get(name)!
    const hash = new KeyHash()
    const found = new Lookup()
    const sequences = [...history.versions, ...history.rangeTombstones].map(({ sequence }) => sequence)
    for (const key of [...history.versions.map((version) => version.key), 'absent', 'kez']) {
      hashKey(key, hash)
      for (const sequence of sequences) {
        const expected = modelGet(history, key, sequence)
        table.getSync(key, hash, sequence, found)
        expect([key, found.state, found.sequence]).toEqual([key, expected.state, expected.sequence])
      }
    }
  })

  // What a codec makes of the same bytes is the runtime's affair, and may change with it.
  const plain = names.filter((name) => FIXTURE_BY_NAME.get(name)?.compression === undefined)

  test.each(plain)('%s would be written byte for byte as it was', async (name) => {
    const { bytes } = await writeFixture(FIXTURE_BY_NAME.get(name)!)
    expect(bytes.equals(bytesOf(name))).toBe(true)
  })

  test('v1-deflate has compressed and plain blocks, of rows and of large values', () => {
    const bytes = bytesOf('v1-deflate')
    const found = new Set<string>()
    let start = 0
    for (let end = 12; end <= bytes.length; end += 4) {
      const crc = crc32(bytes, start, end - 4, blockSeed(fileSeed(FILE_NUMBER), start))
      if (crc !== bytes.readUInt32LE(end - 4)) continue
      found.add(`codec ${bytes[end - 8]}, type ${bytes[end - 7]}`)
      start = end
    }
    expect([...found]).toEqual(expect.arrayContaining(['codec 1, type 1', 'codec 0, type 1', 'codec 1, type 2']))
    expect([...found].filter((what) => what.startsWith('codec 1')).sort()).toEqual(['codec 1, type 1', 'codec 1, type 2']) // prettier-ignore
  })
})

describe('the worked example of docs/FORMATS.md', () => {
  test('is every byte of the frozen table v1-plain, but for lines of zeros', () => {
    const text = readFileSync(path.join(__dirname, '../../../docs/FORMATS.md'), 'utf8')
    const section = text.split('\n## ').find((part) => part.startsWith('Tables\n'))!
    const shown = Buffer.alloc(bytesOf('v1-plain').length)
    for (const [, offset, hex] of section.matchAll(/^([0-9a-f]{4}) {2}((?:[0-9a-f]{2} ?)+)/gm)) {
      Buffer.from(hex!.replaceAll(' ', ''), 'hex').copy(shown, Number.parseInt(offset!, 16))
    }
    expect(shown.toString('hex')).toBe(bytesOf('v1-plain').toString('hex'))
  })
})

describe('the examples of parts of tables in docs/FORMATS.md', () => {
  const text = readFileSync(path.join(__dirname, '../../../docs/FORMATS.md'), 'utf8')
  const found = text.matchAll(/<!-- example: (v1-[a-z-]+) from (\d+), (\d+) bytes -->\n```text\n([^`]*)```/g)
  const examples = [...found].map(([, ...parts]) => parts)

  test('are there: pages and root of an index, range tombstones, properties', () => {
    expect(examples.map(([name, from]) => `${name} ${from}`)).toEqual([
      'v1-every-kind 5432',
      'v1-every-kind 5616',
      'v1-learned 41472',
      'v1-every-kind 5824',
      'v1-every-kind 5900',
    ])
  })

  test.each(examples)('%s from %s on is %s bytes of the frozen table', (name, from, length, lines) => {
    const hex = [...lines.matchAll(/^ {2}[0-9a-f]{4} {2}((?:[0-9a-f]{2} ?)+)/gm)].map(([, bytes]) => bytes!)
    const bytes = bytesOf(name).subarray(Number(from), Number(from) + Number(length))
    expect(bytes.length).toBe(Number(length))
    expect(hex.join('').replaceAll(' ', '')).toBe(bytes.toString('hex'))
  })
})
