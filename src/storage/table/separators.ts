/**
 * Separators in memory, searched by 48-bit numbers first, then by bytes: those of a whole table, or of one page of its index.
 *
 * A separator is an internal key (key, sequence). Its *number* is the six bytes behind the prefix that all separators of the table
 * share, as an exact integer in a double, with zeros where the key ends. Numbers ascend as keys do, and only equal ones have to
 * be told apart by the bytes behind them.
 *
 * REQUIRES of every search: the key has the shared prefix (`comparePrefix` gave 0).
 * Pinned by test/unit/storage/table/table-index.test.ts.
 */
import type { Key } from '../../base/bytes'
import { sequenceHigh, sequenceLow, wordsToSequence } from '../../base/sequence'
import type { Sequence } from '../../base/sequence'
import { BLOCK_ALIGNMENT_BYTES } from './table-format'

const PREFIX_BYTES = 6
const HALF = 0x100_0000
/** How far a guess may be off to be walked from. */
const WALK_STEPS_MAX = 12

/** Columns, a row for each separator. */
export interface SeparatorColumns {
  /** What all separators of the table begin with. */
  readonly prefix: Buffer
  /** Where each block ends in the file, in units of 4 bytes. */
  readonly blockEnds: Uint32Array
  /** Where each separator's rest ends in `keys`. */
  readonly keyEnds: Uint32Array
  /** Undefined where all sequences are 0. */
  readonly sequencesLow: Uint32Array | undefined
  readonly sequencesHigh: Uint32Array | undefined
  /** The separators without the prefix, one behind the other. */
  readonly keys: Buffer
}

/** The number of a separator or key of which `length` bytes stand at `bytes[at]`, behind the shared prefix. */
function numberOfBytes(bytes: Uint8Array, at: number, length: number): number {
  let high = 0
  let low = 0
  for (let i = 0; i < 3; i++) high = high * 256 + (i < length ? bytes[at + i]! : 0)
  for (let i = 3; i < PREFIX_BYTES; i++) low = low * 256 + (i < length ? bytes[at + i]! : 0)
  return high * HALF + low
}

/** The number of a key of the table. */
export function numberOfKey(key: Key, prefixLength: number): number {
  if (key.length - prefixLength >= PREFIX_BYTES) {
    const at = prefixLength
    const high = (key.charCodeAt(at) << 16) | (key.charCodeAt(at + 1) << 8) | key.charCodeAt(at + 2)
    const low = (key.charCodeAt(at + 3) << 16) | (key.charCodeAt(at + 4) << 8) | key.charCodeAt(at + 5)
    return high * HALF + low
  }
  let number = 0
  for (let i = prefixLength; i < prefixLength + PREFIX_BYTES; i++) {
    number = number * 256 + (i < key.length ? key.charCodeAt(i) : 0)
  }
  return number
}

/** Whether a key stands before (below 0), among (0) or behind (above 0) everything that begins with `prefix`. */
export function comparePrefix(key: Key, prefix: Uint8Array): number {
  const length = prefix.length
  const shared = key.length < length ? key.length : length
  for (let i = 0; i < shared; i++) {
    const difference = key.charCodeAt(i) - prefix[i]!
    if (difference !== 0) return difference
  }
  return key.length < length ? -1 : 0
}

/** Searchable columns. */
export class Separators {
  readonly count: number
  readonly numbers: Float64Array
  readonly #columns: SeparatorColumns
  readonly #keys: Buffer
  readonly #keyEnds: Uint32Array
  readonly #prefixLength: number

  constructor(columns: SeparatorColumns) {
    this.#columns = columns
    this.#keys = columns.keys
    this.#keyEnds = columns.keyEnds
    this.#prefixLength = columns.prefix.length
    this.count = columns.keyEnds.length
    this.numbers = new Float64Array(this.count)
    for (let row = 0, start = 0; row < this.count; row++) {
      const end = columns.keyEnds[row]!
      this.numbers[row] = numberOfBytes(columns.keys, start, end - start)
      start = end
    }
  }

  /** Memory taken, numbers included. */
  get bytes(): number {
    const { blockEnds, keyEnds, keys, sequencesLow, prefix } = this.#columns
    const sequences = sequencesLow === undefined ? 0 : 2 * sequencesLow.byteLength
    return blockEnds.byteLength + keyEnds.byteLength + sequences + keys.length + prefix.length + this.numbers.byteLength
  }

  /** Where a row's block ends in the file. */
  blockEnd(row: number): number {
    return this.#columns.blockEnds[row]! * BLOCK_ALIGNMENT_BYTES
  }

  keyAt(row: number): Key {
    const { prefix, keys, keyEnds } = this.#columns
    const start = row === 0 ? 0 : keyEnds[row - 1]!
    return Buffer.concat([prefix, keys.subarray(start, keyEnds[row])]).latin1Slice()
  }

  sequenceAt(row: number): Sequence {
    const { sequencesLow, sequencesHigh } = this.#columns
    return sequencesLow === undefined ? 0 : wordsToSequence(sequencesLow[row]!, sequencesHigh![row]!)
  }

