/**
 * A look at the tree of tables: levels, runs, tables, their bounds and sizes, and what lies under what.
 *
 * It is what the manifest says and which files are there; no table is opened. Runs are not recorded: as the open store does, tables of a
 * level are put into as few runs as the order of what overlaps allows (runs.ts).
 *
 * Pinned by test/unit/storage/inspect/inspect-tree.test.ts.
 */
import { keyToBuffer } from '../../base/bytes'
import type { KeyRange } from '../../base/key-range'
import { rangesOverlap } from '../../base/key-range'
import type { Sequence } from '../../base/sequence'
import type { Runtime } from '../../runtime/runtime'
import { tableFileName } from '../files/file-names'
import type { ManifestState, TableRecord } from '../manifest/manifest-state'
import { LEVELS } from '../manifest/manifest-state'
import { firstEndingAbove, packRuns } from '../table/runs'
import type { Aged } from '../table/runs'
import type { DamageItem, Picture, StoreItem } from './picture'
import { takePicture, toStoreItem } from './picture'

/** A table. Sizes in bytes. */
export interface TreeTable {
  readonly number: number
  readonly file: string
  readonly bytes: number
  /** Versions, tombstones included, range tombstones not. */
  readonly entries: number
  readonly firstSequence: Sequence
  readonly lastSequence: Sequence
  /** Every key lies at or behind `start` and before `end`; no `end`: up to the last key. */
  readonly start: Uint8Array
  readonly end: Uint8Array | undefined
  readonly loadedAt: Sequence | undefined
  /** Tables of the next level that has any which share a key with it, and their bytes: what merging it would rewrite. */
  readonly tablesBelow: number
  readonly bytesBelow: number
}

/** Tables that share no key, ascending. */
export interface TreeRun {
  /** The greatest number that one of its tables was placed with. */
  readonly run: number
  readonly bytes: number
  readonly tables: readonly TreeTable[]
}

/** A level; runs newest first. */
export interface TreeLevel {
  readonly level: number
  readonly tables: number
  readonly bytes: number
  readonly entries: number
  readonly runs: readonly TreeRun[]
}

/** The whole. */
export interface TreeReport {
  readonly store: StoreItem
  /** Everything up to here is in tables. */
  readonly flushedThrough: Sequence | undefined
  readonly tables: number
  readonly bytes: number
  readonly entries: number
  /** Levels that have tables, the newest first. */
  readonly levels: readonly TreeLevel[]
  /** A manifest that cannot be read (then there are no levels), table files that are missing or of another size. */
  readonly damages: readonly DamageItem[]
}

interface TableNode extends Aged {
  readonly record: TableRecord
}

const ATTEMPTS_IN_USE = 4

/** Looks at the tree of a directory. Throws `InvalidArgumentError` if there is no store in it, `IoError`. */
export async function inspectTree(runtime: Runtime, directory: string): Promise<TreeReport> {
  for (let attempt = 1; ; attempt++) {
    const picture = await takePicture(runtime, directory)
    const damages = picture.damage === undefined ? [] : [picture.damage]
    damages.push(...(await fileDamages(runtime, picture)))
    // Whoever has it open may have merged tables away between the two looks.
    if (damages.length > 0 && picture.isInUse && attempt < ATTEMPTS_IN_USE) continue
    return { ...describeTree(picture), damages }
  }
}

async function fileDamages(runtime: Runtime, { directory, state }: Picture): Promise<readonly DamageItem[]> {
  const damages: DamageItem[] = []
  for (const { number, fileBytes } of state?.tables ?? []) {
    const file = runtime.files.join(directory, tableFileName(number))
    const status = await runtime.files.status(file)
    if (status?.kind === 'file' && status.size === fileBytes) continue
    const why = status?.kind === 'file' ? `it has ${status.size} bytes of ${fileBytes}` : 'it is missing'
    const offset = status?.kind === 'file' ? Math.min(status.size, fileBytes) : 0
    damages.push({ kind: 'damage', file, offset, what: `the manifest names it, but ${why}` })
  }
  return damages
}

/** The tree of a state. Pure. */
function describeTree(picture: Picture): Omit<TreeReport, 'damages'> {
  const { state } = picture
  const runsByLevel = Array.from({ length: LEVELS }, (_, level) => (state === undefined ? [] : runsOf(state, level)))
  const levels = runsByLevel.flatMap((runs, level) => {
    if (runs.length === 0) return []
    const below = runsByLevel.slice(level + 1).find((others) => others.length > 0) ?? []
    return [describeLevel(level, runs, below)]
  })
  return {
    store: toStoreItem(picture),
    flushedThrough: state?.flushedThrough,
    tables: sum(levels, ({ tables }) => tables),
    bytes: sum(levels, ({ bytes }) => bytes),
    entries: sum(levels, ({ entries }) => entries),
    levels,
  }
}

/** Newest first. */
function runsOf(state: ManifestState, level: number): readonly (readonly TableNode[])[] {
  const nodes = state.tables.filter((record) => record.level === level)
  return packRuns(nodes.map((record) => ({ age: record.run, bounds: record.bounds, record })))
}

function describeLevel(
  level: number,
  runs: readonly (readonly TableNode[])[],
  below: readonly (readonly TableNode[])[],
): TreeLevel {
  const described = runs.map((nodes) => {
    const tables = nodes.map(({ record }) => describeTable(record, below))
    return { run: Math.max(...nodes.map(({ age }) => age)), bytes: sum(tables, ({ bytes }) => bytes), tables }
  })
  const records = runs.flat().map(({ record }) => record)
  const [bytes, entries] = [sum(records, (record) => record.fileBytes), sum(records, (record) => record.entries)]
  return { level, tables: records.length, bytes, entries, runs: described }
}

function describeTable(record: TableRecord, below: readonly (readonly TableNode[])[]): TreeTable {
  const { number, entries, firstSequence, lastSequence, bounds, loadedAt } = record
  const under = below.flatMap((run) => overlapped(run, bounds))
  return {
    number,
    file: tableFileName(number),
    bytes: record.fileBytes,
    entries,
    firstSequence,
    lastSequence,
    start: keyToBuffer(bounds.start),
    end: bounds.end === undefined ? undefined : keyToBuffer(bounds.end),
    loadedAt,
    tablesBelow: under.length,
    bytesBelow: sum(under, (other) => other.record.fileBytes),
  }
}

/** The tables of an ascending run that share a key with `range`. */
function overlapped(run: readonly TableNode[], range: KeyRange): readonly TableNode[] {
  const from = firstEndingAbove(run, range.start)
  let to = from
  while (to < run.length && rangesOverlap(run[to]!.bounds, range)) to++
  return run.slice(from, to)
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0)
}
