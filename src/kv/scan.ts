/**
 * Scans as the application sees them: async iterables of rows, keys or values, one at a time or in pages.
 *
 * An async generator costs several promises a row; here `next` is written by hand and makes one, resolved already where
 * the row is in memory. A scan starts at its first `next` (bounds are checked when it is made) and can be iterated
 * once. Its cursor is closed at the end, at the limit, by `return` (an early `break`), by an error, or by `close`.
 *
 * What it does not do: read ahead. Only what was handed over counts as read (a page counts as a whole).
 * Pinned by test/unit/kv/scan.test.ts.
 */
import { MisuseError, TransactionClosedError } from '../base/errors'
import type { KeyRange } from '../base/key-range'
import { isEmptyRange } from '../base/key-range'
import type { Now, StoreCursor } from '../mvcc/contract'
import type { Bytes, Row } from './bytes-type'
import { ASYNC_DISPOSE, DISPOSE } from './dispose'
import { checkInteger } from './options'
import type { ScanPlan } from './range-options'
import type { Turns } from './turns'

/** What a scan reads from: a transaction, a snapshot or the database itself. */
export interface ScanHost {
  readonly turns: Turns
  readonly pageRowsMax: number
  /** Throws the typed error of a host that has ended; `call` is the operation, as in "scan". */
  checkOpen(call: string): void
  openCursor(range: KeyRange, reverse: boolean): StoreCursor
  /** Told of a promise the host must wait for or guard; returns what to give to the application. */
  track<T>(promise: Promise<T>): Promise<T>
  /** Told of every error that comes out; returns the rejection to give to the application. */
  reject(error: unknown): Promise<never>
}

/** How an item is made of the row under the cursor. */
export interface ScanShape<Item> {
  readonly call: 'scan' | 'keys' | 'values'
  take(cursor: StoreCursor): Item
  /** Appends up to `rows` items to `page`; returns how many, fewer only at the end. */
  takePage(cursor: StoreCursor, rows: number, page: Item[]): Now<number>
}

/** Rows as [key, value]. */
export const ROWS: ScanShape<Row> = {
  call: 'scan',
  take: (cursor) => [cursor.keyBuffer(), cursor.value()],
  takePage: (cursor, rows, page) => cursor.nextPage(rows, (row) => page.push([row.keyBuffer(), row.value()])),
}

/** Keys alone; values are not even read. */
export const KEYS: ScanShape<Bytes> = {
  call: 'keys',
  take: (cursor) => cursor.keyBuffer(),
  takePage: (cursor, rows, page) => cursor.nextPage(rows, (row) => page.push(row.keyBuffer())),
}

/** Values alone. */
export const VALUES: ScanShape<Bytes> = {
  call: 'values',
  take: (cursor) => cursor.value(),
  takePage: (cursor, rows, page) => cursor.nextPage(rows, (row) => page.push(row.value())),
}

/** An ordered scan; iterate it once, as items or as `pages`. */
export class Scan<Item> implements AsyncIterable<Item> {
  readonly #host: ScanHost
  readonly #plan: ScanPlan
  readonly #shape: ScanShape<Item>
  #iterator: ScanIterator<unknown> | undefined

  /** @internal */
  constructor(host: ScanHost, plan: ScanPlan, shape: ScanShape<Item>) {
    this.#host = host
    this.#plan = plan
    this.#shape = shape
  }

  /** Item by item. Throws `MisuseError` the second time. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Item, undefined> {
    return this.#claim(new ScanIterator(this.#host, this.#plan, this.#shape.call, itemStep(this.#shape)))
  }

  /**
   * Arrays of up to `rows` items (256 unless given): the fast form. A page counts as read as a whole when it is handed over.
   * Throws `MisuseError` if the scan is being iterated already, `InvalidArgumentError` for a bad number.
   */
  pages(rows = 256): AsyncIterableIterator<Item[], undefined> {
    checkInteger(rows, 1, this.#host.pageRowsMax, 'rows')
    return this.#claim(new ScanIterator(this.#host, this.#plan, this.#shape.call, pageStep(this.#shape, rows)))
  }

  /** Lets go of what the scan holds. Idempotent. */
  close(): void {
    if (this.#iterator === undefined)
      this.#claim(new ScanIterator(this.#host, this.#plan, this.#shape.call, itemStep(this.#shape)))
    this.#iterator?.close()
  }

  [DISPOSE](): void {
    this.close()
  }

  [ASYNC_DISPOSE](): Promise<void> {
    this.close()
    return Promise.resolve()
  }

  #claim<T>(iterator: ScanIterator<T>): ScanIterator<T> {
    if (this.#iterator !== undefined) {
      throw new MisuseError(`Cannot iterate a scan twice: call ${this.#shape.call}() again for a second pass`)
    }
    this.#iterator = iterator
    return iterator
  }
}

/** Counts the rows of a plan without reading values, in as many turns as it takes. */
export async function countRows(host: ScanHost, plan: ScanPlan): Promise<number> {
  const step: Step<{ readonly rows: number }> = {
    rowsMax: COUNT_STEP_ROWS,
    size: (moved) => moved.rows,
    take(cursor, rows) {
      const moved = cursor.nextPage(rows, () => undefined)
      return moved instanceof Promise ? moved.then((count) => ({ rows: count })) : { rows: moved }
    },
  }
  let count = 0
  for await (const moved of new ScanIterator(host, plan, 'count', step)) count += moved.rows
  return count
}

const COUNT_STEP_ROWS = 1_024

/** How an iterator gets its next item. */
interface Step<T> {
  /** Rows that one item takes at most. */
  readonly rowsMax: number
  /** The item of up to `rows` rows; undefined only where even no rows make an item. */
  take(cursor: StoreCursor, rows: number): Now<T | undefined>
  /** Rows in an item. */
  size(item: T): number
}

function itemStep<Item>(shape: ScanShape<Item>): Step<Item> {
  return {
    rowsMax: 1,
    size: () => 1,
    take(cursor) {
      const moved = cursor.next()
      if (moved instanceof Promise) return moved.then((there) => (there ? shape.take(cursor) : undefined))
      return moved ? shape.take(cursor) : undefined
    },
  }
}

function pageStep<Item>(shape: ScanShape<Item>, rowsMax: number): Step<Item[]> {
  return {
    rowsMax,
    size: (page) => page.length,
    take(cursor, rows) {
      const page: Item[] = []
      const moved = shape.takePage(cursor, rows, page)
      return moved instanceof Promise ? moved.then(() => page) : page
    },
  }
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined }

/** One pass over a scan. */
class ScanIterator<T> implements AsyncIterableIterator<T, undefined> {
  readonly #host: ScanHost
  readonly #plan: ScanPlan
  readonly #call: string
  readonly #step: Step<T>
  #cursor: StoreCursor | undefined
  /** Rows still allowed by the limit. */
  #left: number
  #state: 'new' | 'running' | 'ended' | 'closed' = 'new'
  /** The last `next` if it is still under way: a cursor takes one at a time. */
  #pending: Promise<unknown> | undefined

