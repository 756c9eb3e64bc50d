/** A load of 2 million rows (240 MB) with small limits stays within the memory that `stats()` shows as its budget. */
import { SMALL_LIMITS, checkAccounts, checkBudget, growth, load, mib } from './memory-budget'

test.each(['thread', 'inline'] as const)(
  '2 million rows in scattered order stay within the budget that stats shows, jobs in mode %s',
  async (mode) => {
    const rows = 2_000_000
    const report = await load(SMALL_LIMITS, rows, { rowsPerSample: 25_000, backgroundMode: mode })
    const { peak, budget } = checkBudget(report)
    if (mode === 'inline') checkAccounts(report)
    const atRest = growth(report.before, report.after)
    process.stdout.write(`in use at the peak ${mib(peak)} MiB, at rest ${mib(atRest)} MiB, budget ${mib(budget)} MiB\n`)
    expect(report.count).toBe(rows + 1)
    expect(report.samples.length).toBeGreaterThan(70)
  },
)
