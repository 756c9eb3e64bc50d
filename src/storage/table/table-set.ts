/**
 * Which tables make up the store at a moment, who holds them, and when a file may go.
 *
 * A `TableSet` never changes: a flush or merge makes the next one, and whoever reads keeps the one it began with.
 *
 *   reader, cursor, job --pin--> TableSet --counts--> TableFile --owns--> Table (open file)
 *
 * 1. A set is a list of runs, newest first, level 0 before level 1: of one key, everything in a run is newer than in the next
 *    one. The first run that has anything for a key at a sequence decides.
 * 2. A run is a list of tables, ascending, without overlap. A level has as few as the order of its tables allows (runs.ts).
 * 3. A file is closed when the last set that has it is let go, and removed then if the newest set does not have it. The
 *    manifest edit that drops it was synced before the newest set was made.
 *
 * What it does not do: decide what to merge (compaction-picker.ts), or record anything (manifest.ts).
 * Pinned by test/unit/storage/table/table-set.test.ts, test/contract/engine and test/crash.
 * Spec: ManifestFlush!Pin, ManifestFlush!Unpin, Compaction!OpenCursor, Compaction!CloseCursor.
 */
import { assert } from '../../base/assert'
import type { Key } from '../../base/bytes'
import type { KeyRange } from '../../base/key-range'
import { rangesOverlap } from '../../base/key-range'
import type { Sequence } from '../../base/sequence'
import { KeyHash, hashKey } from './filter'
import type { Lookup } from '../rows/lookup'
import { LOOKUP_ABSENT } from '../rows/lookup'
import type { RunPlace, TableName } from '../manifest/manifest-state'
import { LEVELS } from '../manifest/manifest-state'
import type { RangeTombstoneIndex } from '../rows/range-tombstones'
import { openRunCursor } from './run-cursor'
import { packRuns } from './runs'
import type { Table } from './table'
import type { TableProperties } from './table-format'
import type { VersionCursor } from '../rows/version-cursor'

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
  /** The greatest number that one of its tables was placed with. */
  readonly run: number
  readonly files: readonly TableFile[]
  readonly #tables: readonly Table[]
  /** Those with range tombstones: as a rule none. */
  readonly #withRangeTombstones: readonly TableFile[]

  constructor(place: RunPlace, files: readonly TableFile[]) {
    this.level = place.level
    this.run = place.run
    this.files = files
    this.#tables = files.map(({ table }) => table)
    this.#withRangeTombstones = files.filter(({ table }) => table.rangeTombstones !== undefined)
  }

  /** The one file that may have `key`. */
  find(key: Key): TableFile | undefined {
    const file = this.files[this.#firstPast(key)]
    return file !== undefined && key >= file.start ? file : undefined
  }

  /** A cursor over the tables that may have keys of `range`; undefined if there are none. */
  openCursor(range: KeyRange, reverse: boolean): VersionCursor | undefined {
    const first = this.#firstPast(range.start)
    const end = range.end === undefined ? this.files.length : this.#firstFrom(range.end)
    return first < end ? openRunCursor(this.#tables, { first, end, reverse }) : undefined
  }

  /** Adds the range tombstones that may cover a key of `range`. */
  addRangeTombstones(range: KeyRange, tombstones: RangeTombstoneIndex[]): void {
    for (const file of this.#withRangeTombstones) {
      if (rangesOverlap(file, range)) tombstones.push(file.table.rangeTombstones!)
    }
  }

  /** Where the first file stands that ends past `key`. */
  #firstPast(key: Key): number {
    const { files } = this
    let low = 0
    let high = files.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const end = files[middle]!.end
      if (end !== undefined && end <= key) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Where the first file stands that starts at `key` or behind it. */
  #firstFrom(key: Key): number {
    const { files } = this
    let low = 0
    let high = files.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (files[middle]!.start < key) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** A file and what orders it among those of its level that it overlaps. */
export interface PlacedFile extends RunPlace {
  readonly file: TableFile
}

/** Called when nobody holds a file any more. */
export type OnReleased = (file: TableFile) => void

/** The tables of one moment. */
export class TableSet {
  /** Newest first. */
  readonly runs: readonly TableRun[]
  /** Runs of level 0; every commit asks for them. */
  readonly levelZeroRuns: number
  /** In no order. */
  readonly places: readonly PlacedFile[]
  readonly #onReleased: OnReleased
  #pins = 1

  /** Pinned once, by its maker. */
  constructor(places: readonly PlacedFile[], onReleased: OnReleased) {
    this.places = places
    this.runs = Array.from({ length: LEVELS }, (_, level) => packLevel(places, level)).flat()
    this.levelZeroRuns = this.runsOf(0).length
    this.#onReleased = onReleased
    for (const { file } of places) file.holders++
  }

  /** Of tables. */
  get count(): number {
    return this.places.length
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
    for (const { file } of this.places) {
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

  /**
   * Adds one cursor per run, newest first, and the range tombstones that may cover a key of `range`.
   * REQUIRES: pinned until the cursors are closed.
   */
  addSources(range: KeyRange, reverse: boolean, sources: VersionCursor[], tombstones: RangeTombstoneIndex[]): void {
    for (const run of this.runs) {
      run.addRangeTombstones(range, tombstones)
      const cursor = run.openCursor(range, reverse)
      if (cursor !== undefined) sources.push(cursor)
    }
  }

  /** The file of that name. REQUIRES: it is in the set. */
  file(name: TableName): TableFile {
    const place = this.places.find(({ level, file }) => level === name.level && file.number === name.number)
    assert(place !== undefined, `table ${name.number} is on level ${name.level}`)
    return place.file
  }

  /** The order of runs, the order and disjointness within each, and the counts. */
  checkInvariants(): void {
    const placeByFile = new Map(this.places.map((place) => [place.file, place]))
    for (const [i, { level, files }] of this.runs.entries()) {
      assert(files.length > 0, 'no run is empty')
      assert(i === 0 || this.runs[i - 1]!.level <= level, 'runs are ordered by level')
      for (const [j, file] of files.entries()) {
        const end = files[j - 1]?.end
        assert(j === 0 || (end !== undefined && end <= file.start), 'a run ascends without overlap')
        assert(file.holders > 0, 'a set holds its files')
        for (const newer of this.runs.slice(0, i).flatMap((run) => run.files)) {
          if (!rangesOverlap(newer, file)) continue
          checkOrder(placeByFile.get(newer)!, placeByFile.get(file)!)
        }
      }
    }
    assert(this.runs.flatMap(({ files }) => files).length === this.count, 'each file is in one run')
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
}

/** The next set: `adds` and `removes` applied to `before`. A file may be removed from one level and added to another. */
export function editTableSet(
  before: TableSet,
  edit: { readonly adds: readonly PlacedFile[]; readonly removes: readonly TableName[] },
  onReleased: OnReleased,
): TableSet {
  const removed = new Set(edit.removes.map(({ level, number }) => number * LEVELS + level))
  const stays = ({ level, file }: PlacedFile): boolean => !removed.has(file.number * LEVELS + level)
  const places = [...before.places.filter(stays), ...edit.adds]
  const kept = new Set(places.map(({ file }) => file))
  for (const name of edit.removes) {
    const file = before.file(name)
    if (!kept.has(file)) file.isObsolete = true
  }
  return new TableSet(places, onReleased)
}

/** The number of what is newer than everything on `level`. */
export function nextRun(set: TableSet, level: number): number {
  return Math.max(0, ...set.runsOf(level).map(({ run }) => run)) + 1
}

/** The runs of a level, newest first. */
function packLevel(places: readonly PlacedFile[], level: number): readonly TableRun[] {
  const tables = places
    .filter((place) => place.level === level)
    .map(({ run, file }) => ({ age: run, bounds: file.properties.bounds, file }))
  return packRuns(tables).map((packed) => {
    const run = Math.max(...packed.map(({ age }) => age))
    return new TableRun({ level, run }, packed.map(({ file }) => file)) // prettier-ignore
  })
}

function checkOrder(newer: PlacedFile, older: PlacedFile): void {
  if (newer.level !== older.level) return
  assert(
    newer.run > older.run,
    'of two tables of a level that overlap, the one with the greater number is in a newer run',
  )
  if (newer.level > 0) return
  const isFlushedLater = newer.file.properties.firstSequence > older.file.properties.lastSequence
  assert(isFlushedLater, 'of two tables of level 0 that overlap, the newer one was flushed later')
}
