import * as fc from 'fast-check'
import { rangeContains } from '../../../../src/base/key-range'
import {
  clipRangeTombstones,
  RangeTombstoneIndex,
  retainRangeTombstones,
  sortRangeTombstones,
} from '../../../../src/storage/rows/range-tombstones'
import type { RangeTombstone } from '../../../../src/storage/rows/version-cursor'
import { check, modelKeys, modelRanges, newestCovering } from './version-model'

const file = 'test/unit/storage/rows/range-tombstones.test.ts'

/** Ascending sequences, some equal. */
const lists: fc.Arbitrary<RangeTombstone[]> = fc
  .array(fc.tuple(modelRanges, fc.integer({ min: 0, max: 2 })), { maxLength: 60 })
  .map((items) => {
    let sequence = 1
    return items.map(([range, step]) => ({ start: range.start, end: range.end, sequence: (sequence += step) }))
  })

/** Enough keys to tell all different ranges apart. */
function edges(list: readonly RangeTombstone[]): string[] {
  const keys = new Set<string>([''])
  for (const { start, end } of list) for (const key of [start, end ?? '\xff\xff\xff']) keys.add(key).add(`${key}\0`)
  return [...keys].sort()
}

describe('an index of range tombstones', () => {
  it('finds the newest one at or below a sequence that covers a key', async () => {
    await check(
      file,
      fc.property(lists, fc.array(modelKeys, { maxLength: 10 }), (list, keys) => {
        const index = new RangeTombstoneIndex()
        for (const { start, end, sequence } of list) index.insert(start, end, sequence)
        index.checkInvariants()
        const shuffled = RangeTombstoneIndex.from([...list].reverse())
        for (const key of [...keys, ...edges(list)]) {
          for (let sequence = 0; sequence <= (list.at(-1)?.sequence ?? 0) + 1; sequence += 3) {
            const expected = newestCovering(list, key, sequence)
            if (
              index.newestCovering(key, sequence) !== expected ||
              shuffled.newestCovering(key, sequence) !== expected
            ) {
              expect([key, sequence, index.newestCovering(key, sequence)]).toEqual([key, sequence, expected])
            }
          }
        }
        expect(index.list()).toEqual(sortRangeTombstones(list))
        expect(index.size).toBe(list.length)
      }),
    )
  })

  it('stays small for a queue that deletes ever longer ranges', () => {
    const index = new RangeTombstoneIndex()
    const name = (i: number): string => String(i).padStart(6, '0')
    const count = 20_000
    for (let i = 1; i <= count; i++) index.insert('', name(i), i)
    index.checkInvariants()
    for (let i = 0; i < count; i += 111) {
      expect(index.newestCovering(name(i), count)).toBe(count)
      expect(index.newestCovering(name(i), i)).toBe(0)
      expect(index.newestCovering(name(i), i + 1)).toBe(i + 1)
    }
  })
})

describe('retention of range tombstones', () => {
  it('answers at every snapshot and above as all of them did, with ranges equal or disjoint', async () => {
    const snapshots = fc.array(fc.nat({ max: 70 }), { maxLength: 5 })
    await check(
      file,
      fc.property(lists, snapshots, (list, at) => {
        const kept = retainRangeTombstones(list, at)
        expect(kept).toEqual(sortRangeTombstones(kept))
        const greatest = Math.max(0, ...at)
        const last = list.at(-1)?.sequence ?? 0
        for (const key of edges([...list, ...kept])) {
          for (const sequence of at) {
            const expected = newestCovering(list, key, sequence)
            if (newestCovering(kept, key, sequence) !== expected) expect([key, sequence, kept]).toBe(expected)
          }
          for (let sequence = greatest + 1; sequence <= last; sequence++) {
            const expected = newestCovering(list, key, sequence)
            if (newestCovering(kept, key, sequence) !== expected) expect([key, sequence, kept]).toBe(expected)
          }
        }
        for (const a of kept) {
          for (const b of kept) {
            if (a.start === b.start) expect(a.end).toBe(b.end)
            else expect(rangeContains(a, b.start)).toBe(false)
          }
        }
        // Nothing is kept that no snapshot can tell from a newer one.
        for (const { start, sequence } of kept) {
          const isSeen =
            sequence > greatest || at.some((snapshot) => newestCovering(list, start, snapshot) === sequence)
          if (!isSeen) expect(kept).toBe(`without ${sequence} at ${start}`)
        }
      }),
    )
  })

  it('keeps one of a queue that deletes ever longer ranges', () => {
    const list = Array.from({ length: 1000 }, (_, i) => ({ start: '', end: `k${1000 + i}`, sequence: i + 1 }))
    expect(retainRangeTombstones(list, [1000])).toEqual([{ start: '', end: 'k1999', sequence: 1000 }])
    expect(retainRangeTombstones(list, [500, 1000])).toEqual([
      { start: '', end: 'k1499', sequence: 1000 },
      { start: '', end: 'k1499', sequence: 500 },
      { start: 'k1499', end: 'k1999', sequence: 1000 },
    ])
    expect(retainRangeTombstones([], [5])).toEqual([])
  })

  it('clips to a range', () => {
    const list = [
      { start: 'a', end: 'c', sequence: 1 },
      { start: 'b', end: undefined, sequence: 2 },
      { start: 'x', end: 'z', sequence: 3 },
    ]
    expect(clipRangeTombstones(list, { start: 'bb', end: 'd' })).toEqual([
      { start: 'bb', end: 'c', sequence: 1 },
      { start: 'bb', end: 'd', sequence: 2 },
    ])
    expect(clipRangeTombstones(list, { start: 'y', end: undefined })).toEqual([
      { start: 'y', end: undefined, sequence: 2 },
      { start: 'y', end: 'z', sequence: 3 },
    ])
  })
})
