/**
 * Where the tables of a bulk load go, and whether memtables stand in their way: decided from what the store holds of their range.
 *
 * Reads ask sources newest first and stop at the first that has anything for a key, so the loaded tables must lie above all
 * tables that overlap them: what these hold there is deleted, and older.
 *
 *   level 0   | ...|                  nothing overlaps: the last level, into its one run
 *   level 1         ========          one of level 2 overlaps: level 1
 *   level 2   |------------------|    one of level 1 overlaps: level 1, in a newer run
 *                                     one of level 0 overlaps: level 0
 *
 * Pure. Pinned by test/unit/storage/load-place.test.ts.
 */
import type { KeyRange } from '../base/key-range'
import { rangesOverlap } from '../base/key-range'
import { tableSetToLevels } from './compaction/compaction-job'
import { lastLevel } from './compaction/compaction-picker'
import type { RunPlace } from './manifest/manifest-state'
import { LEVELS } from './manifest/manifest-state'
import type { Memtable } from './memtable/memtable'
import type { Memtables } from './memtable/memtables'
import type { TableSet } from './table/table-set'
import { nextRun } from './table/table-set'

/** The place above everything that overlaps `range`, as deep as that allows. */
export function choosePlace(set: TableSet, range: KeyRange): RunPlace {
  let top = 0
  while (top < LEVELS && !overlapsLevel(set, top, range)) top++
  const level = top === LEVELS ? lastLevel(tableSetToLevels(set)) : Math.max(Math.min(top, 1), top - 1)
  return { level, run: nextRun(set, level) }
}

function overlapsLevel(set: TableSet, level: number, range: KeyRange): boolean {
  return set.runsOf(level).some(({ files }) => files.some((file) => rangesOverlap(file, range)))
}

/** Whether anything that is in no table yet lies in `range`: a version, also a tombstone, or part of a range tombstone. */
export function isInMemtables(memtables: Memtables, range: KeyRange): boolean {
  return [memtables.active, ...memtables.frozen.map(({ memtable }) => memtable)].some((one) => isIn(one, range))
}

function isIn(memtable: Memtable, range: KeyRange): boolean {
  if (memtable.rangeTombstones?.list().some((tombstone) => rangesOverlap(tombstone, range)) === true) return true
  const cursor = memtable.openCursor(false)
  const isAnyBehind = cursor.seek(range.start) === true
  const isWithin = isAnyBehind && (range.end === undefined || cursor.key < range.end)
  cursor.close()
  return isWithin
}
