/**
 * The rows of a range that are visible at a sequence, over all sources, ascending or descending.
 *
 * Forward, the first version of a key at or below the sequence decides, and the rest of that key is passed over. Backward, versions come
 * oldest first: the last one at or below the sequence decides, which is known only at the next key, so the cursor stands one step ahead
 * and remembers its row. In both, a tombstone or a newer range tombstone of any source makes the key invisible. Versions
 * of the same sequence as a range tombstone are newer than it.
 *
 * Memory: O(number of sources); values are shown where they lie and copied only by `value`.
 * Pinned by test/unit/storage/row-cursor.test.ts against a naive model.
 */
import { present } from '../base/assert'
import type { Key } from '../base/bytes'
import { keyToBuffer } from '../base/bytes'
import { isEmptyRange } from '../base/key-range'
import type { KeyRange } from '../base/key-range'
import type { Sequence } from '../base/sequence'
import { compareBytes, copyBytes, copyInto, equalBytes } from './files/bytes-in-place'
import { ENTRY_DELETE } from './engine'
import type { EngineCursor } from './engine'
import { MergingCursor } from './table/merging-cursor'
import type { RangeTombstoneIndex } from './rows/range-tombstones'
import type { Version, VersionCursor } from './rows/version-cursor'

export interface RowCursorOptions {
  /** Newest first, all of direction `reverse`, not yet positioned; closed with the cursor. */
  readonly sources: readonly VersionCursor[]
  /** Those of every source that may cover a key of the range, in any order. */
  readonly rangeTombstones: readonly RangeTombstoneIndex[]
  readonly range: KeyRange
  readonly sequence: Sequence
  readonly reverse: boolean
  /** Called once, on close. */
  readonly onClose?: () => void
}

const KEY_BYTES_INITIAL = 64

type Moved = boolean | Promise<boolean>

export class RowCursor implements EngineCursor {
  readonly #source: VersionCursor
  readonly #rangeTombstones: readonly RangeTombstoneIndex[]
  readonly #range: KeyRange
  readonly #sequence: Sequence
  readonly #reverse: boolean
  readonly #onClose: (() => void) | undefined
  /** The end towards which the cursor moves, as bytes; undefined if it is open. */
  readonly #limit: Uint8Array | undefined
  #state: 'new' | 'open' | 'ended' | 'closed' = 'new'

  /** The last key decided (forward) or being gathered (backward): `#keyBytes[0, #keyLength)`; -1 for none. */
  #keyBytes = Buffer.allocUnsafe(KEY_BYTES_INITIAL)
  #keyLength = -1
  /** Backward, of the gathered key: the newest version at or below the sequence so far. */
  #candidate: Candidate | undefined
  /** Backward: the row. Forward the source stands at it. */
  #rowKey: Key = ''
  #row: Candidate | undefined

  constructor(options: RowCursorOptions) {
    const { sources, range, reverse } = options
    this.#source = sources.length === 1 ? sources[0]! : new MergingCursor(sources, reverse)
    this.#rangeTombstones = options.rangeTombstones
    this.#range = range
    this.#sequence = options.sequence
    this.#reverse = reverse
    this.#onClose = options.onClose
    const limit = reverse ? range.start : range.end
    this.#limit = limit === undefined || (reverse && limit === '') ? undefined : Buffer.from(limit, 'latin1')
    if (isEmptyRange(range)) this.#state = 'ended'
  }

  /** The row's key. REQUIRES: the last `next` gave true. */
  get key(): Key {
    return this.#reverse ? this.#rowKey : this.#source.key
  }

