/**
 * A cursor of a transaction: the engine's rows with the transaction's own writes over them, registered as they are handed over.
 *
 * "At delivery": in the synchronous step that hands over a row, or a page, or the end, the cursor registers the interval
 * from what it registered before up to there, without the keys where the transaction was shown its own write; prefetch
 * never registers. So a limit, a reverse scan or an early exit register just what was seen.
 *
 *      range   [a .................................... z)
 *      seen    [a ......... k]                                registered [a, k], growing
 *      own writes as of the start      p                      shown, never registered
 *
 * Pinned by schedule 7 and the scans of test/scripts, and test/unit/mvcc/transaction-cursor.test.ts.
 * Spec: MVCC!MoveCursor.
 */
import { assert } from '../base/assert'
import type { Key } from '../base/bytes'
import { keySuccessor, keyToBuffer } from '../base/bytes'
import { isEmptyRange } from '../base/key-range'
import type { KeyRange } from '../base/key-range'
import { ENTRY_PUT } from '../storage/engine'
import type { EngineCursor } from '../storage/engine'
import type { Now, StoreCursor, StoreRow } from './contract'
import type { OwnWrite, WriteBuffer } from './write-buffer'

/** What a cursor needs of its transaction. */
export interface CursorOwner {
  /** Throws if the transaction has ended or is doomed. */
  check(): void
  /** Registers an interval that is about to be handed over; throws if that dooms the transaction. */
  register(range: KeyRange): void
  /** The cursor has been closed. */
  closed(): void
}

/** See the file's header. */
export class TransactionCursor implements StoreCursor {
  readonly #owner: CursorOwner
  readonly #source: EngineCursor
  readonly #range: KeyRange
  readonly #reverse: boolean
  /** The transaction's writes, if it had any when the cursor was opened. */
  readonly #own: WriteBuffer | undefined
  readonly #asOf: number
  /** What lies between this key and the start (reverse: the end) of the range is registered. */
  #registered: Key | undefined
  #ownKey: Key | undefined = undefined
  /** Whether the source stands on a row not yet passed. */
  #sourceWaits = false
  #sourceEnded = false
  /** The write of the transaction's own that is the row, and its key; the source's row is if there is none. */
  #ownWrite: OwnWrite | undefined = undefined
  #ownWriteKey: Key = ''
  #ended = false
  #closed = false
  /** Whether a row of a page is being shown; and its key, if whoever was shown it closed the cursor. */
  #isShown = false
  #closedAt: Key | undefined = undefined

  constructor(
    owner: CursorOwner,
    source: EngineCursor,
    range: KeyRange,
    reverse: boolean,
    own: WriteBuffer | undefined,
  ) {
    this.#owner = owner
    this.#source = source
    this.#range = range
    this.#reverse = reverse
    this.#own = own
    this.#asOf = own?.ordinal ?? 0
    this.#registered = reverse ? range.end : range.start
    if (own !== undefined) {
      own.hold()
      this.#ownKey = this.#clip(
        reverse ? own.previousKey(range.end, this.#asOf) : own.nextKey(range.start, true, this.#asOf),
      )
    }
  }

  /** The ordinal of the newest own write that it shows. */
  get asOf(): number {
    return this.#asOf
  }

  get key(): Key {
    return this.#ownWrite === undefined ? this.#source.key : this.#ownWriteKey
  }

  keyBuffer(): Buffer {
    return this.#ownWrite === undefined ? this.#source.keyBuffer() : keyToBuffer(this.#ownWriteKey)
  }

