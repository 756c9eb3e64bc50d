/**
 * What to merge next, decided from the tables' properties alone: leveled compaction.
 *
 * Level 0 holds whole memtables and counts tables; the levels below are runs and count bytes, each `levelSizeRatio` times
 * the one above. The fullest level is relieved: level 0 with all its tables, a run with the one table that
 * overlaps least of the run below. Then, if no level is too full: a table mostly of tombstones moves towards the last level,
 * and one full of dead versions is rewritten where it lies, as soon as no snapshot needs them.
 *
 *   picker -> CompactionPlan -> job (compaction-job.ts)
 *
 * 1. All of level 0 is taken, or none: what stays in a level is never older than what went below.
 * 2. Inputs of a run below are all its tables that overlap the hull of the upper inputs: outputs overlap nothing that stays.
 * 3. `older` lists every table that can hold something older than the inputs: a tombstone is dropped only if none covers it.
 *
 * Pinned by test/unit/storage/compaction-picker.test.ts.
 */
import type { KeyRange } from '../base/key-range'
import { compareEnds, rangesOverlap } from '../base/key-range'
import type { Limits } from '../base/limits'
import type { Retention } from './compaction-retention'
import type { TableProperties } from './table-format'

/** The tables of every level, in the order of a table set. */
export type Levels = readonly (readonly TableProperties[])[]

/** Tables of one level that go into a merge. */
export interface LevelInputs {
  readonly level: number
  /** In the level's order. */
  readonly tables: readonly TableProperties[]
}

/** One merge. */
export interface CompactionPlan {
  readonly reason: 'levelZero' | 'levelBytes' | 'tombstones' | 'deadVersions' | 'manual'
  /** Newest level first; none is empty. */
  readonly inputs: readonly LevelInputs[]
  readonly outputLevel: number
  /** Nothing needs rewriting: the inputs, all of one level, only change their level. */
  readonly isMove: boolean
  /** Ranges that something older than the inputs may lie in. */
  readonly older: readonly KeyRange[]
}

/** Of its entries, the part of tombstones or dead versions from which a table is worth a merge of its own. */
const DEAD_PART_MIN = 0.5

/** The most urgent merge, or undefined if the tables are in good order. */
export function pickCompaction(levels: Levels, limits: Limits, retention: Retention): CompactionPlan | undefined {
  const fullest = fullestLevel(levels, limits)
  if (fullest === 0) return planLevelZero(levels)
  if (fullest !== undefined)
    return planRun(levels, fullest, { table: leastOverlapping(levels, fullest), reason: 'levelBytes' })
  return pickDead(levels, retention)
}

/** The merge of all tables into one run of the last level; undefined if there is nothing to gain. */
export function planFullCompaction(levels: Levels, limits: Limits): CompactionPlan | undefined {
  const inputs = levels.map((tables, level) => ({ level, tables })).filter(({ tables }) => tables.length > 0)
  const deepest = inputs.at(-1)
  if (deepest === undefined) return undefined
  if (inputs.length === 1 && deepest.level > 0 && deepest.tables.every((table) => deadPart(table) === 0))
    return undefined
  const bytes = inputs.reduce((sum, { tables }) => sum + sumBytes(tables), 0)
  let outputLevel = Math.max(1, deepest.level)
  while (outputLevel < levels.length - 1 && levelBytesMax(outputLevel, limits) < bytes) outputLevel++
  return { reason: 'manual', inputs, outputLevel, isMove: false, older: [] }
}

/** The size of a level, in bytes, beyond which it is relieved. */
export function levelBytesMax(level: number, limits: Limits): number {
  return limits.levelBytesBase * limits.levelSizeRatio ** (level - 1)
}

function fullestLevel(levels: Levels, limits: Limits): number | undefined {
  let fullest: number | undefined
  let scoreMax = 1
  // The last level may grow without bound: there is nowhere to go from it.
  for (const [level, tables] of levels.slice(0, -1).entries()) {
    const score =
      level === 0 ? tables.length / limits.levelZeroTablesMax : sumBytes(tables) / levelBytesMax(level, limits)
    if (level === 0 ? score < scoreMax : score <= scoreMax) continue
    fullest = level
    scoreMax = score
  }
  return fullest
}

