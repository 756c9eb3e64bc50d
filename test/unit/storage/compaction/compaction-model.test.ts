/** What the picker makes of whole loads, in a store of nothing but tables' properties: the figures of docs/ARCHITECTURE.md. */
import { createLimits } from '../../../../src/base/limits'
import { planRange } from '../../../../src/storage/compaction/compaction-range'
import { CompactionModel } from '../../../support/compaction-model/compaction-model'
import { SeededRandom } from '../../../support/oracle/random'

/** A model key is so many rows of 20 + 100 bytes, each with what it costs in a table beside. */
const ROWS_PER_KEY = 100
const TABLE_BYTES_PER_ROW = 130
/** What a memtable of the default size makes of such rows. */
const FLUSH_BYTES = 20 * 1024 * 1024
const KEY_BYTES = ROWS_PER_KEY * TABLE_BYTES_PER_ROW

interface Load {
  readonly keys: number
  readonly next: (i: number, random: SeededRandom) => number
  readonly mergesPerFlush?: number
}

function load({ keys, next, mergesPerFlush = Infinity }: Load): CompactionModel {
  const random = new SeededRandom(11)
  const model = new CompactionModel(createLimits({}), KEY_BYTES)
  const perFlush = Math.floor(FLUSH_BYTES / KEY_BYTES)
  for (let i = 0; i < keys; i += perFlush) {
    const count = Math.min(perFlush, keys - i)
    model.flush(Array.from({ length: count }, (_, j) => next(i + j, random)))
    model.merge(mergesPerFlush)
  }
  return model
}

const TEN_MILLION_ROWS = 10_000_000 / ROWS_PER_KEY
const anywhere = (_: number, random: SeededRandom): number => random.below(2 ** 31)

describe('lazy leveling, over loads of ten million rows of 120 bytes', () => {
  test('random keys: write amplification at most 5, at rest included, and up to four runs a level', () => {
    const model = load({ keys: TEN_MILLION_ROWS, next: anywhere })
    expect(model.runsMax).toBeLessThanOrEqual(4)
    expect(model.runs).toBeLessThanOrEqual(3 + 3 + 3 + 1)
    expect(model.writeAmplification).toBeLessThan(4)
    model.merge(Infinity, true)
    expect(model.writeAmplification).toBeLessThan(5)
    expect(model.bytes / model.liveBytes).toBeLessThan(1.001)
    expect(model.largestMergeBytes).toBeLessThan(256 * 1024 * 1024)
  })

  test('every row overwritten four times: at rest no more than 4 % of the space is dead', () => {
    const model = load({ keys: 2 * TEN_MILLION_ROWS, next: (_, random) => random.below(TEN_MILLION_ROWS / 2) })
    model.merge(Infinity, true)
    expect(model.writeAmplification).toBeLessThan(5)
    expect(model.bytes / model.liveBytes).toBeLessThan(1.04)
  })

  test('skewed overwrites and keys half in order are no worse', () => {
    const skewed = load({ keys: TEN_MILLION_ROWS, next: (_, random) => Math.floor((random.below(2 ** 20) / 2 ** 20) ** 4 * TEN_MILLION_ROWS) }) // prettier-ignore
    const mixed = load({
      keys: TEN_MILLION_ROWS,
      next: (i, random) => (i % 2 === 0 ? i : random.below(TEN_MILLION_ROWS)),
    })
    for (const model of [skewed, mixed]) {
      model.merge(Infinity, true)
      expect(model.writeAmplification).toBeLessThan(5)
      expect(model.bytes / model.liveBytes).toBeLessThan(1.05)
      expect(model.runsMax).toBeLessThanOrEqual(4)
    }
  })

  test('ascending keys are written once: everything moves', () => {
    const model = load({ keys: TEN_MILLION_ROWS, next: (i) => i })
    model.merge(Infinity, true)
    expect(model.writeAmplification).toBe(1)
    expect(model.runs).toBe(1)
  })

  test('a load faster than its merges leaves more runs behind, and costs no more', () => {
    const model = load({ keys: TEN_MILLION_ROWS, next: anywhere, mergesPerFlush: 3 })
    expect(model.runsMax).toBeGreaterThan(4)
    model.merge(Infinity)
    expect(model.runs).toBeLessThanOrEqual(3 + 3 + 3 + 1)
    model.merge(Infinity, true)
    expect(model.writeAmplification).toBeLessThan(5)
  })

  test('a compaction of a range leaves tables alone that share no key with what it takes', () => {
    const model = load({ keys: TEN_MILLION_ROWS / 4, next: anywhere })
    const range = { start: '30000000', end: '30100000' }
    const before = new Set(model.levels.flat().flatMap(({ tables }) => tables))
    for (;;) {
      const plan = planRange(model.levels, { range, through: Infinity }, createLimits({}))
      if (plan === undefined) break
      model.apply(plan)
    }
    const [, ...upper] = model.levels.filter((runs) => runs.length > 0).reverse()
    const left = upper.flat().flatMap(({ tables }) => tables)
    expect(left.some(({ bounds }) => bounds.start < range.end && bounds.end! > range.start)).toBe(false)
    const after = model.levels.flat().flatMap(({ tables }) => tables)
    expect(after.filter((table) => before.has(table)).length).toBeGreaterThan(before.size / 3)
  })
})
