/**
 * Bounds as users give them (gte, gt, lt, lte, prefix) brought to the one half-open form, with reverse and limit.
 *
 * `prefix` and bounds together mean their intersection: `{ prefix: 'user/', gt: last }` goes on behind the last row of a
 * page. Two lower or two upper bounds are a mistake and refused. Pure. Pinned by test/unit/kv/range-options.test.ts.
 */
import { describe, inputToKey, keySuccessor } from '../base/bytes'
import type { Key } from '../base/bytes'
import { InvalidArgumentError } from '../base/errors'
import type { KeyRange } from '../base/key-range'
import { RANGE_ALL, intersectRanges, prefixRange } from '../base/key-range'
import type { BytesInput } from './bytes-type'
import { checkBoolean, checkOptions } from './options'

/** Which keys: `{}` is every key. At most one lower and one upper bound; `prefix` narrows them further. */
export interface RangeBounds {
  /** From this key on, it included. */
  readonly gte?: BytesInput | undefined
  /** From just behind this key on. */
  readonly gt?: BytesInput | undefined
  /** Up to this key, it excluded. */
  readonly lt?: BytesInput | undefined
  /** Up to this key, it included. */
  readonly lte?: BytesInput | undefined
  /** Only keys that begin with these bytes. */
  readonly prefix?: BytesInput | undefined
}

/** What to scan, in which direction and how much of it. */
export interface ScanOptions extends RangeBounds {
  /** From the last key to the first. */
  readonly reverse?: boolean | undefined
  /** At most this many rows; what lies behind them is neither read nor counted as read. */
  readonly limit?: number | undefined
}

/** A scan as the layers below understand it. */
export interface ScanPlan {
  readonly range: KeyRange
  readonly reverse: boolean
  /** In rows; Infinity for all. */
  readonly limit: number
}

const BOUNDS = ['gte', 'gt', 'lt', 'lte', 'prefix'] as const
const SCAN = [...BOUNDS, 'reverse', 'limit'] as const
const COUNT = [...BOUNDS, 'limit'] as const
const EVERYTHING: ScanPlan = { range: RANGE_ALL, reverse: false, limit: Infinity }

/** The plan of a scan (`call` 'scan', 'keys' or 'values') or count. Throws `InvalidArgumentError` or `LimitExceededError`. */
export function planScan(given: ScanOptions | undefined, keyBytesMax: number, call: string): ScanPlan {
  if (given === undefined) return EVERYTHING
  checkOptions(given, call === 'count' ? COUNT : SCAN, call)
  checkBoolean(given.reverse, 'reverse')
  return {
    range: boundsToRange(given, keyBytesMax, call),
    reverse: given.reverse === true,
    limit: checkedLimit(given.limit),
  }
}

/** The range of a range delete, which must be said: `{}` for every key. Throws as `planScan` does. */
export function planDeletion(given: RangeBounds, keyBytesMax: number): KeyRange {
  if (given === undefined) {
    throw new InvalidArgumentError('Cannot deleteRange: no range given; pass bounds, or {} to delete every key')
  }
  checkOptions(given, BOUNDS, 'deleteRange')
  return boundsToRange(given, keyBytesMax, 'deleteRange')
}

/** The range of a compaction; without bounds every key. Throws as `planScan` does. */
export function planCompaction(given: RangeBounds | undefined, keyBytesMax: number): KeyRange {
  if (given === undefined) return RANGE_ALL
  checkOptions(given, BOUNDS, 'compact')
  return boundsToRange(given, keyBytesMax, 'compact')
}

function boundsToRange(given: RangeBounds, keyBytesMax: number, call: string): KeyRange {
  if (given.gte !== undefined && given.gt !== undefined) throw twoBounds('gte', 'gt', call)
  if (given.lt !== undefined && given.lte !== undefined) throw twoBounds('lt', 'lte', call)
  const bounds: KeyRange = { start: lowerBound(given, keyBytesMax), end: upperBound(given, keyBytesMax) }
  if (given.prefix === undefined) return bounds
  return intersectRanges(bounds, prefixRange(inputToKey(given.prefix, keyBytesMax)))
}

function lowerBound(given: RangeBounds, keyBytesMax: number): Key {
  if (given.gte !== undefined) return inputToKey(given.gte, keyBytesMax)
  if (given.gt !== undefined) return keySuccessor(inputToKey(given.gt, keyBytesMax))
  return ''
}

function upperBound(given: RangeBounds, keyBytesMax: number): Key | undefined {
  if (given.lt !== undefined) return inputToKey(given.lt, keyBytesMax)
  if (given.lte !== undefined) return keySuccessor(inputToKey(given.lte, keyBytesMax))
  return undefined
}

function checkedLimit(limit: number | undefined): number {
  if (limit === undefined) return Infinity
  if (typeof limit === 'number' && limit >= 0 && (Number.isSafeInteger(limit) || limit === Infinity)) return limit
  throw new InvalidArgumentError(`Cannot use ${describe(limit)} as limit: it must be a number of rows, 0 or more`)
}

function twoBounds(a: string, b: string, call: string): InvalidArgumentError {
  return new InvalidArgumentError(`Cannot use ${a} and ${b} together in ${call}: give one of them`)
}
