/**
 * What `db.stats()` shows: figures of transactions, storage, memory and events, put together.
 *
 * The whole of memory is the sum of its parts, and its budget the sum of theirs: nothing is counted beside them.
 * Pinned by test/unit/kv/database-stats.test.ts and test/memory.
 */
import type { Store, StoreStats } from '../mvcc/contract'
import type { Events } from './events'
import type { Operations } from './operations'
import type { MemoryPart, StorageMemory, StorageStats } from './storage-stats'

/** What a database has in memory, part by part. */
export interface MemoryStats {
  /** The sum of the parts, and of their budgets. */
  readonly bytes: number
  readonly budgetBytes: number
  readonly parts: StorageMemory & {
    /** What is known of transactions: registrations of readers, retained writes, edges. */
    readonly conflicts: MemoryPart
  }
}

/** The name of a part. */
export type MemoryPartName = keyof MemoryStats['parts']

/** The parts in the order in which they are shown. */
export const MEMORY_PARTS: readonly MemoryPartName[] = [
  'memtable',
  'memtablesFrozen',
  'blockCache',
  'filters',
  'indexes',
  'models',
  'tables',
  'log',
  'loads',
  'jobs',
  'conflicts',
]

/** Everything that `db.stats()` shows. */
export interface DatabaseStats {
  readonly transactions: StoreStats
  readonly storage: StorageStats
  readonly memory: MemoryStats
  readonly events: {
    /** How often the application's `onEvent` failed, and with what it failed last. */
    readonly listenerFailures: number
    readonly lastListenerFailure: unknown
  }
}

/** What it is put together from. */
export interface StatsSources {
  readonly store: Store
  readonly operations: Operations
  readonly events: Events
}

/** The figures of this moment. */
export function databaseStats({ store, operations, events }: StatsSources): DatabaseStats {
  const transactions = store.stats()
  const { memory, ...storage } = operations.stats()
  const conflicts = { bytes: transactions.conflictBytes, budgetBytes: transactions.conflictBudgetBytes }
  return {
    transactions,
    storage,
    memory: memoryStats({ ...memory, conflicts }),
    events: { listenerFailures: events.listenerFailures, lastListenerFailure: events.lastListenerFailure },
  }
}

function memoryStats(parts: MemoryStats['parts']): MemoryStats {
  let [bytes, budgetBytes] = [0, 0]
  for (const name of MEMORY_PARTS) {
    bytes += parts[name].bytes
    budgetBytes += parts[name].budgetBytes
  }
  return { bytes, budgetBytes, parts }
}
