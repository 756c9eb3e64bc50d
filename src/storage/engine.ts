/**
 * The engine contract: durable ordered versions, and all that the transaction layer knows of storage.
 *
 * Invariants (the contract suite test/contract/engine runs them over every implementation):
 * 1. A key has at most one version per sequence.
 * 2. A read at sequence s sees, per key, the version with the greatest sequence <= s, or nothing if that is a tombstone.
 *    A range deletion at sequence t is a tombstone of every key in its range; a put of the same batch, at t too, is newer.
 * 3. A batch becomes visible entirely or not at all, crash included.
 * 4. A version visible at any live snapshot or at the published sequence is never dropped.
 * 5. What was published with `durability: 'sync'` survives power loss; the recovered state is always a prefix of the
 *    commit order that contains everything published.
 *
 * The life of a commit: `reserve` secures room in the log and admission (it may wait, and throws typed errors), then the
 * transaction layer decides, and in the same synchronous step calls `append`, which makes the batch readable at once and
 * puts it into the current log group. After `append` nothing but a failed log write can stop a commit, and that poisons.
 * `onPublished` then reports, in order, how far the log is durable.
 *
 *   reserve -> (ATOMIC: decide, append) -> group written + synced -> onPublished(sequence)
 *
 * Pinned by test/contract/engine.
 */
import type { Key } from '../base/bytes'
import type { HistoryOptions, KeyHistory } from '../base/key-history'
import type { KeyRange } from '../base/key-range'
import type { Sequence } from '../base/sequence'
import type { EngineStats } from './engine-stats'

export type { EngineStats } from './engine-stats'

/** 'sync': on disk when published; 'os': handed to the operating system when published, synced at intervals. */
export type Durability = 'sync' | 'os'

/** Kinds of entries in batches, logs and tables. DO NOT RENUMBER: on disk. */
export const ENTRY_PUT = 0
export const ENTRY_DELETE = 1
export const ENTRY_DELETE_RANGE = 2
export type EntryKind = typeof ENTRY_PUT | typeof ENTRY_DELETE | typeof ENTRY_DELETE_RANGE

/** One write of a batch. The engine copies what it keeps. */
export interface BatchEntry {
  readonly kind: EntryKind
  /** The key, or the start of the range. */
  readonly key: Key
  /** The bytes of a put; undefined otherwise. */
  readonly value: Uint8Array | undefined
  /** The end of a deleted range (undefined: to the last key); undefined for the other kinds. */
  readonly end: Key | undefined
}

/** The writes of one commit: at most one point entry a key; range deletions stand before all point entries. */
export type Batch = readonly BatchEntry[]

/** What a batch costs in log and memory, in bytes; what `reserve` and `append` count with. */
export function batchBytes(batch: Batch): number {
  let bytes = 0
  for (const entry of batch) bytes += entryBytes(entry)
  return bytes
}

/** One entry's part of `batchBytes`. */
export function entryBytes(entry: BatchEntry): number {
  return ENTRY_OVERHEAD_BYTES + entry.key.length + (entry.value?.length ?? 0) + (entry.end?.length ?? 0)
}

const ENTRY_OVERHEAD_BYTES = 16

/** Told by the engine, each in a synchronous step of its own. */
export interface EngineListener {
  /** Everything through `sequence` is published: durable, or written where its commit asked for 'os'. Ascending. */
  onPublished(sequence: Sequence): void
  /** The log failed: nothing above the published sequence will ever be published. Called once. */
  onPoisoned(cause: Error): void
  /** Sequences that something reads at, besides the published one (invariant 4). Asked when a merge is planned. */
  liveSnapshots(): Iterable<Sequence>
}

/** A durable ordered map of versions. Every method may throw `CorruptionError` or `IoError` where it reads. */
export interface Engine {
  /** The greatest sequence recovered, 0 for a new database; new sequences go on from here. */
  readonly recoveredSequence: Sequence
  /** The greatest sequence published. */
  readonly publishedSequence: Sequence
  /** Why writes are refused for good, or undefined. */
  readonly poisoned: Error | undefined

  /** Connects the transaction layer. Called once, before the first `reserve`. */
  attach(listener: EngineListener): void

  /**
   * The value of `key` at `sequence`, in a Buffer that the caller owns, or undefined. Synchronous wherever the bytes are in
   * memory or cheap to read; a promise where it would block.
   */
  get(key: Key, sequence: Sequence): Buffer | undefined | Promise<Buffer | undefined>
  /** The same, blocking for a disk read if it must. */
  getSync(key: Key, sequence: Sequence): Buffer | undefined

  /** A cursor over the rows of `range` visible at `sequence`. It pins what it reads until closed. */
  openCursor(range: KeyRange, sequence: Sequence, reverse: boolean): EngineCursor

  /**
   * Secures log room and admission for a batch of `bytes` (`batchBytes`). Returns undefined when that was possible at
   * once, else a promise. Throws (or rejects with) `PoisonedError`, `DiskFullError` (not for batches of `deletesOnly`),
   * `StalledError`, `LimitExceededError`. What was secured must be given to exactly one `append` or `unreserve`.
   */
  reserve(bytes: number, deletesOnly: boolean): undefined | Promise<void>
  /** Gives back what `reserve` secured and no `append` will use. */
  unreserve(bytes: number): void

  /**
   * ATOMIC: no await. Makes the batch readable at `sequence` and puts it into the current log group.
   * REQUIRES: `bytes` reserved; `sequence` is one more than the last one appended (or than `recoveredSequence`).
   */
  append(batch: Batch, bytes: number, sequence: Sequence, durability: Durability): void

