/**
 * A database over the in-memory engine and runtime, with the real transaction layer, for the tests of this folder.
 */
import { runInThisContext } from 'node:vm'
import { createLimits } from '../../../src/base/limits'
import type { LimitName } from '../../../src/base/limits'
import type { BytesInput } from '../../../src/kv/bytes-type'
import { Database } from '../../../src/kv/database'
import { Events } from '../../../src/kv/events'
import type { DatabaseEvent } from '../../../src/kv/events'
import { createTransactionStore } from '../../../src/mvcc/transaction-store'
import type { TransactionStore } from '../../../src/mvcc/transaction-store'
import { createMemoryEngine } from '../../../src/storage/memory/memory-engine'
import type { MemoryEngine, MemoryEngineOptions } from '../../../src/storage/memory/memory-engine'
import { createMemoryRuntime } from '../../support/memory-runtime/memory-runtime'
import type { MemoryRuntime } from '../../support/memory-runtime/memory-runtime'

export interface FixtureOptions {
  readonly engine?: Omit<MemoryEngineOptions, 'runtime'>
  readonly limits?: Partial<Record<LimitName, number>>
  readonly guards?: 'standard' | 'full'
  readonly readOnly?: boolean
  readonly keepOrigins?: boolean
  readonly onEvent?: (event: DatabaseEvent) => unknown
  readonly runtime?: MemoryRuntime
}

export interface Fixture {
  readonly db: Database
  readonly store: TransactionStore
  readonly engine: MemoryEngine
  readonly runtime: MemoryRuntime
  /** Everything told so far. */
  readonly events: DatabaseEvent[]
}

export function createFixture(options: FixtureOptions = {}): Fixture {
  const runtime = options.runtime ?? createMemoryRuntime()
  const limits = createLimits(options.limits)
  const engine = createMemoryEngine({ ...options.engine, runtime })
  const events: DatabaseEvent[] = []
  const told = new Events((event) => {
    events.push(event)
    return options.onEvent?.(event)
  })
  const store = createTransactionStore(runtime, engine, limits, {
    durability: 'sync',
    onAbort: (report, message) => told.emit({ type: 'abort', report, message }),
  })
  const db = new Database({
    path: 'in memory',
    runtime,
    store,
    operations: engine,
    limits,
    events: told,
    guards: options.guards ?? 'standard',
    readOnly: options.readOnly ?? false,
    keepOrigins: options.keepOrigins ?? false,
  })
  return { db, store, engine, runtime, events }
}

/** Every row of a scan, as text. */
export async function rowsOf(scan: AsyncIterable<readonly [Uint8Array, Uint8Array]>): Promise<string[]> {
  const rows: string[] = []
  for await (const [key, value] of scan) rows.push(`${String(key)}=${String(value)}`)
  return rows
}

/** Every item of a scan of keys or values, as text. */
export async function textsOf(items: AsyncIterable<Uint8Array>): Promise<string[]> {
  const texts: string[] = []
  for await (const item of items) texts.push(String(item))
  return texts
}

/** Writes keys with values, all in one transaction. */
export async function fill(db: Database, rows: Readonly<Record<string, BytesInput>>): Promise<void> {
  await db.transact((tx) => {
    for (const [key, value] of Object.entries(rows)) tx.put(key, value)
  })
}

/** A promise with its ends in hand. */
export function createLatch(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

/** Lets `count` turns of the event loop go by. */
export async function turns(count = 5): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise<void>((resolve) => setImmediate(resolve))
}

/** Collects unhandled rejections while `run` runs and some turns longer. */
export async function unhandledDuring(run: () => Promise<unknown>): Promise<unknown[]> {
  const unhandled: unknown[] = []
  const note = (reason: unknown): void => void unhandled.push(reason)
  // Jest gives tests a copy of `process`, whose listeners are never called.
  const process = runInThisContext('process') as NodeJS.Process
  const others = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  process.on('unhandledRejection', note)
  try {
    await run()
    await turns(10)
  } finally {
    process.off('unhandledRejection', note)
    for (const other of others) process.on('unhandledRejection', other)
  }
  return unhandled
}
