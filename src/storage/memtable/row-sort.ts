/**
 * Sorts the rows of a memtable once, by the bytes of their keys where they lie: no string, no comparing callback.
 *
 * The next bytes behind what all keys share and the index of the row make one number each; the engine's own sort of numbers
 * does the rest. So that as many bytes as possible fit, they are written in the base of how many different ones there are: nine
 * digits take as much room as four arbitrary bytes. What a number leaves undecided is sorted by the bytes behind, small groups by
 * comparing.
 *
 *     key:     shared by all | head | the rest              symbol: 0 where the key has ended, else the rank of the byte, from 1
 *     number:  (symbols of the head, in base `symbols`) * 2^indexBits + index
 *
 * Memory: 12 bytes a row, and for groups of keys that agree further again as much at each level, of which there are no more than
 * half as many as those keys have bytes. Pinned by test/unit/storage/memtable/row-sort.test.ts.
 */
import { assert } from '../../base/assert'

/** Groups up to this size are sorted by comparing their rows. */
const COMPARED_MAX = 16
const NUMBER_BITS = 53
/** No head is longer, in bytes. */
const HEAD_BYTES_MAX = 24
const BYTES = 256

/** What is asked of rows, which are known by their places; see memtable-rows.ts. */
export interface SortableRows {
  /** The memory that holds the key of the row, which begins there at `keyStartAt`. */
  keyBytesAt(place: number): Uint8Array
  keyStartAt(place: number): number
  keyLengthAt(place: number): number
}

/** Sorts `places` in the order of their rows' keys; those of the same key stay in the order they came in. */
export function sortRows(rows: SortableRows, places: Uint32Array): void {
  sortFrom(rows, places, 0)
}

/** REQUIRES: all keys share their first `known` bytes. */
function sortFrom(rows: SortableRows, places: Uint32Array, known: number): void {
  if (places.length <= COMPARED_MAX) {
    sortByComparing(rows, places, known)
    return
  }
  const head = headOf(rows, places, sharedBytes(rows, places, known))
  const unit = 2 ** head.indexBits
  const numbers = new Float64Array(places.length)
  for (let i = 0; i < places.length; i++) numbers[i] = headNumber(rows, places[i]!, head) * unit + i
  numbers.sort()
  const before = places.slice()
  let groupAt = 0
  let groupNumber = -1
  for (let i = 0; i <= numbers.length; i++) {
    const number = i < numbers.length ? Math.floor(numbers[i]! / unit) : -1
    if (i < numbers.length) places[i] = before[numbers[i]! - number * unit]!
    if (number === groupNumber) continue
    // What has ended within the head has all of its bytes in the number: a group of such keys is one key.
    const isDecided = i - groupAt <= 1 || rows.keyLengthAt(places[groupAt]!) < head.end
    if (!isDecided) sortFrom(rows, places.subarray(groupAt, i), head.end)
    groupAt = i
    groupNumber = number
  }
}

/** Which bytes make the number of a row, and how. */
interface Head {
  readonly start: number
  readonly end: number
  /** From 1 on, by byte; 0 stands for the end of a key. */
  readonly ranks: Uint16Array
  readonly symbols: number
  readonly indexBits: number
}

function headOf(rows: SortableRows, places: Uint32Array, start: number): Head {
  const ranks = new Uint16Array(BYTES)
  for (let i = 0; i < places.length; i++) {
    const place = places[i]!
    const bytes = rows.keyBytesAt(place)
    const at = rows.keyStartAt(place)
    const end = Math.min(rows.keyLengthAt(place), start + HEAD_BYTES_MAX)
    for (let k = start; k < end; k++) ranks[bytes[at + k]!] = 1
  }
  let symbols = 1
  for (let byte = 0; byte < BYTES; byte++) if (ranks[byte] === 1) ranks[byte] = symbols++
  const indexBits = 32 - Math.clz32(places.length - 1)
  const room = 2 ** (NUMBER_BITS - indexBits)
  let length = 0
  while (length < HEAD_BYTES_MAX && symbols ** (length + 1) <= room) length++
  assert(length > 0, 'a number has room for a byte and an index')
  return { start, end: start + length, ranks, symbols, indexBits }
}

function headNumber(rows: SortableRows, place: number, { start, end, ranks, symbols }: Head): number {
  const bytes = rows.keyBytesAt(place)
  const at = rows.keyStartAt(place)
  const length = rows.keyLengthAt(place)
  let number = 0
  for (let k = start; k < end; k++) number = number * symbols + (k < length ? ranks[bytes[at + k]!]! : 0)
  return number
}

function sharedBytes(rows: SortableRows, places: Uint32Array, known: number): number {
  const first = places[0]!
  const bytes = rows.keyBytesAt(first)
  const at = rows.keyStartAt(first)
  let shared = rows.keyLengthAt(first)
  for (let i = 1; i < places.length && shared > known; i++) {
    const others = rows.keyBytesAt(places[i]!)
    const otherAt = rows.keyStartAt(places[i]!)
    shared = Math.min(shared, rows.keyLengthAt(places[i]!))
    let k = known
    while (k < shared && bytes[at + k] === others[otherAt + k]) k++
    shared = k
  }
  return shared
}

function sortByComparing(rows: SortableRows, places: Uint32Array, known: number): void {
  for (let i = 1; i < places.length; i++) {
    const place = places[i]!
    let k = i
    while (k > 0 && compareKeys(rows, places[k - 1]!, place, known) > 0) {
      places[k] = places[k - 1]!
      k--
    }
    places[k] = place
  }
}

/** REQUIRES: the keys share their first `known` bytes. */
function compareKeys(rows: SortableRows, place: number, other: number, known: number): number {
  const bytes = rows.keyBytesAt(place)
  const others = rows.keyBytesAt(other)
  const at = rows.keyStartAt(place)
  const otherAt = rows.keyStartAt(other)
  const length = rows.keyLengthAt(place)
  const otherLength = rows.keyLengthAt(other)
  const shared = Math.min(length, otherLength)
  for (let k = known; k < shared; k++) {
    const difference = bytes[at + k]! - others[otherAt + k]!
    if (difference !== 0) return difference
  }
  return length - otherLength
}
