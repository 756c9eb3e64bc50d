/**
 * Random histories of many concurrent sessions on the real transaction layer: the campaign and its parts.
 *
 *     npx ts-node test/model/random.ts                       200,000 transactions and more
 *     npx ts-node test/model/random.ts --scale 0.1 --seed 7  a tenth, from another seed
 *     npx ts-node test/model/random.ts --only lag --seed 7   one scenario
 *     npx ts-node test/model/random.ts --storage lsm         over tables, flushed and merged all the time, limits at their least
 *
 * Every scenario is judged decision by decision (test/support/oracle/auditor.ts). A failure prints the line that replays it.
 */
import { parseArgs } from 'node:util'
import type { LimitName } from '../../src/base/limits'
import type { LsmSubject } from '../support/harness/lsm-subject'
import { createLsmSubject } from '../support/harness/lsm-subject'
import type { StoreSubject } from '../support/harness/store-subject'
import { checkAtRest, createStoreSubject } from '../support/harness/store-subject'
import type { AuditCounts } from '../support/oracle/auditor'
import { Auditor } from '../support/oracle/auditor'
import type { AuditedTransaction } from '../support/oracle/audited-transaction'
import { SeededRandom } from '../support/oracle/random'
import type { WorkloadShape } from '../support/oracle/random-workload'
import { runWorkload } from '../support/oracle/random-workload'

/** One mix of workload, limits and engine behaviour. */
export interface Scenario {
  readonly name: string
  readonly shape: WorkloadShape
  readonly limits?: Partial<Record<LimitName, number>>
  /** Reads and reservations come back in later turns. */
  readonly isAsynchronous?: boolean
  /** Whether bounded memory may force aborts; elsewhere a conservative abort is a violation. */
  readonly mayBeConservative?: boolean
}

const MIXED: WorkloadShape = {
  sessions: 50,
  transactions: 20_000,
  keys: 120,
  operationsMax: 6,
  longOneIn: 200,
  kinds: { 'read-write': 70, unwritten: 12, declared: 12, deferrable: 3, snapshot: 3 },
  operations: { get: 30, scan: 12, put: 25, delete: 6, 'delete-range': 2, 'get-for-update': 8, savepoint: 6 },
  rangeKeysMax: 8,
  loneReads: 0.15,
  rollbacks: 0.05,
  publishing: 0.2,
}

const bounded = (name: string, limits: Partial<Record<LimitName, number>>): Scenario => ({
  name,
  limits,
  mayBeConservative: true,
  shape: { ...MIXED, transactions: 10_000, sessions: 20 },
})

/** The campaign: 200,000 transactions and more at scale 1. */
export const SCENARIOS: readonly Scenario[] = [
  { name: 'mixed', shape: { ...MIXED, transactions: 60_000 } },
  { name: 'published at once', shape: { ...MIXED, transactions: 20_000, publishing: 1 } },
  { name: 'lag', shape: { ...MIXED, publishing: 0.02, loneReads: 0.3, transactions: 30_000 } },
  { name: 'hot keys', shape: { ...MIXED, keys: 12, operationsMax: 3, longOneIn: 0 } },
  {
    name: 'ranges',
    shape: { ...MIXED, keys: 200, rangeKeysMax: 30, operations: { ...MIXED.operations, scan: 30, 'delete-range': 5 } },
  },
  {
    name: 'blind writes',
    shape: { ...MIXED, keys: 30, operations: { ...MIXED.operations, get: 10, scan: 3, put: 50, 'get-for-update': 0 } },
  },
  {
    name: 'readers',
    shape: {
      ...MIXED,
      keys: 60,
      kinds: { 'read-write': 45, unwritten: 20, declared: 25, deferrable: 8, snapshot: 2 },
      loneReads: 0.4,
    },
  },
  { name: 'asynchronous storage', isAsynchronous: true, shape: { ...MIXED, transactions: 10_000, marks: true } },
  bounded('few reads kept', { readsPerTransactionMax: 2 }),
  bounded('summaries at every step', { registrationsMax: 2, retainedExactMax: 0 }),
  bounded('few retained exactly', { retainedExactMax: 3 }),
  bounded('few registrations', { registrationsMax: 200 }),
  bounded('few commits retained', { retainedCommitsMax: 4 }),
]

