/**
 * The order of a memtable's rows, in one of two forms: kept with every row, or made once when it is first asked for.
 *
 *   TreeOrder       a B-tree from key to place                   rows and scans take turns: the memtable that takes commits
 *   GatheredOrder   places as they came, sorted on first use     rows first, scans and flush after: a memtable filled by recovery
 *
 * Growing the tree is most of what inserting a row costs; where nobody looks before the last row is in, one sort of the rows
 * where they lie (row-sort.ts) does it at a tenth. A row added to a gathered order after it was asked for means a sort of all at
 * the next question: never for a memtable that takes commits.
 *
 * Pinned by test/unit/storage/memtable/memtable-order.test.ts and memtable.test.ts.
 */
import BTree from 'sorted-btree'
import type { Key } from '../../base/bytes'
import { keySuccessor } from '../../base/bytes'
import { PLACE_NONE } from './memtable-rows'
import type { MemtableRows } from './memtable-rows'
import { sortRows } from './row-sort'

const STOP = { break: true } as const
/** Slots of a row in the tree, and the head of its key's string, measured. */
const TREE_ROW_BYTES = 44
/** So much of a key's string is part of the overhead that a memtable counts for each entry. */
const KEY_BYTES_SHORT = 40
const TREE_NODE_ENTRIES_MAX = 64
const PLACES_INITIAL = 1024

/** Receives rows in order: `keys[i]` is that of the row at `places[i]`. */
export interface OrderedRows {
  readonly keys: Key[]
  readonly places: number[]
}

/** The rows of one memtable in the order of their keys. */
export interface RowOrder {
  /** Rows. */
  readonly size: number
  /** Bytes of memory taken, beside the rows. */
  readonly memoryBytes: number
  /** Of the keys that it holds as strings, what is beyond KEY_BYTES_SHORT of each: what a memtable counts beside its entries. */
  readonly longKeyBytes: number
  /** Takes in a row, given by its key or by its place alone. REQUIRES: its key is not there yet. */
  add(key: Key, place: number): void
  addRow(place: number): void
  /** The place of the row of `key`, or PLACE_NONE. */
  find(key: Key): number
  /** This order, or another one of the same rows, in which `find` and `add` may take turns. */
  searchable(): RowOrder
  /** Appends to `into` up to `max` rows from `low` on, ascending. */
  ascending(low: Key, max: number, into: OrderedRows): void
  /** The places of up to `max` rows behind `key` (undefined: from the first on), ascending. */
  placesBehind(key: Key | undefined, max: number): Uint32Array
  /** Appends up to `max` rows below `high` (undefined: from the last on), descending. */
  descending(high: Key | undefined, max: number, into: OrderedRows): void
}

/** An order that is kept with every row. */
export class TreeOrder implements RowOrder {
  readonly #tree = new BTree<Key, number>(undefined, compareKeys, TREE_NODE_ENTRIES_MAX)
  readonly #rows: MemtableRows
  #keyBytes = 0
  #longKeyBytes = 0

  constructor(rows: MemtableRows) {
    this.#rows = rows
  }

  get size(): number {
    return this.#tree.size
  }

  get memoryBytes(): number {
    return this.#tree.size * TREE_ROW_BYTES + this.#keyBytes
  }

  get longKeyBytes(): number {
    return this.#longKeyBytes
  }

  add(key: Key, place: number): void {
    this.#tree.set(key, place)
    this.#keyBytes += key.length
    if (key.length > KEY_BYTES_SHORT) this.#longKeyBytes += key.length - KEY_BYTES_SHORT
  }

