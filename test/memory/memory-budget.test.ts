/** A load of 200,000 rows with small limits stays within the memory that its limits add up to; 2 million: memory-budget.long.test.ts. */
import { SMALL_LIMITS, budgetBytes, growth, load } from './memory-budget'

const MiB = 1024 * 1024

test('a load with small limits stays within its memory budget, and gives most of it back', async () => {
  const rows = 200_000
  const { before, peak, after, samples, count } = await load(SMALL_LIMITS, rows, 10_000)
  expect(count).toBe(rows + 1)
  expect(samples).toBeGreaterThan(15)
  expect(growth(before, peak)).toBeLessThan(budgetBytes(SMALL_LIMITS, rows))
  // Memtables are empty then and the log is idle.
  expect(growth(before, after)).toBeLessThan(budgetBytes(SMALL_LIMITS, rows) / 2)
})

test('the budget is one that can be exceeded: memtables of 64 MiB do so', async () => {
  const large = { ...SMALL_LIMITS, memtableBytesMax: 64 * MiB, walBytesMax: 512 * MiB }
  const rows = 200_000
  const { before, peak } = await load(large, rows, 10_000)
  expect(growth(before, peak)).toBeGreaterThan(budgetBytes(SMALL_LIMITS, rows))
  expect(growth(before, peak)).toBeLessThan(budgetBytes(large, rows))
})
