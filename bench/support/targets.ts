/**
 * What bench:smoke has to reach, as data, and whether a run reached its targets.
 *
 * A ratio is formed within a round, from figures taken side by side, and judged by its median over the rounds; samples between
 * which the disk changed its speed have no ratio. Pinned by test/unit/bench/targets.test.ts.
 */
import type { Run } from './conductor'
import { median } from './figures'
import type { Sample } from './figures'

/** The samples of one round, by case. */
export type Samples = Readonly<Record<string, Sample>>

/** One number that has a bound. */
export interface Goal {
  readonly text: string
  readonly atLeast?: number
  readonly atMost?: number
  /** Undefined where the round has not measured it. */
  value(samples: Samples): number | undefined
}

/** Met if any of the alternatives has all of its goals; missed only if all were measured. */
export interface Target {
  readonly name: string
  readonly alternatives: readonly (readonly Goal[])[]
}

/** How a run stands against a target. */
export interface Verdict {
  readonly name: string
  readonly outcome: 'met' | 'missed' | 'not measured'
  /** What was reached, goal by goal. */
  readonly reached: string
}

const RAW_SHARE_MIN = 0.6
const COMMITS_PER_SECOND_MIN = 100_000
const COMMITS_PER_SYNC_MIN = 12
/** "Full sync rate": this share of what the raw disk does in the same seconds. */
const SYNC_SHARE_MIN = 0.9
const COUNTER_COMMITS_PER_SYNC_MIN = 10
const GET_SYNC_MIN = 500_000
const GET_MIN = 350_000
const SCAN_ROWS_MIN = 1_000_000

/** A goal for one metric of one case. */
export function metric(name: string, key: string, goal: Omit<Goal, 'value'>): Goal {
  return { ...goal, value: (samples) => samples[name]?.[key] }
}

function manyClients(name: string): Target['alternatives'] {
  return [
    [metric(name, 'perSecond', { text: 'commits/s', atLeast: COMMITS_PER_SECOND_MIN })],
    [
      metric(name, 'commitsPerSync', { text: 'commits per sync', atLeast: COMMITS_PER_SYNC_MIN }),
      metric(name, 'syncsOfLimit', { text: 'of the raw sync rate', atLeast: SYNC_SHARE_MIN }),
    ],
    // A log that waits for company syncs less often, and each time for more: what counts is how many commits a raw sync is worth.
    [metric(name, 'ofLimit', { text: 'commits in the time of a raw sync', atLeast: COMMITS_PER_SYNC_MIN })],
  ]
}

function rate(name: string, atLeast: number, text: string): Target['alternatives'] {
  return [[metric(name, 'perSecond', { text, atLeast })]]
}

/** All targets, in the order of the report. */
export const TARGETS: readonly Target[] = [
  {
    name: 'durable, 1 client',
    alternatives: [[metric('durable-1', 'ofLimit', { text: 'of the raw rate, I/O thread', atLeast: RAW_SHARE_MIN })]],
  },
  {
    name: 'durable, 1 client, inline',
    alternatives: [[metric('durable-1-inline', 'ofLimit', { text: 'of the raw rate, inline', atLeast: RAW_SHARE_MIN })]], // prettier-ignore
  },
  { name: 'durable, 64 clients', alternatives: manyClients('durable-64') },
  { name: 'durable, 64 clients, 4 pbkdf2 jobs', alternatives: manyClients('durable-64-pbkdf2') },
  ...['counter-64', 'counter-64-transact'].map((name) => ({
    name: `one counter, 64 clients${name.endsWith('transact') ? ', transact' : ''}`,
    alternatives: [[metric(name, 'commitsPerSync', { text: 'commits per sync', atLeast: COUNTER_COMMITS_PER_SYNC_MIN })]], // prettier-ignore
  })),
  { name: 'db.getSync, zipfian', alternatives: rate('get-sync-zipfian', GET_SYNC_MIN, 'reads/s') },
  { name: 'db.getSync, uniform', alternatives: rate('get-sync-uniform', GET_SYNC_MIN, 'reads/s') },
  { name: 'db.get, zipfian', alternatives: rate('get-zipfian', GET_MIN, 'reads/s') },
  { name: 'db.get, uniform', alternatives: rate('get-uniform', GET_MIN, 'reads/s') },
  { name: 'scan, pages(256)', alternatives: rate('scan-pages', SCAN_ROWS_MIN, 'rows/s') },
  {
    name: 'serializable against snapshot, durable',
    alternatives: [[ratio('durable-64', 'durable-64-snapshot', 0.85)]],
  },
  { name: "serializable against snapshot, 'os'", alternatives: [[ratio('os-64', 'os-64-snapshot', 0.85)]] },
]

function ratio(name: string, to: string, atLeast: number): Goal {
  return {
    text: 'of its rate',
    atLeast,
    value: (samples) => {
      const [one, other] = [samples[name]?.['perSecond'], samples[to]?.['perSecond']]
      return one === undefined || other === undefined ? undefined : one / other
    },
  }
}

/** How `run` stands against every target. */
export function judge(run: Pick<Run, 'rounds'>, targets: readonly Target[] = TARGETS): Verdict[] {
  const rounds = run.rounds.map((round) => round.samplesByCase)
  return targets.map(({ name, alternatives }) => {
    const judged = alternatives.map((goals) => goals.map((goal) => judgeGoal(goal, rounds)))
    const known = judged.filter((goals) => goals.every(({ reached }) => reached !== undefined))
    const isMet = known.some((goals) => goals.every(({ isMet }) => isMet))
    const outcome = isMet ? 'met' : known.length === judged.length ? 'missed' : 'not measured'
    return { name, outcome, reached: known.map((goals) => goals.map(({ text }) => text).join(', ')).join('; or ') }
  })
}

function judgeGoal(
  goal: Goal,
  rounds: readonly Samples[],
): { isMet: boolean; reached: number | undefined; text: string } {
  const reached = median(rounds.flatMap((samples) => goal.value(samples) ?? []))
  if (reached === undefined) return { isMet: false, reached, text: '' }
  const { atLeast = -Infinity, atMost = Infinity } = goal
  const bounds = [
    ...(goal.atLeast === undefined ? [] : [`>= ${shown(atLeast)}`]),
    ...(goal.atMost === undefined ? [] : [`<= ${shown(atMost)}`]),
  ]
  const text = `${shown(reached)} (${bounds.join(', ')}) ${goal.text}`
  return { isMet: reached >= atLeast && reached <= atMost, reached, text }
}

/** A number as people read it: three digits that count. */
export function shown(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US')
  return String(Number(value.toPrecision(3)))
}
