/**
 * The real transaction layer on the LSM engine with limits at their least, flushed and merged all the time, as the oracles
 * drive it: what `createStoreSubject` is for the in-memory engine.
 *
 * Publishing is held by hand (held-engine.ts). `work` lets the background go on between two steps of a workload, asks for a flush
 * or a merge of everything now and then, and throws what went wrong there.
 */
import type { LimitName } from '../../../src/base/limits'
import { createLimits } from '../../../src/base/limits'
import type { SerializationReport } from '../../../src/base/serialization-report'
import type { Store } from '../../../src/mvcc/contract'
import { createTransactionStore } from '../../../src/mvcc/transaction-store'
import type { EngineStats } from '../../../src/storage/engine'
import { openLsmEngine } from '../../../src/storage/lsm-engine'
import { createMemoryRuntime } from '../memory-runtime/memory-runtime'
import type { Subject } from '../oracle/subject'
import { holdPublishing } from './held-engine'
import { LEAST_LIMITS } from './least-limits'
import { checkAtRest } from './store-subject'

/** The subject with what the campaigns want of it. */
export interface LsmSubject extends Subject {
  readonly store: Store
  onAbort: ((report: SerializationReport) => void) | undefined
  onAppended: ((keys: readonly string[]) => void) | undefined
  /** Between two steps: lets the background go on. */
  work(step: number): Promise<void> | undefined
  figures(): EngineStats
  close(): Promise<void>
}

/** Steps between two turns of the event loop, between two flushes, and between two merges of everything. */
const TURN_EVERY = 2
const FLUSH_EVERY = 61
const MERGE_EVERY = 307

/** A fresh store. */
export async function createLsmSubject(
  options: { readonly limits?: Partial<Record<LimitName, number>>; readonly seed?: number } = {},
): Promise<LsmSubject> {
  const runtime = createMemoryRuntime({ seed: options.seed ?? 1 })
  const limits = createLimits({ ...LEAST_LIMITS, ...options.limits })
  const inner = await openLsmEngine(runtime, '/db', { limits, create: true, readOnly: false, ioMode: 'thread' })
  const engine = holdPublishing(inner)
  const { append } = engine
  engine.append = (batch, bytes, sequence, durability) => {
    append(batch, bytes, sequence, durability)
    subject.onAppended?.(batch.map(({ key }) => key))
  }
  const conservative = new Set<number>()
  const store = createTransactionStore(runtime, engine, limits, {
    durability: 'sync',
    onAbort(report) {
      if (report.conservative) conservative.add(report.victim.id)
      subject.onAbort?.(report)
    },
  })
  let failure: unknown
  let isAsked = false
  const ask = (job: Promise<void>): void => {
    isAsked = true
    job.catch((error: unknown) => (failure ??= error)).finally(() => (isAsked = false)) // prettier-ignore
  }
  const subject: LsmSubject = {
    store,
    onAbort: undefined,
    onAppended: undefined,
    publishThrough: (sequence) => engine.publishThrough(sequence),
    isConservative: ({ id }) => conservative.delete(id),
    checkAtRest: () => checkAtRest(store),
    work(step) {
      if (failure instanceof Error) throw failure
      if (!isAsked && step % FLUSH_EVERY === 0) ask(inner.flush())
      if (!isAsked && step % MERGE_EVERY === 0) ask(inner.compact())
      if (step % TURN_EVERY !== 0) return undefined
      return new Promise((resolve) => setImmediate(resolve))
    },
    figures: () => inner.stats(),
    async close() {
      inner.checkInvariants()
      await inner.close()
    },
  }
  return subject
}
