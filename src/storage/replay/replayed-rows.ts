/**
 * Rows of a log as they lie in it: what recovery makes tables of, where nobody reads before they are written.
 *
 * A memtable finds rows by hash, knows their order and overwrites them in place; recovery needs none of that. So the commits of
 * a frame are copied at once, and of each row nothing is kept but where it lies and how old it is. The order is made where the
 * table is written (replayed-rows-cursor.ts), in the background thread, to which all of this is shared memory.
 *
 *     bytes:   | commits of a frame | commits of a frame | ...            places, ages: one of each row, in the order of the log
 *                   ^ place of a row
 *
 * Pieces end between two frames; one that is larger than a piece has one of its own. What it does not do: answer reads
 * (a database that is opened for reading is replayed into memtables).
 *
 * Pinned by test/unit/storage/replay/replayed-rows.test.ts against a memtable.
 */
import { assert } from '../../base/assert'
import type { Sequence } from '../../base/sequence'
import { ENTRY_DELETE_RANGE } from '../engine'
import type { FramePayload } from '../log/log-contract'
import type { BatchCursor } from '../rows/batch-codec'
import { RangeTombstoneIndex } from '../rows/range-tombstones'
import type { RangeTombstone } from '../rows/version-cursor'

/** A piece of a log, as plain data for another thread. */
export interface ReplayedRows {
  /** Commits, one behind the other. */
  readonly bytes: SharedArrayBuffer
  /** Where each put or delete begins in `bytes`, in order of sequence. */
  readonly places: Uint32Array
  /** What its sequence is above `firstSequence`. */
  readonly ages: Uint32Array
  readonly rangeTombstones: readonly RangeTombstone[]
  /** The commits of the piece. */
  readonly firstSequence: Sequence
  readonly through: Sequence
}

const ROWS_INITIAL = 1024
const WORD_BYTES = 4
const PIECE_BYTES_MAX = 2 ** 32 - 1

/** Gathers the commits of a log into pieces. */
export class RowGathering {
  readonly #pieceBytes: number
  readonly #onPiece: (rows: ReplayedRows) => void
  #payload: FramePayload | undefined
  #bytes: Buffer | undefined
  #used = 0
  /** From a place in the payload to one in the piece. */
  #moved = 0
  #places = sharedWords(ROWS_INITIAL)
  #ages = sharedWords(ROWS_INITIAL)
  #count = 0
  #rangeTombstones: RangeTombstoneIndex | undefined
  /** Of the piece; undefined while it has no commit. */
  #firstSequence: Sequence | undefined
  #through: Sequence = 0

  /** `onPiece` is given each piece that holds anything, once it is whole. */
  constructor(pieceBytes: number, onPiece: (rows: ReplayedRows) => void) {
    assert(pieceBytes > 0 && pieceBytes <= PIECE_BYTES_MAX, 'places in a piece have 32 bits')
    this.#pieceBytes = pieceBytes
    this.#onPiece = onPiece
  }

  /** Takes over one commit: as `ReplayBatch`. REQUIRES: sequences ascend. */
  take(sequence: Sequence, entries: BatchCursor, payload: FramePayload): void {
    if (payload !== this.#payload) this.#takePayload(payload)
    const first = (this.#firstSequence ??= sequence)
    this.#through = sequence
    const age = sequence - first
    while (entries.next()) {
      if (entries.kind === ENTRY_DELETE_RANGE) {
        const { key, end } = entries.entry()
        if (end === undefined || key < end)
          (this.#rangeTombstones ??= new RangeTombstoneIndex()).insert(key, end, sequence)
        continue
      }
      if (this.#count === this.#places.length) this.#grow()
      this.#places[this.#count] = entries.entryAt + this.#moved
      this.#ages[this.#count++] = age
    }
  }

  /** Gives the last piece. */
  end(): void {
    const first = this.#firstSequence
    const bytes = this.#bytes?.buffer
    const rangeTombstones = this.#rangeTombstones?.list() ?? []
    if (first !== undefined && bytes !== undefined && this.#count + rangeTombstones.length > 0) {
      assert(bytes instanceof SharedArrayBuffer, 'rows lie in memory that can be shared')
      const [places, ages] = [this.#places.subarray(0, this.#count), this.#ages.subarray(0, this.#count)]
      this.#onPiece({ bytes, places, ages, rangeTombstones, firstSequence: first, through: this.#through })
      this.#places = sharedWords(ROWS_INITIAL)
      this.#ages = sharedWords(ROWS_INITIAL)
    }
    this.#bytes = undefined
    this.#payload = undefined
    this.#used = 0
    this.#count = 0
    this.#rangeTombstones = undefined
    this.#firstSequence = undefined
  }

  #takePayload(payload: FramePayload): void {
    const { bytes, start, end } = payload
    const length = end - start
    if (this.#bytes !== undefined && this.#used + length > this.#bytes.length) this.end()
    this.#bytes ??= Buffer.from(new SharedArrayBuffer(Math.max(this.#pieceBytes, length)))
    this.#bytes.set(bytes.subarray(start, end), this.#used)
    this.#moved = this.#used - start
    this.#used += length
    this.#payload = payload
  }

  #grow(): void {
    this.#places = grown(this.#places)
    this.#ages = grown(this.#ages)
  }
}

function sharedWords(count: number): Uint32Array {
  return new Uint32Array(new SharedArrayBuffer(count * WORD_BYTES))
}

function grown(words: Uint32Array): Uint32Array {
  const larger = sharedWords(2 * words.length)
  larger.set(words)
  return larger
}
