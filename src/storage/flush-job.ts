/**
 * Flush: writes one memtable as a table of level 0.
 *
 * Versions that nobody can see are dropped here already; a tombstone is dropped only where no table can hold anything older.
 * The table is complete and synced, and open for reading, when this returns: what is left is the sync of its directory, the
 * manifest edit, the swap, and the end of the log that it replaces (engine-jobs.ts keeps the order).
 *
 * Pinned by test/contract/engine and test/crash.
 * Spec: ManifestFlush!Flush.
 */
import type { Limits } from '../base/limits'
import type { Runtime } from '../runtime/runtime'
import { mergeVersions, neededRangeTombstones } from './compaction-merge'
import type { Retention } from './compaction-retention'
import type { Memtable } from './memtable'
import type { Slices } from './slices'
import { TableOutput } from './table-output'
import type { TableFile } from './table-set'
import type { TableStore } from './table-store'

/** What the jobs of a store share. */
export interface JobContext {
  readonly runtime: Runtime
  readonly directory: string
  readonly limits: Limits
  readonly tables: TableStore
  readonly allocateFileNumber: () => number
}

/** A flush's table; none if nothing in the memtable was needed any more. */
export interface FlushOutput {
  readonly file: TableFile | undefined
  readonly bytes: number
  readonly entries: number
}

/** Writes `memtable` to a table. Throws what writing throws, with nothing left behind. */
export async function writeMemtable(
  context: JobContext,
  memtable: Memtable,
  options: {
    readonly retention: Retention
    readonly slices: Slices
    /** Whether any table, or any memtable on its way to one, is older: if none is, nothing is left to be hidden. */
    readonly hasOlder: boolean
  },
): Promise<FlushOutput> {
  const rangeTombstones = memtable.rangeTombstones?.list() ?? []
  const source = memtable.openCursor(false)
  const inputs = { source, rangeTombstones, retention: options.retention, olderMayHold: () => options.hasOlder }
  const output = new TableOutput(context.runtime, {
    directory: context.directory,
    limits: context.limits,
    indexMode: context.tables.indexMode,
    allocateFileNumber: context.allocateFileNumber,
    tableBytesMax: Infinity,
    cutKeys: [],
    rangeTombstones: neededRangeTombstones(inputs),
  })
  try {
    const { entriesWritten } = await mergeVersions(inputs, output, options.slices)
    const [properties] = await output.finish()
    if (properties === undefined) return { file: undefined, bytes: 0, entries: 0 }
    const file = await context.tables.open(properties.fileNumber)
    return { file, bytes: properties.fileBytes, entries: entriesWritten }
  } catch (error) {
    await output.discard()
    throw error
  } finally {
    source.close()
  }
}
