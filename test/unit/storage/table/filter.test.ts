import * as fc from 'fast-check'
import { CorruptionError } from '../../../../src/base/errors'
import {
  designFalsePositiveRate,
  Filter,
  filterBytes,
  FilterBuilder,
  hashBytes,
  hashKey,
  KeyHash,
} from '../../../../src/storage/table/filter'
import { check, modelKeys } from '../rows/version-model'

const file = 'test/unit/storage/table/filter.test.ts'
const hash = new KeyHash()
const place = { file: 'test', seed: 0, offset: 0 }

function filterOf(keys: Iterable<string>, bitsPerKey: number): Filter {
  const builder = new FilterBuilder()
  for (const key of keys) {
    hashKey(key, hash)
    builder.add(hash)
  }
  return decode(builder.finish(bitsPerKey))
}

function decode(payload: Buffer): Filter {
  const aligned = Buffer.allocUnsafeSlow(payload.length)
  payload.copy(aligned)
  return Filter.decode(aligned, place)
}

function passes(filter: Filter, key: string): boolean {
  hashKey(key, hash)
  return filter.mayContain(hash)
}

describe('a filter', () => {
  it('has no false negatives', async () => {
    await check(
      file,
      fc.property(fc.uniqueArray(modelKeys, { maxLength: 200 }), fc.integer({ min: 1, max: 32 }), (keys, bits) => {
        const filter = filterOf(keys, bits)
        for (const key of keys) if (!passes(filter, key)) expect(key).toBe('let through')
      }),
    )
  })

  it.each([
    ['decimal counters', (i: number) => String(i)],
    ['padded counters', (i: number) => `user/${String(i).padStart(15, '0')}`],
    ['big-endian integers', (i: number) => Buffer.from([0, 0, 0, i >>> 24, i >>> 16, i >>> 8, i]).toString('latin1')],
    ['composite keys', (i: number) => `tenant-${i % 10}/table-${i % 7}/${i}`],
  ])('lets absent %s pass at most 1.2 times as often as designed', (_, name) => {
    const count = 20_000
    // Small levels have more bits: so few false positives that chance decides unless many keys are asked.
    for (const [bits, probes] of [
      [4, 60_000],
      [10, 60_000],
      [13, 240_000],
      [15, 480_000],
    ] as const) {
      // prettier-ignore
      const filter = filterOf(Array.from({ length: count }, (_, i) => name(2 * i)), bits) // prettier-ignore
      let passed = 0
      for (let i = 0; i < probes; i++) if (passes(filter, name(2 * i + 1))) passed++
      const design = designFalsePositiveRate(filter)
      expect(passed / probes).toBeLessThan(design * 1.2)
      // The design itself is what blocked filters of this size are known for, within a factor of two of an ideal one.
      expect(design).toBeLessThan(2 * 0.6185 ** bits)
    }
  })

  it('is sized from the number of keys', () => {
    const keys = Array.from({ length: 1000 }, (_, i) => `key${i}`)
    expect(filterOf(keys, 10).bytes).toBe(Math.ceil(10_000 / 512) * 64)
    expect(filterBytes(1000, 10)).toBe(16 + Math.ceil(10_000 / 512) * 64)
    expect(filterBytes(1000, 0)).toBe(0)
  })

  it('hashes bytes as it hashes the key made of them, into the numbers that filters on disk were built with', async () => {
    const other = new KeyHash()
    await check(
      file,
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        hashKey(Buffer.from(bytes).toString('latin1'), hash)
        hashBytes(bytes, bytes.length, other)
        if (hash.low !== other.low || hash.high !== other.high) expect(other).toEqual(hash)
      }),
    )
    const pinned = ['', 'a', 'ab', 'abc', 'abcd', 'key10', '\xff\x00\xfe\x01\x80'].map((key) => {
      hashKey(key, hash)
      return `${hash.low >>> 0} ${hash.high >>> 0}`
    })
    expect(pinned).toMatchInlineSnapshot(`
     [
       "0 2180083513",
       "530429928 2421510878",
       "947136516 4077367387",
       "2785905078 1292814237",
       "2064456154 1634501491",
       "2406627856 772844545",
       "3203356067 1825263565",
     ]
    `)
  })

  it('refuses a payload whose lengths do not fit', () => {
    const builder = new FilterBuilder()
    builder.add(hash)
    const good = builder.finish(10)
    expect(() => decode(good)).not.toThrow()
    const bad = (change: (payload: Buffer) => Buffer): void => {
      expect(() => decode(change(Buffer.from(good)))).toThrow(CorruptionError)
    }
    bad((payload) => payload.subarray(0, 15))
    bad((payload) => payload.subarray(0, payload.length - 1))
    bad((payload) => (payload.writeUInt32LE(0, 0), payload))
    bad((payload) => (payload.writeUInt32LE(0xffff_ffff, 0), payload))
    bad((payload) => (payload.writeUInt8(0, 4), payload))
    bad((payload) => (payload.writeUInt8(17, 4), payload))
  })
})
