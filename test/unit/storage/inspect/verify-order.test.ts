import { ENTRY_DELETE, ENTRY_PUT } from '../../../../src/storage/engine'
import { verifyOrder } from '../../../../src/storage/inspect/verify-order'
import { TableFile, TableSet } from '../../../../src/storage/table/table-set'
import type { ModelHistory, ModelVersion } from '../rows/version-model'
import { openTestTable, smallTable, writeTable } from '../table/table-world'

function put(key: string, sequence: number): ModelVersion {
  return { key, sequence, kind: ENTRY_PUT, value: Buffer.from(key) }
}

function historyWith(
  versions: readonly ModelVersion[],
  rangeTombstones: ModelHistory['rangeTombstones'] = [],
): ModelHistory {
  return { versions, rangeTombstones }
}

/** What is told of a store with one table on each of two levels, the first above the second. */
async function told(upper: ModelHistory, lower: ModelHistory): Promise<string[]> {
  const places = []
  for (const [i, history] of [upper, lower].entries()) {
    const { file } = await writeTable(history, { ...smallTable, fileNumber: 7 + i })
    const { table } = await openTestTable(file, { fileNumber: 7 + i })
    places.push({ level: i + 1, run: 1, file: new TableFile(table) })
  }
  const messages: string[] = []
  const damage = (older: number, what: string): void => void messages.push(`${older}: ${what}`)
  await verifyOrder(new TableSet(places, () => undefined), { damage, count: () => undefined, isSound: () => true })
  return messages
}

describe('the order of tables', () => {
  it('is right where everything above is newer, also where sequences interleave', async () => {
    expect(await told(historyWith([put('a', 9)]), historyWith([put('a', 3)]))).toEqual([])
    const upper = historyWith([
      put('a', 5),
      put('c', 12),
      { key: 'e', sequence: 6, kind: ENTRY_DELETE, value: undefined },
    ])
    expect(await told(upper, historyWith([put('a', 4), put('b', 11), put('d', 13), put('e', 5)]))).toEqual([])
  })

  it('is wrong where a table below has something newer of a key', async () => {
    const messages = await told(historyWith([put('a', 5), put('b', 6)]), historyWith([put('a', 3), put('b', 7)]))
    expect(messages).toEqual(['8: it holds something of "b" that is newer than what table 7 above it has'])
  })

  it('is wrong where both have the same version', async () => {
    expect(await told(historyWith([put('a', 5)]), historyWith([put('a', 5)]))).toHaveLength(1)
  })

  it('is wrong where a range tombstone above is older than a row below', async () => {
    const tombstone = { start: 'a', end: 'c', sequence: 5 }
    expect(await told(historyWith([], [tombstone]), historyWith([put('b', 8)]))).toHaveLength(1)
    expect(await told(historyWith([], [tombstone]), historyWith([put('b', 4)]))).toEqual([])
    expect(await told(historyWith([put('a', 9)], [tombstone]), historyWith([put('c', 8)]))).toEqual([])
  })

  it('is wrong where a range tombstone below is newer than a row above', async () => {
    const tombstone = { start: 'a', end: 'c', sequence: 8 }
    expect(await told(historyWith([put('b', 5)]), historyWith([], [tombstone]))).toHaveLength(1)
    expect(await told(historyWith([put('b', 9)]), historyWith([], [tombstone]))).toEqual([])
  })
})