/** What the transaction layer stands on: the in-memory engine, or the LSM engine under constant flushes and merges. */
export type Storage = 'memory' | 'lsm'

/** What a scenario came to. */
export interface ScenarioResult extends AuditCounts {
  readonly name: string
  /** Of the LSM engine. */
  readonly flushes?: number
  readonly compactions?: number
}

const INVARIANTS_EVERY = 500

/** Runs one scenario at `scale` (1: whole). Throws the first violation, with the line that replays it. */
export async function runScenario(
  scenario: Scenario,
  seed: number,
  scale: number,
  storage: Storage = 'memory',
): Promise<ScenarioResult> {
  const lsm = storage === 'lsm' ? await createLsmSubject({ ...limitsOf(scenario), seed }) : undefined
  const subject = lsm ?? createMemorySubject(scenario)
  const auditor = new Auditor(subject.store, { toleratesWaits: scenario.mayBeConservative === true })
  subject.onAbort = (report) => {
    if (report.conservative && scenario.mayBeConservative !== true) {
      auditor.failure ??= new Error(`an abort is marked conservative without need: ${JSON.stringify(report)}`)
    }
    auditor.onAbort(report)
  }
  subject.onAppended = (keys) => {
    const mark = keys.find((key) => key.startsWith('!'))
    const transaction = mark === undefined ? undefined : findRunning(auditor, Number(mark.slice(1)))
    if (transaction !== undefined) auditor.onDecided(transaction)
  }
  const transactions = Math.ceil(scenario.shape.transactions * scale)
  // Where room has to be waited for, a commit is known by a key of its own in its batch.
  const shape = { ...scenario.shape, transactions, ...(lsm === undefined ? {} : { marks: true }) }
  try {
    await runWorkload(new SeededRandom(seed), auditor, subject, shape, {
      afterStep: (step) => {
        if (step % INVARIANTS_EVERY === 0) subject.store.checkInvariants()
      },
      ...(lsm === undefined ? {} : { between: (step: number) => lsm.work(step) }),
    })
    checkAtRest(subject.store)
  } catch (error) {
    const replay = `npx ts-node test/model/random.ts --only ${JSON.stringify(scenario.name)} --seed ${seed} --scale ${scale} --storage ${storage}`
    throw new Error(`${error instanceof Error ? error.message : 'failed'}\nreplay: ${replay}`, { cause: error })
  }
  return { name: scenario.name, ...auditor.counts, ...(lsm === undefined ? {} : await endLsm(lsm)) }
}

function limitsOf(scenario: Scenario): { readonly limits?: Partial<Record<LimitName, number>> } {
  return scenario.limits === undefined ? {} : { limits: scenario.limits }
}

function createMemorySubject(scenario: Scenario): StoreSubject {
  const engine = scenario.isAsynchronous === true ? { asynchronousReads: true, asynchronousReserve: true } : {}
  return createStoreSubject({ ...limitsOf(scenario), engine })
}

async function endLsm(lsm: LsmSubject): Promise<{ readonly flushes: number; readonly compactions: number }> {
  const { flushes, compactions } = lsm.figures()
  await lsm.close()
  return { flushes, compactions }
}

function findRunning(auditor: Auditor, id: number): AuditedTransaction | undefined {
  for (const transaction of auditor.running) if (transaction.record.id === id) return transaction
  return undefined
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      scale: { type: 'string' },
      only: { type: 'string' },
      storage: { type: 'string', default: 'memory' },
    },
  })
  let transactions = 0
  for (const scenario of SCENARIOS) {
    if (values.only !== undefined && scenario.name !== values.only) continue
    const storage = values.storage === 'lsm' ? 'lsm' : 'memory'
    const result = await runScenario(scenario, Number(values.seed ?? 1), Number(values.scale ?? 1), storage)
    transactions += result.transactions
    process.stdout.write(`${JSON.stringify(result)}\n`)
  }
  process.stdout.write(`${transactions} transactions, no anomaly, no needless abort\n`)
}

if (require.main === module) {
  main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : 'failed'}\n`)
    process.exitCode = 1
  })
}
