/**
 * What kv receives from the composition root to operate the storage below, its figures among them (storage-stats.ts).
 *
 * kv knows no storage: these interfaces name, in kv's words, what open.ts wires to the engine.
 */
import type { Key } from '../base/bytes'
import type { HistoryOptions, KeyHistory } from '../base/key-history'
import type { KeyRange } from '../base/key-range'
import type { VerifyOptions, VerifyReport } from '../base/verification'
import type { StorageMemory, StorageStats } from './storage-stats'

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
  /** Reads every file and tells of damage, beside readers and writers. */
  verify(options?: VerifyOptions): Promise<VerifyReport>
  stats(): StorageStats & { readonly memory: StorageMemory }
  /** Waits for running work, syncs, lets go of the directory. */
  close(): Promise<void>
}
