/** A load of 200,000 rows with small limits stays within the budget that `stats()` shows; 2 million: memory-budget.long.test.ts. */
import { SMALL_LIMITS, checkAccounts, checkBudget, growth, load } from './memory-budget'

const MiB = 1024 * 1024
const ROWS = 200_000

test('a load with small limits stays within its budget, and gives most of it back', async () => {
  const report = await load(SMALL_LIMITS, ROWS, { rowsPerSample: 10_000 })
  expect(report.count).toBe(ROWS + 1)
  expect(report.samples.length).toBeGreaterThan(15)
  const { peak, budget } = checkBudget(report)
  expect(peak).toBeGreaterThan(2 * MiB)
  // No part of the budget is so large that it hides another.
  expect(budget).toBeLessThan(40 * MiB)
  // Memtables are empty then and the log is idle.
  expect(growth(report.before, report.after)).toBeLessThan(budget / 2)
})

test('stats account for what a load has in use', async () => {
  const report = await load(SMALL_LIMITS, ROWS, { rowsPerSample: 20_000, backgroundMode: 'inline' })
  checkBudget(report)
  checkAccounts(report)
})

test('the budget is one that can be exceeded: memtables of 64 MiB do so', async () => {
  const large = { ...SMALL_LIMITS, memtableBytesMax: 64 * MiB, walBytesMax: 512 * MiB }
  const report = await load(large, ROWS, { rowsPerSample: 20_000 })
  const { peak } = checkBudget(report)
  expect(peak).toBeGreaterThan(40 * MiB)
  expect(() => checkBudget({ ...report, samples: report.samples.map(inSmallBudget) })).toThrow('are in use')
})

/** A sample that says it had the budget of the small limits. */
function inSmallBudget<T extends { shown: { bytes: number } }>(sample: T): T {
  return { ...sample, shown: { ...sample.shown, budgetBytes: 40 * MiB } }
}
