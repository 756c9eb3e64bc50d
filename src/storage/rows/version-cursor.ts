/**
 * Versions in internal order as they lie in memory, and the cursors that walk them.
 *
 * Internal order is (key ascending, sequence descending) and is *the* order of memtables, tables and merges. A cursor walks
 * it forward or, opened so, backward (key descending, sequence ascending). Nothing is copied: a cursor shows where the
 * bytes of its position lie.
 *
 * Invariants:
 * 1. Bytes of values never change once shown: `valueBytes` may be kept (it keeps its block or arena chunk alive).
 * 2. Bytes of keys are valid until the cursor moves; `key`, a flat string built on first use, may be kept.
 */
import type { Key } from '../../base/bytes'
import type { Sequence } from '../../base/sequence'
import type { ENTRY_DELETE, ENTRY_PUT } from '../engine'

/** What a version can be; a range deletion is no version but a `RangeTombstone` beside them. */
export type VersionKind = typeof ENTRY_PUT | typeof ENTRY_DELETE

/** One version as it lies in memory. */
export interface Version {
  /** The key as a flat string, built on first use. */
  readonly key: Key
  /** The key is `keyBytes[0, keyLength)`, until the cursor moves. */
  readonly keyBytes: Uint8Array
  readonly keyLength: number
  readonly sequence: Sequence
  readonly kind: VersionKind
  /** The value is `valueBytes[valueAt, valueAt + valueLength)`; empty for a tombstone. */
  readonly valueBytes: Uint8Array
  readonly valueAt: number
  readonly valueLength: number
  /** A view of all of `valueBytes`, where there is one: short values are then copied without making another. */
  readonly valueView?: DataView
}

/** A position among the versions of one source or of a merge. REQUIRES, for every field of `Version`: the last move gave true. */
export interface VersionCursor extends Version {
  /**
   * Positions at the first version in the cursor's direction: forward, the newest version of the first key `>= key`;
   * backward, the oldest version of the last key `< key`. Undefined means from the very end of that direction.
   * True if there is one. A promise only where bytes must be fetched.
   */
  seek(key: Key | undefined): boolean | Promise<boolean>
  /** Moves on by one version in the cursor's direction. Same result as `seek`. REQUIRES: no move pending. */
  next(): boolean | Promise<boolean>
  /** Lets go of what the cursor pins. Idempotent. */
  close(): void
}

/** A deletion of `[start, end)` at a sequence; `end` undefined: to the last key. It hides versions of smaller sequence only. */
export interface RangeTombstone {
  readonly start: Key
  readonly end: Key | undefined
  readonly sequence: Sequence
}
