/**
 * Puts the figures of an LSM engine together from its parts; every size is asked of what has it, none is counted beside it.
 *
 * Cost: a few walks over the open tables, some hundred nanoseconds each; nothing is read. Pinned by test/contract/engine and
 * test/unit/storage/engine-figures.test.ts.
 */
import type { Limits } from '../base/limits'
import type { StallFigures } from './admission'
import type { BulkLoads } from './bulk-load'
import type { EngineJobs, JobFigures } from './engine-jobs'
import { arenaBytes, engineMemory } from './engine-memory'
import type { EngineReader } from './engine-reader'
import { NO_LOG, createEngineStats } from './engine-stats'
import type { EngineStats, LevelStats, LogStats } from './engine-stats'
import type { TableIndexMode } from './table/index-mode'
import type { Log } from './log/log'
import type { LogFigures } from './log/log-contract'
import type { TableCounters } from './table/table-blocks'
import type { TableFile, TableRun } from './table/table-set'
import { LEVELS } from './manifest/manifest-state'
import type { Memtables } from './memtable/memtables'
import type { TableStore } from './table/table-store'

/** Where the figures come from; what is absent has never begun. */
export interface FigureSources {
  readonly limits: Limits
  readonly tables: TableStore
  readonly memtables: Memtables
  readonly reader: EngineReader
  readonly log: Log | undefined
  readonly jobs: EngineJobs | undefined
  readonly loads: BulkLoads | undefined
  readonly mergeDebtBytes: number
  readonly stalls: StallFigures
  readonly backgroundError: Error | undefined
  readonly poisoned: Error | undefined
}

/** `EngineStats` of an engine with these parts. */
export function engineFigures(sources: FigureSources): EngineStats {
  const { tables, memtables, log, jobs, stalls, backgroundError, poisoned } = sources
  const { current, counters, cache } = tables
  const files = current.runs.flatMap((run) => run.files)
  const obsolete = [...tables.obsolete]
  const logged = log?.figures()
  return createEngineStats({
    memtableBytes: memtables.bytes,
    memtableEntries: memtables.entries,
    memtablesFrozen: memtables.frozen.length,
    arenaBytes: arenaBytes(memtables),
    tables: current.count,
    openTables: tables.openTables.count,
    tableReopens: tables.openTables.reopens,
    tablesObsolete: obsolete.length,
    obsoleteBytes: sumOf(obsolete, ({ properties }) => properties.fileBytes),
    cursors: sources.reader.cursors,
    logSegments: log?.chain.statuses().length ?? 0,
    logBytesWritten: logged?.bytesWritten ?? 0,
    logGroups: logged?.groups ?? 0,
    logSyncs: logged?.syncs ?? 0,
    log: logged === undefined ? NO_LOG : logStats(logged),
    ...jobStats(jobs),
    ...amplification(
      Array.from({ length: LEVELS }, (_, level) => current.runsOf(level)),
      jobs?.figures,
    ),
    mergeDebtBytes: sources.mergeDebtBytes,
    blockCache: { bytes: cache.bytes, blocks: cache.blocks, hits: cache.hits, misses: cache.misses },
    blockReads: counters.blockReads,
    filter: filterStats(files, counters),
    indexBytes: sumOf(files, ({ table }) => table.indexBytes),
    index: indexStats(files, counters),
    stalls,
    memory: engineMemory({ ...sources, log: logged }),
    backgroundError: backgroundError ?? logged?.diskFull,
    poisoned,
  })
}

function logStats(figures: LogFigures): LogStats {
  const { ioMode: mode, commits, syncs, bytesPrepared, reserveWaits, writes, syncTimes } = figures
  const commitsPerSync = syncs === 0 ? 0 : commits / syncs
  return { mode, commits, commitsPerSync, bytesPrepared, reserveWaits, writes, syncs: syncTimes }
}

function jobStats(jobs: EngineJobs | undefined): Partial<EngineStats> {
  if (jobs === undefined) return {}
  const { flushes, compactions, flushBytesWritten, compactionBytesRead, compactionBytesWritten } = jobs.figures
  const worker = jobs.workerMode
  return { worker, flushes, compactions, flushBytesWritten, compactionBytesRead, compactionBytesWritten }
}

function filterStats(files: readonly TableFile[], counters: TableCounters): EngineStats['filter'] {
  const { filterChecks: checks, filterNegatives: negatives, filterFalsePositives: falsePositives } = counters
  const absent = negatives + falsePositives
  const falsePositiveRate = absent === 0 ? 0 : falsePositives / absent
  return { checks, negatives, falsePositives, falsePositiveRate, bytes: sumOf(files, ({ table }) => table.filterBytes) }
}

function indexStats(files: readonly TableFile[], counters: TableCounters): EngineStats['index'] {
  const tablesWith = (mode: TableIndexMode): number => files.filter(({ table }) => table.indexMode === mode).length
  return {
    tablesBinary: tablesWith('binary'),
    tablesResident: tablesWith('resident'),
    tablesLean: tablesWith('lean'),
    modelBytes: sumOf(files, ({ table }) => table.modelBytes),
    modelHits: counters.model.hits,
    modelFallbacks: counters.model.fallbacks,
    pageReads: counters.indexPageReads,
  }
}

type Amplification = Pick<EngineStats, 'levels' | 'writeAmplification' | 'readAmplification' | 'spaceAmplification'>

/** The levels, and what their shares come to. */
function amplification(runsByLevel: readonly (readonly TableRun[])[], jobs: JobFigures | undefined): Amplification {
  const dataBytes = runsByLevel.map((runs) => sumOf(filesOf(runs), ({ properties }) => properties.keyBytes + properties.valueBytes)) // prettier-ignore
  const lastDataBytes = dataBytes.filter((bytes) => bytes > 0).at(-1) ?? 0
  const flushed = jobs?.flushBytesWritten ?? 0
  const levels = runsByLevel.map((runs, level): LevelStats => {
    const files = filesOf(runs)
    const bytes = sumOf(files, ({ properties }) => properties.fileBytes)
    const bytesWritten = jobs?.bytesWritten[level] ?? 0
    return {
      runs: runs.length,
      tables: files.length,
      bytes,
      dataBytes: dataBytes[level]!,
      entries: sumOf(files, ({ properties }) => properties.entries),
      tombstones: sumOf(files, ({ properties }) => properties.tombstones + properties.rangeTombstones),
      bytesRead: jobs?.bytesRead[level] ?? 0,
      bytesWritten,
      writeAmplification: flushed === 0 ? 0 : bytesWritten / flushed,
      readAmplification: runs.length,
      spaceAmplification: lastDataBytes === 0 ? 0 : bytes / lastDataBytes,
    }
  })
  return {
    levels,
    writeAmplification: flushed === 0 ? 1 : sumOf(levels, (level) => level.writeAmplification),
    readAmplification: sumOf(levels, (level) => level.readAmplification),
    spaceAmplification: lastDataBytes === 0 ? 1 : sumOf(levels, (level) => level.spaceAmplification),
  }
}

function filesOf(runs: readonly TableRun[]): readonly TableFile[] {
  return runs.flatMap((run) => run.files)
}

function sumOf<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((sum, item) => sum + of(item), 0)
}