  /** A copy of the row's key that the caller owns. REQUIRES: the last `next` gave true. */
  keyBuffer(): Buffer {
    if (this.#reverse) return keyToBuffer(this.#rowKey)
    return copyBytes(this.#source.keyBytes, 0, this.#source.keyLength)
  }

  /** A copy of the row's value that the caller owns. REQUIRES: the last `next` gave true. */
  value(): Buffer {
    const { valueBytes, valueAt, valueLength } = this.#reverse
      ? present(this.#row, 'the cursor stands at a row')
      : this.#source
    return copyBytes(valueBytes, valueAt, valueLength)
  }

  /** Moves to the next row: true if there is one. A promise only where bytes must be fetched. REQUIRES: no `next` pending. */
  next(): Moved {
    if (this.#state === 'ended' || this.#state === 'closed') return false
    return this.#go(this.#state === 'open' ? this.#source.next() : this.#seek())
  }

  /** Moves the source until a row or the end is found. */
  #go(first: Moved): Moved {
    let moved = first
    while (typeof moved === 'boolean') {
      const row = this.#reverse ? this.#decideBackward(moved) : this.#decideForward(moved)
      if (row !== undefined) return row
      moved = this.#source.next()
    }
    return this.#goLater(moved)
  }

  async #goLater(first: Promise<boolean>): Promise<boolean> {
    let moved: Moved = first
    for (;;) {
      const more = typeof moved === 'boolean' ? moved : await moved
      const row = this.#reverse ? this.#decideBackward(more) : this.#decideForward(more)
      if (row !== undefined) return row
      moved = this.#source.next()
    }
  }

  #seek(): Moved {
    this.#state = 'open'
    const { start, end } = this.#range
    return this.#source.seek(this.#reverse ? end : start === '' ? undefined : start)
  }

  #end(): false {
    if (this.#state === 'open') this.#state = 'ended'
    return false
  }

  /** Whether the source, which moved, stands at a row (true), is done (false), or has to move on (undefined). */
  #decideForward(moved: boolean): boolean | undefined {
    if (!moved || this.#isPastLimit()) return this.#end()
    return this.#isRow() ? true : undefined
  }

  #isPastLimit(): boolean {
    const limit = this.#limit
    if (limit === undefined) return false
    const order = compareBytes(this.#source.keyBytes, this.#source.keyLength, limit, limit.length)
    return this.#reverse ? order < 0 : order >= 0
  }

  /** Forward: whether the source stands at the version that makes a row; decides its key if it is visible at all. */
  #isRow(): boolean {
    const source = this.#source
    const { sequence } = source
    if (sequence > this.#sequence || this.#isSameKey()) return false
    this.#takeKey()
    return (
      source.kind !== ENTRY_DELETE && (this.#rangeTombstones.length === 0 || !this.#isCovered(source.key, sequence))
    )
  }

  #isSameKey(): boolean {
    return equalBytes(this.#source.keyBytes, this.#source.keyLength, this.#keyBytes, this.#keyLength)
  }

  #takeKey(): void {
    const { keyBytes, keyLength } = this.#source
    if (keyLength > this.#keyBytes.length) this.#keyBytes = Buffer.allocUnsafeSlow(2 * keyLength)
    copyInto(this.#keyBytes, 0, keyBytes, 0, keyLength)
    this.#keyLength = keyLength
  }

  #isCovered(key: Key, sequence: Sequence): boolean {
    for (const tombstones of this.#rangeTombstones) {
      if (tombstones.newestCovering(key, this.#sequence) > sequence) return true
    }
    return false
  }

  /** The same, backward: a row is known when its key has been passed. */
  #decideBackward(moved: boolean): boolean | undefined {
    if (!moved || this.#isPastLimit()) {
      this.#end()
      return this.#endKey()
    }
    if (this.#isSameKey()) {
      this.#gather()
      return undefined
    }
    const isRow = this.#endKey()
    this.#takeKey()
    this.#gather()
    return isRow ? true : undefined
  }

  /** Backward: a later version of the key at or below the sequence replaces the one before. */
  #gather(): void {
    const { sequence, kind, valueBytes, valueAt, valueLength } = this.#source
    if (sequence <= this.#sequence) this.#candidate = { sequence, kind, valueBytes, valueAt, valueLength }
  }

  /** Backward: the gathered key is complete; makes it the row if it is one. */
  #endKey(): boolean {
    const candidate = this.#candidate
    this.#candidate = undefined
    if (candidate === undefined || candidate.kind === ENTRY_DELETE) return false
    const key = this.#keyBytes.latin1Slice(0, this.#keyLength)
    if (this.#isCovered(key, candidate.sequence)) return false
    this.#rowKey = key
    this.#row = candidate
    return true
  }

  /** Lets go of what the cursor pins. Idempotent. */
  close(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#candidate = undefined
    this.#row = undefined
    this.#source.close()
    this.#onClose?.()
  }
}

type Candidate = Pick<Version, 'sequence' | 'kind' | 'valueBytes' | 'valueAt' | 'valueLength'>
