/**
 * What a manifest says: the tables of every level, the log's segments, and the edits that lead from one state to the next.
 *
 * Pure: edits are checked and applied to plain data here, written by manifest.ts and read by manifest-reader.ts.
 *
 * Invariants:
 * 1. A table is named by (level, number); an edit's adds are applied before its removes, so that no moment lacks a key.
 * 2. Every level is newer than the next. Of two tables of a level that overlap the one with the greater run number is the
 *    newer; tables of a level with the same number do not overlap.
 * 3. The log's segments still needed are `segments`, ascending; everything through `flushedThrough` is in tables.
 * 4. `nextFileNumber` and `nextSegment` are above every number ever used: numbers are never used twice.
 * 5. `clean` says that the last life ended with `close`, and `logEnd` where; it ends with the next named segment.
 *
 * Pinned by test/unit/storage/manifest/manifest.test.ts.
 */
import { assert } from '../../base/assert'
import type { KeyRange } from '../../base/key-range'
import { isEmptyRange, rangesOverlap } from '../../base/key-range'
import type { Sequence } from '../../base/sequence'
import type { LogEnd } from '../log/log-contract'

/** Levels are 0 to LEVELS - 1. */
export const LEVELS = 7

/** Where a table lies. */
export interface RunPlace {
  readonly level: number
  /** Given to what is written together: of two tables of the level that overlap, the greater is the newer. */
  readonly run: number
}

/** One table as the manifest knows it. */
export interface TableRecord extends RunPlace {
  readonly number: number
  readonly fileBytes: number
  /** Versions, tombstones included, range tombstones not. */
  readonly entries: number
  readonly firstSequence: Sequence
  readonly lastSequence: Sequence
  readonly bounds: KeyRange
  /** Of a table that a bulk load wrote: the sequence of all of its rows, which are in the file without one. */
  readonly loadedAt?: Sequence
}

/** What names a table in an edit that removes it. */
export interface TableName {
  readonly level: number
  readonly number: number
}

/** Everything a manifest knows. */
export interface ManifestState {
  /** The order of keys; 'bytes' is the only one. */
  readonly comparator: string
  /** Options that files depend on, by name: to open with others would misread them. */
  readonly options: ReadonlyMap<string, string>
  readonly nextFileNumber: number
  readonly nextSegment: number
  readonly flushedThrough: Sequence
  /** The first segment still needed: smaller ones are garbage. */
  readonly firstSegment: number
  readonly segments: readonly number[]
  readonly logEnd: LogEnd | undefined
  readonly clean: boolean
  /** In the order of their addition. */
  readonly tables: readonly TableRecord[]
}

/** A step from one state to the next; what is absent stays as it is. */
export interface ManifestEdit {
  readonly comparator?: string
  readonly options?: ReadonlyMap<string, string>
  readonly nextFileNumber?: number
  readonly nextSegment?: number
  readonly flushedThrough?: Sequence
  readonly firstSegment?: number
  readonly addSegments?: readonly number[]
  readonly logEnd?: { readonly end: LogEnd; readonly clean: boolean }
  readonly addTables?: readonly TableRecord[]
  readonly removeTables?: readonly TableName[]
}

/** The state of a new database. */
export function createManifestState(): ManifestState {
  return {
    comparator: 'bytes',
    options: new Map([['codec', 'none']]),
    nextFileNumber: 1,
    nextSegment: 1,
    flushedThrough: 0,
    firstSegment: 1,
    segments: [],
    logEnd: undefined,
    clean: false,
    tables: [],
  }
}

/** The one edit that leads from a new database's state to `state`: what a new manifest begins with. */
export function stateToEdit(state: ManifestState): ManifestEdit {
  return {
    comparator: state.comparator,
    options: state.options,
    nextFileNumber: state.nextFileNumber,
    nextSegment: state.nextSegment,
    flushedThrough: state.flushedThrough,
    firstSegment: state.firstSegment,
    addSegments: state.segments,
    ...(state.logEnd === undefined ? {} : { logEnd: { end: state.logEnd, clean: state.clean } }),
    addTables: state.tables,
  }
}

