import * as fc from 'fast-check'
import { createKeySet } from '../../../../bench/support/key-sets'
import { shortestSeparator, TableIndex } from '../../../../src/storage/table/table-index'
import { BLOCK_BYTES, indexFileOf, indexOf, modelOf, rootOf, separatorsFrom, separatorsOf } from './index-world'
import type { Separator } from './index-world'
import { check, modelKeys } from '../rows/version-model'

const file = 'test/unit/storage/table/table-index.test.ts'

describe('the block index', () => {
  it('gives back every separator and the place of every block', () => {
    const separators: Separator[] = Array.from({ length: 400 }, (_, i) => ({
      key: `key ${String(i).padStart(5, '0')}${'x'.repeat(i % 9)}`,
      sequence: i > 200 && i % 3 === 0 ? 2 ** 40 + i : 0,
    }))
    const index = indexOf(separators, 'resident') as TableIndex
    separators.forEach(({ key, sequence }, i) => {
      expect([index.separatorKey(i), index.separatorSequence(i)]).toEqual([key, sequence])
      expect([index.blockOffset(i), index.blockEnd(i)]).toEqual([BLOCK_BYTES * i, BLOCK_BYTES * (i + 1)])
    })
  })

  it('separates two keys by one that is at or behind the first, before the second, and no longer than the first', async () => {
    await check(
      file,
      fc.property(modelKeys, modelKeys, (a, b) => {
        if (a === b) return
        const [last, next] = a < b ? [a, b] : [b, a]
        const separator = shortestSeparator(last, next)
        expect(separator >= last && separator < next && separator.length <= last.length).toBe(true)
      }),
      1000,
    )
    expect(shortestSeparator('user/0000123', 'user/0000987')).toBe('user/00002')
    expect(shortestSeparator('abc1', 'abd5')).toBe('abd')
    expect(shortestSeparator('ab', 'abc')).toBe('ab')
    expect(shortestSeparator('a\xff\xff', 'b')).toBe('a\xff\xff')
    expect(shortestSeparator('a\x10\xff', 'b')).toBe('a\x11')
  })

  it('is written with a model where the mode has one, and under auto where it pays', () => {
    const smooth = createKeySet('uniform', 40_000)
    const many = separatorsFrom((rank) => smooth.keyAt(rank), 1000, 40)
    expect(indexFileOf(many, 'auto').model).toBeDefined()
    expect(indexFileOf(many, 'resident').model).toBeDefined()
    expect(indexFileOf(many, 'lean').model).toBeDefined()
    expect(indexFileOf(many, 'binary').model).toBeUndefined()
    const tied = Array.from({ length: 1000 }, (_, i) => ({ key: `same beginning, then ${String(i).padStart(9, '0')}z`, sequence: 0 })) // prettier-ignore
    const spoilt = [{ key: 'a', sequence: 0 }, ...tied]
    expect(indexFileOf(spoilt, 'auto').model).toBeUndefined()
    expect(indexFileOf(spoilt, 'resident').model).toBeDefined()
    expect(indexFileOf(many.slice(0, 20), 'auto').model).toBeUndefined()
  })

  it('agrees with its own model, and with no model of other keys', () => {
    const set = createKeySet('lognormal', 40_000)
    const separators = separatorsFrom((rank) => set.keyAt(rank), 1000, 40)
    const encoded = indexFileOf(separators, 'binary')
    const index = new TableIndex(rootOf(encoded), separatorsOf(encoded), undefined)
    expect(index.agreesWith(modelOf(separators))).toBe(true)
    const other = createKeySet('uniform', 40_000)
    const others = separatorsFrom((rank) => other.keyAt(rank), 1000, 40)
    expect(index.agreesWith(modelOf(others))).toBe(false)
  })
})
