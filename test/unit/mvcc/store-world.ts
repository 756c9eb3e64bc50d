/**
 * The transaction layer over the in-memory engine, published by hand, for the tests of its parts.
 */
import type { LimitName } from '../../../src/base/limits'
import { createLimits } from '../../../src/base/limits'
import type { SerializationReport } from '../../../src/base/serialization-report'
import type { Now, StoreCursor, StoreTransaction } from '../../../src/mvcc/contract'
import type { TransactionStore } from '../../../src/mvcc/transaction-store'
import { createTransactionStore } from '../../../src/mvcc/transaction-store'
import type { MemoryEngine, MemoryEngineOptions } from '../../../src/storage/memory/memory-engine'
import { createMemoryEngine } from '../../../src/storage/memory/memory-engine'
import type { MemoryRuntime } from '../../support/memory-runtime/memory-runtime'
import { createMemoryRuntime } from '../../support/memory-runtime/memory-runtime'
import { checkAtRest } from '../../support/harness/store-subject'

/** See the file's header. */
export interface StoreWorld {
  readonly runtime: MemoryRuntime
  readonly engine: MemoryEngine
  readonly store: TransactionStore
  /** Every abort reported, in order. */
  readonly reports: SerializationReport[]
  /** Called with every report, inside the callback of the store. */
  onAbort: (() => void) | undefined
  /** Commits a put of each key with its own name, and publishes it. */
  seed(...keys: string[]): void
  /** Begins, puts and starts to commit; decided when this returns. */
  write(key: string, value?: string): Promise<unknown>
  publishAll(): void
  /** Publishes everything and throws unless nothing is left. */
  expectRest(): void
}

/** A fresh world. */
export function createStoreWorld(
  options: {
    readonly limits?: Partial<Record<LimitName, number>>
    readonly engine?: Partial<Omit<MemoryEngineOptions, 'runtime'>>
  } = {},
): StoreWorld {
  const runtime = createMemoryRuntime({ seed: 1, clockJumps: false })
  const engine = createMemoryEngine({ runtime, publishing: 'manual', ...options.engine })
  const reports: SerializationReport[] = []
  const store = createTransactionStore(runtime, engine, createLimits(options.limits), {
    durability: 'sync',
    onAbort: (report) => {
      reports.push(report)
      world.onAbort?.()
    },
  })
  const world: StoreWorld = {
    runtime,
    engine,
    store,
    reports,
    onAbort: undefined,
    seed: (...keys) => {
      for (const key of keys) void world.write(key)
      world.publishAll()
    },
    write: (key, value = key) => {
      const transaction = store.begin()
      transaction.put(key, Buffer.from(value))
      return transaction.commit()
    },
    publishAll: () => {
      engine.publishThrough(store.stats().decided)
    },
    expectRest: () => {
      world.publishAll()
      expect(engine.reservedBytes).toBe(0)
      expect([...store.open()]).toEqual([])
      checkAtRest(store)
    },
  }
  return world
}

/** The text of a value, also of one that comes later. */
export async function text(value: Now<Buffer | undefined>): Promise<string | undefined> {
  return (await value)?.toString()
}

/** The next `count` keys of a cursor. */
export async function keysOf(cursor: StoreCursor, count = Infinity): Promise<string[]> {
  const keys: string[] = []
  while (keys.length < count && (await cursor.next())) keys.push(cursor.key)
  return keys
}

/** What a promise has come to by the end of the current microtasks and `turns` turns: 'pending', a value or an error's code. */
export async function outcomeOf(promise: Promise<unknown>, turns = 0): Promise<unknown> {
  let outcome: unknown = 'pending'
  promise.then(
    (value) => {
      outcome = value
    },
    (error: unknown) => {
      outcome = (error as { code?: string }).code ?? error
    },
  )
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
  for (let hop = 0; hop < 30; hop++) await Promise.resolve()
  return outcome
}

/** The code of the error that `step` throws or rejects with; undefined if it does neither. */
export async function codeOf(step: () => unknown): Promise<string | undefined> {
  try {
    await step()
    return undefined
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
}

/** A transaction that any commit of `key` will doom, and that commit: its reads alone close a cycle then. */
export function prepareDoom(world: StoreWorld, key: string): { readonly victim: StoreTransaction; doom(): void } {
  const { store } = world
  const winner = store.begin({ label: 'winner' })
  winner.getSync(`${key}/stale`)
  void world.write(`${key}/stale`)
  const victim = store.begin({ label: 'victim' })
  victim.getSync(key)
  return {
    victim,
    doom: () => {
      winner.put(key, Buffer.from('new'))
      void winner.commit()
    },
  }
}
