/**
 * Puts the figures of an LSM engine together from its parts; every size is asked of what has it, none is counted beside it.
 *
 * Pinned by test/contract/engine.
 */
import type { BackgroundMode } from '../runtime/runtime'
import type { StallFigures } from './admission'
import type { EngineStats } from './engine'
import type { JobFigures } from './engine-jobs'
import { createEngineStats } from './engine-stats'
import type { TableIndexMode } from './table/index-mode'
import type { Log } from './log/log'
import type { TableCounters } from './table/table-blocks'
import type { TableFile, TableRun } from './table/table-set'
import { LEVELS } from './manifest/manifest-state'
import type { Memtables } from './memtable/memtables'
import type { TableStore } from './table/table-store'

/** Where the figures come from; what is absent has never begun. */
export interface FigureSources {
  readonly tables: TableStore
  readonly memtables: Memtables
  readonly log: Log | undefined
  readonly jobs: JobFigures | undefined
  readonly worker: BackgroundMode
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
  const figures = log?.figures()
  return createEngineStats({
    memtableBytes: memtables.bytes,
    memtableEntries: memtables.entries,
    memtablesFrozen: memtables.frozen.length,
    tables: current.count,
    openTables: tables.openTables.count,
    tableReopens: tables.openTables.reopens,
    levels: Array.from({ length: LEVELS }, (_, level) => levelFigures(current.runsOf(level))),
    logSegments: log?.chain.statuses().length ?? 0,
    logBytesWritten: figures?.bytesWritten ?? 0,
    logGroups: figures?.groups ?? 0,
    logSyncs: figures?.syncs ?? 0,
    ...jobs,
    worker: sources.worker,
    writeAmplification: writeAmplification(jobs),
    mergeDebtBytes: sources.mergeDebtBytes,
    blockCache: { bytes: cache.bytes, blocks: cache.blocks, hits: cache.hits, misses: cache.misses },
    blockReads: counters.blockReads,
    filter: {
      checks: counters.filterChecks,
      negatives: counters.filterNegatives,
      falsePositives: counters.filterFalsePositives,
      bytes: files.reduce((sum, { table }) => sum + table.filterBytes, 0),
    },
    indexBytes: files.reduce((sum, { table }) => sum + table.indexBytes, 0),
    index: indexFigures(files, counters),
    stalls,
    backgroundError: backgroundError ?? figures?.diskFull,
    poisoned,
  })
}

function indexFigures(files: readonly TableFile[], counters: TableCounters): EngineStats['index'] {
  const tablesWith = (mode: TableIndexMode): number => files.filter(({ table }) => table.indexMode === mode).length
  return {
    tablesBinary: tablesWith('binary'),
    tablesResident: tablesWith('resident'),
    tablesLean: tablesWith('lean'),
    modelBytes: files.reduce((sum, { table }) => sum + table.modelBytes, 0),
    modelHits: counters.model.hits,
    modelFallbacks: counters.model.fallbacks,
    pageReads: counters.indexPageReads,
  }
}

function writeAmplification(jobs: JobFigures | undefined): number {
  if (jobs === undefined || jobs.flushBytesWritten === 0) return 1
  return (jobs.flushBytesWritten + jobs.compactionBytesWritten) / jobs.flushBytesWritten
}

function levelFigures(runs: readonly TableRun[]): EngineStats['levels'][number] {
  let [tables, bytes, entries] = [0, 0, 0]
  for (const { properties } of runs.flatMap((run) => run.files)) {
    tables++
    bytes += properties.fileBytes
    entries += properties.entries
  }
  return { runs: runs.length, tables, bytes, entries }
}
