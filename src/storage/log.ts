/**
 * The write-ahead log of a running store: group commit, segments, and room in it.
 */
import type { Sequence } from '../base/sequence'
import type { Runtime } from '../runtime/runtime'
import type { Batch, Durability } from './engine'
import type { LogEnd, LogFigures, LogOptions, SegmentStatus } from './log-contract'

/** Prepares the first segment and starts the log's threads. Throws `DiskFullError`, `IoError`. */
export declare function openLog(runtime: Runtime, options: LogOptions): Promise<Log>

/** An open log. */
export declare class Log {
  readonly syncedSequence: Sequence
  readonly publishedSequence: Sequence
  /** Why nothing can be written any more. */
  readonly poisoned: Error | undefined
  /** As `Engine.reserve`. */
  reserve(bytes: number, deletesOnly: boolean): undefined | Promise<void>
  unreserve(bytes: number): void
  /** ATOMIC: no await. As `Engine.append`; throws `PoisonedError` with no effect if the log has failed meanwhile. */
  append(batch: Batch, bytes: number, sequence: Sequence, durability: Durability): void
  /** As `Engine.publishSync`: everything appended is synced and published when it returns. Throws `PoisonedError`. */
  publishSync(): void
  /** Resolves when everything appended so far is synced. Rejects with `PoisonedError`. */
  sync(): Promise<void>
  /** The segments still held, oldest first; the last one is being written. */
  segments(): SegmentStatus[]
  /** Removes the files of segments below `number`. REQUIRES: the manifest edit that drops them is synced. */
  dropBefore(number: number): Promise<void>
  figures(): LogFigures
  /**
   * Writes and syncs what is left, with a frame behind it that bears witness to the last group. Resolves to the exact
   * end, for the manifest to record; to undefined if the log is poisoned. Idempotent.
   */
  close(): Promise<LogEnd | undefined>
}
