/**
 * Runs and what lies over what: the plain geometry that compaction is planned with.
 *
 * A level is a list of runs, newest first; a run is a list of tables, ascending, without overlap. A *cluster* is what hangs
 * together: tables of several runs of which none overlaps a table outside the cluster.
 *
 *   newer run   [a-----c)      [f---h)        [m--o)
 *   older run      [b----d) [e----g)            [n--p)
 *   clusters    1-----------2----------------3--------
 *
 * A cluster can go below everything else in its runs without any version passing an older one of its key.
 * Pinned by test/unit/storage/compaction/compaction-picker.test.ts.
 */
import type { Key } from '../../base/bytes'
import type { KeyRange } from '../../base/key-range'
import { compareEnds, rangesOverlap } from '../../base/key-range'
import type { TableProperties } from './table-format'

/** One run: tables ascending, without overlap. */
export interface Run {
  /** The greatest number that one of its tables has. */
  readonly run: number
  readonly tables: readonly TableProperties[]
}

/** The runs of every level, newest first. */
export type Levels = readonly (readonly Run[])[]

/** Tables of one run that go into a merge. */
export interface RunInputs extends Run {
  readonly level: number
}

/** Tables of several runs that overlap none outside, newest run first; none of the runs is empty. */
export interface Cluster {
  readonly inputs: readonly RunInputs[]
  /** From the least start to the greatest end. */
  readonly hull: KeyRange
  readonly bytes: number
}

/** A table and what orders it among those of its level that it overlaps: the greater number is the newer. */
export interface Aged {
  readonly age: number
  readonly bounds: KeyRange
}

/**
 * The fewest runs, newest first, that tables of one level make if each lies as low as what it overlaps allows: directly above
 * the highest older table under it. So what is left of a run sinks when what it lay upon has gone.
 */
export function packRuns<Table extends Aged>(tables: readonly Table[]): Table[][] {
  const layers: Table[][] = []
  for (const table of [...tables].sort((a, b) => a.age - b.age)) {
    let layer = layers.length
    while (layer > 0 && !overlapsAny(layers[layer - 1]!, table.bounds)) layer--
    const own = (layers[layer] ??= [])
    own.splice(firstEndingAbove(own, table.bounds.start), 0, table)
  }
  return layers.reverse()
}

/** Whether a run has a table that shares a key with `range`. */
function overlapsAny(run: readonly Aged[], range: KeyRange): boolean {
  const next = run[firstEndingAbove(run, range.start)]
  return next !== undefined && rangesOverlap(next.bounds, range)
}

/** The index of a run's first table whose end lies above `key`. */
export function firstEndingAbove(run: readonly Aged[], key: Key): number {
  let low = 0
  let high = run.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const { end } = run[middle]!.bounds
    if (end !== undefined && end <= key) low = middle + 1
    else high = middle
  }
  return low
}

/** The runs of a level as inputs. */
export function inputsOf(levels: Levels, level: number): readonly RunInputs[] {
  return levels[level]!.map((run) => ({ level, ...run }))
}

/** The clusters of `inputs` (runs, newest first), ascending. */
export function clustersOf(inputs: readonly RunInputs[]): readonly Cluster[] {
  const places = inputs.flatMap((input, ordinal) => input.tables.map((table) => ({ ordinal, table })))
  places.sort((a, b) => compareStarts(a.table, b.table))
  const clusters: Cluster[] = []
  for (let from = 0; from < places.length;) {
    let { end } = places[from]!.table.bounds
    let to = from + 1
    while (to < places.length && (end === undefined || places[to]!.table.bounds.start < end)) {
      const own = places[to++]!.table.bounds.end
      if (compareEnds(own, end) > 0) end = own
    }
    const tablesByInput = new Map<number, TableProperties[]>()
    for (const { ordinal, table } of places.slice(from, to)) {
      const tables = tablesByInput.get(ordinal)
      if (tables === undefined) tablesByInput.set(ordinal, [table])
      else tables.push(table)
    }
    clusters.push(createCluster(inputs.flatMap((input, i) => pickTables(input, tablesByInput.get(i)))))
    from = to
  }
  return clusters
}

function pickTables({ level, run }: RunInputs, tables: readonly TableProperties[] = []): readonly RunInputs[] {
  return tables.length === 0 ? [] : [{ level, run, tables }]
}

/** REQUIRES: at least one table. */
export function createCluster(inputs: readonly RunInputs[]): Cluster {
  const tables = tablesOf(inputs)
  return { inputs, hull: hullOf(tables), bytes: sumBytes(tables) }
}

/** The tables of `inputs` that share a key with `range`; runs without any are left out. */
export function overlappingInputs(inputs: readonly RunInputs[], range: KeyRange): readonly RunInputs[] {
  return inputs.flatMap((input) => pickTables(input, overlapping(input.tables, range)))
}

/** The tables that share a key with a range. */
export function overlapping(tables: readonly TableProperties[], range: KeyRange): readonly TableProperties[] {
  return tables.filter((table) => rangesOverlap(table.bounds, range))
}

/** Whether a table shares a key with a range. */
export function isOverlapped(tables: readonly TableProperties[], range: KeyRange): boolean {
  return tables.some((table) => rangesOverlap(table.bounds, range))
}

/** All tables of some runs. */
export function tablesOf(runs: readonly Run[]): readonly TableProperties[] {
  return runs.flatMap(({ tables }) => tables)
}

/** The least range that holds all tables. REQUIRES: at least one. */
export function hullOf(tables: readonly TableProperties[]): KeyRange {
  let { start, end } = tables[0]!.bounds
  for (const { bounds } of tables) {
    if (bounds.start < start) start = bounds.start
    if (compareEnds(bounds.end, end) > 0) end = bounds.end
  }
  return { start, end }
}

/** The keys within `range`, but for its start, where tables begin: ascending, distinct. */
export function startsWithin(tables: readonly TableProperties[], range: KeyRange): readonly Key[] {
  const starts = new Set<Key>()
  for (const { bounds } of tables) {
    const { start } = bounds
    if (start > range.start && (range.end === undefined || start < range.end)) starts.add(start)
  }
  return [...starts].sort((a, b) => (a < b ? -1 : 1))
}

/** Of all tables, in bytes. */
export function sumBytes(tables: readonly TableProperties[]): number {
  return tables.reduce((sum, table) => sum + table.fileBytes, 0)
}

function compareStarts(a: TableProperties, b: TableProperties): number {
  return a.bounds.start < b.bounds.start ? -1 : a.bounds.start > b.bounds.start ? 1 : a.fileNumber - b.fileNumber
}
