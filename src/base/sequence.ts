/**
 * Sequences: positions in commit order, the store's only notion of time.
 *
 * A sequence is an integer in a double (no BigInt in hot files) from 1 up to 2^53 - 1; 0 is "before the first commit".
 * On disk it is two u32, low word first. Commits that write get consecutive sequences; reads get none.
 */

/** A position in commit order; 0 is before the first commit. */
export type Sequence = number

/** Before the first commit. */
export const SEQUENCE_ZERO: Sequence = 0

/** Later than every commit; also "no sequence known" where a least is sought. */
export const SEQUENCE_INFINITY = Infinity

/** The greatest sequence that can be assigned. */
export const SEQUENCE_MAX: Sequence = Number.MAX_SAFE_INTEGER

const WORD = 0x1_0000_0000

/** The low 32 bits. */
export function sequenceLow(sequence: Sequence): number {
  return sequence >>> 0
}

/** The high 21 bits. */
export function sequenceHigh(sequence: Sequence): number {
  return Math.floor(sequence / WORD)
}

/** Puts the two words together again. */
export function wordsToSequence(low: number, high: number): Sequence {
  return high * WORD + low
}
