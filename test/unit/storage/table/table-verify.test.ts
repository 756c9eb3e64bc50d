import { CorruptionError } from '../../../../src/base/errors'
import { ENTRY_PUT } from '../../../../src/storage/engine'
import { KIND_OLDER } from '../../../../src/storage/table/block-format'
import { fileSeed, sealBlock } from '../../../../src/storage/table/table-format'
import type { BlockType } from '../../../../src/storage/table/table-format'
import { openTestTable, TestFile, writeTable } from './table-world'
import { historyOf } from '../rows/version-model'

/**
 * A block of three rows: header 16, heads 12, ends 12, deltas 12, kinds 3, then prefix, keys and values.
 * What is changed here is sealed again, so that no checksum stands in the way: only verification can notice.
 */
const history = historyOf([
  { ranges: [], points: [{ key: 'aaaax', value: Buffer.from('1') }, { key: 'bbbbx', value: Buffer.from('2') }] }, // prettier-ignore
  { ranges: [], points: [{ key: 'aaaax', value: Buffer.from('3') }] },
])
const deltasAt = 16 + 12 + 12
const kindsAt = deltasAt + 12
const keysAt = kindsAt + 3

async function verifyChanged(change: (bytes: Buffer) => void): Promise<unknown> {
  const { file } = await writeTable(history)
  const { table: sound } = await openTestTable(file)
  expect(sound.properties.dataBlocks).toBe(1)
  await sound.verify()
  const changed = new TestFile()
  changed.bytes = Buffer.from(file.bytes)
  change(changed.bytes)
  const trailerAt = changed.bytes.indexOf(Buffer.from([0, 1, 0, 0]), keysAt + 10)
  const type = changed.bytes[trailerAt + 1] as BlockType
  sealBlock(changed.bytes, { at: 0, payloadBytes: trailerAt, type, seed: fileSeed(7), offset: 0 })
  const { table } = await openTestTable(changed)
  return table.verify().then(
    () => undefined,
    (error: unknown) => error,
  )
}

describe('verification of a table', () => {
  it('accepts what the writer wrote, sealed again', async () => {
    expect(await verifyChanged(() => undefined)).toBeUndefined()
  })

  it.each<[string, string, (bytes: Buffer) => void]>([
    ['keys out of order', 'out of order', (bytes) => bytes.write('0000x', keysAt + 5)],
    ['a wrong mark of the predecessor', 'wrong mark', (bytes) => bytes.writeUInt8(ENTRY_PUT, kindsAt + 1)],
    ['a mark where the key is new', 'wrong mark', (bytes) => bytes.writeUInt8(KIND_OLDER, kindsAt + 2)],
    ['an unknown kind', 'no known kind', (bytes) => bytes.writeUInt8(3, kindsAt)],
    ['a tombstone that was none', 'counts in the properties', (bytes) => bytes.writeUInt8(1, kindsAt)],
    ['a key the filter denies', 'the filter denies', (bytes) => bytes.write('bbbba', keysAt + 10)],
    ['a key behind the bounds', "outside the table's bounds", (bytes) => bytes.write('zzzz', keysAt + 10)],
    ['a sequence too great', 'sequences in the properties', (bytes) => bytes.writeUInt32LE(7, deltasAt)],
    ['versions of a key out of order', 'out of order', (bytes) => bytes.writeUInt32LE(9, deltasAt + 4)],
    [
      'a first key that is another',
      'first key',
      (bytes) => (bytes.write('aaaaa', keysAt), bytes.write('aaaaa', keysAt + 5)),
    ],
    ['values of another length', 'offsets do not fit', (bytes) => bytes.writeUInt16LE(60, deltasAt - 2)],
  ])('refuses %s', async (_, message, change) => {
    const error = await verifyChanged(change)
    expect(error).toBeInstanceOf(CorruptionError)
    expect(String(error)).toContain(message)
  })
})
