/**
 * What to merge next, decided from the tables' properties alone: lazy leveling.
 *
 * Every level above the last collects runs, up to `levelSizeRatio` of them (level 0, whose runs are whole memtables:
 * `levelZeroTablesMax`), and is then relieved: its clusters (runs.ts) are merged, one a plan, into a run of the next level. The last
 * level is one run, which each cluster is merged into. So a byte is written once a level, and a few times in the last.
 *
 *   level 0      ----  ----  ----  ----          memtables
 *   level 1      --------------  ------------    runs, each of what level 0 held
 *   last level   ------------------------------  one run; too large for its level, it moves a level down as it is
 *
 * Clusters stay small because outputs are cut where tables of the next runs begin: those of one slice of the keys hang
 * together and nothing else does. Of a level's clusters the one is merged that rewrites least of the last level for its bytes;
 * one that overlaps nothing only moves. If no level is too full: tables mostly of tombstones move towards the last level, and there
 * those full of dead versions are rewritten, once no snapshot needs what is dead. At rest everything goes to the last level.
 *
 *   picker -> CompactionPlan -> job (compaction-job.ts)
 *
 * 1. Inputs are whole clusters of a level: what stays in it is never older than what went below, of no key.
 * 2. Inputs from the last level are all its tables that overlap the cluster: outputs overlap nothing that stays.
 * 3. Outputs are numbered above all that their level has: they are its newest, and sink as low as that allows (`packRuns`).
 * 4. `older` lists every table that can hold something older than the inputs: a tombstone is dropped only if none covers it.
 *
 * Pinned by test/unit/storage/compaction/compaction-{picker,transparency,model}.test.ts; decision 0014.
 * Spec: Compaction!Plan, Compaction!Move.
 */
import type { Key } from '../../base/bytes'
import type { KeyRange } from '../../base/key-range'
import type { Limits } from '../../base/limits'
import type { Retention } from './compaction-retention'
import type { Cluster, Levels, RunInputs } from '../table/runs'
import {
  clustersOf,
  createCluster,
  inputsOf,
  isOverlapped,
  overlapping,
  startsWithin,
  sumBytes,
  tablesOf,
} from '../table/runs'
import type { TableProperties } from '../table/table-format'

export type { Levels, RunInputs } from '../table/runs'

/** One merge. */
export interface CompactionPlan {
  readonly reason: 'runs' | 'levelBytes' | 'tombstones' | 'deadVersions' | 'rest' | 'manual'
  /** Newest first: of one key, everything in one of them is newer than in the next. None is empty. */
  readonly inputs: readonly RunInputs[]
  readonly outputLevel: number
  /** What the outputs are numbered with: above everything on their level. */
  readonly outputRun: number
  /** Size at which a merge begins a new table. */
  readonly tableBytesMax: number
  /** Keys, ascending, before which a merge begins a new table rather than elsewhere (see `TableOutputOptions`). */
  readonly cutKeys: readonly Key[]
  /** Nothing needs rewriting: the inputs, which do not overlap, only change their level. */
  readonly isMove: boolean
  /** Ranges that something older than the inputs may lie in. */
  readonly older: readonly KeyRange[]
}

/** Of its entries, the part of tombstones or dead versions from which a table is worth a merge of its own. */
const DEAD_PART_MIN = 0.5
/** What may stay above the last level at rest, as a part of that level: at most so much of the space is dead. */
const REST_PART_MAX = 0.04
/** A table that many times larger than its new level's is cut by a rewrite instead of moved, if something lies below. */
const MOVE_FACTOR_MAX = 2
/** A table that many times smaller than its level's is small. */
const SMALL_FACTOR = 2

