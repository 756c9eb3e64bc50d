/**
 * Flush: has one memtable written as a table of level 0.
 *
 * Versions that nobody can see are dropped here already; a tombstone is dropped only where no table can hold anything older.
 * The worker encodes and writes (byte-jobs.ts); this thread only hands over the places of the rows in order, some thousand at a
 * time, for the tree that knows the order is here. The table is complete and synced, and open for reading, when this returns:
 * what is left is the sync of its directory, the manifest edit, the swap, and the end of the log that it replaces
 * (engine-jobs.ts keeps the order).
 *
 * Pinned by test/contract/engine and test/crash.
 * Spec: ManifestFlush!Flush, Storage!StartFlush.
 */
import type { Key } from '../../base/bytes'
import type { Runtime } from '../../runtime/runtime'
import type { FlushJob } from './byte-jobs'
import { tableSetToLevels } from './compaction-job'
import { lastLevel } from './compaction-picker'
import type { Retention } from './compaction-retention'
import type { JobContext } from './job-context'
import type { OutputPlan } from './merge-job'
import type { Memtable } from '../memtable/memtable'
import { filterBits } from '../table/filter-bits'
import type { TableFile } from '../table/table-set'
import { runByteJob } from './written-tables'

/** A flush's table; none if nothing in the memtable was needed any more. */
export interface FlushOutput {
  readonly file: TableFile | undefined
  readonly bytes: number
  readonly entries: number
}

/** So many places are gathered in about a tenth of a millisecond. */
const PLACES_EACH_MAX = 4_096

/** Writes `memtable`, which must not change any more, to a table. Throws what writing throws, with nothing left behind. */
export async function writeMemtable(
  context: JobContext,
  memtable: Memtable,
  options: {
    readonly retention: Retention
    /** Whether any table, or any memtable on its way to one, is older: if none is, nothing is left to be hidden. */
    readonly hasOlder: boolean
    /** Told of bytes handled; what it throws ends the flush. */
    readonly onProgress: (bytes: number) => void | Promise<void>
  },
): Promise<FlushOutput> {
  const { retention, hasOlder, onProgress } = options
  const flush: FlushJob = {
    chunks: memtable.chunks,
    rangeTombstones: memtable.rangeTombstones?.list() ?? [],
    retention,
    hasOlder,
    output: flushOutput(context),
  }
  const feed = feedPlaces(context.runtime, memtable)
  const written = await runByteJob(context, { kind: 'flush', flush }, { isUrgent: true, onProgress, feed })
  const [file] = written.files
  if (file === undefined) return { file: undefined, bytes: 0, entries: 0 }
  return { file, bytes: file.properties.fileBytes, entries: written.entriesWritten }
}

/** One table of level 0, however large, under a number of its own. */
export function flushOutput({ directory, limits, tables, allocateFileNumber }: JobContext): OutputPlan {
  return {
    directory,
    limits,
    indexMode: tables.indexMode,
    codec: tables.codec,
    filterBitsPerKey: filterBits(lastLevel(tableSetToLevels(tables.current)), limits),
    fileNumbers: [allocateFileNumber()],
    tableBytesMax: Infinity,
    cutKeys: [],
  }
}

/** Gives the places of all rows in order, a piece each time, each in a turn of its own. */
function feedPlaces(runtime: Runtime, memtable: Memtable): () => Promise<Uint32Array | undefined> {
  let behind: Key | undefined
  return async () => {
    await runtime.scheduler.nextTurn()
    const { places, lastKey } = memtable.placesBehind(behind, PLACES_EACH_MAX)
    behind = lastKey
    return places.length === 0 ? undefined : places
  }
}
