/**
 * Sets of keys as lists of half-open intervals: the one form in which the oracles hold reads and writes.
 *
 * A point is the interval that holds just that key. The oracles do not use the store's own range functions: what decides
 * whether two operations touch the same key must not come from the code under test.
 * Pinned by test/unit/oracle/intervals.test.ts.
 */

/** Keys from `start` (included) to `end` (excluded; undefined: no upper bound). */
export interface Interval {
  readonly start: string
  readonly end: string | undefined
}

/** The interval of one key. */
export function pointInterval(key: string): Interval {
  return { start: key, end: `${key}\0` }
}

/** Whether no key can lie in it. */
export function isEmptyInterval(interval: Interval): boolean {
  return interval.end !== undefined && interval.end <= interval.start
}

/** Whether `key` lies in it. */
export function intervalContains(interval: Interval, key: string): boolean {
  return interval.start <= key && (interval.end === undefined || key < interval.end)
}

/** Whether two intervals share a key: any byte string counts, not only the keys somebody wrote. */
export function intervalsOverlap(a: Interval, b: Interval): boolean {
  if (isEmptyInterval(a) || isEmptyInterval(b)) return false
  return (b.end === undefined || a.start < b.end) && (a.end === undefined || b.start < a.end)
}

/** Whether two sets share a key. */
export function setsOverlap(a: readonly Interval[], b: readonly Interval[]): boolean {
  for (const x of a) for (const y of b) if (intervalsOverlap(x, y)) return true
  return false
}

/** What of `interval` lies in none of `holes`. */
export function subtractIntervals(interval: Interval, holes: readonly Interval[]): Interval[] {
  let rest = isEmptyInterval(interval) ? [] : [interval]
  for (const hole of holes) {
    if (isEmptyInterval(hole)) continue
    rest = rest.flatMap((part) => subtractOne(part, hole))
  }
  return rest
}

function subtractOne(part: Interval, hole: Interval): Interval[] {
  if (!intervalsOverlap(part, hole)) return [part]
  const left = { start: part.start, end: hole.start }
  const right = hole.end === undefined ? undefined : { start: hole.end, end: part.end }
  return [left, right].filter((side) => side !== undefined && !isEmptyInterval(side)) as Interval[]
}

/**
 * One key of every cell into which the ends of `intervals` cut the key space: two sets built from `intervals` share a key
 * exactly if they share one of these.
 */
export function cellKeys(intervals: readonly Interval[]): string[] {
  const cuts = new Set<string>([''])
  for (const { start, end } of intervals) {
    cuts.add(start)
    if (end !== undefined) cuts.add(end)
  }
  return [...cuts].sort()
}