  constructor(host: ScanHost, plan: ScanPlan, call: string, step: Step<T>) {
    this.#host = host
    this.#plan = plan
    this.#call = call
    this.#step = step
    this.#left = plan.limit
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const pending = this.#pending
    if (pending !== undefined)
      return pending.then(
        () => this.next(),
        () => this.next(),
      )
    try {
      if (this.#state === 'ended') return Promise.resolve(DONE)
      if (this.#state === 'closed') throw scanClosed(this.#call)
      this.#host.checkOpen(this.#call)
      const cursor = this.#cursor ?? this.#start()
      if (cursor === undefined) return this.#host.turns.settle(DONE)
      const item = this.#step.take(cursor, Math.min(this.#step.rowsMax, this.#left))
      return item instanceof Promise ? this.#later(item) : this.#deliver(item)
    } catch (error) {
      this.#finish('ended')
      return this.#host.reject(error)
    }
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    const pending = this.#pending
    if (pending !== undefined)
      return pending.then(
        () => this.return(),
        () => this.return(),
      )
    this.#finish('ended')
    return Promise.resolve(DONE)
  }

  /** From outside: the next `next` fails, so that a loop does not take it for the end of the rows. */
  close(): void {
    if (this.#state === 'ended') return
    const pending = this.#pending
    if (pending === undefined) this.#finish('closed')
    else {
      this.#state = 'closed'
      const finish = (): void => this.#finish('closed')
      pending.then(finish, finish)
    }
  }

  [DISPOSE](): void {
    this.close()
  }

  [ASYNC_DISPOSE](): Promise<void> {
    this.close()
    return Promise.resolve()
  }

  /** Opens the cursor, unless there is nothing to see. */
  #start(): StoreCursor | undefined {
    if (this.#left === 0 || isEmptyRange(this.#plan.range)) {
      this.#finish('ended')
      return undefined
    }
    this.#state = 'running'
    this.#cursor = this.#host.openCursor(this.#plan.range, this.#plan.reverse)
    return this.#cursor
  }

  /** Hands over an item that is there, and closes when it is known to be the last. */
  #deliver(item: T | undefined): Promise<IteratorResult<T, undefined>> {
    const turns = this.#host.turns
    const rows = item === undefined ? 0 : this.#step.size(item)
    const rowsAsked = Math.min(this.#step.rowsMax, this.#left)
    this.#left -= rows
    if (rows < rowsAsked || this.#left === 0) this.#finish('ended')
    if (item === undefined || rows === 0) return turns.settle(DONE)
    const result: IteratorYieldResult<T> = { done: false, value: item }
    if (this.#step.rowsMax === 1) return turns.settle(result)
    const turn = turns.spendRows(rows)
    return turn === undefined ? Promise.resolve(result) : turn.then(() => result)
  }

  #later(item: Promise<T | undefined>): Promise<IteratorResult<T, undefined>> {
    const settled = this.#host.track(
      item.then(
        (there) => {
          this.#pending = undefined
          if (this.#state === 'closed') throw scanClosed(this.#call)
          return this.#deliver(there)
        },
        (error: unknown) => {
          this.#pending = undefined
          this.#finish('ended')
          throw error
        },
      ),
    )
    this.#pending = settled
    return settled
  }

  #finish(state: 'ended' | 'closed'): void {
    this.#state = state
    this.#cursor?.close()
    this.#cursor = undefined
  }
}

function scanClosed(call: string): TransactionClosedError {
  return new TransactionClosedError(`Cannot go on with ${call}: the scan was closed; call ${call}() again`)
}
