/**
 * The figures of an engine, and those of one that has nothing to report: the base that implementations fill in.
 *
 * Sizes are in bytes, times in milliseconds; counts are since the engine was opened, where nothing else is said. An engine without a
 * part reports zeros for it. kv/storage-stats.ts says the same to applications. Pinned by test/contract/engine.
 */

/** One part of what an engine has in memory: now, and at most by its limits and what it holds. */
export interface MemoryPart {
  readonly bytes: number
  readonly budgetBytes: number
}

export type EngineMemoryPart =
  'memtable' | 'memtablesFrozen' | 'blockCache' | 'filters' | 'indexes' | 'models' | 'tables' | 'log' | 'loads' | 'jobs'

/** See memory-budget.ts. */
export type EngineMemory = Readonly<Record<EngineMemoryPart, MemoryPart>>

/** Waits so far; those that have not ended are counted, but their time is not. */
export interface WaitStats {
  readonly count: number
  readonly totalMs: number
  readonly longestMs: number
}

/** Count and total of all, the others of the last one or two thousand. */
export interface DurationStats {
  readonly count: number
  readonly totalMs: number
  readonly medianMs: number
  readonly p99Ms: number
  readonly longestMs: number
}

/** One level. Each amplification is its share: the shares of all levels add up to that of the engine. */
export interface LevelStats {
  readonly runs: number
  readonly tables: number
  /** Of the files. */
  readonly bytes: number
  /** Keys and values in them. */
  readonly dataBytes: number
  readonly entries: number
  readonly tombstones: number
  /** By merges out of it, and by flushes and merges into it. */
  readonly bytesRead: number
  readonly bytesWritten: number
  /** Bytes written to it for each byte flushed. */
  readonly writeAmplification: number
  /** Runs that a lookup asks at most. */
  readonly readAmplification: number
  /** Its files' bytes for each byte of keys and values in the last level. */
  readonly spaceAmplification: number
}

/** The log. */
export interface LogStats {
  /** Where commits are really written: on the calling thread too where no thread could be started. */
  readonly mode: 'thread' | 'inline'
  readonly commits: number
  readonly commitsPerSync: number
  /** Zeros written ahead. */
  readonly bytesPrepared: number
  /** Commits that waited for room in the log. */
  readonly reserveWaits: WaitStats
  /** What the system took to write frames, and to sync them. */
  readonly writes: DurationStats
  readonly syncs: DurationStats
}

/** Figures of an engine. */
export interface EngineStats {
  readonly memtableBytes: number
  readonly memtableEntries: number
  readonly memtablesFrozen: number
  /** Shared memory of the memtables, beside the heap. */
  readonly arenaBytes: number
  readonly tables: number
  /** Descriptors of table files that are open, at most `openTablesMax`; and how often one was opened again. */
  readonly openTables: number
  readonly tableReopens: number
  /** Tables that have been merged into others, and are kept for whoever reads them. */
  readonly tablesObsolete: number
  readonly obsoleteBytes: number
  readonly cursors: number
  /** Level 0 first. */
  readonly levels: readonly LevelStats[]
  readonly logSegments: number
  readonly logBytesWritten: number
  readonly logGroups: number
  readonly logSyncs: number
  readonly log: LogStats
  readonly flushes: number
  readonly compactions: number
  /** Where flushes and compactions do their byte work. */
  readonly worker: 'thread' | 'inline'
  readonly flushBytesWritten: number
  readonly compactionBytesRead: number
  readonly compactionBytesWritten: number
  /** Bytes written to tables for each byte flushed; the log is counted apart. */
  readonly writeAmplification: number
  /** Runs that a lookup of an absent key asks, filters apart. */
  readonly readAmplification: number
  /** Bytes of all tables for each byte of keys and values in the last level: at most so much is not live. 1 without tables. */
  readonly spaceAmplification: number
  /** What commits have granted to flushes and merges and these have not done yet. */
  readonly mergeDebtBytes: number
  readonly blockCache: {
    readonly bytes: number
    readonly blocks: number
    readonly hits: number
    readonly misses: number
  }
  /** Blocks read from files. */
  readonly blockReads: number
  readonly filter: {
    readonly checks: number
    readonly negatives: number
    readonly falsePositives: number
    /** Of the checks of keys that were not there. */
    readonly falsePositiveRate: number
    readonly bytes: number
  }
  readonly indexBytes: number
  /** How blocks are found in tables: tables by mode, memory of their models, and how searches with a model ended. */
  readonly index: {
    readonly tablesBinary: number
    readonly tablesResident: number
    readonly tablesLean: number
    /** Resident; part of `indexBytes`. */
    readonly modelBytes: number
    readonly modelHits: number
    /** Searches that the model led astray: slower, never wrong. */
    readonly modelFallbacks: number
    /** Index pages read by lean tables, beside the data blocks. */
    readonly pageReads: number
  }
  readonly stalls: WaitStats & {
    /** Waits by what they began with: merging that is owed, full memory, a full level 0. */
    readonly countByKind: { readonly mergeDebt: number; readonly memtables: number; readonly levelZero: number }
    readonly cause: string | undefined
  }
  readonly memory: EngineMemory
  /** The last failure of background work that has not been followed by a success. */
  readonly backgroundError: Error | undefined
  readonly poisoned: Error | undefined
}

const NO_WAITS: WaitStats = { count: 0, totalMs: 0, longestMs: 0 }
export const NO_DURATIONS: DurationStats = { count: 0, totalMs: 0, medianMs: 0, p99Ms: 0, longestMs: 0 }
const NO_MEMORY: MemoryPart = { bytes: 0, budgetBytes: 0 }

/** Of an engine without a log. */
export const NO_LOG: LogStats = {
  mode: 'inline',
  commits: 0,
  commitsPerSync: 0,
  bytesPrepared: 0,
  reserveWaits: NO_WAITS,
  writes: NO_DURATIONS,
  syncs: NO_DURATIONS,
}

/** All zeros, over which `figures` are laid. */
export function createEngineStats(figures: Partial<EngineStats>): EngineStats {
  return {
    memtableBytes: 0,
    memtableEntries: 0,
    memtablesFrozen: 0,
    arenaBytes: 0,
    tables: 0,
    openTables: 0,
    tableReopens: 0,
    tablesObsolete: 0,
    obsoleteBytes: 0,
    cursors: 0,
    levels: [],
    logSegments: 0,
    logBytesWritten: 0,
    logGroups: 0,
    logSyncs: 0,
    log: NO_LOG,
    flushes: 0,
    compactions: 0,
    worker: 'inline',
    flushBytesWritten: 0,
    compactionBytesRead: 0,
    compactionBytesWritten: 0,
    writeAmplification: 1,
    readAmplification: 0,
    spaceAmplification: 1,
    mergeDebtBytes: 0,
    blockCache: { bytes: 0, blocks: 0, hits: 0, misses: 0 },
    blockReads: 0,
    filter: { checks: 0, negatives: 0, falsePositives: 0, falsePositiveRate: 0, bytes: 0 },
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
    stalls: { ...NO_WAITS, countByKind: { mergeDebt: 0, memtables: 0, levelZero: 0 }, cause: undefined },
    memory: {
      memtable: NO_MEMORY,
      memtablesFrozen: NO_MEMORY,
      blockCache: NO_MEMORY,
      filters: NO_MEMORY,
      indexes: NO_MEMORY,
      models: NO_MEMORY,
      tables: NO_MEMORY,
      log: NO_MEMORY,
      loads: NO_MEMORY,
      jobs: NO_MEMORY,
    },
    backgroundError: undefined,
    poisoned: undefined,
    ...figures,
  }
}
