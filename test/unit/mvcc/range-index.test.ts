/**
 * The index of ranges gives the same answers as a plain list, whatever is put in, grown and taken out.
 */
import * as fc from 'fast-check'
import type { Key } from '../../../src/base/bytes'
import { compareEnds, rangeContains, rangesOverlap } from '../../../src/base/key-range'
import type { RangeEntry } from '../../../src/mvcc/range-index'
import { RangeIndex } from '../../../src/mvcc/range-index'

type Step =
  | { readonly verb: 'insert'; readonly start: Key; readonly end: Key | undefined }
  | { readonly verb: 'remove'; readonly pick: number }
  | { readonly verb: 'extend'; readonly pick: number; readonly end: Key | undefined }
  | { readonly verb: 'stab'; readonly key: Key }
  | { readonly verb: 'overlap'; readonly start: Key; readonly end: Key | undefined }

const anyKey = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '\0', '\xff'), maxLength: 3 })
const anyEnd = fc.option(anyKey, { nil: undefined, freq: 6 })
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ verb: fc.constant('insert' as const), start: anyKey, end: anyEnd }) },
  { weight: 2, arbitrary: fc.record({ verb: fc.constant('remove' as const), pick: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ verb: fc.constant('extend' as const), pick: fc.nat(), end: anyEnd }) },
  { weight: 3, arbitrary: fc.record({ verb: fc.constant('stab' as const), key: anyKey }) },
  { weight: 3, arbitrary: fc.record({ verb: fc.constant('overlap' as const), start: anyKey, end: anyEnd }) },
)

function idsOf(visited: readonly [number, RangeEntry<number>][]): number[] {
  for (const [value, entry] of visited) expect(entry.value).toBe(value)
  const ids = visited.map(([value]) => value)
  expect(new Set(ids).size).toBe(ids.length)
  return ids.sort((a, b) => a - b)
}

function runSteps(steps: readonly Step[]): void {
  const index = new RangeIndex<number>()
  const list: RangeEntry<number>[] = []
  let made = 0
  for (const step of steps) {
    const visited: [number, RangeEntry<number>][] = []
    if (step.verb === 'insert') {
      if (step.end !== undefined && step.end <= step.start) continue
      list.push(index.insert(step.start, step.end, made++))
    } else if (step.verb === 'remove') {
      const [entry] = list.splice(step.pick % Math.max(1, list.length), 1)
      if (entry === undefined) continue
      index.remove(entry)
      expect(index.has(entry)).toBe(false)
    } else if (step.verb === 'extend') {
      const entry = list[step.pick % Math.max(1, list.length)]
      if (entry === undefined || compareEnds(entry.end, step.end) > 0) continue
      index.extendEnd(entry, step.end)
      expect(entry.end).toBe(step.end)
    } else if (step.verb === 'stab') {
      index.stab(step.key, (value, entry) => visited.push([value, entry]))
      const expected = list.filter((entry) => rangeContains(entry, step.key)).map(({ value }) => value)
      expect(idsOf(visited)).toEqual(expected.sort((a, b) => a - b))
    } else {
      if (step.end !== undefined && step.end <= step.start) continue
      index.overlaps(step, (value, entry) => visited.push([value, entry]))
      const expected = list.filter((entry) => rangesOverlap(entry, step)).map(({ value }) => value)
      expect(idsOf(visited)).toEqual(expected.sort((a, b) => a - b))
    }
    index.checkInvariants()
    expect(index.size).toBe(list.length)
    for (const entry of list) expect(index.has(entry)).toBe(true)
  }
}

describe('the range index', () => {
  test('answers as a list does', () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 60 }), (steps) => {
        runSteps(steps)
      }),
      { numRuns: 400 },
    )
  })

  test('holds equal ranges apart: each leaves by its own handle', () => {
    const index = new RangeIndex<string>()
    const entries = ['first', 'second', 'third'].map((value) => index.insert('b', 'd', value))
    index.remove(entries[1]!)
    const held: string[] = []
    index.stab('c', (value) => held.push(value))
    expect(held.sort()).toEqual(['first', 'third'])
    index.checkInvariants()
  })

  test('visits in the order of starts', () => {
    const index = new RangeIndex<string>()
    for (const start of ['d', 'a', 'c', 'b']) index.insert(start, 'z', start)
    const starts: string[] = []
    index.overlaps({ start: 'e', end: 'f' }, (start) => starts.push(start))
    expect(starts).toEqual(['a', 'b', 'c', 'd'])
  })

  test('stays shallow when ranges come in order: a hundred thousand are built, asked and taken out again', () => {
    const index = new RangeIndex<number>()
    const entries: RangeEntry<number>[] = []
    const keyOf = (i: number): Key => String(i).padStart(6, '0')
    for (let i = 0; i < 100_000; i++) entries.push(index.insert(keyOf(i), keyOf(i + 1), i))
    const found: number[] = []
    index.stab(keyOf(77_777), (value) => found.push(value))
    expect(found).toEqual([77_777])
    for (const entry of entries) index.remove(entry)
    expect(index.size).toBe(0)
    index.checkInvariants()
  })

  test('refuses an empty range, a shrinking one and a second removal', () => {
    const index = new RangeIndex<string>()
    expect(() => index.insert('b', 'b', 'empty')).toThrow('an indexed range is not empty')
    const entry = index.insert('a', 'm', 'it')
    expect(() => {
      index.extendEnd(entry, 'c')
    }).toThrow('does not shrink')
    index.remove(entry)
    expect(() => {
      index.remove(entry)
    }).toThrow('a removed range was indexed')
    expect(() => {
      index.extendEnd(entry, 'z')
    }).toThrow('a growing range is indexed')
  })
})
