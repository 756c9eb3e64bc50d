/**
 * What readers without writes leave behind: the greatest sequence at which each key and range was read by one.
 *
 * Such a reader says exactly one thing: whatever was decided up to its snapshot comes before every overwriter of what it
 * read. So it is no node of the graph; an overwriter takes the sequence up as its floor. A record matters only while a
 * read-write transaction is active whose snapshot is older, since a younger one has a greater floor by itself.
 *
 * Records are dropped by generations: two sets, the older one thrown away whole once no active read-write snapshot lies
 * below its greatest sequence; then the younger becomes the older. Beyond `recordsMax` everything collapses into one floor
 * under every key, and the abort report of whoever meets it says so (`merged`).
 * Pinned by test/unit/mvcc/reader-floors.test.ts and schedules 4 and 14 of test/scripts.
 */
import type { Key } from '../base/bytes'
import type { KeyRange } from '../base/key-range'
import { RANGE_ALL, rangeContains } from '../base/key-range'
import type { TxRef } from '../base/serialization-report'
import type { Sequence } from '../base/sequence'
import { RangeIndex } from './range-index'
import type { RangeEntry } from './range-index'
import type { FloorReader } from './transaction-node'

/** A floor that a reader set, or the collapsed one (`merged`). */
export interface Floor extends FloorReader {
  readonly sequence: Sequence
}

/** A range being read by a cursor; its record may be dropped while the cursor goes on. */
export interface GrowingFloor {
  entry: RangeEntry<Floor> | undefined
  index: RangeIndex<Floor> | undefined
}

interface Generation {
  readonly byKey: Map<Key, Floor>
  readonly ranges: RangeIndex<Floor>
  greatest: Sequence
}

/** See the file's header. */
export class ReaderFloors {
  #young: Generation = createGeneration()
  #old: Generation = createGeneration()
  #everywhere: Floor | undefined = undefined

  readonly #recordsMax: number

  constructor(recordsMax: number) {
    this.#recordsMax = recordsMax
  }

  /** Records held. */
  get size(): number {
    return (
      this.#young.byKey.size +
      this.#old.byKey.size +
      this.#young.ranges.size +
      this.#old.ranges.size +
      (this.#everywhere === undefined ? 0 : 1)
    )
  }

  addKey(key: Key, reader: TxRef): void {
    const generation = this.#note(reader.snapshot)
    const known = generation.byKey.get(key)
    if (known !== undefined && known.sequence >= reader.snapshot) return
    generation.byKey.set(key, { sequence: reader.snapshot, reader, key, range: undefined, merged: false })
    this.#bound()
  }

  /** `merged`: bounded memory made the range wider than what was read. */
  addRange(range: KeyRange, reader: TxRef, merged: boolean): void {
    const generation = this.#note(reader.snapshot)
    generation.ranges.insert(range.start, range.end, createRangeFloor(range, reader, merged))
    this.#bound()
  }

  /** Adds `range`, growing the record of `growing` if the two touch and it is still held. */
  growRange(growing: GrowingFloor, range: KeyRange, reader: TxRef): void {
    const { index } = growing
    const held = index === this.#young.ranges && growing.entry !== undefined && index.has(growing.entry)
    const entry = held ? growing.entry : undefined
    if (entry?.end === range.start) {
      this.#young.ranges.extendEnd(entry, range.end)
      return
    }
    const generation = this.#note(reader.snapshot)
    const below = entry !== undefined && entry.start === range.end
    if (below) generation.ranges.remove(entry)
    const grown = { start: range.start, end: below ? entry.end : range.end }
    growing.index = generation.ranges
    growing.entry = generation.ranges.insert(grown.start, grown.end, createRangeFloor(grown, reader, false))
    this.#bound()
  }

  /** The greatest floor of a reader of `key`, if above `above`. */
  ofKey(key: Key, above: Sequence): Floor | undefined {
    let greatest = this.#everywhereAbove(above)
    for (const generation of [this.#young, this.#old]) {
      if (generation.greatest <= (greatest?.sequence ?? above)) continue
      greatest = greater(greatest, generation.byKey.get(key), above)
      generation.ranges.stab(key, (floor) => {
        greatest = greater(greatest, floor, above)
      })
    }
    return greatest
  }

  /** The greatest floor of a reader of any key in `range`, if above `above`. Linear in the keys recorded: range deletions are rare. */
  ofRange(range: KeyRange, above: Sequence): Floor | undefined {
    let greatest = this.#everywhereAbove(above)
    for (const generation of [this.#young, this.#old]) {
      if (generation.greatest <= (greatest?.sequence ?? above)) continue
      for (const [key, floor] of generation.byKey) {
        if (rangeContains(range, key)) greatest = greater(greatest, floor, above)
      }
      generation.ranges.overlaps(range, (floor) => {
        greatest = greater(greatest, floor, above)
      })
    }
    return greatest
  }

  /** The records that one reader set and nobody has raised since. Linear: for explanations. */
  ofReader(id: number): Floor[] {
    const floors: Floor[] = []
    for (const generation of [this.#old, this.#young]) {
      for (const floor of generation.byKey.values()) if (floor.reader.id === id) floors.push(floor)
      generation.ranges.overlaps(RANGE_ALL, (floor, { start, end }) => {
        if (floor.reader.id === id) floors.push({ ...floor, range: { start, end } })
      })
    }
    return floors
  }

  /** Drops what no active read-write transaction is older than; `oldest` is the least of their snapshots. */
  dropBelow(oldest: Sequence): void {
    if (this.#everywhere !== undefined && this.#everywhere.sequence <= oldest) this.#everywhere = undefined
    if (this.#old.greatest > oldest) return
    if (this.#young.greatest === 0 && this.#old.greatest === 0) return
    this.#old = this.#young.greatest <= oldest ? createGeneration() : this.#young
    this.#young = createGeneration()
  }

  checkInvariants(): void {
    this.#young.ranges.checkInvariants()
    this.#old.ranges.checkInvariants()
  }

  #everywhereAbove(above: Sequence): Floor | undefined {
    return this.#everywhere !== undefined && this.#everywhere.sequence > above ? this.#everywhere : undefined
  }

  #note(sequence: Sequence): Generation {
    if (this.#young.greatest < sequence) this.#young.greatest = sequence
    return this.#young
  }

  #bound(): void {
    if (this.size <= this.#recordsMax) return
    const newest = this.#young.greatest > this.#old.greatest ? this.#young.greatest : this.#old.greatest
    const sequence = Math.max(newest, this.#everywhere?.sequence ?? 0)
    this.#everywhere = {
      sequence,
      reader: { id: 0, label: 'readers beyond the limit', snapshot: sequence },
      key: undefined,
      range: { start: '', end: undefined },
      merged: true,
    }
    this.#young = createGeneration()
    this.#old = createGeneration()
  }
}

function createGeneration(): Generation {
  return { byKey: new Map(), ranges: new RangeIndex(), greatest: 0 }
}

function createRangeFloor(range: KeyRange, reader: TxRef, merged: boolean): Floor {
  return { sequence: reader.snapshot, reader, key: undefined, range, merged }
}

function greater(a: Floor | undefined, b: Floor | undefined, above: Sequence): Floor | undefined {
  if (b === undefined || b.sequence <= (a?.sequence ?? above)) return a
  return b
}
