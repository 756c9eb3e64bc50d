/**
 * Key ranges, always half-open: `[start, end)`; a missing end means "to the last key".
 *
 * Every user-facing form of bounds (gte, gt, lt, lte, prefix) is brought to this one form at the door, so that nothing
 * below ever matches over kinds of bounds. An inclusive end is the successor key (`key` + one zero byte).
 */
import type { Key } from './bytes'
import { keySuccessor } from './bytes'

/** Keys from `start` (included) to `end` (excluded); `end` undefined means no upper bound. */
export interface KeyRange {
  readonly start: Key
  readonly end: Key | undefined
}

/** Every key. */
export const RANGE_ALL: KeyRange = { start: '', end: undefined }

/** Whether no key can lie in the range. */
export function isEmptyRange(range: KeyRange): boolean {
  return range.end !== undefined && range.end <= range.start
}

/** Whether `key` lies in the range. */
export function rangeContains(range: KeyRange, key: Key): boolean {
  return key >= range.start && (range.end === undefined || key < range.end)
}

/** Whether two ranges share a key. */
export function rangesOverlap(a: KeyRange, b: KeyRange): boolean {
  return (b.end === undefined || a.start < b.end) && (a.end === undefined || b.start < a.end)
}

/** The keys in both ranges; the result may be empty. */
export function intersectRanges(a: KeyRange, b: KeyRange): KeyRange {
  const start = a.start > b.start ? a.start : b.start
  return { start, end: smallerEnd(a.end, b.end) }
}

/** The range that holds just one key. */
export function pointRange(key: Key): KeyRange {
  return { start: key, end: keySuccessor(key) }
}

/** All keys that begin with `prefix`. */
export function prefixRange(prefix: Key): KeyRange {
  let length = prefix.length
  while (length > 0 && prefix.charCodeAt(length - 1) === 0xff) length--
  if (length === 0) return { start: prefix, end: undefined }
  const end = prefix.slice(0, length - 1) + String.fromCharCode(prefix.charCodeAt(length - 1) + 1)
  return { start: prefix, end }
}

/** The smaller of two range ends, where undefined stands for "no bound". */
export function smallerEnd(a: Key | undefined, b: Key | undefined): Key | undefined {
  if (a === undefined) return b
  if (b === undefined) return a
  return a < b ? a : b
}

/** Orders range ends, undefined last: negative, zero or positive. */
export function compareEnds(a: Key | undefined, b: Key | undefined): number {
  if (a === b) return 0
  if (a === undefined) return 1
  if (b === undefined) return -1
  return a < b ? -1 : 1
}
