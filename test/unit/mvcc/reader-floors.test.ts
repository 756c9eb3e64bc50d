/**
 * Floors of readers without writes: the greatest for each key, never too low, dropped by generations, bounded.
 */
import * as fc from 'fast-check'
import type { Key } from '../../../src/base/bytes'
import type { KeyRange } from '../../../src/base/key-range'
import { rangeContains, rangesOverlap } from '../../../src/base/key-range'
import type { TxRef } from '../../../src/base/serialization-report'
import type { GrowingFloor } from '../../../src/mvcc/reader-floors'
import { ReaderFloors } from '../../../src/mvcc/reader-floors'

const MANY = 1_000_000

function reader(snapshot: number, id = snapshot): TxRef {
  return { id, snapshot }
}

function growing(): GrowingFloor {
  return { entry: undefined, index: undefined }
}

describe('the floors of readers', () => {
  test('a key has the greatest floor of those who read it, by itself or in a range', () => {
    const floors = new ReaderFloors(MANY)
    floors.addKey('k', reader(3))
    floors.addRange({ start: 'a', end: 'm' }, reader(5), false)
    floors.addRange({ start: 'j', end: undefined }, reader(4), false)
    expect(floors.ofKey('k', 0)?.sequence).toBe(5)
    expect(floors.ofKey('z', 0)?.sequence).toBe(4)
    expect(floors.ofKey('a', 5)).toBeUndefined()
    expect(floors.ofKey('k', 4)?.reader.id).toBe(5)
  })

  test('a late reader at an older snapshot does not lower a floor', () => {
    const floors = new ReaderFloors(MANY)
    floors.addKey('k', reader(7))
    floors.addKey('k', reader(2))
    expect(floors.ofKey('k', 0)?.sequence).toBe(7)
    expect(floors.size).toBe(1)
  })

  test('a deleted range takes up the greatest floor of any key or range in it', () => {
    const floors = new ReaderFloors(MANY)
    floors.addKey('b', reader(2))
    floors.addKey('d', reader(9))
    floors.addRange({ start: 'c', end: 'd' }, reader(4), false)
    expect(floors.ofRange({ start: 'a', end: 'd' }, 0)?.sequence).toBe(4)
    expect(floors.ofRange({ start: 'a', end: 'e' }, 0)?.sequence).toBe(9)
    expect(floors.ofRange({ start: 'e', end: undefined }, 0)).toBeUndefined()
    expect(floors.ofRange({ start: 'a', end: 'd' }, 4)).toBeUndefined()
  })

  test('are never below those of a list of all readers, and exact until something was dropped', () => {
    const anyKey = fc.constantFrom('a', 'b', 'c', 'd', 'e')
    const anyStep = fc.record({
      verb: fc.constantFrom('key', 'range', 'ask', 'askRange', 'drop'),
      start: anyKey,
      end: fc.option(anyKey, { nil: undefined }),
      sequence: fc.integer({ min: 1, max: 9 }),
    })
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 50 }), (steps) => {
        const floors = new ReaderFloors(MANY)
        const all: { readonly range: KeyRange; readonly sequence: number }[] = []
        let oldest = 0
        for (const { verb, start, end, sequence } of steps) {
          const range = { start, end }
          if (end !== undefined && end <= start) continue
          const greatest = (covers: (each: KeyRange) => boolean, above: number): number | undefined => {
            const found = all.filter((each) => each.sequence > above && covers(each.range)).map((each) => each.sequence)
            return found.length === 0 ? undefined : Math.max(...found)
          }
          if (verb === 'key') {
            floors.addKey(start, reader(sequence))
            all.push({ range: { start, end: `${start}\0` }, sequence })
          } else if (verb === 'range') {
            floors.addRange(range, reader(sequence), false)
            all.push({ range, sequence })
          } else if (verb === 'drop') {
            oldest = Math.max(oldest, sequence)
            floors.dropBelow(oldest)
          } else {
            // Whoever asks is active, so it has a snapshot that was not dropped below: only greater floors count.
            const above = Math.max(oldest, sequence)
            const found = verb === 'ask' ? floors.ofKey(start, above) : floors.ofRange(range, above)
            const covers = (each: KeyRange): boolean =>
              verb === 'ask' ? rangeContains(each, start) : rangesOverlap(each, range)
            expect(found?.sequence).toBe(greatest(covers, above))
          }
          floors.checkInvariants()
        }
      }),
      { numRuns: 500 },
    )
  })

  test('are dropped whole once no active read-write transaction is older: one drop where nothing younger came', () => {
    const floors = new ReaderFloors(MANY)
    floors.addKey('k', reader(3))
    floors.addRange({ start: 'a', end: 'b' }, reader(2), false)
    floors.dropBelow(2)
    expect(floors.ofKey('k', 2)?.sequence).toBe(3)
    floors.dropBelow(3)
    expect(floors.size).toBe(0)
  })

  test('a generation stays while an active read-write transaction is older than its greatest floor', () => {
    const floors = new ReaderFloors(MANY)
    floors.addKey('old', reader(3))
    floors.dropBelow(1)
    floors.addKey('young', reader(8))
    floors.dropBelow(2)
    expect(floors.ofKey('old', 2)?.sequence).toBe(3)
    floors.dropBelow(3)
    expect(floors.ofKey('old', 2)).toBeUndefined()
    expect(floors.ofKey('young', 3)?.sequence).toBe(8)
    floors.dropBelow(Infinity)
    floors.dropBelow(Infinity)
    expect(floors.size).toBe(0)
  })

  test('an interval that a cursor reads upwards stays one record', () => {
    const floors = new ReaderFloors(MANY)
    const cursor = growing()
    for (const [start, end] of [
      ['a', 'b'],
      ['b', 'd'],
      ['d', 'f'],
    ] as const) {
      floors.growRange(cursor, { start, end }, reader(4))
    }
    expect(floors.size).toBe(1)
    expect(['a', 'c', 'e'].map((key) => floors.ofKey(key, 0)?.sequence)).toEqual([4, 4, 4])
    expect(floors.ofKey('f', 0)).toBeUndefined()
  })

  test('an interval that a cursor reads downwards stays one record', () => {
    const floors = new ReaderFloors(MANY)
    const cursor = growing()
    for (const [start, end] of [
      ['t', undefined],
      ['k', 't'],
      ['c', 'k'],
    ] as const) {
      floors.growRange(cursor, { start, end }, reader(4))
    }
    expect(floors.size).toBe(1)
    expect(['c', 'k', 'z'].map((key) => floors.ofKey(key, 0)?.sequence)).toEqual([4, 4, 4])
    expect(floors.ofKey('b', 0)).toBeUndefined()
  })

  test('parts that do not touch are records of their own: what lies between was not read', () => {
    const floors = new ReaderFloors(MANY)
    const cursor = growing()
    floors.growRange(cursor, { start: 'a', end: 'b' }, reader(4))
    floors.growRange(cursor, { start: 'c', end: 'd' }, reader(4))
    expect(floors.ofKey('b', 0)).toBeUndefined()
    expect(floors.ofKey('c', 0)?.sequence).toBe(4)
  })

  test('a cursor goes on after its record has moved to the older generation, or was dropped', () => {
    const floors = new ReaderFloors(MANY)
    const [up, down] = [growing(), growing()]
    floors.growRange(up, { start: 'a', end: 'b' }, reader(4))
    floors.growRange(down, { start: 'y', end: 'z' }, reader(4))
    floors.dropBelow(1)
    floors.growRange(up, { start: 'b', end: 'c' }, reader(4))
    floors.growRange(down, { start: 'x', end: 'y' }, reader(4))
    expect(['a', 'b', 'x', 'y'].map((key) => floors.ofKey(key, 0)?.sequence)).toEqual([4, 4, 4, 4])
    floors.dropBelow(Infinity)
    floors.dropBelow(Infinity)
    floors.growRange(up, { start: 'c', end: 'd' }, reader(4))
    expect(floors.ofKey('c', 0)?.sequence).toBe(4)
    floors.checkInvariants()
  })

  describe('beyond the limit', () => {
    function beyondLimit(): ReaderFloors {
      const floors = new ReaderFloors(2)
      floors.addKey('a', reader(3))
      floors.addKey('b', reader(7))
      floors.addKey('c', reader(5))
      return floors
    }

    test('collapse into one floor under every key, the greatest, which says that it was merged', () => {
      const floors = beyondLimit()
      expect(floors.size).toBe(1)
      for (const key of ['a', 'never read', '\xff'] satisfies Key[]) {
        expect(floors.ofKey(key, 0)).toMatchObject({ sequence: 7, merged: true })
      }
      expect(floors.ofRange({ start: 'x', end: 'y' }, 6)).toMatchObject({ sequence: 7, merged: true })
      expect(floors.ofKey('a', 7)).toBeUndefined()
    })

    test('an exact floor above the collapsed one is exact', () => {
      const floors = beyondLimit()
      floors.addKey('a', reader(9))
      expect(floors.ofKey('a', 0)).toMatchObject({ sequence: 9, merged: false })
      expect(floors.ofKey('b', 0)).toMatchObject({ sequence: 7, merged: true })
    })

    test('the collapsed floor never sinks, and is dropped like any other', () => {
      const floors = beyondLimit()
      for (const key of ['d', 'e', 'f', 'g']) floors.addKey(key, reader(1))
      expect(floors.ofKey('x', 0)?.sequence).toBe(7)
      floors.dropBelow(6)
      expect(floors.ofKey('x', 6)?.sequence).toBe(7)
      floors.dropBelow(7)
      floors.dropBelow(7)
      expect(floors.size).toBe(0)
    })
  })
})
