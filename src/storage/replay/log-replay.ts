/**
 * Replays the log of a store that is opened: to tables if it is written to, into memtables if it is only read.
 *
 * What is gathered and written on the way is kept or removed together (replay-flush.ts). Reading twice gives the same: a store that
 * the disk has no room to recover is read again, into memtables.
 *
 * Pinned by test/unit/storage/opening.test.ts, test/contract/engine and test/crash.
 */
import { CorruptionError } from '../../base/errors'
import type { Limits } from '../../base/limits'
import type { Sequence } from '../../base/sequence'
import type { Runtime } from '../../runtime/runtime'
import { tableFileName } from '../files/file-names'
import type { LogEnd, ReplayBatch } from '../log/log-contract'
import { replayLog } from '../log/log-reader'
import type { ManifestState, TableRecord } from '../manifest/manifest-state'
import { Memtables } from '../memtable/memtables'
import type { TableFile } from '../table/table-set'
import type { ReplayFlush } from './replay-flush'
import { RowGathering } from './replayed-rows'
import type { ReplayedRows } from './replayed-rows'

/** A log, as the manifest knows it. */
export interface ReplaySource {
  readonly directory: string
  readonly state: ManifestState
  /** Undefined where the manifest has none. */
  readonly databaseMark: number | undefined
}

/** What was replayed. */
export interface Replayed {
  readonly lastSequence: Sequence
  readonly logEnd: LogEnd | undefined
}

/** Replays into memtables, which then answer reads. Throws as `replayLog` does. */
export async function replayIntoMemtables(
  runtime: Runtime,
  source: ReplaySource,
  limits: Limits,
): Promise<Replayed & { readonly memtables: Memtables }> {
  const memtables = new Memtables(source.state.flushedThrough)
  const replayed = await replay(runtime, source, (sequence, entries) => {
    memtables.replay(entries, sequence)
    if (memtables.active.bytes >= limits.memtableBytesMax) memtables.freeze()
  })
  memtables.endReplay()
  if (replayed.lastSequence > memtables.appendedSequence) memtables.insert([], replayed.lastSequence)
  return { ...replayed, memtables }
}

/** Replays into tables that nothing names yet. Throws as `replayLog` does, and what writing throws; then none of them stays. */
export async function replayIntoTables(
  runtime: Runtime,
  source: ReplaySource,
  { flush, pieceBytes }: { readonly flush: ReplayFlush; readonly pieceBytes: number },
): Promise<Replayed & { readonly files: readonly TableFile[] }> {
  let last: ReplayedRows | undefined
  let isAtEnd = false
  const gathering = new RowGathering(pieceBytes, (rows) => {
    if (isAtEnd) last = rows
    else flush.begin(rows)
  })
  let replayed: Replayed
  try {
    replayed = await replay(runtime, source, (...commit) => gathering.take(...commit))
  } catch (error) {
    await flush.discard()
    throw error
  }
  isAtEnd = true
  gathering.end()
  return { ...replayed, files: await flush.finish(last) }
}

async function replay(runtime: Runtime, source: ReplaySource, apply: ReplayBatch): Promise<Replayed> {
  const { directory, state, databaseMark } = source
  const { flushedThrough: afterSequence, segments: numbers, logEnd } = state
  let found: Replayed = { lastSequence: afterSequence, logEnd }
  if (numbers.length > 0) {
    const options = { afterSequence, cleanEnd: state.clean ? logEnd : undefined, databaseMark }
    const { lastSequence, end } = await replayLog(runtime, { directory, numbers }, options, apply)
    found = { lastSequence, logEnd: end ?? logEnd }
  }
  return { ...found, lastSequence: lastOfAll(runtime, source, found.lastSequence) }
}

/**
 * A bulk load is in force with its edit, which may have been the last thing on disk: then its own commit, empty in the log,
 * is missing there. Everything before it was synced earlier (bulk-load.ts). The last sequence of all.
 */
function lastOfAll(runtime: Runtime, { directory, state }: ReplaySource, through: Sequence): Sequence {
  const loaded = state.tables.reduce<TableRecord | undefined>(newerLoaded, undefined)
  if (loaded?.loadedAt === undefined || loaded.loadedAt <= through) return through
  if (loaded.loadedAt === through + 1) return loaded.loadedAt
  const path = runtime.files.join(directory, tableFileName(loaded.number))
  throw new CorruptionError(
    `Cannot open ${directory}: ${path} was loaded as commit ${loaded.loadedAt}, but the log ends at ${through}`,
    path,
    0,
  )
}

function newerLoaded(newest: TableRecord | undefined, table: TableRecord): TableRecord | undefined {
  return (table.loadedAt ?? 0) > (newest?.loadedAt ?? 0) ? table : newest
}
