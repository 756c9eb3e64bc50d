import { HashIndex } from '../../../../src/storage/memtable/hash-index'
import { PLACE_NONE } from '../../../../src/storage/memtable/memtable-rows'

/** Rows whose keys are known by their place. */
function rowsOf(keysByPlace: ReadonlyMap<number, string>) {
  const rows = {
    compared: 0,
    hasKey: (place: number, key: string) => (rows.compared++, keysByPlace.get(place) === key),
  }
  return rows
}

/** A permutation of the int32s, so that hashes differ. */
function hashOf(i: number): number {
  return Math.imul(i, 0x9e3779b1)
}

describe('a hash index', () => {
  it('finds each of 100,000 rows by comparing that row alone, and nothing else', () => {
    const index = new HashIndex()
    const keysByPlace = new Map<number, string>()
    for (let i = 1; i <= 100_000; i++) {
      keysByPlace.set(i, `key${i}`)
      index.add(hashOf(i), i)
    }
    const rows = rowsOf(keysByPlace)
    for (let i = 1; i <= 100_000; i++) if (index.find(hashOf(i), `key${i}`, rows) !== i) throw new Error(`lost ${i}`)
    expect(rows.compared).toBe(100_000)
    for (let i = 100_001; i <= 200_000; i++) {
      if (index.find(hashOf(i), `key${i}`, rows) !== PLACE_NONE) throw new Error(`found ${i}`)
    }
    expect(rows.compared).toBe(100_000)
    expect([index.size, index.isComplete]).toEqual([100_000, true])
    expect(index.memoryBytes).toBeLessThanOrEqual(100_000 * 8 * 4)
  })

  it('tells rows of one hash apart by their keys, and keeps places of 32 bits', () => {
    const index = new HashIndex()
    const keysByPlace = new Map([0xffff_ffff, 0x8000_0000, 7].map((place) => [place, `key${place}`]))
    for (const place of keysByPlace.keys()) index.add(-1, place)
    const rows = rowsOf(keysByPlace)
    for (const [place, key] of keysByPlace) expect(index.find(-1, key, rows)).toBe(place)
    expect(index.find(-1, 'other', rows)).toBe(PLACE_NONE)
    expect(index.find(0, 'key7', rows)).toBe(PLACE_NONE)
  })

  it('takes in a bounded number of rows of one hash, says so, and keeps the others', () => {
    const index = new HashIndex()
    const keysByPlace = new Map<number, string>()
    for (let i = 1; i <= 1000; i++) {
      keysByPlace.set(i, `key${i}`)
      index.add(12345, i)
    }
    for (let i = 1001; i <= 1500; i++) {
      keysByPlace.set(i, `key${i}`)
      index.add(hashOf(i), i)
    }
    expect(index.isComplete).toBe(false)
    const rows = rowsOf(keysByPlace)
    const found = (i: number): boolean => index.find(i <= 1000 ? 12345 : hashOf(i), `key${i}`, rows) === i
    const few = Array.from({ length: 1000 }, (_, i) => found(i + 1)).filter(Boolean).length
    expect(few).toBeGreaterThan(0)
    expect(few).toBeLessThanOrEqual(128)
    const others = Array.from({ length: 500 }, (_, i) => found(i + 1001)).filter(Boolean).length
    expect(few + others).toBe(index.size)
    rows.compared = 0
    index.find(12345, 'none of them', rows)
    expect(rows.compared).toBeLessThanOrEqual(128)
  })
})
