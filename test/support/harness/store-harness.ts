/**
 * The transaction layer over every storage, and over the same data in every place where storage can hold it.
 *
 * A script sets up its data, the harness brings them where the name says, and the schedule runs. Publishing is held by hand
 * everywhere (held-engine.ts).
 */
import type { Limits } from '../../../src/base/limits'
import { createLimits } from '../../../src/base/limits'
import type { SerializationReport } from '../../../src/base/serialization-report'
import type { Store } from '../../../src/mvcc/contract'
import { createTransactionStore } from '../../../src/mvcc/transaction-store'
import type { Engine } from '../../../src/storage/engine'
import { openLsmEngine } from '../../../src/storage/lsm-engine'
import { createMemoryEngine } from '../../../src/storage/memory/memory-engine'
import type { MemoryRuntime } from '../memory-runtime/memory-runtime'
import { createMemoryRuntime } from '../memory-runtime/memory-runtime'
import type { HeldEngine } from './held-engine'
import { holdPublishing } from './held-engine'
import { LEAST_LIMITS } from './least-limits'
import { checkAtRest } from './store-subject'

/** Where the data of the setup are when the schedule runs. */
export const DATA_PLACES = ['the memory engine', 'in memory', 'flushed', 'compacted', 'reopened', 'merged all the time'] as const // prettier-ignore
export type DataPlace = (typeof DATA_PLACES)[number]

/** See the file's header. */
export interface StoreHarness {
  readonly name: DataPlace
  readonly store: Store
  onAbort: ((report: SerializationReport) => void) | undefined
  /** Brings what was set up to its place. Gives the store to go on with. */
  settleData(): Promise<Store>
  /** To be awaited after each step: where data are merged all the time, everything is flushed and merged. */
  disturb(): Promise<void>
  publishThrough(sequence: number): void
  flush(): Promise<void>
  compact(): Promise<void>
  checkAtRest(): void
  close(): Promise<void>
}

/** A harness with an empty store. */
export async function createStoreHarness(
  place: DataPlace,
  limits: Readonly<Record<string, number>> = {},
): Promise<StoreHarness> {
  const runtime = createMemoryRuntime({ seed: 1 })
  const isMerged = place === 'merged all the time'
  const allLimits = createLimits({ ...(isMerged ? LEAST_LIMITS : {}), ...limits })
  const openEngine = async (): Promise<HeldEngine> => holdPublishing(await createEngine(place, runtime, allLimits))
  let engine = await openEngine()
  const createStore = (): Store =>
    createTransactionStore(runtime, engine, allLimits, {
      durability: 'sync',
      onAbort: (report) => harness.onAbort?.(report),
    })
  let store = createStore()
  const harness: StoreHarness = {
    name: place,
    get store() {
      return store
    },
    onAbort: undefined,
    async settleData() {
      if (place === 'flushed') await engine.flush()
      if (place === 'compacted' || isMerged) {
        await engine.flush()
        await engine.compact()
      }
      if (place !== 'reopened') return store
      await engine.close()
      engine = await openEngine()
      store = createStore()
      return store
    },
    async disturb() {
      if (isMerged) await engine.compact()
    },
    publishThrough: (sequence) => engine.publishThrough(sequence),
    flush: () => engine.flush(),
    compact: () => engine.compact(),
    checkAtRest: () => checkAtRest(store),
    close: () => engine.close(),
  }
  return harness
}

async function createEngine(place: DataPlace, runtime: MemoryRuntime, limits: Limits): Promise<Engine> {
  if (place === 'the memory engine') return createMemoryEngine({ runtime, publishing: 'manual' })
  return openLsmEngine(runtime, 'data', { limits, create: true, readOnly: false, ioMode: 'inline' })
}
