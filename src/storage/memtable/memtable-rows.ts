/**
 * The keys and versions of a memtable as they lie in its arena: one row a key, one record for each version that was overwritten.
 *
 * A lookup pays for the lines of memory it touches. So a row holds all that a lookup needs side by side: the newest version, the key,
 * and the value that came with it first; no object, no string.
 *
 *   row:     sequence low | high | value length | value's place | older | key length   | key, padded | value, if it was the first
 *   record:  sequence low | high | value length | value's place | older | depth | jump              | value of the *next* version
 *
 * (words of four bytes, but for key and value). An overwrite moves the row's version into a record and changes the row in place: whoever
 * knows a row by its place always knows the newest. Records never change. Each links to the next older one and far back (a
 * skew-binary jump list), so that the newest at or below a sequence is found in O(log n) steps even for a key overwritten a hundred
 * thousand times.
 *
 * Invariant: sequences descend strictly along a chain. Pinned by test/unit/storage/memtable/memtable.test.ts.
 */
import { assert } from '../../base/assert'
import type { Key } from '../../base/bytes'
import { sequenceHigh, sequenceLow } from '../../base/sequence'
import type { Sequence } from '../../base/sequence'
import { Arena, byteOf, wordOf } from './arena'
import type { EncodedEntry } from '../rows/batch-codec'
import { copyInto, copyWords } from '../files/bytes-in-place'

/** The length of a version that is a tombstone. */
export const TOMBSTONE_LENGTH = 0xffff_ffff
/** The place of what does not exist. */
export const PLACE_NONE = 0

const LOW = 0
const HIGH = 1
const VALUE_LENGTH = 2
const VALUE_PLACE = 3
const OLDER = 4
const KEY_LENGTH = 5
const ROW_WORDS = 6
const DEPTH = 5
const JUMP = 6
const RECORD_WORDS = 7
const WORD_BYTES = 4
const WORD = 0x1_0000_0000
const KEY_LOOP_BYTES_MAX = 64
/** Longer values are copied faster as a whole. */
const COPIED_BY_WORDS_MAX = 256

/** Rows and records in one arena, known by their places. */
export class MemtableRows {
  readonly #arena: Arena

  /** `chunks`: those of another memtable's rows, to be read only. */
  constructor(chunks?: readonly SharedArrayBuffer[]) {
    this.#arena = chunks === undefined ? new Arena() : Arena.over(chunks)
  }

  /** The memory of all rows, for another thread. */
  get chunks(): readonly SharedArrayBuffer[] {
    return this.#arena.chunks
  }

  /** Bytes of memory taken. */
  get memoryBytes(): number {
    return this.#arena.memoryBytes
  }