  addRow(place: number): void {
    this.add(this.#rows.keyAt(place), place)
  }

  find(key: Key): number {
    return this.#tree.get(key) ?? PLACE_NONE
  }

  searchable(): RowOrder {
    return this
  }

  ascending(low: Key, max: number, { keys, places }: OrderedRows): void {
    const high = this.#tree.maxKey()
    if (high === undefined || high < low) return
    const end = keys.length + max
    // The declared type forgets it, but the tree stops where the callback asks for a break.
    const take = (key: Key, place: number): { break: true } | undefined => {
      keys.push(key)
      places.push(place)
      return keys.length === end ? STOP : undefined
    }
    this.#tree.forRange(low, high, true, take)
  }

  placesBehind(key: Key | undefined, max: number): Uint32Array {
    const places = new Uint32Array(max)
    const greatest = this.#tree.maxKey()
    if (greatest === undefined || (key !== undefined && key >= greatest)) return new Uint32Array(0)
    let count = 0
    const take = (next: Key, place: number): { break: true } | undefined => {
      if (next === key) return undefined
      places[count++] = place
      return count === max ? STOP : undefined
    }
    this.#tree.forRange(key ?? '', greatest, true, take)
    return places.slice(0, count)
  }

  descending(high: Key | undefined, max: number, { keys, places }: OrderedRows): void {
    if (this.#tree.isEmpty) return
    const pair: (Key | number)[] = []
    const descending = this.#tree.entriesReversed(high, pair, true)
    for (let i = 0; i < max; i++) {
      const step = descending.next()
      if (step.done === true) return
      keys.push(step.value[0])
      places.push(step.value[1])
    }
  }
}

/** An order that is made when it is first asked for. */
export class GatheredOrder implements RowOrder {
  readonly #rows: MemtableRows
  #places = new Uint32Array(PLACES_INITIAL)
  #size = 0
  #isSorted = true

  constructor(rows: MemtableRows) {
    this.#rows = rows
  }

  get size(): number {
    return this.#size
  }

  get memoryBytes(): number {
    return this.#places.byteLength
  }

  /** It has no strings. */
  get longKeyBytes(): number {
    return 0
  }

  add(_key: Key, place: number): void {
    this.addRow(place)
  }

  addRow(place: number): void {
    if (this.#size === this.#places.length) {
      const larger = new Uint32Array(2 * this.#size)
      larger.set(this.#places)
      this.#places = larger
    }
    this.#places[this.#size++] = place
    this.#isSorted = false
  }

  find(key: Key): number {
    const places = this.#sorted()
    const place = places[this.#lowerBound(places, key)]
    return place !== undefined && this.#rows.hasKey(place, key) ? place : PLACE_NONE
  }

  searchable(): RowOrder {
    const tree = new TreeOrder(this.#rows)
    for (const place of this.#sorted()) tree.addRow(place)
    return tree
  }

  ascending(low: Key, max: number, into: OrderedRows): void {
    const places = this.#sorted()
    const start = this.#lowerBound(places, low)
    const end = Math.min(places.length, start + max)
    for (let i = start; i < end; i++) this.#give(places[i]!, into)
  }

  placesBehind(key: Key | undefined, max: number): Uint32Array {
    const places = this.#sorted()
    const start = key === undefined ? 0 : this.#lowerBound(places, keySuccessor(key))
    return places.slice(start, start + max)
  }

  descending(high: Key | undefined, max: number, into: OrderedRows): void {
    const places = this.#sorted()
    const end = high === undefined ? places.length : this.#lowerBound(places, high)
    for (let i = end - 1; i >= Math.max(0, end - max); i--) this.#give(places[i]!, into)
  }

  #give(place: number, { keys, places }: OrderedRows): void {
    keys.push(this.#rows.keyAt(place))
    places.push(place)
  }

  #sorted(): Uint32Array {
    const places = this.#places.subarray(0, this.#size)
    if (!this.#isSorted) sortRows(this.#rows, places)
    this.#isSorted = true
    return places
  }

  /** The index of the first row whose key is not below `key`. */
  #lowerBound(places: Uint32Array, key: Key): number {
    let low = 0
    let high = places.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#rows.keyAt(places[middle]!) < key) low = middle + 1
      else high = middle
    }
    return low
  }
}

function compareKeys(a: Key, b: Key): number {
  return a < b ? -1 : a > b ? 1 : 0
}
