/**
 * The auditor judges random workloads rightly: nothing against the exact test, everything against policies known to be wrong.
 */
import { Auditor } from '../../support/oracle/auditor'
import type { AuditorOptions } from '../../support/oracle/auditor'
import type { WorkloadShape } from '../../support/oracle/random-workload'
import { runWorkload } from '../../support/oracle/random-workload'
import { SeededRandom, testSeed } from '../../support/oracle/random'
import type { Policy } from '../../support/policies/policy-store'
import { createPolicySubject } from '../../support/policies/policy-store'
import { createExactPolicy, createOptimisticPolicy, createSnapshotPolicy } from '../../support/policies/simple-policies'

const SHAPE: WorkloadShape = {
  sessions: 10,
  transactions: 600,
  keys: 20,
  operationsMax: 6,
  longOneIn: 0,
  kinds: { 'read-write': 8, unwritten: 1, declared: 1, deferrable: 0, snapshot: 0 },
  operations: { get: 4, scan: 2, put: 3, delete: 1, 'delete-range': 0.3, 'get-for-update': 0, savepoint: 0 },
  rangeKeysMax: 4,
  loneReads: 0,
  rollbacks: 0.05,
  publishing: 0.3,
}

const seed = testSeed(21)

async function audit(
  policy: Policy,
  shape: Partial<WorkloadShape> = {},
  options: AuditorOptions = {},
): Promise<Auditor> {
  const subject = createPolicySubject(policy)
  const auditor = new Auditor(subject.store, options)
  await runWorkload(new SeededRandom(seed), auditor, subject, { ...SHAPE, ...shape })
  return auditor
}

describe('the auditor', () => {
  test(`has nothing against the exact test (seed ${seed})`, async () => {
    const { counts } = await audit(createExactPolicy())
    expect(counts.commits).toBeGreaterThan(200)
    expect(counts.aborts).toBeGreaterThan(20)
    expect(counts.needlessAborts).toBe(0)
  })

  test('finds that optimistic validation aborts needlessly, and counts how often', async () => {
    await expect(audit(createOptimisticPolicy(), { kinds: { ...SHAPE.kinds, declared: 0 } })).rejects.toThrow(
      /needless abort/,
    )
    const { counts } = await audit(
      createOptimisticPolicy(),
      { kinds: { ...SHAPE.kinds, declared: 0, unwritten: 0 } },
      { toleratesNeedless: true },
    )
    expect(counts.needlessAborts).toBeGreaterThan(10)
    expect(counts.needlessAborts).toBeLessThan(counts.aborts)
  })

  test('finds the anomalies of snapshot isolation', async () => {
    await expect(audit(createSnapshotPolicy(), {}, { toleratesNeedless: true })).rejects.toThrow(/anomaly/)
  })

  test('finds a value that is not the version at the snapshot', async () => {
    const subject = createPolicySubject(createExactPolicy())
    const auditor = new Auditor(subject.store)
    const writer = auditor.begin()
    writer.put('k', 'v1')
    await Promise.race([writer.commit(), Promise.resolve()])
    const reader = auditor.begin()
    reader.inner.get = () => Buffer.from('v0')
    expect(() => reader.get('k')).toThrow(/wrong value: #2 get k at 1 showed v0, not v1/)
  })
})
