/**
 * Which tables make up the store at a moment, who holds them, and when a file may go.
 *
 * A `TableSet` never changes: a flush or merge makes the next one, and whoever reads keeps the one it began with.
 *
 *   reader, cursor, job --pin--> TableSet --counts--> TableFile --owns--> Table (open file)
 *
 * 1. A set is a list of runs, newest first: all of level 0 before level 1, and in a level the greater number first. Of one key,
 *    everything in a run is newer than in the next one. The first run that has anything for a key at a sequence decides.
 * 2. A run is a list of tables, ascending, without overlap.
 * 3. A file is closed when the last set that has it is let go, and removed then if the newest set does not have it. The
 *    manifest edit that drops it was synced before the newest set was made.
 *
 * What it does not do: decide what to merge (compaction-picker.ts), or record anything (manifest.ts).
 * Pinned by test/unit/storage/table-set.test.ts, test/contract/engine and test/crash.
 */
import { assert } from '../base/assert'
import type { Key } from '../base/bytes'
import type { KeyRange } from '../base/key-range'
import { rangesOverlap } from '../base/key-range'
import type { Sequence } from '../base/sequence'
import { KeyHash, hashKey } from './filter'
import type { Lookup } from './lookup'
import { LOOKUP_ABSENT } from './lookup'
import type { RunPlace, TableName } from './manifest-state'
import { LEVELS } from './manifest-state'
import { openRunCursor } from './merging-cursor'
import type { RangeTombstoneIndex } from './range-tombstones'
import type { Table } from './table'
import type { TableProperties } from './table-format'
import type { VersionCursor } from './version-cursor'

/** One table's file, counted by the sets that have it. */
export class TableFile {
  readonly table: Table
  readonly start: Key
  readonly end: Key | undefined
  /** Sets that have it. */
  holders = 0
  /** The newest set no longer has it. */
  isObsolete = false

  /** Takes over the one hold on `table` that opening it gave. */
  constructor(table: Table) {
    this.table = table
    this.start = table.properties.bounds.start
    this.end = table.properties.bounds.end
  }

  get properties(): TableProperties {
    return this.table.properties
  }

  get number(): number {
    return this.table.properties.fileNumber
  }
}

/** One run of a set: tables ascending, without overlap. Never changes. */
export class TableRun {
  readonly level: number
  readonly run: number
  readonly files: readonly TableFile[]

  constructor(place: RunPlace, files: readonly TableFile[]) {
    this.level = place.level
    this.run = place.run
    this.files = files
  }

  /** The one file that may have `key`. */
  find(key: Key): TableFile | undefined {
    const { files } = this
    let low = 0
    let high = files.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const end = files[middle]!.end
      if (end !== undefined && end <= key) low = middle + 1
      else high = middle
    }
    const file = files[low]
    return file !== undefined && key >= file.start ? file : undefined
  }
}

/** A file and the run that it is to be part of. */
export interface PlacedFile extends RunPlace {
  readonly file: TableFile
}

/** Called when nobody holds a file any more. */
export type OnReleased = (file: TableFile) => void

/** The tables of one moment. */
export class TableSet {
  /** Newest first. */
  readonly runs: readonly TableRun[]
  /** Of tables. */
  readonly count: number
  readonly #onReleased: OnReleased
  #pins = 0

  /** `runs`: newest first. Pinned once, by its maker. */
  constructor(runs: readonly TableRun[], onReleased: OnReleased) {
    this.runs = runs
    this.#onReleased = onReleased
    this.#pins = 1
    let count = 0
    for (const file of this.#files()) {
      file.holders++
      count++
    }
    this.count = count
  }

  /** The runs of a level, newest first. */
  runsOf(level: number): readonly TableRun[] {
    return this.runs.filter((run) => run.level === level)
  }

