/**
 * Every version of one key that a store still has, and where: plain data that storage gathers and applications look at.
 *
 * A version may be in several places: in the log and in the memtable, or in the log and, once that is flushed, in a table. Versions that
 * nobody can read any more go when they are merged; until then they are history.
 * Pinned by test/unit/storage/inspect/history.test.ts.
 */
import type { Sequence } from './sequence'

/** Where a version lies. */
export type VersionPlace =
  /** In memory: 0 is the memtable that takes writes, the others are frozen, the newer the less the number. */
  | { readonly in: 'memtable'; readonly memtable: number }
  /** In the frame at `offset` of a segment of the log. */
  | { readonly in: 'log'; readonly file: string; readonly offset: number }
  /** In a table; `level` is undefined for one that no readable manifest names. */
  | { readonly in: 'table'; readonly file: string; readonly level: number | undefined }

/** One version. */
export interface KeyVersion {
  readonly sequence: Sequence
  /** A 'delete range' is a deletion of a range that holds the key: `[start, end)`, no `end` meaning to the last key. */
  readonly kind: 'put' | 'delete' | 'delete range'
  /** The length of a put's value. */
  readonly valueBytes: number | undefined
  /** The value, if it is no longer than was asked for. */
  readonly value: Uint8Array | undefined
  readonly start: Uint8Array | undefined
  readonly end: Uint8Array | undefined
  /** At least one: memtables first, then the log, then tables. */
  readonly places: readonly VersionPlace[]
}

/** Something that could not be read: versions may be missing. */
export interface HistoryDamage {
  readonly file: string
  /** In bytes from the start of the file. */
  readonly offset: number
  readonly what: string
}

/** The versions of a key. */
export interface KeyHistory {
  readonly key: Uint8Array
  /** Newest first. */
  readonly versions: readonly KeyVersion[]
  /** Whether there are older versions than `versionsMax` let in. */
  readonly isCut: boolean
  /** Everything up to here is acknowledged; undefined where only files were read. */
  readonly publishedSequence: Sequence | undefined
  readonly damages: readonly HistoryDamage[]
}

/** How much of a history is wanted. */
export interface HistoryOptions {
  /** Versions, the newest ones; 1,000 unless given. */
  readonly versionsMax?: number | undefined
  /** Values up to this length are part of the history; 1,024 unless given. */
  readonly valueBytesMax?: number | undefined
}
