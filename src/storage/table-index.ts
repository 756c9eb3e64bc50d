/**
 * The block index of a table: for each data block a separator, searched by 48-bit numbers first, then by bytes.
 *
 * A separator is an internal key (key, sequence) at or behind the block's last entry and before the next block's first, as short as
 * possible; so the one block that can hold the first entry at or behind (key, sequence) is the first whose separator is at or behind it.
 * One key's versions can span blocks: then the separator is the exact key with the sequence of the block's last entry. Otherwise its
 * sequence is 0, behind all versions of that key.
 *
 *   separators:  "apple"/0     "b"/0      "cherry"/9     "cherry"/0
 *   blocks:      [.. apple]  [azure ..]  [.. cherry/9]  [cherry/7 ..]
 *
 * Section payload: u32 count | u16 length of the prefix that all separators share | u16 1 if there are sequences, else 0
 *   u32 bytes of all separators without the prefix | u32 zero
 *   u32 blockEnd[count]   where each block ends in the file, in units of 4 bytes; blocks lie one behind the other from 0
 *   u32 keyEnd[count]     end of each separator's rest | if there are sequences: u32 low[count], u32 high[count]
 *   shared prefix | separators without it
 *
 * The numbers (`prefixes`, six bytes behind the shared prefix as an exact integer in a double) are worked out at open.
 */
import { assert } from '../base/assert'
import type { Key } from '../base/bytes'
import { sequenceHigh, sequenceLow, wordsToSequence } from '../base/sequence'
import type { Sequence } from '../base/sequence'
import { BLOCK_ALIGNMENT_BYTES, corrupt } from './table-format'
import type { BlockPlace } from './table-format'

const HEADER_BYTES = 16
const PADDING_BYTES_MAX = 3
const PREFIX_BYTES = 6
const HALF = 0x100_0000

/** The shortest key at or behind `last` and before `next`. REQUIRES: last < next. */
export function shortestSeparator(last: Key, next: Key): Key {
  const shared = Math.min(last.length, next.length)
  let i = 0
  while (i < shared && last.charCodeAt(i) === next.charCodeAt(i)) i++
  // `last` is a prefix of `next`: nothing shorter lies between.
  if (i >= last.length) return last
  const byte = last.charCodeAt(i)
  if (i + 1 >= last.length) return last
  if (byte + 1 < next.charCodeAt(i) || next.length > i + 1) return last.slice(0, i) + String.fromCharCode(byte + 1)
  // `next` ends with the raised byte: go on to the first byte of `last` behind it that can be raised.
  for (let j = i + 1; j < last.length - 1; j++) {
    const code = last.charCodeAt(j)
    if (code < 0xff) return last.slice(0, j) + String.fromCharCode(code + 1)
  }
  return last
}

/** Gathers separators and builds the index's payload. */
export class TableIndexBuilder {
  readonly #blockEnds: number[] = []
  readonly #keys: Key[] = []
  readonly #sequences: Sequence[] = []
  #keyBytes = 0
  #anySequence = false

  get count(): number {
    return this.#keys.length
  }

  /** Bytes the section will have, roughly. */
  get bytes(): number {
    return HEADER_BYTES + this.#keys.length * 16 + this.#keyBytes
  }

  /** The separator of the next block and where that block ends in the file, in bytes. */
  add(key: Key, sequence: Sequence, blockEnd: number): void {
    assert(blockEnd % BLOCK_ALIGNMENT_BYTES === 0, 'blocks end on multiples of four')
    assert(blockEnd / BLOCK_ALIGNMENT_BYTES <= 0xffff_ffff, 'a table has less than 16 GiB')
    this.#blockEnds.push(blockEnd / BLOCK_ALIGNMENT_BYTES)
    this.#keys.push(key)
    this.#sequences.push(sequence)
    this.#keyBytes += key.length
    this.#anySequence ||= sequence !== 0
  }

