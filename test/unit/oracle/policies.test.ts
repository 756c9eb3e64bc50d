/**
 * The baseline policies do what is known of the systems they stand for, on the isolation schedules.
 */
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { parseScenario } from '../../support/harness/isolation-scenario'
import type { IsolationScenario, Permutation } from '../../support/harness/isolation-scenario'
import type { Subject, SubjectTransaction } from '../../support/oracle/subject'
import { createCahillPolicy } from '../../support/policies/cahill-policy'
import type { Policy } from '../../support/policies/policy-store'
import { createPolicySubject } from '../../support/policies/policy-store'
import { createPostgresPolicy } from '../../support/policies/postgres-policy'
import { createExactPolicy, createOptimisticPolicy, createSnapshotPolicy } from '../../support/policies/simple-policies'

const folder = path.join(__dirname, '../../data/isolation')
const scenarios = readdirSync(folder)
  .filter((file) => file.endsWith('.json'))
  .map((file) => parseScenario(readFileSync(path.join(folder, file), 'utf8')))

/** Runs a permutation without waiting for anything; gives the number of refused sessions. */
function refusalsOf(subject: Subject, scenario: IsolationScenario, permutation: Permutation): number {
  const running = new Map<string, SubjectTransaction>()
  const refused = new Set<string>()
  for (const step of permutation.steps) {
    const [name, session] = [...scenario.sessions].find(([, { steps }]) => steps.has(step))!
    const transaction = running.get(name) ?? subject.store.begin({ readOnly: session.readOnly })
    running.set(name, transaction)
    try {
      for (const operation of refused.has(name) ? [] : session.steps.get(step)!) {
        if (operation[0] === 'get') void transaction.get(operation[1])
        else if (operation[0] === 'put') transaction.put(operation[1], Buffer.from('after'))
        else if (operation[0] === 'scan') drain(transaction, operation[1], operation[2])
        else transaction.commit().catch(() => undefined)
      }
    } catch {
      refused.add(name)
    }
    for (const [other, { state }] of running) if (state === 'aborted') refused.add(other)
  }
  return refused.size
}

function drain(transaction: SubjectTransaction, start: string, end: string): void {
  const cursor = transaction.openCursor({ start, end }, { reverse: false })
  while (cursor.next() === true);
}

/** For a scenario: permutations with a refusal, and how many of them must have one. */
function outcomesOf(policy: () => Policy, name: string): { refused: number; missed: number } {
  const scenario = scenarios.find((one) => one.name === name)!
  let [refused, missed] = [0, 0]
  for (const permutation of scenario.permutations) {
    const isRefused = refusalsOf(publishing(createPolicySubject(policy())), scenario, permutation) > 0
    if (isRefused) refused++
    else if (permutation.mustAbort) missed++
  }
  return { refused, missed }
}

/** Declared readers begin at the published sequence: here everything decided is published before each begin. */
function publishing(subject: Subject): Subject {
  const begin = subject.store.begin.bind(subject.store)
  subject.store.begin = (options) => {
    subject.publishThrough(begin().snapshot)
    return begin(options)
  }
  return subject
}

const names = scenarios.map(({ name }) => name)

describe('baseline policies on the isolation schedules', () => {
  test('PostgreSQL refuses 16 of the 90 permutations of two-ids, where 4 must be refused', () => {
    expect(outcomesOf(() => createPostgresPolicy(), 'two-ids')).toEqual({ refused: 16, missed: 0 })
    expect(outcomesOf(createExactPolicy, 'two-ids')).toEqual({ refused: 4, missed: 0 })
  })

  test.each(names)('no serializable policy misses a permutation of %s that must be refused', (name) => {
    const policies = [() => createPostgresPolicy(), () => createCahillPolicy(), createOptimisticPolicy]
    for (const policy of policies) expect(outcomesOf(policy, name).missed).toBe(0)
  })

  test('the exact test refuses just what must be refused, snapshot isolation nothing of it', () => {
    for (const name of names) {
      const required = scenarios
        .find((one) => one.name === name)!
        .permutations.filter(({ mustAbort }) => mustAbort).length
      expect(outcomesOf(createExactPolicy, name)).toEqual({ refused: required, missed: 0 })
      expect(outcomesOf(createSnapshotPolicy, name).missed).toBe(required)
    }
  })
})
