/**
 * The multiset of snapshots agrees with a plain list about its minimum, its size and its values.
 */
import * as fc from 'fast-check'
import { SnapshotSet } from '../../../src/mvcc/snapshots'

/** Distinct values of a list, ascending. */
function distinct(list: readonly number[]): number[] {
  return [...new Set(list)].sort((a, b) => a - b)
}

function expectSame(set: SnapshotSet, list: readonly number[]): void {
  expect(set.size).toBe(list.length)
  expect(set.min).toBe(Math.min(Infinity, ...list))
  expect([...set.values()]).toEqual(distinct(list))
}

describe('the set of snapshots', () => {
  test('agrees with a list, whatever order sequences come and go in', () => {
    const anyStep = fc.record({ add: fc.boolean(), sequence: fc.nat(12), pick: fc.nat() })
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 80 }), (steps) => {
        const set = new SnapshotSet()
        const list: number[] = []
        for (const { add, sequence, pick } of steps) {
          if (add || list.length === 0) {
            set.add(sequence)
            list.push(sequence)
          } else {
            const [removed] = list.splice(pick % list.length, 1)
            set.remove(removed!)
          }
          expectSame(set, list)
        }
      }),
      { numRuns: 500 },
    )
  })

  test('agrees with a list while thousands pass through it in order and an old one stays', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.boolean(), (window, keepsOldest) => {
        const set = new SnapshotSet()
        const list: number[] = []
        if (keepsOldest) {
          set.add(0)
          list.push(0)
        }
        const from = list.length
        for (let sequence = 1; sequence < 1000; sequence++) {
          set.add(sequence)
          list.push(sequence)
          if (list.length - from > window) {
            const [removed] = list.splice(from + (sequence % window), 1)
            set.remove(removed!)
          }
          if (sequence % 50 === 0) expectSame(set, list)
        }
        for (const sequence of list) set.remove(sequence)
        expectSame(set, [])
      }),
      { numRuns: 40 },
    )
  })

  test('two snapshots at one sequence are two: releasing one keeps the other', () => {
    const set = new SnapshotSet()
    set.add(5)
    set.add(5)
    set.remove(5)
    expect(set.min).toBe(5)
    expect([...set.values()]).toEqual([5])
    set.remove(5)
    expect(set.min).toBe(Infinity)
  })

  test('refuses to release what is not held', () => {
    const set = new SnapshotSet()
    set.add(5)
    expect(() => {
      set.remove(4)
    }).toThrow('a released snapshot was held')
    set.remove(5)
    expect(() => {
      set.remove(5)
    }).toThrow('a released snapshot was held')
  })
})