  value(): Buffer {
    if (this.#ownWrite === undefined) return this.#source.value()
    return Buffer.from(this.#ownWrite.value ?? NO_BYTES)
  }

  next(): Now<boolean> {
    this.#owner.check()
    if (this.#ended || this.#closed) return false
    const moved = this.#move()
    if (typeof moved === 'boolean') return this.#deliver(moved)
    return moved.then((found) => {
      this.#owner.check()
      return this.#deliver(found)
    })
  }

  nextPage(rows: number, visit: (row: StoreRow) => void): Now<number> {
    assert(rows >= 1, 'a page has rows')
    this.#owner.check()
    if (this.#ended || this.#closed) return 0
    return this.#fillPage(rows, 0, visit)
  }

  #fillPage(rows: number, filled: number, visit: (row: StoreRow) => void): Now<number> {
    let count = filled
    while (count < rows) {
      const moved = this.#move()
      if (typeof moved !== 'boolean') return this.#fillPageLater(moved, rows, count, visit)
      if (!moved) break
      this.#show(visit)
      count++
    }
    this.#deliverPage(rows, count)
    return count
  }

  async #fillPageLater(
    moved: Promise<boolean>,
    rows: number,
    filled: number,
    visit: (row: StoreRow) => void,
  ): Promise<number> {
    const found = await moved
    this.#owner.check()
    if (!found) {
      this.#deliverPage(rows, filled)
      return filled
    }
    this.#show(visit)
    return this.#fillPage(rows, filled + 1, visit)
  }

  #show(visit: (row: StoreRow) => void): void {
    this.#isShown = true
    visit(this)
    this.#isShown = false
  }

  /** A page cut short because the cursor was closed ends at its last row, not at the end of the range. */
  #deliverPage(rows: number, count: number): void {
    if (this.#closed) this.#owner.check()
    this.#deliver(count === rows || (this.#closed && count > 0))
  }

  /** Registers up to the current row, or to the end of the range, and hands it over. */
  #deliver(found: boolean): boolean {
    // Closed while a row was being fetched: what lies ahead was not seen.
    if (!found && this.#closed) return false
    if (!found) this.#ended = true
    const upTo = found ? (this.#closedAt ?? this.key) : undefined
    const range = this.#reverse
      ? { start: upTo ?? this.#range.start, end: this.#registered }
      : { start: this.#registered ?? '', end: upTo === undefined ? this.#range.end : keySuccessor(upTo) }
    this.#registered = this.#reverse ? range.start : range.end
    if (!isEmptyRange(range)) this.#register(range)
    return found
  }

  #register(range: KeyRange): void {
    if (this.#own === undefined) {
      this.#owner.register(range)
      return
    }
    for (const part of this.#own.unwrittenParts(range, this.#asOf)) this.#owner.register(part)
  }

  /** Moves to the next row that is visible, without registering anything. */
  #move(): Now<boolean> {
    if (this.#ended || this.#closed) return false
    if (this.#own === undefined) {
      const moved = this.#source.next()
      return typeof moved === 'boolean' ? moved : this.#fetched(moved)
    }
    return this.#moveMerged(this.#own)
  }

  /** Whether a row was fetched for a cursor that is still open; what a source makes of being closed meanwhile is no error. */
  #fetched(moved: Promise<boolean>): Promise<boolean> {
    return moved.then(
      (found) => found && !this.#closed,
      (error: unknown) => {
        if (this.#closed) return false
        throw error
      },
    )
  }

  #moveMerged(own: WriteBuffer): Now<boolean> {
    for (;;) {
      if (!this.#sourceWaits && !this.#sourceEnded) {
        const moved = this.#source.next()
        if (typeof moved !== 'boolean') {
          return this.#fetched(moved).then((found) => {
            this.#noteSource(found)
            return this.#closed ? false : this.#moveMerged(own)
          })
        }
        this.#noteSource(moved)
      }
      const taken = this.#takeNearest(own)
      if (taken !== undefined) return taken
    }
  }

  #noteSource(found: boolean): void {
    this.#sourceWaits = found
    this.#sourceEnded = !found
  }

  /** Takes the nearer of the source's row and the own key: true if it is shown, false at the end, undefined if it is hidden. */
  #takeNearest(own: WriteBuffer): boolean | undefined {
    const sourceKey = this.#sourceWaits ? this.#source.key : undefined
    const ownKey = this.#ownKey
    if (ownKey === undefined && sourceKey === undefined) return false
    const ownFirst =
      sourceKey === undefined || (ownKey !== undefined && (this.#reverse ? ownKey >= sourceKey : ownKey <= sourceKey))
    const key = ownFirst ? ownKey : sourceKey
    assert(key !== undefined, 'the nearest row has a key')
    if (key === sourceKey) this.#sourceWaits = false
    if (key === ownKey) {
      this.#ownKey = this.#clip(this.#reverse ? own.previousKey(key, this.#asOf) : own.nextKey(key, false, this.#asOf))
    }
    const write = own.lookup(key, this.#asOf)
    if (write !== undefined && write.kind !== ENTRY_PUT) return undefined
    this.#ownWriteKey = key
    this.#ownWrite = write
    return true
  }

  #clip(key: Key | undefined): Key | undefined {
    if (key === undefined || key < this.#range.start) return undefined
    return this.#range.end !== undefined && key >= this.#range.end ? undefined : key
  }

  close(): void {
    if (this.#closed) return
    if (this.#isShown) this.#closedAt = this.key
    this.#closed = true
    this.#source.close()
    this.#own?.unhold()
    this.#owner.closed()
  }
}

const NO_BYTES = new Uint8Array(0)
