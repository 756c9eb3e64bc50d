/**
 * What the engine knows of the write-ahead log: its options, what it tells, and what recovery finds.
 *
 * The log is a chain of segment files, each a chain of frames; a frame is one group of commits (log-format.ts). `openLog`
 * (log.ts) always begins a segment of its own, `recoverLog` (log-reader.ts) reads what an earlier life left.
 * Numbers of segments ascend in the order of writing and are never used twice; they may have gaps.
 */
import type { Limits } from '../../base/limits'
import type { Sequence } from '../../base/sequence'
import type { BatchCursor } from '../rows/batch-codec'
import type { Batch } from '../engine'
import type { IoThreadMode } from '../../runtime/runtime'
import type { DurationFigures } from './duration-histogram'

/** A place in the log: just before the byte `offset` of a segment. Ordered by segment, then offset. */
export interface LogPosition {
  readonly segment: number
  /** In bytes from the start of the segment's file. */
  readonly offset: number
}

/** Where a log ends, exactly: after which frame, and with which commit. */
export interface LogEnd extends LogPosition {
  /** The last sequence in the log, or before it if it holds none. */
  readonly sequence: Sequence
  /** The checksum of the last frame; 0 where there is none. */
  readonly checksum: number
}

/** Told by the log, each in a synchronous step of its own; a listener must not throw. */
export interface LogListener {
  /** Everything through `sequence` is published. Ascending. */
  onPublished(sequence: Sequence): void
  /** The log failed: nothing above `publishedSequence` will ever be published. Called once. */
  onPoisoned(cause: Error): void
  /**
   * Makes the manifest name a segment, durably. The segment's file is complete, synced and its directory too; its
   * first frame is written only after this has resolved. A `DiskFullError` is tried again later, anything else poisons.
   */
  nameSegment(number: number): Promise<void>
}

/** What a new log needs. */
export interface LogOptions {
  readonly directory: string
  readonly limits: Limits
  /** Where commits are written: in a thread of their own, or on the calling thread. */
  readonly ioMode: IoThreadMode
  /** The number of the first segment; no file and no manifest has had it or a greater one. */
  readonly firstSegment: number
  /** The last sequence of the store so far; the first commit has the next one. */
  readonly lastSequence: Sequence
  /** Where the log ended before; undefined for a new database. Its segments are needed no more (the edit is synced). */
  readonly previous: LogEnd | undefined
  /** The database's mark, a u32: half of each segment's nonce. By chance if left out. */
  readonly databaseMark?: number | undefined
  readonly listener: LogListener
}

/** One segment that the log still holds. */
export interface SegmentStatus {
  readonly number: number
  /** The size of the file in bytes. */
  readonly bytes: number
  /** The first sequence in it; one more than `lastSequence` while it holds none. */
  readonly firstSequence: Sequence
  /** The last sequence written to it, or before it. */
  readonly lastSequence: Sequence
}

/** Waits so far; those that have not ended are counted, but their time is not. */
export interface WaitFigures {
  readonly count: number
  readonly totalMs: number
  readonly longestMs: number
}

/** Counts since the log was opened. */
export interface LogFigures {
  /** Bytes of frames, padding included; preparing segments is not counted. */
  readonly bytesWritten: number
  /** Bytes of zeros written ahead. */
  readonly bytesPrepared: number
  /** Frames with commits. */
  readonly groups: number
  /** Syncs of frames. */
  readonly syncs: number
  readonly commits: number
  /** Where frames are really written: a thread that could not be started is served inline. */
  readonly ioMode: IoThreadMode
  /** What frames took in the system, their queue and the event loop apart; nothing where the runtime does not measure it. */
  readonly writes: DurationFigures
  readonly syncTimes: DurationFigures
  /** Reservations that had to wait for room. */
  readonly reserveWaits: WaitFigures
  /** Memory of the groups, and of what writes them. */
  readonly memoryBytes: number
  /** The last preparation that failed for want of disk space; undefined once one has succeeded. */
  readonly diskFull: Error | undefined
}

/** What recovery must know beyond the files. */
export interface RecoverOptions {
  /** Commits up to here are in tables: they are verified and not applied. */
  readonly afterSequence: Sequence
  /** What `Log.close` returned, if the last life ended with it: anything else in the files is then corruption. */
  readonly cleanEnd?: LogEnd | undefined
  /** The mark that each segment must have; not looked at if undefined. */
  readonly databaseMark?: number | undefined
  /**
   * Reading ends once the commits through here are read, for a log that is being written to: everything through here is durable, so
   * that not to come here is corruption. What follows is not looked at.
   */
  readonly throughSequence?: Sequence | undefined
}

/** Receives the commits of a log in order. The batch and its values are views, valid during the call. */
export type ApplyBatch = (sequence: Sequence, batch: Batch) => void

/** The commits of one frame, `bytes[start, end)`: one object for all of them, whose bytes are valid during the call. */
export interface FramePayload {
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
}

/**
 * The same without an object for any entry: walks the entries of one commit, all of them. A commit that turns out to be malformed
 * ends the recovery after that: what was taken over by then must not be used.
 */
export type ReplayBatch = (sequence: Sequence, entries: BatchCursor, payload: FramePayload) => void

/** What recovery found. */
export interface RecoveredLog {
  /** The last sequence recovered: at least `afterSequence`. */
  readonly lastSequence: Sequence
  /** Where the log ends, as `previous` of the next one; undefined if no segment was named. */
  readonly end: LogEnd | undefined
  /** Where a tail that no acknowledged commit reached was cut off, in thought: the file is as it was. */
  readonly torn: { readonly file: string; readonly offset: number } | undefined
  /** Commits applied. */
  readonly commits: number
  /** Valid frames read. */
  readonly frames: number
}

/** A segment that is no longer written and not yet dropped. */
export interface RetainedSegment extends SegmentStatus {
  readonly path: string
}
