/**
 * A whole database, public interface to log and tables, on the runtime in memory: what `open` puts together, with another door.
 */
import type { LimitName, Limits } from '../../../src/base/limits'
import { createLimits } from '../../../src/base/limits'
import type { Durability } from '../../../src/kv/call-options'
import { Database } from '../../../src/kv/database'
import type { DatabaseEvent } from '../../../src/kv/events'
import { Events } from '../../../src/kv/events'
import { createTransactionStore } from '../../../src/mvcc/transaction-store'
import type { IoThreadMode } from '../../../src/runtime/runtime'
import { openLsmEngine } from '../../../src/storage/lsm-engine'
import type { MemoryRuntime } from '../memory-runtime/memory-runtime'

/** How it is opened. */
export interface LsmDatabaseOptions {
  readonly limits?: Partial<Record<LimitName, number>>
  readonly durability?: Durability
  readonly readOnly?: boolean
  readonly logMode?: IoThreadMode
  readonly onEvent?: (event: DatabaseEvent) => void
}

/** Opens the database in `directory` of `runtime`, or creates it. */
export async function openLsmDatabase(
  runtime: MemoryRuntime,
  directory: string,
  options: LsmDatabaseOptions = {},
): Promise<Database> {
  const limits: Limits = createLimits(options.limits)
  const readOnly = options.readOnly ?? false
  const events = new Events(options.onEvent)
  const engine = await openLsmEngine(runtime, directory, {
    limits,
    create: !readOnly,
    readOnly,
    ioMode: options.logMode ?? 'thread',
    onEvent: (event) => events.emit(event),
  })
  const store = createTransactionStore(runtime, engine, limits, {
    durability: options.durability ?? 'sync',
    onAbort: (report, message) => events.emit({ type: 'abort', report, message }),
  })
  return new Database({
    path: directory,
    runtime,
    store,
    operations: engine,
    limits,
    events,
    guards: 'standard',
    readOnly,
    keepOrigins: false,
  })
}
