/**
 * Finds the rows of a memtable by the hash of their key: an open table of (hash, place) pairs, searched slot by slot.
 *
 * A key that is not there costs one line of memory: at most half of the slots are taken, and the hash stands in the slot. A `Map` of
 * strings visits every string in the bucket. Nothing is ever removed.
 *
 *   slot:  hash | place     home of a hash: its highest bits; taken: place is not PLACE_NONE
 *
 * Keys that somebody chose so that their hashes collide must not make lookups slow: a row that would stand SLOTS_MAX behind its home or
 * further is not taken in, and `isComplete` is false from there on: what is not found here then has to be looked for elsewhere.
 *
 * What it does not do: compare keys; the caller does, among the rows of one hash.
 * Pinned by test/unit/storage/memtable/hash-index.test.ts.
 */
import { assert } from '../../base/assert'
import { PLACE_NONE } from './memtable-rows'

const SLOTS_INITIAL = 64
const SLOT_WORDS = 2
const SLOTS_MAX = 128

/** Says whether the row at a place is the one looked for. */
export interface RowTest<Key> {
  hasKey(place: number, key: Key): boolean
}

export class HashIndex {
  /** Pairs of hash and place, twice 32 bits. */
  #slots = new Int32Array(SLOT_WORDS * SLOTS_INITIAL)
  #mask = SLOTS_INITIAL - 1
  /** A hash's home is `hash >>> #shift`. */
  #shift = 32 - Math.log2(SLOTS_INITIAL)
  #count = 0
  #isComplete = true

  /** Whether every row that was added is found here. */
  get isComplete(): boolean {
    return this.#isComplete
  }

  /** Rows held. */
  get size(): number {
    return this.#count
  }

  /** Bytes of memory taken. */
  get memoryBytes(): number {
    return this.#slots.byteLength
  }

  /** The place of the row of `hash` that `rows` takes for that of `key`, or PLACE_NONE. */
  find<Key>(hash: number, key: Key, rows: RowTest<Key>): number {
    const slots = this.#slots
    const mask = this.#mask
    let slot = hash >>> this.#shift
    for (let probe = 0; probe < SLOTS_MAX; probe++) {
      const place = slots[SLOT_WORDS * slot + 1]! >>> 0
      if (place === PLACE_NONE) return PLACE_NONE
      if (slots[SLOT_WORDS * slot] === hash && rows.hasKey(place, key)) return place
      slot = (slot + 1) & mask
    }
    return PLACE_NONE
  }

  /** Takes a row in, if it can. `hash` is an int32. REQUIRES: its key is not there yet. */
  add(hash: number, place: number): void {
    assert(place !== PLACE_NONE, 'a row has a place')
    if (2 * (this.#count + 1) > this.#mask + 1) this.#grow()
    if (this.#put(hash, place)) this.#count++
    else this.#isComplete = false
  }

  #put(hash: number, place: number): boolean {
    const slots = this.#slots
    let slot = hash >>> this.#shift
    for (let probe = 0; probe < SLOTS_MAX; probe++) {
      if (slots[SLOT_WORDS * slot + 1] === PLACE_NONE) {
        slots[SLOT_WORDS * slot] = hash
        slots[SLOT_WORDS * slot + 1] = place
        return true
      }
      slot = (slot + 1) & this.#mask
    }
    return false
  }

  /** Doubles the table. Whatever finds no slot in the new one is dropped. */
  #grow(): void {
    const before = this.#slots
    this.#slots = new Int32Array(2 * before.length)
    this.#mask = 2 * this.#mask + 1
    this.#shift--
    for (let at = 0; at < before.length; at += SLOT_WORDS) {
      const place = before[at + 1]! >>> 0
      if (place === PLACE_NONE || this.#put(before[at]!, place)) continue
      this.#count--
      this.#isComplete = false
    }
  }
}