  pin(): void {
    assert(this.#pins > 0, 'a table set that was let go is not taken up again')
    this.#pins++
  }

  unpin(): void {
    assert(this.#pins > 0, 'a table set is let go once per hold')
    this.#pins--
    if (this.#pins > 0) return
    for (const file of this.#files()) {
      file.holders--
      if (file.holders === 0) this.#onReleased(file)
    }
  }

  /** As `Table.get`, over all tables. REQUIRES: pinned until a promise that it gave has settled. */
  get(key: Key, hash: KeyHash, sequence: Sequence, found: Lookup): boolean | Promise<Lookup> {
    const { runs } = this
    for (let i = 0; i < runs.length; i++) {
      const file = runs[i]!.find(key)
      if (file === undefined) continue
      const result = file.table.get(key, hash, sequence, found)
      if (result === true) return true
      if (result !== false) return this.#getLater(result, i + 1, { key, sequence })
    }
    return false
  }

  /** As `Table.getSync`, over all tables. */
  getSync(key: Key, hash: KeyHash, sequence: Sequence, found: Lookup): boolean {
    for (const run of this.runs) {
      if (run.find(key)?.table.getSync(key, hash, sequence, found) === true) return true
    }
    return false
  }

  /** Adds one cursor per run, newest first, and the range tombstones that may cover a key of `range`. */
  addSources(range: KeyRange, reverse: boolean, sources: VersionCursor[], tombstones: RangeTombstoneIndex[]): void {
    for (const run of this.runs) {
      const tables = run.files.filter((file) => rangesOverlap(file, range)).map(({ table }) => table)
      for (const { rangeTombstones } of tables) if (rangeTombstones !== undefined) tombstones.push(rangeTombstones)
      if (tables.length > 0) sources.push(openRunCursor(tables, { reverse }))
    }
  }

  /** The file of that name. REQUIRES: it is in the set. */
  file(name: TableName): TableFile {
    for (const run of this.runs) {
      const file = run.level === name.level ? run.files.find(({ number }) => number === name.number) : undefined
      if (file !== undefined) return file
    }
    assert(false, `table ${name.number} is on level ${name.level}`)
  }

  /** The order of runs, the order and disjointness within each, and the counts. */
  checkInvariants(): void {
    for (const [i, { level, run, files }] of this.runs.entries()) {
      const newer = this.runs[i - 1]
      const isOrdered = newer === undefined || newer.level < level || (newer.level === level && newer.run > run)
      assert(isOrdered, 'runs are ordered by level, then newest first')
      assert(files.length > 0, 'no run is empty')
      for (let j = 1; j < files.length; j++) {
        const { end } = files[j - 1]!
        assert(end !== undefined && end <= files[j]!.start, 'a run ascends without overlap')
      }
      if (level === 0 && newer !== undefined) {
        assert(leastSequence(newer) > greatestSequence(files), 'each run of level 0 was flushed after the next one')
      }
    }
    for (const file of this.#files()) assert(file.holders > 0, 'a set holds its files')
  }

  /** Goes on from run `next` where a table could not answer at once. */
  async #getLater(
    first: Promise<Lookup>,
    next: number,
    read: { readonly key: Key; readonly sequence: Sequence },
  ): Promise<Lookup> {
    const { key, sequence } = read
    const hash = new KeyHash()
    hashKey(key, hash)
    const found = await first
    if (found.state !== LOOKUP_ABSENT) return found
    for (const run of this.runs.slice(next)) {
      const result = run.find(key)?.table.get(key, hash, sequence, found) ?? false
      if (result === true) return found
      if (result === false) continue
      const later = await result
      if (later.state !== LOOKUP_ABSENT) return later
    }
    found.state = LOOKUP_ABSENT
    return found
  }

  *#files(): Iterable<TableFile> {
    for (const { files } of this.runs) yield* files
  }
}

/** The next set: `adds` and `removes` applied to `before`. A file may be removed from one level and added to another. */
export function editTableSet(
  before: TableSet,
  edit: { readonly adds: readonly PlacedFile[]; readonly removes: readonly TableName[] },
  onReleased: OnReleased,
): TableSet {
  const removed = new Set(edit.removes.map(({ level, number }) => number * LEVELS + level))
  const places: PlacedFile[] = [...edit.adds]
  for (const { level, run, files } of before.runs) {
    for (const file of files) if (!removed.has(file.number * LEVELS + level)) places.push({ level, run, file })
  }
  const kept = new Set(places.map(({ file }) => file))
  for (const name of edit.removes) {
    const file = before.file(name)
    if (!kept.has(file)) file.isObsolete = true
  }
  return new TableSet(groupRuns(places), onReleased)
}

/** The number of a run newer than those of `level`. */
export function nextRun(set: TableSet, level: number): number {
  return (set.runsOf(level)[0]?.run ?? 0) + 1
}

/** Files in any order as runs, newest first. */
function groupRuns(places: readonly PlacedFile[]): readonly TableRun[] {
  const sorted = [...places].sort(comparePlaces)
  const runs: TableRun[] = []
  for (let i = 0; i < sorted.length;) {
    const { level, run } = sorted[i]!
    let end = i + 1
    while (end < sorted.length && sorted[end]!.level === level && sorted[end]!.run === run) end++
    runs.push(new TableRun({ level, run }, sorted.slice(i, end).map(({ file }) => file))) // prettier-ignore
    i = end
  }
  return runs
}

function comparePlaces(a: PlacedFile, b: PlacedFile): number {
  if (a.level !== b.level) return a.level - b.level
  if (a.run !== b.run) return b.run - a.run
  return a.file.start < b.file.start ? -1 : a.file.start > b.file.start ? 1 : 0
}

function leastSequence(run: TableRun): Sequence {
  return Math.min(...run.files.map(({ properties }) => properties.firstSequence))
}

function greatestSequence(files: readonly TableFile[]): Sequence {
  return Math.max(...files.map(({ properties }) => properties.lastSequence))
}
