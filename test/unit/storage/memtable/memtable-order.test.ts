import * as fc from 'fast-check'
import type { Key } from '../../../../src/base/bytes'
import { GatheredOrder, TreeOrder } from '../../../../src/storage/memtable/memtable-order'
import type { OrderedRows, RowOrder } from '../../../../src/storage/memtable/memtable-order'
import { MemtableRows, PLACE_NONE } from '../../../../src/storage/memtable/memtable-rows'
import { check, modelKeys } from '../rows/version-model'

const file = 'test/unit/storage/memtable/memtable-order.test.ts'
const forms = { tree: TreeOrder, gathered: GatheredOrder, searchable: GatheredOrder }

interface World {
  readonly order: RowOrder
  readonly rows: MemtableRows
  /** Ascending, with their places. */
  readonly sorted: readonly (readonly [Key, number])[]
}

function worldOf(form: keyof typeof forms, keys: readonly Key[]): World {
  const rows = new MemtableRows()
  let order: RowOrder = new forms[form](rows)
  const placeByKey = new Map<Key, number>()
  for (const [i, key] of keys.entries()) {
    if (placeByKey.has(key)) continue
    const place = rows.add(key, Buffer.alloc(i % 5), 1)
    placeByKey.set(key, place)
    if (i % 2 === 0) order.add(key, place)
    else order.addRow(place)
    if (form === 'searchable') order = order.searchable()
  }
  const sorted = [...placeByKey].sort(([a], [b]) => (a < b ? -1 : 1))
  return { order, rows, sorted }
}

function rowsOf(fill: (into: OrderedRows) => void): (readonly [Key, number])[] {
  const into: OrderedRows = { keys: [], places: [] }
  fill(into)
  expect(into.places).toHaveLength(into.keys.length)
  return into.keys.map((key, i) => [key, into.places[i]!] as const)
}

describe.each(Object.keys(forms) as (keyof typeof forms)[])('the %s order of rows', (form) => {
  it('finds, and walks from anywhere in both directions, as a sorted list does', async () => {
    await check(
      file,
      fc.property(
        fc.array(modelKeys, { maxLength: 80 }),
        modelKeys,
        fc.integer({ min: 1, max: 90 }),
        (keys, at, max) => {
          const { order, sorted } = worldOf(form, keys)
          expect(order.size).toBe(sorted.length)
          for (const key of [at, ...keys]) {
            expect(order.find(key)).toBe(sorted.find(([other]) => other === key)?.[1] ?? PLACE_NONE)
            const from = sorted.filter(([other]) => other >= key)
            expect(rowsOf((into) => order.ascending(key, max, into))).toEqual(from.slice(0, max))
            const below = sorted.filter(([other]) => other < key).reverse()
            expect(rowsOf((into) => order.descending(key, max, into))).toEqual(below.slice(0, max))
            const behind = sorted.filter(([other]) => other > key).map(([, place]) => place)
            expect([...order.placesBehind(key, max)]).toEqual(behind.slice(0, max))
          }
          expect(rowsOf((into) => order.descending(undefined, max, into))).toEqual([...sorted].reverse().slice(0, max))
          expect([...order.placesBehind(undefined, max)]).toEqual(sorted.map(([, place]) => place).slice(0, max))
        },
      ),
    )
  })

  it('takes in rows after it was looked at', () => {
    const { order, rows } = worldOf(form, ['b', 'd'])
    expect(rowsOf((into) => order.ascending('', 10, into)).map(([key]) => key)).toEqual(['b', 'd'])
    order.addRow(rows.add('c', undefined, 2))
    order.add('a', rows.add('a', undefined, 3))
    expect(rowsOf((into) => order.ascending('', 10, into)).map(([key]) => key)).toEqual(['a', 'b', 'c', 'd'])
  })
})