  /** Writes and syncs the current log group at once, blocking; everything appended is published when it returns. */
  publishSync(): void
  /** Resolves when everything appended so far is synced. Rejects with `PoisonedError`. */
  sync(): Promise<void>

  /**
   * Begins a bulk load of ascending rows into a range that is empty: past log and memtable, atomic, invisible until its
   * `commit`. Throws as `reserve` does.
   */
  beginLoad(): EngineLoad

  /**
   * ATOMIC: no await. Holds the files that have the state at `sequence`, which is published, so that it can be copied; undefined
   * where they have more than that by now: then a later sequence will do, after the next publish at the latest.
   */
  pinCheckpoint(sequence: Sequence): EngineCheckpoint | undefined

  /** Every version of `key` that memory and files still have, newest first; also those that are not published yet. */
  history(key: Key, options?: HistoryOptions): Promise<KeyHistory>

  /** Freezes the memtable and resolves when everything appended so far is in tables. */
  flush(): Promise<void>
  /**
   * Flushes, and resolves when everything of `range` (every key, if none is given) written before lies in the last level, with
   * no version but those that somebody can read.
   */
  compact(range?: KeyRange): Promise<void>
  /** Figures for people and tests. */
  stats(): EngineStats
  /** Waits for running groups and jobs, syncs, and lets go of the directory. Idempotent. */
  close(): Promise<void>
}

/** What a bulk load asks of the transaction layer, which alone decides sequences. */
export interface LoadDoor {
  /** Resolves when nobody else may be decided under the gate; until `leave`. Called before each attempt. */
  enter(): Promise<void>
  leave(): void
  /**
   * ATOMIC: no await. The rows are durable as commit `sequence`, one more than the last appended: calls `accept`, which makes
   * them readable, where the commit is entered into the conflict index. It cannot refuse.
   */
  decide(sequence: Sequence, accept: () => void): void
}

/**
 * Rows of a bulk load. Every method throws or rejects with `PoisonedError`, `DiskFullError`, `IoError`, `DatabaseClosedError`; then,
 * and after `discard`, nothing of it stays.
 */
export interface EngineLoad {
  /** One more row, copied. A promise where the caller must wait before the next. REQUIRES: keys ascend. */
  add(key: Key, value: Uint8Array): undefined | Promise<void>
  /**
   * Makes all rows part of the store, or none. Resolves when they are readable; that their commit is published is reported
   * as that of any other. Rejects with `InvalidArgumentError` if a key between the first and the last has a value, with
   * `StalledError` if others keep writing there, and with `CommitOutcomeUnknownError`. REQUIRES: a row was added.
   */
  commit(door: LoadDoor): Promise<void>
  /** Gives the rows up, unless they are committed. Idempotent, never throws. */
  discard(): Promise<void>
}

/** Files held for a copy of the store at one sequence. While it is held nothing that it needs is removed. */
export interface EngineCheckpoint {
  readonly sequence: Sequence
  /**
   * Writes a store of its own to `directory`, which must not be there or be empty: all commits through `sequence`, and no other. Durable
   * when it resolves; where it rejects, nothing is left that opens, and this store is as it was. `checkWanted` is called between
   * steps and may end it by throwing. Rejects with `InvalidArgumentError`, `DatabaseLockedError`, `CorruptionError`, `IoError`,
   * `DiskFullError`, and what `checkWanted` throws. REQUIRES: not released, and no other copy under way.
   */
  write(directory: string, checkWanted: () => void): Promise<CheckpointFigures>
  /** Lets the files go. Idempotent. REQUIRES: no copy under way. */
  release(): void
}

/** What a copy came to. */
export interface CheckpointFigures {
  /** The last commit in it. */
  readonly sequence: Sequence
  readonly tables: number
  /** Bytes of tables that are links to the files of the origin: they take no space, and no time. */
  readonly bytesLinked: number
  /** Bytes copied: the log's tail, and tables where links are not to be had. */
  readonly bytesCopied: number
}

/** A position in the rows of a range, ascending or descending. */
export interface EngineCursor {
  /** Moves to the next row: true if there is one. A promise only where bytes must be fetched. REQUIRES: no `next` pending. */
  next(): boolean | Promise<boolean>
  /** The row's key. REQUIRES: the last `next` gave true. */
  readonly key: Key
  /** A copy of the row's key as bytes, without a string between, that the caller owns. REQUIRES: the last `next` gave true. */
  keyBuffer(): Buffer
  /** A copy of the row's value that the caller owns. REQUIRES: the last `next` gave true. */
  value(): Buffer
  /** Lets go of what the cursor pins. Idempotent. */
  close(): void
}

/** What background work reports, for `onEvent`. */
export type EngineEvent =
  | { readonly type: 'stall'; readonly cause: string; readonly ms: number }
  | { readonly type: 'backgroundError'; readonly job: 'flush' | 'compaction' | 'log'; readonly error: Error }
  | { readonly type: 'corruption'; readonly file: string; readonly offset: number; readonly error: Error }
  | { readonly type: 'poisoned'; readonly error: Error }
  | { readonly type: 'flush'; readonly bytes: number; readonly entries: number; readonly ms: number }
  | { readonly type: 'compaction'; readonly level: number; readonly bytesRead: number; readonly bytesWritten: number; readonly ms: number } // prettier-ignore
