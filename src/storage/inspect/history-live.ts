/**
 * The history of one key in an open store: memtables, log and tables of one moment.
 *
 * 1. What memory holds is read, and the table set pinned, in one synchronous step: a flush moves versions from one to the other in
 *    another step, so none is missed between them.
 * 2. The log is read from its files like any others: a group on its way does not verify yet and is in a memtable; a segment that goes
 *    meanwhile was needed no more.
 * 3. Versions above the published sequence are decided and not yet acknowledged; the history says how far publishing is.
 *
 * Pinned by test/unit/storage/inspect/history-live.test.ts.
 */
import type { Key } from '../../base/bytes'
import type { HistoryOptions, KeyHistory, VersionPlace } from '../../base/key-history'
import type { Sequence } from '../../base/sequence'
import type { Runtime } from '../../runtime/runtime'
import type { Memtable } from '../memtable/memtable'
import type { Memtables } from '../memtable/memtables'
import type { Table } from '../table/table'
import type { TableStore } from '../table/table-store'
import { HistoryGathering } from './history-gathering'
import { gatherFromLog } from './history-log'
import { toDamage } from './picture'

/** What an engine tells of itself. */
export interface HistorySources {
  readonly runtime: Runtime
  readonly directory: string
  /** Those of the log that are needed. */
  readonly segments: readonly number[]
  readonly publishedSequence: Sequence
}

/** An open store. */
export interface LiveStore extends HistorySources {
  readonly memtables: Memtables
  readonly tables: TableStore
}

/** The history of `key`. Holds the table set until it resolves. Rejects with what is neither damage nor an `IoError`. */
export async function liveHistory(store: LiveStore, key: Key, options: HistoryOptions = {}): Promise<KeyHistory> {
  const { runtime, directory, memtables, tables, publishedSequence } = store
  const gathering = new HistoryGathering(key, options)
  const memtablesNewestFirst = [memtables.active, ...memtables.frozen.map((frozen) => frozen.memtable)]
  memtablesNewestFirst.forEach((memtable, i) => gatherFromMemtable(memtable, { in: 'memtable', memtable: i }, gathering)) // prettier-ignore
  const set = tables.current
  set.pin()
  try {
    for (const run of set.runs) {
      const file = run.find(key)
      if (file === undefined) continue
      const path = tables.path(file.number)
      try {
        await gatherFromTable(file.table, { in: 'table', file: path, level: run.level }, gathering)
      } catch (error) {
        gathering.damage(toDamage(error, path))
      }
    }
  } finally {
    set.unpin()
  }
  await gatherFromLog(runtime, { directory, numbers: store.segments, isInUse: true }, gathering)
  return gathering.finish(publishedSequence)
}

/** Synchronous: nothing moves meanwhile. */
function gatherFromMemtable(memtable: Memtable, place: VersionPlace, gathering: HistoryGathering): void {
  const { key } = gathering
  for (const { start, end, sequence } of memtable.rangeTombstones?.list() ?? []) {
    gathering.deleteRange(sequence, { start, end }, place)
  }
  const cursor = memtable.openCursor(false)
  // A cursor of a memtable never promises.
  for (let isThere = cursor.seek(key); isThere === true && cursor.key === key; isThere = cursor.next()) {
    gathering.version(cursor, place)
  }
  cursor.close()
}

async function gatherFromTable(table: Table, place: VersionPlace, gathering: HistoryGathering): Promise<void> {
  const { key } = gathering
  for (const { start, end, sequence } of table.rangeTombstones?.list() ?? []) {
    gathering.deleteRange(sequence, { start, end }, place)
  }
  const cursor = table.openCursor({ reverse: false })
  try {
    let isThere = await cursor.seek(key)
    while (isThere && cursor.key === key) {
      gathering.version(cursor, place)
      isThere = await cursor.next()
    }
  } finally {
    cursor.close()
  }
}
