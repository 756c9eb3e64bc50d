/**
 * The index of keys agrees with plain sets about readers and writers, and ranges are visited in order.
 */
import * as fc from 'fast-check'
import type { Key } from '../../../src/base/bytes'
import { rangeContains } from '../../../src/base/key-range'
import { KeyIndex } from '../../../src/mvcc/key-index'
import type { KeyRecord, TransactionNode } from '../../../src/mvcc/transaction-node'
import { active, committed } from './graph-parts'

const KEYS = ['', 'a', 'ab', 'b', 'c', '\xff']

interface Model {
  readonly readersByKey: Map<Key, Set<TransactionNode>>
  readonly writersByKey: Map<Key, TransactionNode[]>
}

const anyStep = fc.record({
  verb: fc.constantFrom('read', 'unread', 'write', 'forget', 'range'),
  key: fc.constantFrom(...KEYS),
  node: fc.nat(4),
  end: fc.option(fc.constantFrom(...KEYS), { nil: undefined }),
})

function expectSame(index: KeyIndex, model: Model): void {
  index.checkInvariants()
  const used = KEYS.filter((key) => model.readersByKey.has(key) || model.writersByKey.has(key))
  expect(index.size).toBe(used.length)
  for (const key of KEYS) {
    const record = index.get(key)
    const readers: TransactionNode[] = []
    if (record?.readers instanceof Set) readers.push(...record.readers)
    else if (record?.readers !== undefined) readers.push(record.readers)
    expect(readers).toEqual([...(model.readersByKey.get(key) ?? [])])
    expect(record?.writers?.slice(record.forgotten) ?? []).toEqual(model.writersByKey.get(key) ?? [])
  }
}

describe('the key index', () => {
  test('agrees with plain sets and lists after every step', () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 60 }), (steps) => {
        const index = new KeyIndex()
        const model: Model = { readersByKey: new Map(), writersByKey: new Map() }
        const readers = [0, 1, 2, 3, 4].map((id) => active(id + 1, 0))
        let commit = 0
        for (const { verb, key, node, end } of steps) {
          const reader = readers[node]!
          const known = model.readersByKey.get(key)
          const writers = model.writersByKey.get(key)
          if (verb === 'read') {
            expect(index.addReader(key, reader)).toBe(index.get(key))
            if (known === undefined) model.readersByKey.set(key, new Set([reader]))
            else known.add(reader)
          } else if (verb === 'unread' && known?.has(reader) === true) {
            index.removeReader(index.get(key)!, reader)
            known.delete(reader)
            if (known.size === 0) model.readersByKey.delete(key)
          } else if (verb === 'write') {
            const writer = committed(10 + commit, commit, ++commit)
            index.addWriter(key, writer)
            model.writersByKey.set(key, [...(writers ?? []), writer])
          } else if (verb === 'forget' && writers !== undefined) {
            index.removeWriter(index.get(key)!, writers[0]!)
            if (writers.length === 1) model.writersByKey.delete(key)
            else model.writersByKey.set(key, writers.slice(1))
          } else if (verb === 'range') {
            const range = { start: key, end }
            const visited: Key[] = []
            index.forEachInRange(range, (record) => visited.push(record.key))
            const used = KEYS.filter((each) => model.readersByKey.has(each) || model.writersByKey.has(each))
            expect(visited).toEqual(used.filter((each) => rangeContains(range, each)))
          }
          expectSame(index, model)
        }
      }),
      { numRuns: 400 },
    )
  })

  test('counts a reader of a key once, however often it reads it', () => {
    const index = new KeyIndex()
    const reader = active(1, 0)
    expect(index.addReader('k', reader)).toBe(index.addReader('k', reader))
    expect(index.readerCount).toBe(1)
  })

  test('keeps a record while it has a reader or a writer, and not a moment longer', () => {
    const index = new KeyIndex()
    const reader = active(1, 0)
    const writer = committed(2, 0, 1)
    const record: KeyRecord = index.addReader('k', reader)
    index.addWriter('k', writer)
    index.forEachInRange({ start: '', end: undefined }, () => undefined)
    index.removeReader(record, reader)
    expect(index.get('k')).toBe(record)
    index.removeWriter(record, writer)
    expect(index.get('k')).toBeUndefined()
    expect(index.size).toBe(0)
    index.checkInvariants()
  })

  test('refuses writers out of commit order, and removals of strangers', () => {
    const index = new KeyIndex()
    const [older, newer] = [committed(1, 0, 1), committed(2, 0, 2)]
    const record = index.addWriter('k', newer)
    expect(() => index.addWriter('k', older)).toThrow('writers of a key ascend by commit')
    expect(() => {
      index.removeReader(record, older)
    }).toThrow('a removed reader was registered')
    const latest = committed(3, 2, 3)
    index.addWriter('k', latest)
    expect(() => {
      index.removeWriter(record, latest)
    }).toThrow('writers are forgotten in commit order')
  })
})