/** The most urgent merge, or undefined if the tables are in good order. `atRest`: nothing has been written for a while. */
export function pickCompaction(
  levels: Levels,
  limits: Limits,
  now: { readonly retention: Retention; readonly atRest: boolean },
): CompactionPlan | undefined {
  const descent = planDescent(levels, limits)
  if (descent !== undefined) return descent
  const last = lastLevel(levels)
  const lastBytes = sumBytes(tablesOf(levels[last]!))
  const fullest = fullestLevel(levels, limits)
  if (fullest !== undefined) return planRelief(levels, fullest, { limits, reason: 'runs' })
  const dead = pickDead(levels, limits, now.retention)
  if (dead !== undefined || !now.atRest) return dead
  const upper = levels.slice(0, last)
  if (sumBytes(upper.flatMap(tablesOf)) <= lastBytes * REST_PART_MAX) return undefined
  return planRelief(levels, upper.findIndex((runs) => runs.length > 0), { limits, reason: 'rest' }) // prettier-ignore
}

/**
 * The level whose one run everything ends in: the deepest that has tables, from 1 on. Where that one has several runs (what lay
 * below them was deleted), it is the next.
 */
export function lastLevel(levels: Levels): number {
  let deepest = levels.length - 1
  while (deepest > 1 && levels[deepest]!.length === 0) deepest--
  return levels[deepest]!.length > 1 ? Math.min(deepest + 1, levels.length - 1) : deepest
}

/** The size, in bytes, beyond which the last level moves a level down. */
export function levelBytesMax(level: number, limits: Limits): number {
  return limits.levelBytesBase * limits.levelSizeRatio ** (level - 1)
}

/** The size, in bytes, that tables of a level are meant to have: grown with the level, as runs are. */
export function levelTableBytes(level: number, limits: Limits): number {
  const { tableBytesMin, tableBytesMax, levelSizeRatio } = limits
  return Math.min(tableBytesMax, tableBytesMin * levelSizeRatio ** (level - 1))
}

/** The level above the last with the most runs for what it may have; undefined if none has too many. */
function fullestLevel(levels: Levels, limits: Limits): number | undefined {
  let fullest: number | undefined
  let scoreMax = 0
  for (const [level, runs] of levels.slice(0, lastLevel(levels)).entries()) {
    const score = level === 0 ? tablesOf(runs).length / limits.levelZeroTablesMax : runs.length / limits.levelSizeRatio
    if (score < 1 || score <= scoreMax) continue
    fullest = level
    scoreMax = score
  }
  return fullest
}

/** What the last level holds, a level further down, as it is; undefined if it has room where it lies. */
export function planDescent(levels: Levels, limits: Limits): CompactionPlan | undefined {
  const last = lastLevel(levels)
  if (last === levels.length - 1 || sumBytes(tablesOf(levels[last]!)) <= levelBytesMax(last, limits)) return undefined
  const upper = createCluster(inputsOf(levels, last))
  return createPlan(levels, { reason: 'levelBytes', upper, outputLevel: last + 1, isMove: true, limits })
}

/** The best cluster of a level, into the next one. */
function planRelief(
  levels: Levels,
  level: number,
  options: { readonly limits: Limits; readonly reason: CompactionPlan['reason'] },
): CompactionPlan {
  const { limits, reason } = options
  const outputLevel = level + 1
  const all = clustersOf(inputsOf(levels, level))
  const deep = all.filter(({ inputs }) => inputs.length >= limits.levelSizeRatio)
  const clusters = level === 0 || deep.length === 0 ? all : deep
  const isLast = outputLevel >= lastLevel(levels)
  const movable = clusters.filter((cluster) => canMove(levels, cluster, { outputLevel, limits }))
  const upper = isLast ? leastOverlapping(clusters, tablesOf(levels[outputLevel]!)) : deepest(clusters)
  const plan = { reason, upper, outputLevel, isMove: false, limits }
  if (!movable.includes(upper)) return createPlan(levels, plan)
  if (!isLast) return createPlan(levels, { ...plan, isMove: true })
  const small = smallNeighbours(movable, tablesOf(levels[outputLevel]!), { outputLevel, limits })
  if (small !== undefined) return createPlan(levels, { ...plan, upper: join(levels, level, small) })
  // One edit of the manifest moves everything that overlaps nothing.
  return createPlan(levels, { ...plan, upper: join(levels, level, movable), isMove: true })
}