function planLevelZero(levels: Levels): CompactionPlan {
  const upper = levels[0]!
  const lower = overlapping(levels[1]!, hull(upper))
  const isMove = lower.length === 0 && areDisjoint(upper)
  return createPlan(levels, { reason: 'levelZero', upper: { level: 0, tables: upper }, lower, isMove })
}

function planRun(
  levels: Levels,
  level: number,
  pick: { readonly table: TableProperties; readonly reason: CompactionPlan['reason'] },
): CompactionPlan {
  const lower = overlapping(levels[level + 1]!, pick.table.bounds)
  // A table with dead weight is rewritten even if it could just move, or the weight would travel to the bottom.
  const isMove = lower.length === 0 && deadPart(pick.table) < DEAD_PART_MIN
  return createPlan(levels, { reason: pick.reason, upper: { level, tables: [pick.table] }, lower, isMove })
}

function createPlan(
  levels: Levels,
  plan: {
    readonly reason: CompactionPlan['reason']
    readonly upper: LevelInputs
    readonly lower: readonly TableProperties[]
    readonly isMove: boolean
  },
): CompactionPlan {
  const { reason, upper, lower, isMove } = plan
  const outputLevel = upper.level + 1
  const inputs = lower.length === 0 ? [upper] : [upper, { level: outputLevel, tables: lower }]
  const older = levels.slice(outputLevel + 1).flatMap((tables) => tables.map((table) => table.bounds))
  return { reason, inputs, outputLevel, isMove, older }
}

/** Tables that are mostly dead, once nothing needs what is dead in them: each merge then makes it less, so this ends. */
function pickDead(levels: Levels, retention: Retention): CompactionPlan | undefined {
  for (let level = levels.length - 1; level > 0; level--) {
    for (const table of levels[level]!) {
      if (deadPart(table) < DEAD_PART_MIN || table.lastSequence > retention.oldest) continue
      const isLast = levels.slice(level + 1).every((tables) => overlapping(tables, table.bounds).length === 0)
      if (!isLast) return planRun(levels, level, { table, reason: 'tombstones' })
      return {
        reason: 'deadVersions',
        inputs: [{ level, tables: [table] }],
        outputLevel: level,
        isMove: false,
        older: [],
      }
    }
  }
  return undefined
}

function leastOverlapping(levels: Levels, level: number): TableProperties {
  const ratio = (table: TableProperties): number => {
    return sumBytes(overlapping(levels[level + 1]!, table.bounds)) / table.fileBytes
  }
  let [least, ratioMin] = [levels[level]![0]!, Infinity]
  for (const table of levels[level]!) {
    const own = ratio(table)
    if (own > ratioMin || (own === ratioMin && table.fileNumber > least.fileNumber)) continue
    least = table
    ratioMin = own
  }
  return least
}

/** The part of a table that is no live version: tombstones, older versions of its keys, range tombstones. */
function deadPart(table: TableProperties): number {
  const entries = table.entries + table.rangeTombstones
  return (table.tombstones + table.rangeTombstones + (table.entries - table.keys)) / entries
}

/** The tables of a run that share a key with a range. */
function overlapping(run: readonly TableProperties[], range: KeyRange): readonly TableProperties[] {
  return run.filter((table) => rangesOverlap(table.bounds, range))
}

function hull(tables: readonly TableProperties[]): KeyRange {
  let { start, end } = tables[0]!.bounds
  for (const { bounds } of tables) {
    if (bounds.start < start) start = bounds.start
    if (compareEnds(bounds.end, end) > 0) end = bounds.end
  }
  return { start, end }
}

function areDisjoint(tables: readonly TableProperties[]): boolean {
  const sorted = [...tables].sort((a, b) => (a.bounds.start < b.bounds.start ? -1 : 1))
  return sorted.every((table, i) => i === 0 || !rangesOverlap(sorted[i - 1]!.bounds, table.bounds))
}

function sumBytes(tables: readonly TableProperties[]): number {
  return tables.reduce((sum, table) => sum + table.fileBytes, 0)
}
