/**
 * The exhaustive oracle judges rightly: it finds the anomalies of snapshot isolation and the needless aborts of optimistic
 * validation, and finds nothing wrong with the exact test.
 */
import { FULL_FAMILIES, runFamily } from '../../support/oracle/exhaustive-suites'
import { ScheduleRunner } from '../../support/oracle/schedule-runner'
import { createPolicySubject } from '../../support/policies/policy-store'
import type { Policy } from '../../support/policies/policy-store'
import { createExactPolicy, createOptimisticPolicy, createSnapshotPolicy } from '../../support/policies/simple-policies'

const twoTransactions = FULL_FAMILIES[0]!
const threeTransactions = FULL_FAMILIES[1]!
const withDeclared = FULL_FAMILIES[5]!

const runnerOf = (policy: Policy) => new ScheduleRunner(createPolicySubject(policy), { publishesAtOnce: true })

describe('the exhaustive oracle', () => {
  test.each([
    ['2 transactions', twoTransactions, 9001],
    ['3 transactions', threeTransactions, 9001],
    ['a declared reader', withDeclared, 400],
  ])('finds nothing wrong with the exact test: %s', async (_, family, stride) => {
    const runner = runnerOf(createExactPolicy())
    const schedules = await runFamily(family, runner, { stride })
    expect(schedules).toBeGreaterThan(400)
    expect(runner.counts.commits).toBeGreaterThan(schedules)
    expect(runner.counts.aborts).toBeGreaterThan(20)
  })

  test('finds the anomalies of a store without conflict rules', async () => {
    const runs = runFamily(threeTransactions, runnerOf({ name: 'no rules', commit: () => true }), { stride: 101 })
    await expect(runs).rejects.toThrow(/anomaly: T\d committed/)
  })

  test('finds the anomaly shown to a declared reader', async () => {
    const exact = createExactPolicy()
    const careless: Policy = { ...exact, read: (node, ranges) => node.isDeclared || exact.read!(node, ranges) }
    await expect(runFamily(withDeclared, runnerOf(careless), { stride: 7 })).rejects.toThrow(/anomaly: T\d was shown/)
  })

  test('finds that the first committer of snapshot isolation wins needlessly over blind writers', async () => {
    const runs = runFamily(threeTransactions, runnerOf(createSnapshotPolicy()), { stride: 101 })
    await expect(runs).rejects.toThrow(/needless abort/)
  })

  test('finds the needless aborts of optimistic validation', async () => {
    await expect(runFamily(twoTransactions, runnerOf(createOptimisticPolicy()), { stride: 101 })).rejects.toThrow(
      /needless abort/,
    )
  })
})