/** `state` after `edit`. REQUIRES: `editProblem` finds nothing. */
export function applyEdit(state: ManifestState, edit: ManifestEdit): ManifestState {
  const problem = editProblem(state, edit)
  assert(problem === undefined, `an edit fits the state it is applied to: ${problem ?? ''}`)
  const firstSegment = edit.firstSegment ?? state.firstSegment
  const named = edit.addSegments ?? []
  return {
    comparator: edit.comparator ?? state.comparator,
    options: edit.options ?? state.options,
    nextFileNumber: Math.max(state.nextFileNumber, edit.nextFileNumber ?? 0),
    nextSegment: Math.max(state.nextSegment, edit.nextSegment ?? 0, (named.at(-1) ?? 0) + 1),
    flushedThrough: edit.flushedThrough ?? state.flushedThrough,
    firstSegment,
    segments: [...state.segments, ...named].filter((number) => number >= firstSegment),
    logEnd: edit.logEnd?.end ?? state.logEnd,
    clean: edit.logEnd?.clean ?? (named.length > 0 ? false : state.clean),
    tables: editTables(state.tables, edit),
  }
}

/** Why `edit` cannot follow `state`; undefined if it can. An edit from disk that cannot is corrupt, one of ours a bug. */
export function editProblem(state: ManifestState, edit: ManifestEdit): string | undefined {
  if ((edit.nextFileNumber ?? Infinity) < state.nextFileNumber) return 'the next file number goes back'
  if ((edit.nextSegment ?? Infinity) < state.nextSegment) return 'the next segment number goes back'
  if ((edit.flushedThrough ?? Infinity) < state.flushedThrough) return 'the flushed sequence goes back'
  if ((edit.firstSegment ?? Infinity) < state.firstSegment) return 'the first segment goes back'
  let last = state.segments.at(-1) ?? 0
  for (const number of edit.addSegments ?? []) {
    if (number <= last) return `segment ${number} is named after ${last}`
    last = number
  }
  return tablesProblem(state.tables, edit)
}

function tablesProblem(before: readonly TableRecord[], edit: ManifestEdit): string | undefined {
  const adds = edit.addTables ?? []
  const removes = edit.removeTables ?? []
  if (adds.length === 0 && removes.length === 0) return undefined
  const names = new Set(before.map(tableKey))
  for (const added of adds) {
    if (added.level < 0 || added.level >= LEVELS) return `table ${added.number} is on level ${added.level}`
    if (!Number.isSafeInteger(added.run) || added.run < 0) return `table ${added.number} is in run ${added.run}`
    if (!isLoadedWell(added))
      return `table ${added.number} was loaded at ${added.loadedAt ?? 0}, but its rows are of another`
    if (isEmptyRange(added.bounds)) return `table ${added.number} has empty bounds`
    if (names.has(tableKey(added))) return `table ${added.number} is added twice`
    names.add(tableKey(added))
  }
  for (const removed of removes) {
    if (!names.delete(tableKey(removed))) return `table ${removed.number} is removed but not there`
  }
  return overlapProblem(editTables(before, edit), new Set(adds.map((table) => table.level)))
}

/** Rows of a loaded table have its one sequence. */
function isLoadedWell({ loadedAt, firstSequence, lastSequence }: TableRecord): boolean {
  return loadedAt === undefined || (loadedAt > 0 && firstSequence === loadedAt && lastSequence === loadedAt)
}

function overlapProblem(tables: readonly TableRecord[], levels: ReadonlySet<number>): string | undefined {
  const sorted = tables.filter((table) => levels.has(table.level)).sort(comparePlaces)
  for (const [i, table] of sorted.entries()) {
    const before = sorted[i - 1]
    if (before?.level !== table.level || before.run !== table.run) continue
    if (!rangesOverlap(before.bounds, table.bounds)) continue
    return `tables ${before.number} and ${table.number} overlap in run ${table.run} of level ${table.level}`
  }
  const numbers = new Set(tables.map((table) => table.number))
  return numbers.size === tables.length ? undefined : 'a table is on two levels'
}

function editTables(before: readonly TableRecord[], edit: ManifestEdit): readonly TableRecord[] {
  const adds = edit.addTables ?? []
  const removes = edit.removeTables ?? []
  if (adds.length === 0 && removes.length === 0) return before
  const removed = new Set(removes.map(tableKey))
  return [...before, ...adds].filter((table) => !removed.has(tableKey(table)))
}

/** One number for a name, for sets. */
function tableKey(table: TableName): number {
  return table.number * LEVELS + table.level
}

/** By level, run and start. */
function comparePlaces(a: TableRecord, b: TableRecord): number {
  if (a.level !== b.level) return a.level - b.level
  if (a.run !== b.run) return a.run - b.run
  return a.bounds.start < b.bounds.start ? -1 : a.bounds.start > b.bounds.start ? 1 : a.number - b.number
}