  /** The first row at or behind (key, sequence), `count` if there is none. */
  search(key: Key, number: number, sequence: Sequence): number {
    const { numbers } = this
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      const other = numbers[middle]!
      if (other < number || (other === number && this.#compareRow(middle, key, sequence) < 0)) low = middle + 1
      else high = middle
    }
    return low
  }

  /** The same, sooner where the first row with a number at or above `number` is near `guess`. */
  searchNear(key: Key, number: number, sequence: Sequence, guess: number): number {
    const { numbers, count } = this
    let at = guess < 0 ? 0 : guess < count ? guess : count
    let steps = WALK_STEPS_MAX
    while (at < count && numbers[at]! < number && steps-- > 0) at++
    while (at > 0 && numbers[at - 1]! >= number && steps-- > 0) at--
    if (steps < 0) return this.search(key, number, sequence)
    return this.behindTies(at, key, number, sequence)
  }

  /** The first row at or behind (key, sequence), where `at` is the first one with a number at or above `number`. */
  behindTies(at: number, key: Key, number: number, sequence: Sequence): number {
    if (!this.#isTieBefore(at, key, number, sequence)) return at
    // A page in the middle of a long run of equal numbers: most searches go on in another one.
    if (this.#isTieBefore(this.count - 1, key, number, sequence)) return this.count
    let low = at + 1
    let step = 1
    while (this.#isTieBefore(low + step - 1, key, number, sequence)) {
      low += step
      step *= 2
    }
    let high = low + step - 1
    if (high > this.count) high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#isTieBefore(middle, key, number, sequence)) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Whether a row is before (key, sequence). */
  isBefore(row: number, key: Key, number: number, sequence: Sequence): boolean {
    const other = this.numbers[row]!
    return other < number || (other === number && this.#compareRow(row, key, sequence) < 0)
  }

  #isTieBefore(row: number, key: Key, number: number, sequence: Sequence): boolean {
    return row < this.count && this.numbers[row] === number && this.#compareRow(row, key, sequence) < 0
  }

  /** A separator against (key, sequence) in internal order. REQUIRES: numbers equal. */
  #compareRow(row: number, key: Key, sequence: Sequence): number {
    const keys = this.#keys
    const start = row === 0 ? 0 : this.#keyEnds[row - 1]!
    const restLength = this.#keyEnds[row]! - start
    const keyRestLength = key.length - this.#prefixLength
    const shared = restLength < keyRestLength ? restLength : keyRestLength
    for (let i = PREFIX_BYTES; i < shared; i++) {
      const difference = keys[start + i]! - key.charCodeAt(this.#prefixLength + i)
      if (difference !== 0) return difference
    }
    return restLength === keyRestLength ? sequence - this.sequenceAt(row) : restLength - keyRestLength
  }
}

/** Gathers separators into columns. */
export class SeparatorList {
  readonly #blockEnds: number[] = []
  readonly #keys: Key[] = []
  readonly #sequences: Sequence[] = []
  #keyBytes = 0

  get count(): number {
    return this.#keys.length
  }

  /** Sum of the lengths of all keys. */
  get keyBytes(): number {
    return this.#keyBytes
  }

  /** `blockEnd` in bytes. */
  push(key: Key, sequence: Sequence, blockEnd: number): void {
    this.#blockEnds.push(blockEnd / BLOCK_ALIGNMENT_BYTES)
    this.#keys.push(key)
    this.#sequences.push(sequence)
    this.#keyBytes += key.length
  }

  /** The length of what all keys begin with. REQUIRES: they ascend. */
  get prefixLength(): number {
    const count = this.count
    if (count === 0) return 0
    const first = this.#keys[0]!
    const last = this.#keys[count - 1]!
    const shared = Math.min(first.length, last.length)
    let length = 0
    while (length < shared && first.charCodeAt(length) === last.charCodeAt(length)) length++
    return length
  }

  /** The numbers of all keys. */
  numbers(prefixLength: number): Float64Array {
    return Float64Array.from(this.#keys, (key) => numberOfKey(key, prefixLength))
  }

  /** The columns of the rows `[start, end)`. */
  columns(start: number, end: number, prefixLength: number): SeparatorColumns {
    const rests = this.#keys.slice(start, end).map((key) => key.slice(prefixLength))
    const sequences = this.#sequences.slice(start, end)
    const hasSequences = sequences.some((sequence) => sequence !== 0)
    let keyEnd = 0
    return {
      prefix: Buffer.from(this.#keys[start]?.slice(0, prefixLength) ?? '', 'latin1'),
      blockEnds: Uint32Array.from(this.#blockEnds.slice(start, end)),
      keyEnds: Uint32Array.from(rests, (rest) => (keyEnd += rest.length)),
      sequencesLow: hasSequences ? Uint32Array.from(sequences, sequenceLow) : undefined,
      sequencesHigh: hasSequences ? Uint32Array.from(sequences, sequenceHigh) : undefined,
      keys: Buffer.from(rests.join(''), 'latin1'),
    }
  }
}
