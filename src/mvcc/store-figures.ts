/**
 * The figures of the transaction layer, put together from what has them; what its conflict state takes in memory among them.
 *
 * Bytes are derived from what is held: a count of each kind of record, times what one takes in V8 (measured on Node 20 with 100,000 of
 * each), and the length of the keys. So they cannot drift away from the content.
 *
 * What it does not do: count events; the store does. Pinned by test/unit/mvcc/store-figures.test.ts and test/memory.
 */
import type { Limits } from '../base/limits'
import type { StoreStats } from './contract'
import type { Environment } from './environment'
import type { GraphCore } from './graph-core'
import { allOpenFigures } from './open-figures'

/** What one of each takes, in bytes: the record of a key with its place in the map, one of its readers, one of its writers. */
const KEY_RECORD_BYTES = 120
const READER_BYTES = 16
const WRITER_BYTES = 80
/** The second reader of a key begins a set, those that follow take little. */
const READER_MORE_BYTES = 80
/** A range in its index, and in the list of whoever read or deleted it. */
const RANGE_BYTES = 240
/** Both ends of an edge, and what made it. */
const EDGE_BYTES = 200
/** A committed transaction; one that is open is more than a node. */
const NODE_BYTES = 360
const ACTIVE_BYTES = 880
const FLOOR_BYTES = 200
/** The length of a key where there is none to learn it from. */
const KEY_BYTES_EXPECTED = 32

/** What the store itself counts. */
export type StoreCounts = Pick<StoreStats, 'loadsActive' | 'commits' | 'aborts' | 'conservativeAborts'>

/** Everything that `Store.stats` shows. */
export function storeFigures(environment: Environment, counts: StoreCounts): StoreStats {
  const { graph, queues, untracked, limits } = environment
  const { core } = graph
  const { keys, rangeReads, rangeDeletes, floors } = core.index
  const oldest = core.snapshots.min
  return {
    decided: core.decided,
    published: core.published,
    ...allOpenFigures(environment),
    retentionFloor: Math.min(core.published, oldest, untracked.min),
    nodes: core.active.size + core.retainedCount,
    commitsRetained: core.retainedCount,
    commitsSummarized: core.summarizedCount,
    edges: core.edges,
    keyRecords: keys.size,
    pointReads: keys.readerCount,
    retainedWrites: keys.writerCount,
    rangeReads: rangeReads.size,
    rangeDeletes: rangeDeletes.size,
    readerFloors: floors.size,
    conflictBytes: conflictBytes(core),
    conflictBudgetBytes: conflictBudgetBytes(limits, core),
    queuedKeys: queues.size,
    oldestSnapshot: oldest === Infinity ? undefined : oldest,
    ...counts,
    deadlocks: queues.deadlocks,
    searches: graph.searches,
    searchVisits: graph.searchVisits,
  }
}

/** What the conflict state takes in memory. */
function conflictBytes({ index, edges, active, retainedCount }: GraphCore): number {
  const { keys, rangeReads, rangeDeletes, floors } = index
  const ofKeys = keys.size * KEY_RECORD_BYTES + keys.keyBytes
  const readersMore = Math.max(0, keys.readerCount - keys.size)
  const readers = keys.readerCount * READER_BYTES + readersMore * READER_MORE_BYTES
  const ranges = (rangeReads.size + rangeDeletes.size) * RANGE_BYTES
  return (
    ofKeys +
    readers +
    keys.writerCount * WRITER_BYTES +
    ranges +
    edges * EDGE_BYTES +
    floors.size * FLOOR_BYTES +
    active.size * ACTIVE_BYTES +
    retainedCount * NODE_BYTES
  )
}

/** What the limits let it take, with keys as long as they are now: each registration the only one of its key. */
function conflictBudgetBytes(limits: Limits, { index: { keys } }: GraphCore): number {
  const meanKeyBytes = keys.size === 0 ? KEY_BYTES_EXPECTED : Math.ceil(keys.keyBytes / keys.size)
  const { registrationsMax, retainedCommitsMax, transactionsActiveMax } = limits
  const registration = Math.max(KEY_RECORD_BYTES + WRITER_BYTES + meanKeyBytes, RANGE_BYTES, EDGE_BYTES)
  return registrationsMax * registration + retainedCommitsMax * NODE_BYTES + transactionsActiveMax * ACTIVE_BYTES
}
