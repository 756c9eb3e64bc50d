/** The budget of memory follows from the limits, part by part, and from the rows there are. */
import type { LimitName } from '../../../src/base/limits'
import { createLimits } from '../../../src/base/limits'
import type { EngineMemoryPart } from '../../../src/storage/engine-stats'
import type { StoredContent } from '../../../src/storage/memory-budget'
import { memoryBudget } from '../../../src/storage/memory-budget'

const MiB = 1024 * 1024
const NOTHING: StoredContent = { rows: 0, dataBytes: 0, keyBytes: 0, dataBlocks: 0, fileBytes: 0, rangeTombstones: 0 }
/** Ten million rows of 20 and 100 bytes. */
const MUCH: StoredContent = {
  rows: 10_000_000,
  dataBytes: 1_200_000_000,
  keyBytes: 200_000_000,
  dataBlocks: 320_000,
  fileBytes: 1_300_000_000,
  rangeTombstones: 0,
}

const mib = (part: EngineMemoryPart, content = NOTHING, limits: Partial<Record<LimitName, number>> = {}): number =>
  Math.round(memoryBudget(createLimits(limits), content)[part] / MiB)

test('by default it comes to what docs/STORAGE.md says', () => {
  const of = (content: StoredContent): Partial<Record<EngineMemoryPart, number>> => ({
    memtable: mib('memtable', content),
    memtablesFrozen: mib('memtablesFrozen', content),
    blockCache: mib('blockCache', content),
    filters: mib('filters', content),
    indexes: mib('indexes', content),
    models: mib('models', content),
    log: mib('log', content),
  })
  expect(of(NOTHING)).toEqual({ memtable: 86, memtablesFrozen: 173, blockCache: 128, filters: 0, indexes: 0, models: 0, log: 145 }) // prettier-ignore
  expect(of(MUCH)).toEqual({ memtable: 86, memtablesFrozen: 173, blockCache: 128, filters: 36, indexes: 37, models: 5, log: 145 }) // prettier-ignore
})

const RAISED: readonly (readonly [LimitName, number, EngineMemoryPart])[] = [
  ['memtableBytesMax', 64 * MiB, 'memtable'],
  ['transactionBytesMax', 16 * MiB, 'memtable'],
  ['memtablesFrozenMax', 3, 'memtablesFrozen'],
  ['blockCacheBytesMax', 129 * MiB, 'blockCache'],
  ['filterBitsPerKey', 12, 'filters'],
  ['tableBytesMin', MiB, 'tables'],
  ['levelZeroTablesStall', 20, 'tables'],
  ['transactionBytesMax', 16 * MiB, 'log'],
  ['logSliceBytes', MiB, 'log'],
  ['loadsActiveMax', 17, 'loads'],
  ['valueBytesMax', 15 * MiB, 'loads'],
  ['tableBytesMax', 65 * MiB, 'loads'],
  ['levelZeroTablesStall', 20, 'jobs'],
  ['levelSizeRatio', 8, 'jobs'],
]

test.each(RAISED)('%s at %d changes the budget of: %s', (name, value, part) => {
  expect(memoryBudget(createLimits({ [name]: value }), MUCH)[part]).not.toBe(memoryBudget(createLimits(), MUCH)[part])
})

test('a log whose groups stay small keeps within what they grow to; a larger one within what its thread shares', () => {
  const small = { transactionBytesMax: 512 * 1024, logGroupBytesMax: 256 * 1024, logSliceBytes: 64 * 1024 }
  expect(memoryBudget(createLimits(small), NOTHING).log).toBeLessThan(6 * MiB)
  expect(memoryBudget(createLimits({ ...small, transactionBytesMax: 4 * MiB }), NOTHING).log).toBeGreaterThan(16 * MiB)
})
