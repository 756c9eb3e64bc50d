/**
 * The campaigns whole: every small schedule (tens of millions) and more than 200,000 random transactions.
 *
 * The same by hand: `npx ts-node test/model/exhaustive.ts --full` and `npx ts-node test/model/random.ts`
 * (`--storage lsm --scale 0.25`).
 */
import { createStoreSubject } from '../support/harness/store-subject'
import { FULL_FAMILIES, runFamily } from '../support/oracle/exhaustive-suites'
import { testSeed } from '../support/oracle/random'
import { ScheduleRunner } from '../support/oracle/schedule-runner'
import { SCENARIOS, runScenario } from './random'

describe('the whole campaigns', () => {
  test.each(FULL_FAMILIES.map((family) => [family.name, family] as const))('%s: every schedule', async (_, family) => {
    const runner = new ScheduleRunner(createStoreSubject({ restCheckEvery: 64 }), {
      publishesAtOnce: family.publishes === 0,
    })
    const schedules = await runFamily(family, runner, { stride: 1 })
    process.stdout.write(`${family.name}: ${schedules} schedules\n`)
    expect(schedules).toBeGreaterThan(25_000)
  })

  test('more than 200,000 random transactions', async () => {
    const seed = testSeed(1)
    let transactions = 0
    for (const scenario of SCENARIOS) {
      const result = await runScenario(scenario, seed, 1)
      expect(result.reportFaults).toBe(0)
      transactions += result.transactions
    }
    expect(transactions).toBeGreaterThan(200_000)
  })

  test('more than 50,000 random transactions over tables that are merged all the time', async () => {
    const seed = testSeed(2)
    let transactions = 0
    for (const scenario of SCENARIOS) {
      const result = await runScenario(scenario, seed, 0.25, 'lsm')
      expect(result.reportFaults).toBe(0)
      transactions += result.transactions
    }
    expect(transactions).toBeGreaterThan(50_000)
  })
})
