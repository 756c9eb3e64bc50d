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
import type { Key } from '../base/bytes'
import type { KeyRange } from '../base/key-range'
import { compareEnds, rangesOverlap } from '../base/key-range'
import type { Limits } from '../base/limits'
import type { Retention } from './compaction-retention'
import type { TableProperties } from './table-format'

/** One run: tables ascending, without overlap. */
export interface Run {
  /** Among the runs of its level: the greater, the newer. */
  readonly run: number
  readonly tables: readonly TableProperties[]
}

/** The runs of every level, newest first. */
export type Levels = readonly (readonly Run[])[]

/** Tables of one run that go into a merge. */
export interface RunInputs extends Run {
  readonly level: number
}

/** One merge. */
export interface CompactionPlan {
  readonly reason: 'levelZero' | 'levelBytes' | 'tombstones' | 'deadVersions' | 'manual'
  /** Newest first: of one key, everything in one of them is newer than in the next. None is empty. */
  readonly inputs: readonly RunInputs[]
  readonly outputLevel: number
  /** The run of that level that the outputs are part of: one that exists and overlaps none of them, or a new one. */
  readonly outputRun: number
  /** Size at which a merge begins a new table. */
  readonly tableBytesMax: number
  /** Keys, ascending, before which a merge begins a new table rather than elsewhere (see `TableOutputOptions`). */
  readonly cutKeys: readonly Key[]
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
  if (fullest === 0) return planLevelZero(levels, limits)
  if (fullest !== undefined)
    return planRun(levels, limits, { level: fullest, table: leastOverlapping(levels, fullest), reason: 'levelBytes' })
  return pickDead(levels, { limits, retention })
}

/** The merge of all tables into one run of the last level; undefined if there is nothing to gain. */
export function planFullCompaction(levels: Levels, limits: Limits): CompactionPlan | undefined {
  const inputs = levels.flatMap((runs, level) => runs.map((run) => ({ level, ...run })))
  const deepest = inputs.at(-1)
  if (deepest === undefined) return undefined
  if (inputs.length === 1 && deepest.level > 0 && deepest.tables.every((table) => deadPart(table) === 0))
    return undefined
  const bytes = inputs.reduce((sum, { tables }) => sum + sumBytes(tables), 0)
  let outputLevel = Math.max(1, deepest.level)
  while (outputLevel < levels.length - 1 && levelBytesMax(outputLevel, limits) < bytes) outputLevel++
  return { reason: 'manual', inputs, outputLevel, ...outputsOf(levels, outputLevel, limits), isMove: false, older: [] }
}

/** The size of a level, in bytes, beyond which it is relieved. */
export function levelBytesMax(level: number, limits: Limits): number {
  return limits.levelBytesBase * limits.levelSizeRatio ** (level - 1)
}

function fullestLevel(levels: Levels, limits: Limits): number | undefined {
  let fullest: number | undefined
  let scoreMax = 1
  // The last level may grow without bound: there is nowhere to go from it.
  for (const [level, runs] of levels.slice(0, -1).entries()) {
    const score =
      level === 0 ? runs.length / limits.levelZeroTablesMax : sumBytes(tablesOf(runs)) / levelBytesMax(level, limits)
    if (level === 0 ? score < scoreMax : score <= scoreMax) continue
    fullest = level
    scoreMax = score
  }
  return fullest
}

function planLevelZero(levels: Levels, limits: Limits): CompactionPlan {
  const tables = tablesOf(levels[0]!)
  const upper = levels[0]!.map((run) => ({ level: 0, ...run }))
  const lower = overlapping(tablesOf(levels[1]!), hull(tables))
  const isMove = lower.length === 0 && areDisjoint(tables)
  return createPlan(levels, limits, { reason: 'levelZero', upper, lower, isMove })
}

function planRun(
  levels: Levels,
  limits: Limits,
  pick: { readonly level: number; readonly table: TableProperties; readonly reason: CompactionPlan['reason'] },
): CompactionPlan {
  const { level, table } = pick
  const lower = overlapping(tablesOf(levels[level + 1]!), table.bounds)
  // A table with dead weight is rewritten even if it could just move, or the weight would travel to the bottom.
  const isMove = lower.length === 0 && deadPart(table) < DEAD_PART_MIN
  const upper = [{ level, run: runOf(levels, level), tables: [table] }]
  return createPlan(levels, limits, { reason: pick.reason, upper, lower, isMove })
}

function createPlan(
  levels: Levels,
  limits: Limits,
  plan: {
    readonly reason: CompactionPlan['reason']
    readonly upper: readonly RunInputs[]
    readonly lower: readonly TableProperties[]
    readonly isMove: boolean
  },
): CompactionPlan {
  const { reason, upper, lower, isMove } = plan
  const outputLevel = upper[0]!.level + 1
  const outputs = outputsOf(levels, outputLevel, limits)
  const inputs = lower.length === 0 ? upper : [...upper, { level: outputLevel, run: outputs.outputRun, tables: lower }]
  const older = levels.slice(outputLevel + 1).flatMap((runs) => tablesOf(runs).map((table) => table.bounds))
  return { reason, inputs, outputLevel, ...outputs, isMove, older }
}

function outputsOf(
  levels: Levels,
  level: number,
  limits: Limits,
): Pick<CompactionPlan, 'outputRun' | 'tableBytesMax' | 'cutKeys'> {
  return { outputRun: runOf(levels, level), tableBytesMax: limits.tableBytesMax, cutKeys: [] }
}

/** The one run of a level from 1 on. */
function runOf(levels: Levels, level: number): number {
  return levels[level]![0]?.run ?? 1
}

function tablesOf(runs: readonly Run[]): readonly TableProperties[] {
  return runs.flatMap(({ tables }) => tables)
}

/** Tables that are mostly dead, once nothing needs what is dead in them: each merge then makes it less, so this ends. */
function pickDead(
  levels: Levels,
  { limits, retention }: { readonly limits: Limits; readonly retention: Retention },
): CompactionPlan | undefined {
  for (let level = levels.length - 1; level > 0; level--) {
    for (const table of tablesOf(levels[level]!)) {
      if (deadPart(table) < DEAD_PART_MIN || table.lastSequence > retention.oldest) continue
      const isLast = levels.slice(level + 1).every((runs) => overlapping(tablesOf(runs), table.bounds).length === 0)
      if (!isLast) return planRun(levels, limits, { level, table, reason: 'tombstones' })
      return {
        reason: 'deadVersions',
        inputs: [{ level, run: runOf(levels, level), tables: [table] }],
        outputLevel: level,
        ...outputsOf(levels, level, limits),
        isMove: false,
        older: [],
      }
    }
  }
  return undefined
}

function leastOverlapping(levels: Levels, level: number): TableProperties {
  const ratio = (table: TableProperties): number => {
    return sumBytes(overlapping(tablesOf(levels[level + 1]!), table.bounds)) / table.fileBytes
  }
  const tables = tablesOf(levels[level]!)
  let [least, ratioMin] = [tables[0]!, Infinity]
  for (const table of tables) {
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
