import type { Key } from '../../../src/base/bytes'
import { choosePlace, isInMemtables } from '../../../src/storage/load-place'
import { Memtables } from '../../../src/storage/memtable/memtables'
import type { Table } from '../../../src/storage/table/table'
import type { PlacedFile } from '../../../src/storage/table/table-set'
import { TableFile, TableSet } from '../../../src/storage/table/table-set'
import { del, delRange, put } from '../../contract/engine/engine-driver'

let fileNumber = 0

function table(level: number, run: number, start: Key, end: Key): PlacedFile {
  const properties = {
    fileNumber: ++fileNumber,
    bounds: { start, end },
    fileBytes: 100,
    firstSequence: 1,
    lastSequence: 1,
  }
  const file = new TableFile({ properties, unpin: () => undefined } as unknown as Table)
  return { level, run, file }
}

function placeIn(...places: PlacedFile[]): { level: number; run: number } {
  return choosePlace(new TableSet(places, () => undefined), { start: 'm', end: 'n' })
}

describe('loaded tables go', () => {
  test('into the last level where nothing overlaps them, as its newest', () => {
    expect(placeIn()).toEqual({ level: 1, run: 1 })
    expect(placeIn(table(0, 3, 'a', 'm'), table(2, 5, 'n', 'z'))).toEqual({ level: 2, run: 6 })
  })

  test('above the first level that has something of their range, also where that is only a gap of one of its tables', () => {
    expect(placeIn(table(3, 1, 'a', 'z'))).toEqual({ level: 2, run: 1 })
    expect(placeIn(table(3, 1, 'a', 'z'), table(2, 4, 'mm', 'mn'), table(1, 2, 'a', 'b'))).toEqual({ level: 1, run: 3 })
  })

  test('into a newer run of the level itself where only level 0 would be above it', () => {
    expect(placeIn(table(1, 7, 'a', 'z'), table(0, 2, 'a', 'b'))).toEqual({ level: 1, run: 8 })
    expect(placeIn(table(0, 2, 'a', 'z'), table(0, 1, 'a', 'b'))).toEqual({ level: 0, run: 3 })
  })
})

describe('memtables stand in the way', () => {
  const range = { start: 'm', end: 'n' }

  test.each([
    ['a row', [put('m', '1')], true],
    ['a tombstone', [del('mm')], true],
    ['a range tombstone that reaches into the range', [delRange('a', 'm\0')], true],
    ['a range tombstone to the last key', [delRange('a', undefined)], true],
    ['rows beside it', [put('l', '1'), put('n', '1')], false],
    ['a range tombstone that ends where it begins', [delRange('a', 'm')], false],
    ['nothing', [], false],
  ] as const)('with %s', (_name, batch, expected) => {
    const memtables = new Memtables(0)
    memtables.insert(batch, 1)
    expect(isInMemtables(memtables, range)).toBe(expected)
    memtables.freeze()
    expect(isInMemtables(memtables, range)).toBe(expected)
    expect(isInMemtables(memtables, { start: 'm', end: undefined })).toBe(
      expected || batch.some(({ key }) => key === 'n'),
    )
  })
})
