/**
 * Random histories of up to 50 concurrent sessions, a tenth of the campaign: no anomaly, no needless abort.
 *
 * The whole campaign: `npx ts-node test/model/random.ts`.
 */
import { testSeed } from '../support/oracle/random'
import { SCENARIOS, runScenario } from './random'

const SCALE = 0.1

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
