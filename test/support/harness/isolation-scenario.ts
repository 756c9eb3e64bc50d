/**
 * The isolation schedules: their form, and how one permutation is run and judged (test/data/isolation/README.md).
 */
import type { IsolationSession, IsolationTarget } from './isolation-target'

type ScenarioOperation =
  readonly ['get', string] | readonly ['scan', string, string] | readonly ['put', string] | readonly ['commit']

/** A session: a transaction with named steps. */
export interface ScenarioSession {
  readonly readOnly: boolean
  readonly steps: ReadonlyMap<string, readonly ScenarioOperation[]>
}

/** An order of all steps, and what it must come to. */
export interface Permutation {
  readonly steps: readonly string[]
  readonly mustAbort: boolean
}

/** One file. */
export interface IsolationScenario {
  readonly name: string
  readonly setup: readonly string[]
  readonly sessions: ReadonlyMap<string, ScenarioSession>
  readonly permutations: readonly Permutation[]
}

/** How a permutation is run. */
export interface PermutationOptions {
  /** Sessions that only read say so at begin. */
  readonly declaresReaders: boolean
  /** A refused session is run again, whole, at the moment it is refused. The others' outcomes then differ. */
  readonly retries: boolean
}

interface ScenarioFile {
  readonly name: string
  readonly setup: readonly string[]
  readonly sessions: Readonly<
    Record<
      string,
      { readonly readOnly: boolean; readonly steps: readonly (readonly [string, readonly ScenarioOperation[]])[] }
    >
  >
  readonly permutations: readonly Permutation[]
}

/** Reads a file. */
export function parseScenario(text: string): IsolationScenario {
  const file = JSON.parse(text) as ScenarioFile
  const sessions = Object.entries(file.sessions).map(
    ([name, { readOnly, steps }]) => [name, { readOnly, steps: new Map(steps) }] as const,
  )
  return { name: file.name, setup: file.setup, sessions: new Map(sessions), permutations: file.permutations }
}

/** The rows that exist beforehand. */
export function setupRows(scenario: IsolationScenario, prefix: string): (readonly [key: string, value: string])[] {
  return scenario.setup.map((key) => [`${prefix}${key}`, 'before'])
}

interface Running {
  readonly session: IsolationSession
  isRefused: boolean
}

/** Runs one permutation on keys under `prefix`. Throws unless its outcome is the required one. */
export async function runPermutation(
  target: IsolationTarget,
  scenario: IsolationScenario,
  permutation: Permutation,
  prefix: string,
  options: PermutationOptions,
): Promise<void> {
  const runningByName = new Map<string, Running>()
  let refusals = 0
  for (const step of permutation.steps) {
    const [name, plan] = sessionOf(scenario, step)
    const isDeclared = plan.readOnly && options.declaresReaders
    let running = runningByName.get(name)
    if (running === undefined) {
      running = { session: target.begin(isDeclared), isRefused: false }
      runningByName.set(name, running)
    }
    if (running.isRefused || (await runStep(running.session, plan.steps.get(step)!, prefix))) continue
    running.isRefused = true
    refusals++
    if (options.retries) await retryWhole(target, plan, prefix, `${scenario.name}: ${permutation.steps.join(' ')}`)
  }
  if (options.retries) return
  const required = permutation.mustAbort ? 1 : 0
  if (refusals === required) return
  throw new Error(`${scenario.name}: ${permutation.steps.join(' ')}: ${refusals} refused, required: ${required}`)
}

async function retryWhole(
  target: IsolationTarget,
  plan: ScenarioSession,
  prefix: string,
  where: string,
): Promise<void> {
  const again = target.begin(false)
  for (const operations of plan.steps.values()) {
    if (!(await runStep(again, operations, prefix)))
      throw new Error(`${where}: the victim's immediate retry was refused`)
  }
}

/** False if the session was refused. */
async function runStep(
  session: IsolationSession,
  operations: readonly ScenarioOperation[],
  prefix: string,
): Promise<boolean> {
  for (const operation of operations) if (!(await runOperation(session, operation, prefix))) return false
  return true
}

function runOperation(session: IsolationSession, operation: ScenarioOperation, prefix: string): Promise<boolean> {
  switch (operation[0]) {
    case 'get':
      return session.get(prefix + operation[1])
    case 'scan':
      return session.scan(prefix + operation[1], prefix + operation[2])
    case 'put':
      return session.put(prefix + operation[1], 'after')
    case 'commit':
      return session.commit()
  }
}

function sessionOf(scenario: IsolationScenario, step: string): readonly [string, ScenarioSession] {
  for (const entry of scenario.sessions) if (entry[1].steps.has(step)) return entry
  throw new Error(`no session has a step ${step}`)
}
