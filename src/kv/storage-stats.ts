/**
 * The figures of storage as applications see them; what they mean is in docs/API.md, stats.
 *
 * kv knows no storage: open.ts holds these shapes against those of the engine (storage/engine-stats.ts). Sizes are in bytes, times in
 * milliseconds; counts are since the database was opened, where nothing else is said. A part that does not exist has zeros.
 */

/** One part of what is in memory: what it takes now, and what it may take by the limits and the rows there are. In bytes. */
export interface MemoryPart {
  readonly bytes: number
  readonly budgetBytes: number
}

/** What storage has in memory. */
export interface StorageMemory {
  /** The memtable that takes writes: arena, hash and order. */
  readonly memtable: MemoryPart
  /** Those that wait for their flush. */
  readonly memtablesFrozen: MemoryPart
  readonly blockCache: MemoryPart
  /** Filters, indexes and models of all tables, also of those that are kept for whoever reads them. */
  readonly filters: MemoryPart
  readonly indexes: MemoryPart
  readonly models: MemoryPart
  /** What open tables take beside those. */
  readonly tables: MemoryPart
  /** Groups of commits, and what is shared with the threads that write them. */
  readonly log: MemoryPart
  /** Bulk loads under way. */
  readonly loads: MemoryPart
  /** Flushes and merges under way; where they have a thread of their own, what they take there at most. */
  readonly jobs: MemoryPart
}

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

/** One level. Each amplification is its share: the shares of all levels add up to that of the whole. */
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

/** Figures of storage. */
export interface StorageStats {
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
  /** Where flushes and compactions do their byte work: in a thread of their own, or between other work on this one. */
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
  /** Resident indexes of all tables, their models included. */
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
  /** The last failure of background work that has not been followed by a success. */
  readonly backgroundError: Error | undefined
  readonly poisoned: Error | undefined
}
