/**
 * What the isolation schedules run on: the audited transaction layer over any storage, or the public interface.
 */
import type { Database } from '../../../src/index'
import { SerializationError, open } from '../../../src/index'
import { Auditor } from '../oracle/auditor'
import type { StepOutcome } from '../oracle/audited-transaction'
import { LEAST_LIMITS } from './least-limits'
import type { DataPlace } from './store-harness'
import { createStoreHarness } from './store-harness'

/** A transaction; each operation gives false if it was refused with a serialization error. */
export interface IsolationSession {
  get(key: string): Promise<boolean>
  /** Half-open bounds; consumed to the end. */
  scan(start: string, end: string): Promise<boolean>
  put(key: string, value: string): Promise<boolean>
  commit(): Promise<boolean>
}

/** There are thousands of operations: after each of these many, the storage is disturbed. */
const DISTURB_EVERY = 64

/** See the file's header. */
export interface IsolationTarget {
  /** Writes the rows that exist beforehand and brings them to their place. */
  setUp(rows: readonly (readonly [key: string, value: string])[]): Promise<void>
  begin(readOnly: boolean): IsolationSession
  /** Ends what still runs and checks what is left. */
  finish(): Promise<void>
  close(): Promise<void>
}

/** The transaction layer, every step judged by the auditor too. */
export async function openStoreTarget(place: DataPlace): Promise<IsolationTarget> {
  const harness = await createStoreHarness(place)
  const auditor = new Auditor(harness.store)
  let operations = 0
  harness.onAbort = (report) => auditor.onAbort(report)
  const publish = (): void => {
    if (auditor.published === auditor.decided) return
    harness.publishThrough(auditor.decided)
    auditor.onPublished(auditor.decided)
  }
  const told = async (outcome: StepOutcome | Promise<StepOutcome>): Promise<boolean> => {
    const settled = { isSettled: false }
    const mark = (): void => void (settled.isSettled = true)
    if (outcome instanceof Promise) outcome.then(mark, mark)
    else mark()
    for (;;) {
      auditor.noticeDecisions()
      publish()
      if (settled.isSettled) break
      await new Promise((resolve) => setImmediate(resolve))
    }
    const isDone = (await outcome) === 'done'
    const failure = auditor.failure ?? auditor.reportFault
    if (failure !== undefined) throw failure
    if (operations++ % DISTURB_EVERY === 0) await harness.disturb()
    return isDone
  }
  return {
    async setUp(rows) {
      const writer = auditor.begin()
      for (const [key, value] of rows) writer.put(key, value)
      await told(writer.commit())
      auditor.reopened(await harness.settleData())
    },
    begin(readOnly) {
      const transaction = auditor.begin({ readOnly })
      return {
        get: (key) => told(transaction.get(key)),
        scan: (start, end) => told(transaction.scan({ start, end })),
        put: (key, value) => told(transaction.put(key, value)),
        commit: () => told(transaction.commit()),
      }
    },
    async finish() {
      for (const transaction of [...auditor.running]) transaction.rollback()
      await harness.store.settled()
      harness.checkAtRest()
    },
    close: () => harness.close(),
  }
}

/** Where a database's data are. */
export const DATABASE_PLACES = ['in memory', 'flushed', 'compacted', 'reopened', 'merged all the time'] as const
export type DatabasePlace = (typeof DATABASE_PLACES)[number]

/** A database in a real directory. */
export async function openDatabaseTarget(directory: string, place: DatabasePlace): Promise<IsolationTarget> {
  const isMerged = place === 'merged all the time'
  let database: Database = await open(directory, isMerged ? LEAST_LIMITS : {})
  const merging = isMerged ? mergeAllTheTime(database) : undefined
  const told = async (act: () => Promise<unknown>): Promise<boolean> => {
    try {
      await act()
      return true
    } catch (error) {
      if (error instanceof SerializationError && !error.report.conservative) return false
      throw error
    }
  }
  return {
    async setUp(rows) {
      await database.transact(async (tx) => {
        for (const [key, value] of rows) tx.put(key, value)
      })
      if (place === 'flushed' || place === 'compacted') await database.flush()
      if (place === 'compacted') await database.compact()
      if (place !== 'reopened') return
      await database.close()
      database = await open(directory)
    },
    begin(readOnly) {
      const tx = database.begin({ readOnly })
      return {
        get: (key) => told(() => tx.get(key)),
        scan: (gte, lt) =>
          told(async () => {
            for await (const [key] of tx.scan({ gte, lt }))
              if (key.length === 0) throw new Error('no key is empty here')
          }),
        put: (key, value) => told(async () => tx.put(key, value)),
        commit: () => told(() => tx.commit()),
      }
    },
    finish: () => Promise.resolve(),
    async close() {
      await merging?.end()
      await database.close()
    },
  }
}

/** Flushes and merges everything, again and again, until `end`, which rejects with what went wrong. */
export function mergeAllTheTime(database: Database): { end(): Promise<void> } {
  let isOver = false
  const running = (async () => {
    while (!isOver) {
      await database.compact()
      await new Promise((resolve) => setImmediate(resolve))
    }
  })()
  running.catch(() => undefined)
  return {
    end() {
      isOver = true
      return running
    },
  }
}
