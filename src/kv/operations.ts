/**
 * What kv receives from the composition root to operate the storage below, and the figures that `stats()` puts together.
 *
 * kv knows no storage: these interfaces name, in kv's words, what open.ts wires to the engine.
 */
import type { Key } from '../base/bytes'
import type { HistoryOptions, KeyHistory } from '../base/key-history'
import type { KeyRange } from '../base/key-range'
import type { StoreStats } from '../mvcc/contract'

/** Operations on the storage; each may reject with typed errors of its own. */
export interface Operations {
  /** Resolves when everything committed so far is on disk. */
  sync(): Promise<void>
  /** Resolves when everything committed so far is in tables. */
  flush(): Promise<void>
  /** Resolves when everything of `range` (every key, if none is given) committed so far lies in the last level. */
  compact(range?: KeyRange): Promise<void>
  /** Every version of `key` that memory and files still have. */
  history(key: Key, options?: HistoryOptions): Promise<KeyHistory>
  stats(): StorageStats
  /** Waits for running work, syncs, lets go of the directory. */
  close(): Promise<void>
}

/** Figures of storage. Sizes in bytes; zero where a part does not exist. */
export interface StorageStats {
  readonly memtableBytes: number
  readonly memtableEntries: number
  readonly memtablesFrozen: number
  readonly tables: number
  /** Descriptors of table files that are open, at most `openTablesMax`; and how often one was opened again. */
  readonly openTables: number
  readonly tableReopens: number
  /** Level 0 first. */
  readonly levels: readonly {
    readonly runs: number
    readonly tables: number
    readonly bytes: number
    readonly entries: number
  }[]
  readonly logSegments: number
  readonly logBytesWritten: number
  readonly logGroups: number
  readonly logSyncs: number
  readonly flushes: number
  readonly compactions: number
  /** Where flushes and compactions do their byte work: in a thread of their own, or between other work on this one. */
  readonly worker: 'thread' | 'inline'
  readonly flushBytesWritten: number
  readonly compactionBytesRead: number
  readonly compactionBytesWritten: number
  /** Bytes written to tables for each byte flushed since the database was opened; the log is counted apart. */
  readonly writeAmplification: number
  /** Bytes of flushing and merging that commits have granted and that are not done yet. */
  readonly mergeDebtBytes: number
  readonly blockCache: { readonly bytes: number; readonly blocks: number; readonly hits: number; readonly misses: number } // prettier-ignore
  readonly blockReads: number
  readonly filter: { readonly checks: number; readonly negatives: number; readonly falsePositives: number; readonly bytes: number } // prettier-ignore
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
  /** Waits of commits for background work; `countByKind` says what for. */
  readonly stalls: {
    readonly count: number
    readonly totalMs: number
    readonly longestMs: number
    readonly countByKind: { readonly mergeDebt: number; readonly memtables: number; readonly levelZero: number }
    readonly cause: string | undefined
  }
  /** The last failure of background work that no success has followed. */
  readonly backgroundError: Error | undefined
  /** Why writes are refused until the database is opened again. */
  readonly poisoned: Error | undefined
}

/** Everything that `db.stats()` shows. */
export interface DatabaseStats {
  readonly transactions: StoreStats
  readonly storage: StorageStats
  readonly events: {
    /** How often the application's `onEvent` failed, and with what it failed last. */
    readonly listenerFailures: number
    readonly lastListenerFailure: unknown
  }
}
