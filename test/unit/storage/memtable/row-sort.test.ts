import * as fc from 'fast-check'
import { MemtableRows } from '../../../../src/storage/memtable/memtable-rows'
import { sortRows } from '../../../../src/storage/memtable/row-sort'
import { check } from '../rows/version-model'

const file = 'test/unit/storage/memtable/row-sort.test.ts'

function sortedKeys(keys: readonly string[]): string[] {
  const rows = new MemtableRows()
  const places = Uint32Array.from(keys, (key) => rows.add(key, undefined, 1))
  sortRows(rows, places)
  return [...places].map((place) => rows.keyAt(place))
}

function expectSorted(keys: readonly string[]): void {
  const expected = [...keys].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  const actual = sortedKeys(keys)
  // Compared by hand: a failed comparison of thousands of keys would print them all.
  for (const [i, key] of expected.entries()) {
    if (key !== actual[i]) throw new Error(`${JSON.stringify(actual[i])} stands where ${JSON.stringify(key)} belongs`)
  }
  expect(actual).toHaveLength(expected.length)
}

/** Keys of few symbols, so that they share much and begin each other. */
function keysOf(symbols: string, lengthMax: number): fc.Arbitrary<string[]> {
  const key = fc.array(fc.constantFrom(...Array.from(symbols)), { maxLength: lengthMax }).map((chars) => chars.join(''))
  return fc.uniqueArray(key, { minLength: 17, maxLength: 300 })
}

describe('rows are sorted by the bytes of their keys', () => {
  it.each([
    ['two symbols', '\x00a', 60],
    ['zeros and bytes above', '\x00\x01\xff', 9],
    ['digits', '0123456789', 20],
    ['every byte', Array.from({ length: 256 }, (_, i) => String.fromCharCode(i)).join(''), 8],
  ])('of %s', async (_name, symbols, lengthMax) => {
    await check(
      file,
      fc.property(keysOf(symbols, lengthMax), fc.string({ maxLength: 3, unit: 'binary-ascii' }), (keys, shared) => {
        expectSorted(keys.map((key) => shared + key))
      }),
    )
  })

  it('none, one, and keys that are the beginning of each other', () => {
    expect(sortedKeys([])).toEqual([])
    expect(sortedKeys(['only'])).toEqual(['only'])
    expectSorted(Array.from({ length: 2000 }, (_, i) => '\x00'.repeat(1999 - i)))
    expectSorted(Array.from({ length: 600 }, (_, i) => `${'x'.repeat((i * 7) % 600)}${i % 2 === 0 ? '' : '\x00'}`))
  })

  it('those of one key in the order they came in, however many there are', () => {
    for (const count of [2, 16, 17, 3_000]) {
      for (const distinct of [1, 3, 100]) {
        const rows = new MemtableRows()
        const keyOfRow = (i: number): string => 'k'.repeat((i * 7) % distinct)
        const places = Uint32Array.from({ length: count }, (_, i) => rows.add(keyOfRow(i), undefined, i + 1))
        sortRows(rows, places)
        const sequences = [...places].map((place) => rows.sequenceAt(place))
        const expected = Array.from({ length: count }, (_, i) => i)
          .sort((a, b) => keyOfRow(a).length - keyOfRow(b).length || a - b)
          .map((i) => i + 1)
        expect(sequences).toEqual(expected)
      }
    }
  })

  it('many thousands, in whatever order they came', () => {
    const numbers = Array.from({ length: 40_000 }, (_, i) => (i * 7919) % 40_000)
    expectSorted(numbers.map((number) => `user:${String(number).padStart(20, '0')}:profile`))
    expectSorted(numbers.map((number) => String.fromCharCode(number >> 8, number & 255, (number * 31) & 255)))
  })
})
