/**
 * Random histories of up to 50 concurrent sessions, a tenth of the campaign: no anomaly, no needless abort. And a fiftieth of it
 * over tables instead of the in-memory engine, with limits at their least, flushed and merged all the time: isolation is the same.
 *
 * The whole campaign: `npx ts-node test/model/random.ts`, with `--storage lsm` for the second one.
 */
import { testSeed } from '../support/oracle/random'
import { SCENARIOS, runScenario } from './random'

const SCALE = 0.1
const LSM_SCALE = 0.02

describe('random histories', () => {
  const seed = testSeed(20)

  test.each(SCENARIOS.map((scenario) => [scenario.name, scenario] as const))(
    `%s: every decision is right (seed ${seed})`,
    async (_, scenario) => {
      const result = await runScenario(scenario, seed, SCALE)
      expect(result.needlessAborts).toBe(0)
      expect(result.reportFaults).toBe(0)
      // The run must have put both verdicts to the test.
      expect(result.commits).toBeGreaterThan(result.transactions / 4)
      expect(result.aborts).toBeGreaterThan(10)
      if (scenario.mayBeConservative === true) expect(result.conservativeAborts).toBeGreaterThan(0)
    },
  )
})

describe('random histories over tables that are merged all the time', () => {
  const seed = testSeed(21)

  test.each(SCENARIOS.map((scenario) => [scenario.name, scenario] as const))(
    `%s: every decision is right (seed ${seed})`,
    async (_, scenario) => {
      const result = await runScenario(scenario, seed, LSM_SCALE, 'lsm')
      expect(result.needlessAborts).toBe(0)
      expect(result.reportFaults).toBe(0)
      expect(result.commits).toBeGreaterThan(result.transactions / 4)
      expect(result.aborts).toBeGreaterThan(5)
      // The background has been at work all the time.
      expect(result.flushes).toBeGreaterThan(result.transactions / 20)
      expect(result.compactions).toBeGreaterThan(result.transactions / 20)
    },
  )
})
