/**
 * Closed-loop clients: each begins its next transaction when the last one is acknowledged, for a set time.
 *
 * Rates count acknowledged transactions only; latencies are those of `commit()` alone. Also here: the application's own
 * work in the shared thread pool, which must not stand in front of commits.
 */
import { pbkdf2 } from 'node:crypto'
import type { DatabaseStats } from 'strictkv'
import { Latencies } from './figures'
import type { Sample } from './figures'

/** Runs one transaction of `client`, its `turn`-th, and records how long its commit took. */
export type ClientStep = (client: number, turn: number, latencies: Latencies) => Promise<void>

const LATENCIES_KEPT = 1 << 20
const PBKDF2_ROUNDS = 100_000

const latencies = new Latencies(LATENCIES_KEPT)

/** Runs `clients` of them for `ms` milliseconds. Rejects with the first error of any. */
export async function runClients(clients: number, ms: number, step: ClientStep): Promise<Sample> {
  latencies.clear()
  let count = 0
  const sinceMs = performance.now()
  const untilMs = sinceMs + ms
  const client = async (number: number): Promise<void> => {
    for (let turn = 0; performance.now() < untilMs; turn++) {
      await step(number, turn, latencies)
      count++
    }
  }
  await Promise.all(Array.from({ length: clients }, (_, number) => client(number)))
  const seconds = (performance.now() - sinceMs) / 1000
  return { count, seconds, perSecond: count / seconds, ...latencies.metrics() }
}

/** What the log and the background did between two looks at the figures of a database. */
export function logMetrics(before: DatabaseStats, after: DatabaseStats, sample: Sample): Sample {
  const syncs = after.storage.logSyncs - before.storage.logSyncs
  const groups = after.storage.logGroups - before.storage.logGroups
  const count = sample['count'] ?? 0
  const perSync = syncs === 0 ? {} : { commitsPerSync: count / syncs }
  const perGroup = groups === 0 ? {} : { commitsPerGroup: count / groups }
  return {
    ...sample,
    ...perSync,
    ...perGroup,
    syncsPerSecond: syncs / (sample['seconds'] ?? 1),
    logBytesPerCommit: (after.storage.logBytesWritten - before.storage.logBytesWritten) / Math.max(1, count),
    flushes: after.storage.flushes - before.storage.flushes,
    compactions: after.storage.compactions - before.storage.compactions,
    stalls: after.storage.stalls.count - before.storage.stalls.count,
    aborts: after.transactions.aborts - before.transactions.aborts,
  }
}

/** Keeps `jobs` key derivations running in the shared thread pool while `fn` runs. */
export async function withBusyPool<T>(jobs: number, fn: () => Promise<T>): Promise<T> {
  let isOver = false
  const derive = async (): Promise<void> => {
    while (!isOver) {
      await new Promise<void>((resolve, reject) => {
        pbkdf2('password', 'salt', PBKDF2_ROUNDS, 64, 'sha512', (error) => (error === null ? resolve() : reject(error)))
      })
    }
  }
  const running = Promise.all(Array.from({ length: jobs }, derive))
  try {
    return await fn()
  } finally {
    isOver = true
    await running
  }
}
