/**
 * The merges that a caller asks for: every table that overlaps a range, down to the last level, one plan after the other.
 *
 * Level 0 goes first, into level 1 where there are levels between: it covers all keys, and its outputs are cut like the runs they
 * join. Then clusters of the tables in the range, over all levels above the last, are merged with all that is older below
 * them. At the end each table of the last level that has something dead is rewritten once, for the sake of the space.
 *
 * A table outside the range is taken only where it is older than one in the range and overlaps it: it must not end up above.
 * Pinned by test/unit/storage/compaction/compaction-range.test.ts.
 */
import type { KeyRange } from '../../base/key-range'
import { rangesOverlap } from '../../base/key-range'
import type { Limits } from '../../base/limits'
import type { Sequence } from '../../base/sequence'
import type { CompactionPlan } from './compaction-picker'
import { createPlan, deadPart, lastLevel, planRewrite } from './compaction-picker'
import type { Cluster, Levels, RunInputs } from '../table/runs'
import { clustersOf, createCluster, inputsOf, overlappingInputs, tablesOf } from '../table/runs'

/**
 * The next merge towards `range` in the last level alone; undefined once everything up to sequence `through` is there. What is
 * written later may wait: otherwise a store that is written to would keep this going for ever.
 */
export function planRange(
  levels: Levels,
  { range, through }: { readonly range: KeyRange; readonly through: Sequence },
  limits: Limits,
): CompactionPlan | undefined {
  const last = lastLevel(levels)
  const plan = (upper: Cluster, outputLevel: number): CompactionPlan =>
    createPlan(levels, { reason: 'manual', upper, outputLevel, isMove: false, limits })
  const upper = levels.slice(0, last).flatMap((_, level) => inputsOf(levels, level))
  const wanted = upper.filter(({ tables }) => tables.some((table) => table.firstSequence <= through))
  const zero = wanted.filter(({ level }) => level === 0)
  const taken = overlappingInputs(zero, range)
  if (taken.length > 0 && last > 1) return plan(withOlder(zero, taken), 1)
  const [first] = clustersOf(overlappingInputs(wanted, range))
  if (first === undefined) return undefined
  return plan(withOlder(upper, first.inputs), last)
}

/** What is to be rewritten once `planRange` finds nothing: numbers of tables of the last level, each for one `planRewriteOf`. */
export function tablesToRewrite(levels: Levels, range: KeyRange): readonly number[] {
  return tablesOf(levels[lastLevel(levels)]!)
    .filter((table) => rangesOverlap(table.bounds, range) && deadPart(table) > 0)
    .map((table) => table.fileNumber)
}

/** The rewriting of one of those; undefined if it has gone meanwhile. */
export function planRewriteOf(levels: Levels, fileNumber: number, limits: Limits): CompactionPlan | undefined {
  const table = tablesOf(levels[lastLevel(levels)]!).find((one) => one.fileNumber === fileNumber)
  return table === undefined ? undefined : planRewrite(levels, table, { limits, reason: 'manual' })
}

/**
 * `taken` and everything of `runs` (newest first) that is older than a table taken and overlaps it, directly or through others.
 */
function withOlder(runs: readonly RunInputs[], taken: readonly RunInputs[]): Cluster {
  const ranges: KeyRange[] = []
  const inputs = runs.flatMap(({ level, run, tables }) => {
    const own = taken.find((input) => input.level === level && input.run === run)?.tables ?? []
    const all = tables.filter(
      (table) => own.includes(table) || ranges.some((range) => rangesOverlap(range, table.bounds)),
    )
    ranges.push(...all.map(({ bounds }) => bounds))
    return all.length === 0 ? [] : [{ level, run, tables: all }]
  })
  return createCluster(inputs)
}
