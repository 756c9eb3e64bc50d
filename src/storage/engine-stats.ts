/**
 * Figures of an engine that has nothing to report: the base that implementations fill in.
 *
 * Pinned by test/contract/engine.
 */
import type { EngineStats } from './engine'

/** All zeros, over which `figures` are laid. */
export function createEngineStats(figures: Partial<EngineStats>): EngineStats {
  return {
    memtableBytes: 0,
    memtableEntries: 0,
    memtablesFrozen: 0,
    tables: 0,
    openTables: 0,
    tableReopens: 0,
    levels: [],
    logSegments: 0,
    logBytesWritten: 0,
    logGroups: 0,
    logSyncs: 0,
    flushes: 0,
    compactions: 0,
    worker: 'inline',
    flushBytesWritten: 0,
    compactionBytesRead: 0,
    compactionBytesWritten: 0,
    writeAmplification: 1,
    mergeDebtBytes: 0,
    blockCache: { bytes: 0, blocks: 0, hits: 0, misses: 0 },
    blockReads: 0,
    filter: { checks: 0, negatives: 0, falsePositives: 0, bytes: 0 },
    indexBytes: 0,
    index: {
      tablesBinary: 0,
      tablesResident: 0,
      tablesLean: 0,
      modelBytes: 0,
      modelHits: 0,
      modelFallbacks: 0,
      pageReads: 0,
    },
    stalls: {
      count: 0,
      totalMs: 0,
      longestMs: 0,
      countByKind: { mergeDebt: 0, memtables: 0, levelZero: 0 },
      cause: undefined,
    },
    backgroundError: undefined,
    poisoned: undefined,
    ...figures,
  }
}
