/**
 * The real transaction layer on the in-memory engine, as the oracles drive it.
 */
import type { SerializationReport } from '../../../src/base/serialization-report'
import type { LimitName } from '../../../src/base/limits'
import { createLimits } from '../../../src/base/limits'
import type { Store } from '../../../src/mvcc/contract'
import { createTransactionStore } from '../../../src/mvcc/transaction-store'
import type { MemoryEngine, MemoryEngineOptions } from '../../../src/storage/memory/memory-engine'
import { createMemoryEngine } from '../../../src/storage/memory/memory-engine'
import { createMemoryRuntime } from '../memory-runtime/memory-runtime'
import { OracleViolation } from '../oracle/schedule-runner'
import type { Subject } from '../oracle/subject'

/** The subject with everything about it that tests want. */
export interface StoreSubject extends Subject {
  readonly store: Store
  readonly engine: MemoryEngine
  /** Told of every abort, in the step in which it happens. */
  onAbort: ((report: SerializationReport) => void) | undefined
  /** Told of every commit, with the keys of its batch, once it is readable and before anyone else can do anything. */
  onAppended: ((keys: readonly string[]) => void) | undefined
}

/** How it is built. */
export interface StoreSubjectOptions {
  readonly limits?: Partial<Record<LimitName, number>>
  readonly engine?: Partial<Omit<MemoryEngineOptions, 'runtime'>>
  /** Compares the sizes of all state with nothing after so many times at rest; 1: always. */
  readonly restCheckEvery?: number
}

/** A fresh store whose publishing is driven by hand. */
export function createStoreSubject(options: StoreSubjectOptions = {}): StoreSubject {
  const runtime = createMemoryRuntime({ seed: 1 })
  const engine = createMemoryEngine({ runtime, publishing: 'manual', collectAfterVersions: 256, ...options.engine })
  const append = engine.append.bind(engine)
  engine.append = (batch, bytes, sequence, durability) => {
    append(batch, bytes, sequence, durability)
    subject.onAppended?.(batch.map(({ key }) => key))
  }
  const conservative = new Set<number>()
  let rests = 0
  const store = createTransactionStore(runtime, engine, createLimits(options.limits), {
    durability: 'sync',
    onAbort(report) {
      if (report.conservative) conservative.add(report.victim.id)
      subject.onAbort?.(report)
    },
  })
  const subject: StoreSubject = {
    store,
    engine,
    onAbort: undefined,
    onAppended: undefined,
    publishThrough: (sequence) => engine.publishThrough(sequence),
    isConservative: ({ id }) => conservative.delete(id),
    checkAtRest() {
      if (++rests % (options.restCheckEvery ?? 1) !== 0) return
      checkAtRest(store)
    },
  }
  return subject
}

/** Throws unless all state has shrunk to nothing. REQUIRES: nothing runs and everything is published. */
export function checkAtRest(store: Store): void {
  store.checkInvariants()
  const { decided, published, retentionFloor, ...sizes } = store.stats()
  const left = Object.entries(sizes).filter(([name, size]) => !NO_STATE.has(name) && size !== 0 && size !== undefined)
  if (left.length === 0 && decided === published && retentionFloor === published) return
  const list = left.map(([name, size]) => `${name} ${JSON.stringify(size)}`).join(', ')
  throw new OracleViolation(
    'wrong state',
    `at rest something is left: ${list}, decided ${decided}, published ${published}, retention floor ${retentionFloor}`,
  )
}

/** Figures that only ever grow, and what limits allow. */
const NO_STATE = new Set([
  'commits',
  'aborts',
  'conservativeAborts',
  'deadlocks',
  'searches',
  'searchVisits',
  'conflictBudgetBytes',
])