  finish(): Buffer {
    const keys = this.#keys
    const count = keys.length
    const prefix = count === 0 ? '' : sharedPrefix(keys[0]!, keys[count - 1]!)
    const restBytes = this.#keyBytes - count * prefix.length
    const columns = this.#anySequence ? 4 : 2
    const payload = Buffer.alloc(HEADER_BYTES + columns * 4 * count + prefix.length + restBytes)
    payload.writeUInt32LE(count, 0)
    payload.writeUInt16LE(prefix.length, 4)
    payload.writeUInt16LE(this.#anySequence ? 1 : 0, 6)
    payload.writeUInt32LE(restBytes, 8)
    const prefixAt = HEADER_BYTES + columns * 4 * count
    const keysAt = prefixAt + prefix.length
    payload.latin1Write(prefix, prefixAt)
    let keyEnd = 0
    for (let i = 0; i < count; i++) {
      const rest = keys[i]!.slice(prefix.length)
      payload.latin1Write(rest, keysAt + keyEnd)
      keyEnd += rest.length
      payload.writeUInt32LE(this.#blockEnds[i]!, HEADER_BYTES + 4 * i)
      payload.writeUInt32LE(keyEnd, HEADER_BYTES + 4 * (count + i))
      if (!this.#anySequence) continue
      payload.writeUInt32LE(sequenceLow(this.#sequences[i]!), HEADER_BYTES + 4 * (2 * count + i))
      payload.writeUInt32LE(sequenceHigh(this.#sequences[i]!), HEADER_BYTES + 4 * (3 * count + i))
    }
    return payload
  }
}

function sharedPrefix(first: Key, last: Key): Key {
  let length = 0
  const shared = Math.min(first.length, last.length)
  while (length < shared && first.charCodeAt(length) === last.charCodeAt(length)) length++
  return first.slice(0, length)
}

/** An index in memory. */
export class TableIndex {
  /** Number of blocks. */
  readonly count: number
  readonly #payload: Buffer
  readonly #blockEnds: Uint32Array
  readonly #keyEnds: Uint32Array
  readonly #sequencesLow: Uint32Array | undefined
  readonly #sequencesHigh: Uint32Array | undefined
  readonly #prefixLength: number
  readonly #prefixAt: number
  readonly #keysAt: number
  readonly #prefixes: Float64Array

  /**
   * Checks a payload and keeps its memory; it must begin at a multiple of 4. `dataBytes` is where the data blocks must end.
   * Throws `CorruptionError`.
   */
  constructor(payload: Buffer, place: BlockPlace, dataBytes: number) {
    if (payload.length < HEADER_BYTES) throw corrupt(place, 'the index is shorter than its header')
    const count = payload.readUInt32LE(0)
    const sequences = payload.readUInt16LE(6)
    const restBytes = payload.readUInt32LE(8)
    const columns = sequences === 1 ? 4 : 2
    this.count = count
    this.#payload = payload
    this.#prefixLength = payload.readUInt16LE(4)
    this.#prefixAt = HEADER_BYTES + columns * 4 * count
    this.#keysAt = this.#prefixAt + this.#prefixLength
    const unused = payload.length - this.#keysAt - restBytes
    if (sequences > 1 || unused < 0 || unused > PADDING_BYTES_MAX)
      throw corrupt(place, "the index's lengths do not fit it")
    const column = (i: number) =>
      new Uint32Array(payload.buffer, payload.byteOffset + HEADER_BYTES + i * 4 * count, count)
    this.#blockEnds = column(0)
    this.#keyEnds = column(1)
    this.#sequencesLow = sequences === 1 ? column(2) : undefined
    this.#sequencesHigh = sequences === 1 ? column(3) : undefined
    const lastKeyEnd = count === 0 ? 0 : this.#keyEnds[count - 1]!
    const lastBlockEnd = count === 0 ? 0 : this.#blockEnds[count - 1]! * BLOCK_ALIGNMENT_BYTES
    if (lastKeyEnd !== restBytes || lastBlockEnd !== dataBytes)
      throw corrupt(place, 'the index ends elsewhere than its blocks')
    this.#prefixes = new Float64Array(count)
    this.#checkAndNumber(place)
  }

  #checkAndNumber(place: BlockPlace): void {
    for (let i = 0; i < this.count; i++) {
      const keyStart = i === 0 ? 0 : this.#keyEnds[i - 1]!
      const blockStart = i === 0 ? 0 : this.#blockEnds[i - 1]!
      if (this.#keyEnds[i]! < keyStart || this.#blockEnds[i]! <= blockStart) {
        throw corrupt(place, `the index does not ascend at block ${i}`)
      }
      this.#prefixes[i] = this.#numberOfRow(i)
      if (i > 0 && this.#prefixes[i]! < this.#prefixes[i - 1]!)
        throw corrupt(place, `separators do not ascend at block ${i}`)
    }
  }

  #numberOfRow(row: number): number {
    const start = row === 0 ? 0 : this.#keyEnds[row - 1]!
    const at = this.#keysAt + start
    const length = this.#keyEnds[row]! - start
    let high = 0
    let low = 0
    for (let i = 0; i < 3; i++) high = high * 256 + (i < length ? this.#payload[at + i]! : 0)
    for (let i = 3; i < PREFIX_BYTES; i++) low = low * 256 + (i < length ? this.#payload[at + i]! : 0)
    return high * HALF + low
  }

  /** Resident memory. */
  get bytes(): number {
    return this.#payload.length + this.#prefixes.byteLength
  }

  /** Where a block begins in the file. */
  blockOffset(block: number): number {
    return block === 0 ? 0 : this.#blockEnds[block - 1]! * BLOCK_ALIGNMENT_BYTES
  }

  /** Where it ends. */
  blockEnd(block: number): number {
    return this.#blockEnds[block]! * BLOCK_ALIGNMENT_BYTES
  }

  /** The first block whose separator is at or behind (key, sequence) in internal order; `count` if there is none. */
  find(key: Key, sequence: Sequence): number {
    const side = this.#comparePrefix(key)
    if (side !== 0) return side < 0 ? 0 : this.count
    const prefixes = this.#prefixes
    const number = this.#numberOfKey(key)
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      const other = prefixes[middle]!
      if (other < number || (other === number && this.#compareRow(middle, key, sequence) < 0)) low = middle + 1
      else high = middle
    }
    return low
  }

  #comparePrefix(key: Key): number {
    const payload = this.#payload
    const at = this.#prefixAt
    const length = this.#prefixLength
    const shared = key.length < length ? key.length : length
    for (let i = 0; i < shared; i++) {
      const difference = key.charCodeAt(i) - payload[at + i]!
      if (difference !== 0) return difference
    }
    return key.length < length ? -1 : 0
  }

  #numberOfKey(key: Key): number {
    const at = this.#prefixLength
    if (key.length - at >= PREFIX_BYTES) {
      const high = (key.charCodeAt(at) << 16) | (key.charCodeAt(at + 1) << 8) | key.charCodeAt(at + 2)
      const low = (key.charCodeAt(at + 3) << 16) | (key.charCodeAt(at + 4) << 8) | key.charCodeAt(at + 5)
      return high * HALF + low
    }
    let number = 0
    for (let i = at; i < at + PREFIX_BYTES; i++) number = number * 256 + (i < key.length ? key.charCodeAt(i) : 0)
    return number
  }

  /** A separator against (key, sequence) in internal order. REQUIRES: numbers equal, key has the prefix. */
  #compareRow(row: number, key: Key, sequence: Sequence): number {
    const payload = this.#payload
    const start = row === 0 ? 0 : this.#keyEnds[row - 1]!
    const restLength = this.#keyEnds[row]! - start
    const keyRestLength = key.length - this.#prefixLength
    const shared = restLength < keyRestLength ? restLength : keyRestLength
    for (let i = PREFIX_BYTES; i < shared; i++) {
      const difference = payload[this.#keysAt + start + i]! - key.charCodeAt(this.#prefixLength + i)
      if (difference !== 0) return difference
    }
    return restLength === keyRestLength ? sequence - this.separatorSequence(row) : restLength - keyRestLength
  }

  separatorKey(row: number): Key {
    const start = row === 0 ? 0 : this.#keyEnds[row - 1]!
    const prefix = this.#payload.latin1Slice(this.#prefixAt, this.#keysAt)
    return prefix + this.#payload.latin1Slice(this.#keysAt + start, this.#keysAt + this.#keyEnds[row]!)
  }

  separatorSequence(row: number): Sequence {
    if (this.#sequencesLow === undefined) return 0
    return wordsToSequence(this.#sequencesLow[row]!, this.#sequencesHigh![row]!)
  }
}
