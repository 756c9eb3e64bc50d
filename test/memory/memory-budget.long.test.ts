/** A load of 2 million rows (240 MB) with small limits stays within the memory that its limits add up to. */
import { SMALL_LIMITS, budgetBytes, growth, load } from './memory-budget'

test('2 million rows loaded in scattered order stay within the memory budget of small limits', async () => {
  const rows = 2_000_000
  const { before, peak, after, count } = await load(SMALL_LIMITS, rows, 25_000)
  const [peakMiB, afterMiB, budgetMiB] = [growth(before, peak), growth(before, after), budgetBytes(SMALL_LIMITS, rows)].map((bytes) => (bytes / 1024 / 1024).toFixed(1)) // prettier-ignore
  process.stdout.write(`in use at the peak ${peakMiB} MiB, at rest ${afterMiB} MiB, budget ${budgetMiB} MiB\n`)
  expect(count).toBe(rows + 1)
  expect(growth(before, peak)).toBeLessThan(budgetBytes(SMALL_LIMITS, rows))
})