/**
 * The first small clusters that lie between the same two tables of the last level, if they have company there: other small ones,
 * or a neighbour that is not much larger. They become one table; if each just moved, a store of small flushes would be one of
 * countless tables.
 */
function smallNeighbours(
  clusters: readonly Cluster[],
  last: readonly TableProperties[],
  { outputLevel, limits }: { readonly outputLevel: number; readonly limits: Limits },
): readonly Cluster[] | undefined {
  const isSmall = ({ bytes }: Cluster): boolean => bytes < levelTableBytes(outputLevel, limits) / SMALL_FACTOR
  const placeOf = ({ hull }: Cluster): number => last.filter(({ bounds }) => bounds.start < hull.start).length
  const first = clusters.find((cluster) => {
    const near = clusters.filter((other) => isSmall(other) && placeOf(other) === placeOf(cluster))
    return isSmall(cluster) && (near.length > 1 || withNeighbours(last, cluster, { outputLevel, limits }).length > 0)
  })
  return first && clusters.filter((other) => isSmall(other) && placeOf(other) === placeOf(first))
}

/**
 * The tables of the last level that a cluster overlaps, and, where that makes no whole table, what lies beside them and is not
 * much larger. Sizes grow geometrically that way, so that a byte is rewritten seldom.
 */
function withNeighbours(
  last: readonly TableProperties[],
  { hull, bytes }: Pick<Cluster, 'hull' | 'bytes'>,
  { outputLevel, limits }: { readonly outputLevel: number; readonly limits: Limits },
): readonly TableProperties[] {
  let from = last.filter(({ bounds }) => bounds.end !== undefined && bounds.end <= hull.start).length
  let to = last.filter(({ bounds }) => hull.end === undefined || bounds.start < hull.end).length
  let sum = bytes + sumBytes(last.slice(from, to))
  const wanted = levelTableBytes(outputLevel, limits) / SMALL_FACTOR
  const isNear = (table: TableProperties | undefined): boolean =>
    table !== undefined && sum < wanted && table.fileBytes <= limits.levelSizeRatio * sum
  for (;;) {
    if (isNear(last[from - 1])) sum += last[--from]!.fileBytes
    else if (isNear(last[to])) sum += last[to++]!.fileBytes
    else return last.slice(from, to)
  }
}

/** A cluster into a level, with what it overlaps of the last one. */
export function createPlan(
  levels: Levels,
  plan: {
    readonly reason: CompactionPlan['reason']
    readonly upper: Cluster
    readonly outputLevel: number
    readonly isMove: boolean
    readonly limits: Limits
  },
): CompactionPlan {
  const { reason, upper, outputLevel, isMove, limits } = plan
  const isLast = outputLevel >= lastLevel(levels)
  const target = levels[outputLevel]!
  const lower = isLast && !isMove ? lowerInputs(levels, plan) : []
  const inputs = [...upper.inputs, ...lower]
  const bytes = sumBytes(tablesOf(inputs))
  const parts = Math.max(1, Math.round(bytes / levelTableBytes(outputLevel, limits)))
  const older = tablesOf(levels.slice(isLast ? outputLevel + 1 : outputLevel).flat()).map((table) => table.bounds)
  return {
    reason,
    inputs,
    outputLevel,
    outputRun: Math.max(0, ...target.map(({ run }) => run)) + 1,
    // Outputs of the same size each: no small one is left over at the end.
    tableBytesMax: Math.ceil((bytes / parts) * 1.05),
    cutKeys: isLast ? [] : startsWithin(nextTables(levels, outputLevel), upper.hull),
    isMove,
    older,
  }
}

/** What a cluster takes along of the last level. A table that is rewritten where it lies is part of the cluster already. */
function lowerInputs(levels: Levels, plan: Parameters<typeof createPlan>[1]): readonly RunInputs[] {
  const { reason, upper, outputLevel, limits } = plan
  const taken = tablesOf(upper.inputs)
  const lower = inputsOf(levels, outputLevel).map((input) => {
    const outside = input.tables.filter((table) => !taken.includes(table))
    // Whoever asks for a range asks for no more than that.
    const tables = reason === 'manual' ? overlapping(outside, upper.hull) : withNeighbours(outside, upper, { outputLevel, limits }) // prettier-ignore
    return { ...input, tables }
  })
  return lower.filter(({ tables }) => tables.length > 0)
}

