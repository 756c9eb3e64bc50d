import { createLimits, LIMITS } from '../../../../src/base/limits'
import { designFalsePositiveRate, filterShape } from '../../../../src/storage/table/filter'
import { FILTER_BITS_FACTOR_MAX, filterBits } from '../../../../src/storage/table/filter-bits'

const limits = createLimits()
const KEYS = 1_000_000

/** Data blocks that a get of an absent key looks into by mistake, where levels have so many runs, from level 0 on. */
function falsePositives(runs: readonly number[], bitsOf = filterBits): number {
  const last = runs.length - 1
  const rates = runs.map((count, level) => {
    const bits = bitsOf(last - level, limits)
    return count * designFalsePositiveRate(filterShape(KEYS, bits))
  })
  return rates.reduce((sum, rate) => sum + rate, 0)
}

describe('filter bits', () => {
  test('grow with the distance to the last level by what its size shrinks, up to half as many again', () => {
    expect([0, 1, 2, 3, 9].map((distance) => filterBits(distance, limits))).toEqual([10, 13, 15, 15, 15])
    const wide = { filterBitsPerKey: 20, levelSizeRatio: 10 }
    expect([0, 1, 2, 3].map((distance) => filterBits(distance, wide))).toEqual([20, 25, 30, 30])
  })

  test('are none at all where there is to be no filter, and stay within what a filter can use', () => {
    for (const distance of [0, 1, 7]) expect(filterBits(distance, { ...limits, filterBitsPerKey: 0 })).toBe(0)
    const most = filterBits(7, { ...limits, filterBitsPerKey: LIMITS.filterBitsPerKey.max })
    expect(most).toBeLessThanOrEqual(LIMITS.filterBitsPerKey.max * FILTER_BITS_FACTOR_MAX)
    expect(filterShape(KEYS, most).lines * 512).toBeGreaterThanOrEqual(KEYS * most)
  })

  // Runs that levels have between two merges, while all of them are merged, and while level 0 stops commits.
  test.each([
    ['at rest', [3, 3, 3, 1], 0.025],
    ['while it is merged', [4, 4, 4, 1], 0.031],
    ['with a level 0 that is as full as it may be', [12, 4, 4, 1], 0.045],
    ['with forty times as many rows', [4, 4, 4, 4, 1], 0.04],
    ['with few rows', [12, 1], 0.045],
  ])(
    'a tree of ten million rows, %s: the rates of all runs together stay within what a get may cost',
    (_, runs, max) => {
      expect(falsePositives(runs)).toBeLessThan(max)
      // The same bits everywhere, all of them as many as the last level has, cost more than the bound or twice as much.
      const plain = falsePositives(runs, (_distance, { filterBitsPerKey }) => filterBitsPerKey)
      expect(plain).toBeGreaterThan(2 * falsePositives(runs))
    },
  )
})
