import { CorruptionError, UnsupportedFormatError } from '../../../../src/base/errors'
import { crc32 } from '../../../../src/base/checksum'
import { hashKey, KeyHash } from '../../../../src/storage/table/filter'
import { Lookup, LOOKUP_VALUE } from '../../../../src/storage/rows/lookup'
import type { Table } from '../../../../src/storage/table/table'
import { fileSeed, FOOTER_BYTES, sealBlock, SECTION_FILTER } from '../../../../src/storage/table/table-format'
import { openTestTable, smallTable, TestFile, versionsFrom, writeTable } from './table-world'
import { historyOf, linesOf, valueText } from '../rows/version-model'
import type { Commit, ModelHistory } from '../rows/version-model'

const commits: Commit[] = Array.from({ length: 12 }, (_, i) => ({
  ranges: i === 5 ? [{ start: 'key2', end: 'key4' }] : i === 8 ? [{ start: 'x', end: undefined }] : [],
  points: [
    { key: `key${i % 5}`, value: i % 4 === 3 ? undefined : Buffer.alloc(5 + i, i) },
    { key: `other/${i}`, value: Buffer.alloc(i === 7 ? 2100 : 3, i) },
  ],
}))
const history: ModelHistory = historyOf(commits)
const keys = [...new Set(history.versions.map(({ key }) => key)), '', 'key', 'key99', 'xyz']
const hash = new KeyHash()

/** Every answer a table gives. Throws what it throws. */
async function answers(table: Table): Promise<string[]> {
  const lines: string[] = []
  const found = new Lookup()
  for (const key of keys) {
    for (const sequence of [1, 4, 6, 9, 12]) {
      hashKey(key, hash)
      table.getSync(key, hash, sequence, found)
      lines.push(
        `${found.state} ${found.sequence} ${valueText(found.state === LOOKUP_VALUE ? found.copyValue() : undefined)}`,
      )
    }
  }
  lines.push(...linesOf(await versionsFrom(table.openCursor({ reverse: false, bulk: true }), undefined)))
  lines.push(...linesOf(await versionsFrom(table.openCursor({ reverse: true }), undefined)))
  lines.push(JSON.stringify(table.rangeTombstones?.list()), JSON.stringify(table.properties))
  return lines
}

function expectRefused(
  result: Awaited<ReturnType<typeof outcome>>,
  type: new (...args: never[]) => Error,
  why = '',
): void {
  const error = 'error' in result ? result.error : undefined
  expect(error).toBeInstanceOf(type)
  expect(String(error)).toContain(why)
}

/** All answers of a file, or the error that refused them; the table is closed either way. */
async function outcome(bytes: Buffer): Promise<{ lines: string } | { error: unknown }> {
  const file = new TestFile()
  file.bytes = bytes
  let table: Table | undefined
  try {
    table = (await openTestTable(file, { cacheBytes: 0 })).table
    return { lines: (await answers(table)).join('\n') }
  } catch (error) {
    return { error }
  } finally {
    table?.unpin()
    expect(file.closed).toBe(true)
  }
}

async function verified(bytes: Buffer): Promise<unknown> {
  const file = new TestFile()
  file.bytes = bytes
  try {
    await (await openTestTable(file)).table.verify()
    return undefined
  } catch (error) {
    return error
  }
}

describe('a damaged table', () => {
  let bytes: Buffer
  let expected: string

  beforeAll(async () => {
    bytes = (await writeTable(history)).file.bytes
    const sound = await outcome(bytes)
    if ('error' in sound) throw sound.error
    expected = sound.lines
    expect(await verified(bytes)).toBeUndefined()
  })

  it('with any byte flipped never gives a wrong answer: CorruptionError naming file and offset, or the same answers', async () => {
    const outcomes = { same: 0, refused: 0 }
    for (let at = 0; at < bytes.length; at++) {
      const damaged = Buffer.from(bytes)
      damaged[at] = damaged[at]! ^ (1 << (at % 8))
      const result = await outcome(damaged)
      if ('lines' in result) {
        if (result.lines !== expected) throw new Error(`Byte ${at} flipped gives other answers`)
        outcomes.same++
        continue
      }
      if (!(result.error instanceof CorruptionError)) throw result.error
      expect(result.error.file).toBe('test/000001.table')
      expect(result.error.offset).toBeLessThanOrEqual(bytes.length)
      outcomes.refused++
    }
    // Everything lies under a checksum that these reads check.
    expect(outcomes).toEqual({ same: 0, refused: bytes.length })
  })

  it('with any byte flipped is refused by verify', async () => {
    for (let at = 0; at < bytes.length; at += 3) {
      const damaged = Buffer.from(bytes)
      damaged[at] = damaged[at]! ^ 0x10
      if (!((await verified(damaged)) instanceof CorruptionError)) throw new Error(`Byte ${at} flipped goes unnoticed`)
    }
  })

  it('cut at any length is refused', async () => {
    for (let length = 0; length < bytes.length; length += length < FOOTER_BYTES ? 1 : 17) {
      const result = await outcome(bytes.subarray(0, length))
      if (!('error' in result && result.error instanceof CorruptionError))
        throw new Error(`Cut at ${length} goes unnoticed`)
    }
  })

  it('with two blocks exchanged, or a block of another file, is refused', async () => {
    const { table } = await openTestTable((await writeTable(history)).file)
    const length = 200
    const exchanged = Buffer.from(bytes)
    bytes.copy(exchanged, 0, length, 2 * length)
    bytes.copy(exchanged, length, 0, length)
    expectRefused(await outcome(exchanged), CorruptionError)
    table.unpin()
    const other = (await writeTable(history, { ...smallTable, fileNumber: 8 })).file.bytes
    expect(other.length).toBe(bytes.length)
    const mixed = Buffer.from(bytes)
    other.copy(mixed, 0, 0, 300)
    expectRefused(await outcome(mixed), CorruptionError)
    expectRefused(await outcome(other), CorruptionError, 'it is file 8, not 7')
  })

  it('of a newer format version, or with an unknown codec, is refused by name', async () => {
    const newer = Buffer.from(bytes)
    const footerAt = newer.length - FOOTER_BYTES
    newer.writeUInt32LE(2, footerAt)
    newer.writeUInt32LE(crc32(newer, footerAt, footerAt + 180), footerAt + 180)
    expectRefused(await outcome(newer), UnsupportedFormatError, 'its table format is 2')
    const foreign = Buffer.from('not a table at all, but longer than a footer.'.repeat(9))
    expectRefused(await outcome(foreign), CorruptionError, 'does not end as a table does')
  })

  it('with a section of a type not known yet is read all the same', async () => {
    const footerAt = bytes.length - FOOTER_BYTES
    const other = Buffer.from(bytes)
    // The filter's section becomes one of an unknown type: sealed again, listed again.
    for (let i = 0; i < 4; i++) {
      const at = footerAt + 24 + 16 * i
      if (other.readUInt32LE(at) !== SECTION_FILTER) continue
      other.writeUInt32LE(77, at)
      const [length, offset] = [other.readUInt32LE(at + 4), other.readUInt32LE(at + 8)]
      sealBlock(other, { at: offset, payloadBytes: length - 8, type: 77 as 16, seed: fileSeed(7), offset })
    }
    other.writeUInt32LE(crc32(other, footerAt, footerAt + 180), footerAt + 180)
    expect(await outcome(other)).toEqual({ lines: expected })
  })
})
