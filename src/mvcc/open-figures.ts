/**
 * What is told of a transaction or snapshot that is open: the same in `db.stats()` and in the event that warns of old ones.
 *
 * Asked for when somebody wants to know, never kept. Pinned by test/unit/mvcc/store-figures.test.ts and test/unit/kv/age-watch.test.ts.
 */
import type { OpenFigures, StoreSnapshot, StoreStats, StoreTransaction } from './contract'
import type { Environment } from './environment'

/** What is told of `handle` at `nowMs` on the monotonic clock. */
export function openFigures(handle: StoreTransaction | StoreSnapshot, nowMs: number): OpenFigures {
  const { label, begunMs } = handle
  const ageMs = nowMs - begunMs
  return 'commit' in handle
    ? { kind: 'transaction', id: handle.id, label, sequence: handle.snapshot, ageMs }
    : { kind: 'snapshot', id: undefined, label, sequence: handle.sequence, ageMs }
}

/** How many are open, and the oldest of them by when they were opened and by what they read at: one walk, oldest first. */
export function allOpenFigures({
  open,
  graph,
  runtime,
}: Pick<Environment, 'open' | 'graph' | 'runtime'>): Pick<
  StoreStats,
  'transactionsActive' | 'snapshotsActive' | 'oldestOpenTransaction' | 'oldestOpenSnapshot' | 'oldestReader'
> {
  const nowMs = runtime.clock.monotonicMs()
  let transactionsActive = 0
  let firstTransaction: StoreTransaction | undefined
  let firstSnapshot: StoreSnapshot | undefined
  let oldest: StoreTransaction | StoreSnapshot | undefined
  for (const handle of open) {
    if ('commit' in handle) {
      transactionsActive++
      firstTransaction ??= handle
    } else firstSnapshot ??= handle
    if (oldest === undefined || sequenceOf(handle) < sequenceOf(oldest)) oldest = handle
  }
  const figures = (handle: typeof oldest): OpenFigures | undefined => handle && openFigures(handle, nowMs)
  const oldestReader = figures(oldest)
  return {
    transactionsActive,
    snapshotsActive: open.size - transactionsActive,
    oldestOpenTransaction: figures(firstTransaction),
    oldestOpenSnapshot: figures(firstSnapshot),
    oldestReader: oldestReader && { ...oldestReader, commitsBehind: graph.core.decided - oldestReader.sequence },
  }
}

function sequenceOf(handle: StoreTransaction | StoreSnapshot): number {
  return 'commit' in handle ? handle.snapshot : handle.sequence
}
