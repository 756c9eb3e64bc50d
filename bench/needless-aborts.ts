/**
 * Needless aborts: how many of each system's aborts no serial order required, on one workload. Prints the table of
 * docs/ISOLATION.md.
 *
 *     npx ts-node bench/needless-aborts.ts [--transactions 40000] [--seed 1]
 *
 * 200 keys, all equally likely; transactions of up to 6 operations, 40 % of them writes; 30 % of the reads are ranges of up to
 * 10 keys; one transaction in ten only reads. 8 and 32 sessions, interleaved operation by operation at random. This store is
 * the real transaction layer; the others are their published rules on a multiversion store in memory (test/support/policies).
 * Every abort is judged by the exact checker: *needless* means that the transaction could have committed.
 */
import { parseArgs } from 'node:util'
import { createStoreSubject } from '../test/support/harness/store-subject'
import { Auditor } from '../test/support/oracle/auditor'
import { SeededRandom } from '../test/support/oracle/random'
import type { WorkloadShape } from '../test/support/oracle/random-workload'
import { runWorkload } from '../test/support/oracle/random-workload'
import type { Subject } from '../test/support/oracle/subject'
import { createCahillPolicy } from '../test/support/policies/cahill-policy'
import type { LastAbort } from '../test/support/policies/conflict-policy'
import type { Policy } from '../test/support/policies/policy-store'
import { createPolicySubject } from '../test/support/policies/policy-store'
import { createPostgresPolicy } from '../test/support/policies/postgres-policy'
import { createOptimisticPolicy } from '../test/support/policies/simple-policies'

const SESSIONS = [8, 32] as const

const SHAPE: Omit<WorkloadShape, 'sessions' | 'transactions'> = {
  keys: 200,
  isUniform: true,
  operationsMax: 6,
  longOneIn: 0,
  kinds: { 'read-write': 9, unwritten: 1, declared: 0, deferrable: 0, snapshot: 0 },
  operations: { get: 42, scan: 18, put: 40, delete: 0, 'delete-range': 0, 'get-for-update': 0, savepoint: 0 },
  rangeKeysMax: 10,
  loneReads: 0,
  rollbacks: 0,
  publishing: 1,
}

interface Measured {
  readonly subject: Subject
  readonly connect?: (auditor: Auditor) => void
  /** Why the last abort happened, where it may be a write conflict under snapshot isolation. */
  readonly lastAbort?: LastAbort
}

const SYSTEMS: readonly { readonly name: string; readonly create: () => Measured }[] = [
  {
    name: 'StrictKV',
    create: () => {
      const subject = createStoreSubject()
      return { subject, connect: (auditor) => (subject.onAbort = (report) => auditor.onAbort(report)) }
    },
  },
  { name: 'PostgreSQL SSI (2012)', create: () => baseline(createPostgresPolicy) },
  { name: "Cahill's SSI (2009)", create: () => baseline(createCahillPolicy) },
  { name: 'optimistic validation', create: () => baseline(createOptimisticPolicy) },
]

function baseline(create: (lastAbort: LastAbort) => Policy): Measured {
  const lastAbort: LastAbort = { cause: 'rw' }
  return { subject: createPolicySubject(create(lastAbort)), lastAbort }
}

async function measure(create: () => Measured, shape: WorkloadShape, seed: number): Promise<string> {
  const { subject, connect, lastAbort } = create()
  const tally = { rw: [0, 0], ww: [0, 0] }
  const auditor = new Auditor(subject.store, {
    toleratesNeedless: true,
    toleratesAnomalies: true,
    onJudged: (isNeedless) => tally[lastAbort?.cause ?? 'rw'][isNeedless ? 1 : 0]!++,
  })
  connect?.(auditor)
  await runWorkload(new SeededRandom(seed), auditor, subject, shape)
  const [rwRight, rwNeedless] = tally.rw as [number, number]
  const [wwRight, wwNeedless] = tally.ww as [number, number]
  const rw = rwRight + rwNeedless
  const share = rw === 0 ? 0 : (100 * rwNeedless) / rw
  const others = wwRight + wwNeedless
  return `${rw} | ${rwNeedless} | ${share.toFixed(0)} % | ${others} | ${wwNeedless} | ${auditor.counts.anomalies} |`
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { transactions: { type: 'string' }, seed: { type: 'string' } } })
  const transactions = Number(values.transactions ?? 40_000)
  const seed = Number(values.seed ?? 1)
  const lines = [
    '| system | sessions | transactions | conflict aborts | of them needless | share | first-committer aborts | of them needless | missed anomalies |',
    '|---|---:|---:|---:|---:|---:|---:|---:|---:|',
  ]
  for (const sessions of SESSIONS) {
    for (const { name, create } of SYSTEMS) {
      const cells = await measure(create, { ...SHAPE, sessions, transactions }, seed)
      lines.push(`| ${name} | ${sessions} | ${transactions} | ${cells}`)
    }
  }
  process.stdout.write(`${lines.join('\n')}\n`)
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : 'failed'}\n`)
  process.exitCode = 1
})
