import * as fc from 'fast-check'
import { CorruptionError } from '../../../src/base/errors'
import { shortestSeparator, TableIndex, TableIndexBuilder } from '../../../src/storage/table-index'
import { check, modelKeys } from './version-model'

const file = 'test/unit/storage/table-index.test.ts'
const place = { file: 'test', seed: 0, offset: 0 }

interface Separator {
  readonly key: string
  readonly sequence: number
}

const compare = (a: Separator, b: Separator): number =>
  a.key === b.key ? b.sequence - a.sequence : a.key < b.key ? -1 : 1

function indexOf(separators: readonly Separator[]): { index: TableIndex; payload: Buffer } {
  const builder = new TableIndexBuilder()
  separators.forEach(({ key, sequence }, i) => builder.add(key, sequence, 40 * (i + 1)))
  const payload = builder.finish()
  const aligned = Buffer.allocUnsafeSlow(payload.length)
  payload.copy(aligned)
  return { index: new TableIndex(aligned, place, 40 * separators.length), payload }
}

const separatorLists = fc
  .uniqueArray(fc.record({ key: modelKeys, sequence: fc.nat({ max: 5 }) }), {
    selector: ({ key, sequence }) => `${key}/${sequence}`,
    maxLength: 60,
  })
  .map((list) => list.sort(compare))

describe('the block index', () => {
  it('finds the first separator at or behind an internal key, as a search from end to end does', async () => {
    await check(
      file,
      fc.property(separatorLists, fc.array(modelKeys, { maxLength: 20 }), (separators, others) => {
        const { index } = indexOf(separators)
        for (const key of [...others, ...separators.map((separator) => separator.key)]) {
          for (const sequence of [Infinity, 5, 3, 1, 0]) {
            const first = separators.findIndex((separator) => compare(separator, { key, sequence }) >= 0)
            const expected = first === -1 ? separators.length : first
            if (index.find(key, sequence) !== expected)
              expect([key, sequence, index.find(key, sequence)]).toBe(expected)
          }
        }
        separators.forEach(({ key, sequence }, i) => {
          expect([index.separatorKey(i), index.separatorSequence(i)]).toEqual([key, sequence])
          expect([index.blockOffset(i), index.blockEnd(i)]).toEqual([40 * i, 40 * (i + 1)])
        })
      }),
    )
  })

  it('separates two keys by one that is at or behind the first, before the second, and no longer than the first', async () => {
    await check(
      file,
      fc.property(modelKeys, modelKeys, (a, b) => {
        if (a === b) return
        const [last, next] = a < b ? [a, b] : [b, a]
        const separator = shortestSeparator(last, next)
        expect(separator >= last && separator < next && separator.length <= last.length).toBe(true)
      }),
      1000,
    )
    expect(shortestSeparator('user/0000123', 'user/0000987')).toBe('user/00002')
    expect(shortestSeparator('abc1', 'abd5')).toBe('abd')
    expect(shortestSeparator('ab', 'abc')).toBe('ab')
    expect(shortestSeparator('a\xff\xff', 'b')).toBe('a\xff\xff')
    expect(shortestSeparator('a\x10\xff', 'b')).toBe('a\x11')
  })

  it('refuses a payload that does not fit or does not ascend', () => {
    const { payload } = indexOf([
      { key: 'aa', sequence: 0 },
      { key: 'ab', sequence: 7 },
      { key: 'ab', sequence: 0 },
    ])
    const bad = (change: (bytes: Buffer) => void, dataBytes = 120): void => {
      const bytes = Buffer.allocUnsafeSlow(payload.length)
      payload.copy(bytes)
      change(bytes)
      expect(() => new TableIndex(bytes, place, dataBytes)).toThrow(CorruptionError)
    }
    bad(() => undefined, 124)
    bad((bytes) => bytes.writeUInt32LE(4, 0))
    bad((bytes) => bytes.writeUInt32LE(0xffff_ffff, 0))
    bad((bytes) => bytes.writeUInt16LE(500, 4))
    bad((bytes) => bytes.writeUInt16LE(2, 6))
    bad((bytes) => bytes.writeUInt32LE(2, 8))
    bad((bytes) => bytes.writeUInt32LE(20, 16))
    bad((bytes) => bytes.writeUInt32LE(9, 28))
    bad((bytes) => bytes.writeUInt8(0x7a, bytes.length - 3))
  })
})
