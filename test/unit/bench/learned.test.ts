/** The parts of bench:learned on small sets: measured searches are checked, and a learned Bloom filter never does worse than its best. */
import { openLearnedCases } from '../../../bench/support/learned-cases'
import { compareBlooms } from '../../../bench/support/learned-bloom'
import { errorPlots, segmentPlot } from '../../../bench/support/learned-plots'
import { getTable, seekTable, sizeTable, speedUp, verdictTable } from '../../../bench/support/learned-report'
import type { LearnedRun, ModeResult } from '../../../bench/support/learned-report'
import { KEY_SET_NAMES } from '../../../bench/support/key-sets'

const options = { directory: '', rows: 6000 }

describe('searches of tables held against binary search, keys present, absent and beyond both ends', () => {
  test.each(KEY_SET_NAMES)('are all right over the set %s', async (name) => {
    for (const mode of ['resident', 'lean'] as const) {
      const cases = await openLearnedCases(name, mode, options)
      const { checked, hits, fallbacks } = await cases.run('checked', 3000)
      expect(checked).toBe(3000)
      expect(hits! + fallbacks!).toBeGreaterThan(500)
      await cases.close()
    }
  })
})

test('a set is measured under every mode, and its figures fit together', async () => {
  const results = new Map<string, ModeResult>()
  for (const mode of ['binary', 'resident', 'lean', 'auto'] as const) {
    const cases = await openLearnedCases('uniform', mode, options)
    const [seek, get, figures] = [await cases.run('seek', 1), await cases.run('get', 1), await cases.run('figures', 0)]
    expect(seek['nanoseconds']).toBeGreaterThan(0)
    expect(get['nanoseconds']).toBeGreaterThan(0)
    results.set(mode, { seeks: [seek], gets: [get], figures })
    await cases.close()
  }
  const byMode = { binary: results.get('binary')!, resident: results.get('resident')!, lean: results.get('lean')!, auto: results.get('auto')! } // prettier-ignore
  expect(byMode.lean.figures['indexBytes']! * 8).toBeLessThan(byMode.binary.figures['indexBytes']!)
  expect(byMode.auto.figures['isLearned']).toBe(1)
  const result = { set: 'uniform' as const, keys: options.rows, byMode }
  expect(speedUp(result, 'binary')).toBe(1)
  const checked = { lookups: 1, hits: 1, fallbacks: 0 }
  const run: LearnedRun = { circumstances: [], results: [result], checked, compaction: { share: 0.04 }, blooms: [] }
  for (const table of [seekTable(run), getTable(run), sizeTable(run)]) expect(table.rows).toHaveLength(1)
  const outcomes = new Map(verdictTable(run).rows.map(([what, outcome]) => [what, outcome]))
  expect(outcomes.get('lean <= 1/8 of the bytes on smooth sets')).toBe('met')
  expect(outcomes.get('fitting <= 3 % of compaction time')).toBe('missed')
})

test('learned Bloom filters are not built: where absent keys look like present ones they gain nothing', () => {
  for (const set of ['uniform', 'lognormal', 'decimal'] as const) {
    // Among few keys the best of many classifiers, chosen afterwards, looks better by chance alone.
    const { plain, learned } = compareBlooms(set, 'like the present ones', 60_000, 10)
    expect(plain).toBeGreaterThan(0)
    expect(learned).toBeGreaterThan(plain * 0.9)
    expect(learned).toBeLessThanOrEqual(plain)
  }
})

test('plots are drawn for sets', () => {
  expect(errorPlots(['composite'], 10_000)[0]!.svg).toContain('segments for')
  expect(segmentPlot(['decimal'], [1000, 5000]).match(/<polyline/g)).toHaveLength(1)
})
