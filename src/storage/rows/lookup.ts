/**
 * What a point lookup found: an object that the caller reuses, so that a lookup allocates nothing.
 *
 * Sources are asked newest first, and the first one that has anything for the key at or below the sequence decides. That
 * includes range tombstones: of the newest version and the newest range tombstone that covers the key, the one with the greater sequence
 * counts, and the version where they are equal. Pinned by test/unit/storage/memtable/memtable.test.ts, test/unit/storage/table/table.test.ts.
 */
import { copyBytes } from '../files/bytes-in-place'
import type { Sequence } from '../../base/sequence'

/** The source holds nothing for the key at or below the sequence: ask the next older one. */
export const LOOKUP_ABSENT = 0
/** The key has a value. */
export const LOOKUP_VALUE = 1
/** The key is deleted (a tombstone, or a range tombstone that covers it). */
export const LOOKUP_TOMBSTONE = 2
export type LookupState = typeof LOOKUP_ABSENT | typeof LOOKUP_VALUE | typeof LOOKUP_TOMBSTONE

const NO_BYTES = new Uint8Array(0)

/** The result of a lookup; the bytes it points at never change. */
export class Lookup {
  state: LookupState = LOOKUP_ABSENT
  /** Of the version or range tombstone found; 0 if absent. */
  sequence: Sequence = 0
  /** The value is `bytes[at, at + length)`. Empty unless state is LOOKUP_VALUE. */
  bytes: Uint8Array = NO_BYTES
  at = 0
  length = 0

  /** Nothing found. Returns false, as the lookups do. */
  setAbsent(): false {
    this.state = LOOKUP_ABSENT
    this.sequence = 0
    this.bytes = NO_BYTES
    this.at = 0
    this.length = 0
    return false
  }

  /** Deleted at `sequence`. Returns true, as the lookups do. */
  setTombstone(sequence: Sequence): true {
    this.state = LOOKUP_TOMBSTONE
    this.sequence = sequence
    this.bytes = NO_BYTES
    this.at = 0
    this.length = 0
    return true
  }

  /** A copy of the value that the caller owns. REQUIRES: state is LOOKUP_VALUE. */
  copyValue(): Buffer {
    return copyBytes(this.bytes, this.at, this.length)
  }
}
