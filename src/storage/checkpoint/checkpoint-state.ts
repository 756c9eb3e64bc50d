/**
 * What the manifest of a checkpoint says: the tables that were pinned, the segments that were written for it, and nothing of the
 * origin's own log.
 *
 * Pure. Pinned by test/unit/storage/checkpoint/checkpoint-state.test.ts.
 */
import type { Sequence } from '../../base/sequence'
import type { ManifestState } from '../manifest/manifest-state'
import { withDatabaseMark } from '../manifest/database-mark'
import type { PlacedFile, TableSet } from '../table/table-set'
import { propertiesToRecord } from '../table/table-store'
import type { LogCopy } from './log-copy'

/** The greatest sequence that any table of the set has; 0 without tables. */
export function newestSequence(set: Pick<TableSet, 'places'>): Sequence {
  return set.places.reduce((newest, { file }) => Math.max(newest, file.properties.lastSequence), 0)
}

/** Whether a table of the set was loaded as commit `sequence`: the log may lack that one (bulk-load.ts). */
export function isLoadedAt(set: Pick<TableSet, 'places'>, sequence: Sequence): boolean {
  return set.places.some(({ file }) => file.properties.loadedAt === sequence)
}

/** The state of a checkpoint, as its manifest begins with it; file numbers from `nextFileNumber` of the origin on are free. */
export function checkpointState(
  origin: ManifestState,
  parts: {
    readonly places: readonly PlacedFile[]
    readonly flushedThrough: Sequence
    readonly log: LogCopy
    readonly databaseMark: number
  },
): ManifestState {
  const { places, flushedThrough, log, databaseMark } = parts
  const tables = [...places]
    .sort((a, b) => a.file.number - b.file.number)
    .map(({ file, level, run }) => propertiesToRecord(file.properties, { level, run }))
  const greatest = tables.at(-1)?.number ?? 0
  const nextSegment = (log.segments.at(-1) ?? origin.nextSegment - 1) + 1
  return {
    comparator: origin.comparator,
    options: withDatabaseMark(origin.options, databaseMark),
    nextFileNumber: Math.max(origin.nextFileNumber, greatest + 1),
    nextSegment,
    flushedThrough,
    firstSegment: log.segments[0] ?? nextSegment,
    segments: log.segments,
    logEnd: log.end,
    // The log of the copy ends exactly there: whatever else is found is damage.
    clean: log.end !== undefined,
    tables,
  }
}