  /** A row for a new key, with its first version; `value` undefined: a tombstone. Copies both. */
  add(key: Key, value: Uint8Array | undefined, sequence: Sequence): number {
    const place = this.#addRow(key.length, value?.length ?? 0)
    writeKey(this.#arena.bytesAt(place), byteOf(place) + ROW_WORDS * WORD_BYTES, key)
    const valuePlace = place + ROW_WORDS + wordsOf(key.length)
    this.#stamp(place, sequence, value?.length ?? TOMBSTONE_LENGTH, valuePlace)
    if (value !== undefined && value.length > 0) copyInto(this.#arena.bytesAt(valuePlace), byteOf(valuePlace), value, 0, value.length) // prettier-ignore
    return place
  }

  /** The same for a put or a delete whose bytes lie elsewhere. */
  addFrom(entry: EncodedEntry, sequence: Sequence): number {
    const { keyLength, valueLength } = entry
    const place = this.#addRow(keyLength, Math.max(0, valueLength))
    copyWords(this.#arena.viewAt(place), byteOf(place) + ROW_WORDS * WORD_BYTES, entry.view, entry.keyAt, keyLength)
    this.#stampFrom(place, entry, sequence, place + ROW_WORDS + wordsOf(keyLength))
    return place
  }

  #addRow(keyLength: number, valueLength: number): number {
    const place = this.#arena.take((ROW_WORDS + wordsOf(keyLength)) * WORD_BYTES + valueLength)
    this.#arena.wordsAt(place)[wordOf(place) + KEY_LENGTH] = keyLength
    return place
  }

  /** Puts a version on top of the row at `place`. REQUIRES: `sequence` is above the newest. */
  overwrite(place: number, value: Uint8Array | undefined, sequence: Sequence): void {
    const valuePlace = this.#addRecord(place, value?.length ?? 0, sequence) + RECORD_WORDS
    this.#stamp(place, sequence, value?.length ?? TOMBSTONE_LENGTH, valuePlace)
    if (value !== undefined && value.length > 0) copyInto(this.#arena.bytesAt(valuePlace), byteOf(valuePlace), value, 0, value.length) // prettier-ignore
  }

  /** The same for a put or a delete whose bytes lie elsewhere. */
  overwriteFrom(place: number, entry: EncodedEntry, sequence: Sequence): void {
    const record = this.#addRecord(place, Math.max(0, entry.valueLength), sequence)
    this.#stampFrom(place, entry, sequence, record + RECORD_WORDS)
  }

  /** Moves the version of a row into a record, which has room for the next one's value. */
  #addRecord(place: number, valueLength: number, sequence: Sequence): number {
    assert(sequence > this.sequenceAt(place), 'versions of a key arrive in order of sequence')
    const record = this.#arena.take(RECORD_WORDS * WORD_BYTES + valueLength)
    const words = this.#arena.wordsAt(place)
    const at = wordOf(place)
    const recordWords = this.#arena.wordsAt(record)
    const recordAt = wordOf(record)
    const older = words[at + OLDER]!
    for (let i = 0; i < DEPTH; i++) recordWords[recordAt + i] = words[at + i]!
    recordWords[recordAt + DEPTH] = older === PLACE_NONE ? 0 : this.#word(older, DEPTH) + 1
    recordWords[recordAt + JUMP] = this.#jumpBehind(older)
    words[at + OLDER] = record
    return record
  }

  #stampFrom(place: number, entry: EncodedEntry, sequence: Sequence, valuePlace: number): void {
    const { valueLength } = entry
    this.#stamp(place, sequence, valueLength < 0 ? TOMBSTONE_LENGTH : valueLength, valuePlace)
    if (valueLength > COPIED_BY_WORDS_MAX) copyInto(this.#arena.bytesAt(valuePlace), byteOf(valuePlace), entry.bytes, entry.valueAt, valueLength) // prettier-ignore
    else if (valueLength > 0) copyWords(this.#arena.viewAt(valuePlace), byteOf(valuePlace), entry.view, entry.valueAt, valueLength) // prettier-ignore
  }

  /** Writes the newest version of a row, its value apart. */
  #stamp(place: number, sequence: Sequence, valueLength: number, valuePlace: number): void {
    const words = this.#arena.wordsAt(place)
    const at = wordOf(place)
    words[at + LOW] = sequenceLow(sequence)
    words[at + HIGH] = sequenceHigh(sequence)
    words[at + VALUE_LENGTH] = valueLength
    // What has no bytes may stand at the end of its chunk: its place would be in no chunk.
    const isEmpty = valueLength === TOMBSTONE_LENGTH || valueLength === 0
    words[at + VALUE_PLACE] = isEmpty ? place : valuePlace
  }

  /** Jump as far as two jumps of equal length before reach together, else to the next. */
  #jumpBehind(older: number): number {
    if (older === PLACE_NONE) return PLACE_NONE
    const jump = this.#word(older, JUMP)
    if (jump === PLACE_NONE) return older
    const far = this.#word(jump, JUMP)
    if (far === PLACE_NONE) return older
    const depth = this.#word(jump, DEPTH)
    return this.#word(older, DEPTH) - depth === depth - this.#word(far, DEPTH) ? far : older
  }

  /** Bytes of the key of the row at `place`. */
  keyLengthAt(place: number): number {
    return this.#word(place, KEY_LENGTH)
  }

  /** Copies the key of the row at `place` to the beginning of `target`. REQUIRES: room for `keyLengthAt`. */
  copyKey(place: number, target: Uint8Array): void {
    const length = this.keyLengthAt(place)
    copyInto(target, 0, this.#arena.bytesAt(place), byteOf(place) + ROW_WORDS * WORD_BYTES, length)
  }

  /** Whether the row at `place` is that of `key`. */
  hasKey(place: number, key: Key): boolean {
    const words = this.#arena.wordsAt(place)
    const length = key.length
    if (words[wordOf(place) + KEY_LENGTH] !== length) return false
    const bytes = this.#arena.bytesAt(place)
    // From the end, where keys of one prefix differ.
    const at = byteOf(place) + ROW_WORDS * WORD_BYTES
    for (let i = length - 1; i >= 0; i--) if (bytes[at + i] !== key.charCodeAt(i)) return false
    return true
  }

  /** Tells the row of a key whose bytes lie elsewhere. */
  readonly byEntry = { hasKey: (place: number, entry: EncodedEntry): boolean => this.#hasKeyOf(place, entry) }

  #hasKeyOf(place: number, entry: EncodedEntry): boolean {
    const length = entry.keyLength
    if (this.#word(place, KEY_LENGTH) !== length) return false
    const bytes = this.#arena.bytesAt(place)
    const at = byteOf(place) + ROW_WORDS * WORD_BYTES
    const { bytes: others, keyAt } = entry
    for (let i = length - 1; i >= 0; i--) if (bytes[at + i] !== others[keyAt + i]) return false
    return true
  }

  /** The key of the row at `place`. */
  keyAt(place: number): Key {
    const at = byteOf(place) + ROW_WORDS * WORD_BYTES
    return this.#arena.bytesAt(place).latin1Slice(at, at + this.keyLengthAt(place))
  }

  /** The memory that holds the key of the row at `place`, which begins there at `keyStartAt`. */
  keyBytesAt(place: number): Buffer {
    return this.#arena.bytesAt(place)
  }

  keyStartAt(place: number): number {
    return byteOf(place) + ROW_WORDS * WORD_BYTES
  }

  /** The newest version of a row with a sequence `<= sequence`: the row itself, a record, or PLACE_NONE. */
  newestAt(row: number, sequence: Sequence): number {
    if (this.sequenceAt(row) <= sequence) return row
    let version = this.olderAt(row)
    while (version !== PLACE_NONE && this.sequenceAt(version) > sequence) {
      const jump = this.#word(version, JUMP)
      version = jump !== PLACE_NONE && this.sequenceAt(jump) > sequence ? jump : this.olderAt(version)
    }
    return version
  }

  /** Of the version at `place`, a row or a record; so are the following ones. */
  sequenceAt(place: number): Sequence {
    const words = this.#arena.wordsAt(place)
    const at = wordOf(place)
    return words[at + LOW]! + words[at + HIGH]! * WORD
  }

  /** In bytes, or TOMBSTONE_LENGTH. */
  valueLengthAt(place: number): number {
    return this.#word(place, VALUE_LENGTH)
  }

  /** Where its value lies; see `valueBytes` and `valueAt`. */
  valuePlaceAt(place: number): number {
    return this.#word(place, VALUE_PLACE)
  }

  /** The next older version, a record, or PLACE_NONE. */
  olderAt(place: number): number {
    return this.#word(place, OLDER)
  }

  /** How many versions the row at `place` has. */
  versionsAt(place: number): number {
    const older = this.olderAt(place)
    return older === PLACE_NONE ? 1 : this.#word(older, DEPTH) + 2
  }

  /** The memory that holds the value at `valuePlace`, which begins there at `byteOf(valuePlace)`. */
  valueBytes(valuePlace: number): Buffer {
    return this.#arena.bytesAt(valuePlace)
  }

  #word(place: number, column: number): number {
    return this.#arena.wordsAt(place)[wordOf(place) + column]!
  }
}

function wordsOf(bytes: number): number {
  return (bytes + WORD_BYTES - 1) >>> 2
}

function writeKey(bytes: Buffer, at: number, key: Key): void {
  const length = key.length
  if (length > KEY_LOOP_BYTES_MAX) bytes.latin1Write(key, at, length)
  else for (let i = 0; i < length; i++) bytes[at + i] = key.charCodeAt(i)
}
