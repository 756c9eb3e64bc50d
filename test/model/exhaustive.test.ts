/**
 * Every small schedule on the real transaction layer, a sample of each family: no anomaly, no needless abort.
 *
 * The whole: `npx ts-node test/model/exhaustive.ts --full`.
 */
import { createStoreSubject } from '../support/harness/store-subject'
import { FULL_FAMILIES, runFamily } from '../support/oracle/exhaustive-suites'
import { ScheduleRunner } from '../support/oracle/schedule-runner'

/** Of each family every so many choices of programs are run, in all their interleavings. */
const SAMPLES: readonly (readonly [family: number, stride: number, schedulesMin: number])[] = [
  [0, 101, 60_000],
  [1, 101, 60_000],
  [2, 97, 60_000],
  [3, 19, 50_000],
  [4, 211, 50_000],
  [5, 37, 50_000],
  [6, 307, 25_000],
  [7, 5, 5_000],
]

describe('every small schedule', () => {
  test.each(SAMPLES)(
    'family %i, one choice of programs in %i, is judged right step by step',
    async (index, stride, schedulesMin) => {
      const family = FULL_FAMILIES[index]!
      const runner = new ScheduleRunner(createStoreSubject({ restCheckEvery: 64 }), {
        publishesAtOnce: family.publishes === 0,
      })
      const schedules = await runFamily(family, runner, { stride })
      process.stdout.write(`${family.name}: ${schedules} schedules, ${runner.counts.aborts} aborts\n`)
      expect(schedules).toBeGreaterThan(schedulesMin)
      expect(runner.counts.aborts).toBeGreaterThan(100)
      expect(runner.counts.conservativeAborts).toBe(0)
    },
  )
})