/** What outputs on a level will be merged with one day: tables of the level and of the next one below that has any. */
function nextTables(levels: Levels, level: number): readonly TableProperties[] {
  const below = levels.slice(level + 1).find((runs) => runs.length > 0) ?? []
  return tablesOf([...levels[level]!, ...below])
}

/** The one that rewrites least of the last level for what it brings. */
function leastOverlapping(clusters: readonly Cluster[], last: readonly TableProperties[]): Cluster {
  const ratios = clusters.map((cluster) => sumBytes(overlapping(last, cluster.hull)) / cluster.bytes)
  return clusters[ratios.indexOf(Math.min(...ratios))]!
}

/** The one with tables of the most runs, of those the first. */
function deepest(clusters: readonly Cluster[]): Cluster {
  const depths = clusters.map(({ inputs }) => inputs.length)
  return clusters[depths.indexOf(Math.max(...depths))]!
}

/** Clusters of a level as one. */
function join(levels: Levels, level: number, clusters: readonly Cluster[]): Cluster {
  const taken = new Set(clusters.flatMap(({ inputs }) => tablesOf(inputs)))
  const parts = inputsOf(levels, level).map((input) => ({
    ...input,
    tables: input.tables.filter((table) => taken.has(table)),
  }))
  return createCluster(parts.filter(({ tables }) => tables.length > 0))
}

/** A table with dead weight is rewritten, or the weight would travel to the bottom; so is a large one, for its parts to move alone. */
function canMove(
  levels: Levels,
  { inputs, hull }: Cluster,
  { outputLevel, limits }: { readonly outputLevel: number; readonly limits: Limits },
): boolean {
  const [table, another] = tablesOf(inputs)
  if (table === undefined || another !== undefined || deadPart(table) >= DEAD_PART_MIN) return false
  const isLast = outputLevel >= lastLevel(levels)
  if (isLast && isOverlapped(tablesOf(levels[outputLevel]!), hull)) return false
  if (table.fileBytes <= MOVE_FACTOR_MAX * levelTableBytes(outputLevel, limits)) return true
  return !isOverlapped(tablesOf(levels.slice(outputLevel).flat()), hull)
}

/** Tables that are mostly dead, once nothing needs what is dead in them: each merge then makes it less, so this ends. */
function pickDead(levels: Levels, limits: Limits, retention: Retention): CompactionPlan | undefined {
  for (let level = lastLevel(levels); level > 0; level--) {
    for (const table of tablesOf(levels[level]!)) {
      if (deadPart(table) < DEAD_PART_MIN || table.lastSequence > retention.oldest) continue
      if (level === lastLevel(levels)) return planRewrite(levels, table, { limits, reason: 'deadVersions' })
      const cluster = clustersOf(inputsOf(levels, level)).find(({ inputs }) => tablesOf(inputs).includes(table))!
      return createPlan(levels, { reason: 'tombstones', upper: cluster, outputLevel: level + 1, isMove: false, limits })
    }
  }
  return undefined
}

/** One table of the last level, where it lies. */
export function planRewrite(
  levels: Levels,
  table: TableProperties,
  options: { readonly limits: Limits; readonly reason: CompactionPlan['reason'] },
): CompactionPlan {
  const level = lastLevel(levels)
  const { run } = levels[level]![0]!
  const upper = createCluster([{ level, run, tables: [table] }])
  return createPlan(levels, { ...options, upper, outputLevel: level, isMove: false })
}

/** The part of a table that is no live version: tombstones, older versions of its keys, range tombstones. */
export function deadPart(table: TableProperties): number {
  const entries = table.entries + table.rangeTombstones
  return (table.tombstones + table.rangeTombstones + (table.entries - table.keys)) / entries
}
