/**
 * Which tables make up the store at a moment, who holds them, and when a file may go.
 *
 * A `TableSet` never changes: a flush or merge makes the next one, and whoever reads keeps the one it began with.
 *
 *   reader, cursor, job --pin--> TableSet --counts--> TableFile --owns--> Table (open file)
 *
 * 1. Sources are ordered by age: of one key, everything in level 0's first table is newer than in its second, all of level
 *    0 newer than level 1, and so on. The first source that has anything for a key at a sequence therefore decides.
 * 2. Level 0 is newest first; every other level is a run: ascending, without overlap.
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
import type { TableName } from './manifest-state'
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

  /** Whether `key` lies within the bounds. */
  covers(key: Key): boolean {
    return key >= this.start && (this.end === undefined || key < this.end)
  }
}

/** Called when nobody holds a file any more. */
export type OnReleased = (file: TableFile) => void

/** The tables of one moment. */
export class TableSet {
  readonly levels: readonly (readonly TableFile[])[]
  readonly count: number
  readonly #onReleased: OnReleased
  #pins = 0

  /** `levels`: level 0 newest first, the others ascending. Pinned once, by its maker. */
  constructor(levels: readonly (readonly TableFile[])[], onReleased: OnReleased) {
    this.levels = levels
    this.#onReleased = onReleased
    this.#pins = 1
    let count = 0
    for (const file of this.#files()) {
      file.holders++
      count++
    }
    this.count = count
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
    for (const level of this.levels) {
      const isRun = level !== this.levels[0]
      for (let i = isRun ? runIndex(level, key) : 0; i < level.length; i++) {
        const file = level[i]!
        if (!file.covers(key)) continue
        const result = file.table.get(key, hash, sequence, found)
        if (result === true) return true
        if (result !== false) return this.#getLater(result, file, { key, sequence })
        if (isRun) break
      }
    }
    return false
  }

  /** As `Table.getSync`, over all tables. */
  getSync(key: Key, hash: KeyHash, sequence: Sequence, found: Lookup): boolean {
    for (const level of this.levels) {
      const isRun = level !== this.levels[0]
      for (let i = isRun ? runIndex(level, key) : 0; i < level.length; i++) {
        const file = level[i]!
        if (!file.covers(key)) continue
        if (file.table.getSync(key, hash, sequence, found)) return true
        if (isRun) break
      }
    }
    return false
  }

  /** Adds one cursor per level-0 table and per run, newest first, and the range tombstones that may cover a key of `range`. */
  addSources(range: KeyRange, reverse: boolean, sources: VersionCursor[], tombstones: RangeTombstoneIndex[]): void {
    for (const [number, level] of this.levels.entries()) {
      const files = level.filter((file) => rangesOverlap(file, range))
      for (const { table } of files) if (table.rangeTombstones !== undefined) tombstones.push(table.rangeTombstones)
      if (number === 0 || files.length === 1) {
        for (const { table } of files) sources.push(table.openCursor({ reverse }))
      } else if (files.length > 1) {
        sources.push(openRunCursor(files.map(({ table }) => table), { reverse })) // prettier-ignore
      }
    }
  }

  /** The file of that name. REQUIRES: it is in the set. */
  file(name: TableName): TableFile {
    const file = this.levels[name.level]?.find((candidate) => candidate.number === name.number)
    assert(file !== undefined, `table ${name.number} is on level ${name.level}`)
    return file
  }

  /** The order of level 0, the order and disjointness of runs, and the counts. */
  checkInvariants(): void {
    for (const [number, level] of this.levels.entries()) {
      for (let i = 1; i < level.length; i++) {
        const [before, after] = [level[i - 1]!, level[i]!]
        if (number === 0) {
          assert(before.properties.firstSequence > after.properties.lastSequence, 'level 0 is newest first')
        } else {
          assert(before.end !== undefined && before.end <= after.start, 'a run ascends without overlap')
        }
      }
    }
    for (const file of this.#files()) assert(file.holders > 0, 'a set holds its files')
  }

  /** Goes on where a table could not answer at once. Off the fast path, so it may build a list. */
  async #getLater(
    first: Promise<Lookup>,
    asked: TableFile,
    read: { readonly key: Key; readonly sequence: Sequence },
  ): Promise<Lookup> {
    const { key, sequence } = read
    const hash = new KeyHash()
    hashKey(key, hash)
    const found = await first
    if (found.state !== LOOKUP_ABSENT) return found
    const files = [...this.#files()].filter((file) => file.covers(key))
    for (const file of files.slice(files.indexOf(asked) + 1)) {
      const result = file.table.get(key, hash, sequence, found)
      if (result === true) return found
      if (result === false) continue
      const later = await result
      if (later.state !== LOOKUP_ABSENT) return later
    }
    found.state = LOOKUP_ABSENT
    return found
  }

  *#files(): Iterable<TableFile> {
    for (const level of this.levels) yield* level
  }
}

/** The next set: `adds` and `removes` applied to `before`. A file may be removed from one level and added to another. */
export function editTableSet(
  before: TableSet,
  edit: {
    readonly adds: readonly { readonly level: number; readonly file: TableFile }[]
    readonly removes: readonly TableName[]
  },
  onReleased: OnReleased,
): TableSet {
  const levels: TableFile[][] = Array.from({ length: LEVELS }, (_, level) => {
    const removed = new Set(edit.removes.filter((name) => name.level === level).map((name) => name.number))
    return (before.levels[level] ?? []).filter((file) => !removed.has(file.number))
  })
  for (const { level, file } of edit.adds) levels[level]!.push(file)
  levels[0]!.sort((a, b) => b.properties.lastSequence - a.properties.lastSequence)
  for (const level of levels.slice(1)) level.sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0))
  const kept = new Set(levels.flat())
  for (const name of edit.removes) {
    const file = before.file(name)
    if (!kept.has(file)) file.isObsolete = true
  }
  return new TableSet(levels, onReleased)
}

/** The index of the first file of a run whose end lies above `key`. */
function runIndex(run: readonly TableFile[], key: Key): number {
  let low = 0
  let high = run.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const end = run[middle]!.end
    if (end !== undefined && end <= key) low = middle + 1
    else high = middle
  }
  return low
}
