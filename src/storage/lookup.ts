/**
 * What a point lookup found: an object that the caller reuses, so that a lookup allocates nothing.
 *
 * Sources are asked newest first, and the first one that has anything for the key at or below the sequence decides.
 */
import type { Sequence } from '../base/sequence'

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
  bytes: Uint8Array = NO_BYTES
  at = 0
  length = 0

  /** A copy of the value that the caller owns. REQUIRES: state is LOOKUP_VALUE. */
  copyValue(): Buffer {
    return copyBytes(this.bytes, this.at, this.length)
  }
}

/** A Buffer of the caller's own with `bytes[at, at + length)`. */
export function copyBytes(bytes: Uint8Array, at: number, length: number): Buffer {
  const copy = Buffer.allocUnsafe(length)
  copy.set(bytes.subarray(at, at + length))
  return copy
}
