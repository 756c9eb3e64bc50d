/**
 * A read-only view at one sequence, whose reads never fail by conflict and are tracked by nobody.
 *
 * It holds back the dropping of old versions until it is closed, so an old one raises an event (age-watch.ts).
 * Pinned by test/unit/kv/snapshot.test.ts.
 */
import { inputToKey } from '../base/bytes'
import { DatabaseClosedError, TransactionClosedError } from '../base/errors'
import type { KeyRange } from '../base/key-range'
import type { Limits } from '../base/limits'
import type { StoreCursor, StoreSnapshot } from '../mvcc/contract'
import type { Bytes, BytesInput, Row } from './bytes-type'
import { ASYNC_DISPOSE, DISPOSE } from './dispose'
import { inputToKeys, readAll, rejection } from './now'
import type { RangeBounds, ScanOptions } from './range-options'
import { planScan } from './range-options'
import type { ScanHost } from './scan'
import { KEYS, ROWS, Scan, VALUES, countRows } from './scan'
import type { Turns } from './turns'

/** What the snapshots of one database share. */
export interface SnapshotSetting {
  readonly limits: Limits
  readonly turns: Turns
  /** Waits for a read at close, and gives it back. */
  track<T>(promise: Promise<T>): Promise<T>
}

/** Made by `db.snapshot()`; close it. */
export class Snapshot {
  readonly #store: StoreSnapshot
  readonly #setting: SnapshotSetting
  readonly #host: ScanHost
  readonly #forget: (snapshot: Snapshot) => void
  #ended: 'closed' | 'database closed' | undefined

  /** @internal */
  constructor(store: StoreSnapshot, setting: SnapshotSetting, forget: (snapshot: Snapshot) => void) {
    this.#store = store
    this.#setting = setting
    this.#forget = forget
    this.#host = {
      turns: setting.turns,
      pageRowsMax: setting.limits.pageRowsMax,
      checkOpen: (call) => this.#checkOpen(call),
      openCursor: (range: KeyRange, reverse: boolean): StoreCursor => store.openCursor(range, { reverse }),
      track: (promise) => setting.track(promise),
      reject: (error) => rejection(error),
    }
  }

  /** The sequence it shows. */
  get sequence(): number {
    return this.#store.sequence
  }

  get label(): string | undefined {
    return this.#store.label
  }

  /** The value of `key`, or undefined. */
  get(key: BytesInput): Promise<Bytes | undefined> {
    try {
      this.#checkOpen('get')
      const value = this.#store.get(inputToKey(key, this.#setting.limits.keyBytesMax))
      return value instanceof Promise ? this.#setting.track(value) : this.#setting.turns.settle(value)
    } catch (error) {
      return rejection(error)
    }
  }

  /** As `get`, at once; may block for a disk read. */
  getSync(key: BytesInput): Bytes | undefined {
    this.#checkOpen('getSync')
    return this.#store.getSync(inputToKey(key, this.#setting.limits.keyBytesMax))
  }

  /** The values of `keys`, in their order. */
  getMany(keys: readonly BytesInput[]): Promise<(Bytes | undefined)[]> {
    try {
      this.#checkOpen('getMany')
      const wanted = inputToKeys(keys, this.#setting.limits.keyBytesMax)
      const values = readAll(wanted, (key) => this.#store.get(key))
      return values instanceof Promise ? this.#setting.track(values) : this.#setting.turns.settle(values)
    } catch (error) {
      return rejection(error)
    }
  }

  /** Whether `key` has a value. */
  has(key: BytesInput): Promise<boolean> {
    return this.get(key).then((value) => value !== undefined)
  }

  /** Rows in order, read lazily. */
  scan(options?: ScanOptions): Scan<Row> {
    this.#checkOpen('scan')
    return new Scan(this.#host, planScan(options, this.#setting.limits.keyBytesMax, 'scan'), ROWS)
  }

  /** As `scan`, keys alone. */
  keys(options?: ScanOptions): Scan<Bytes> {
    this.#checkOpen('keys')
    return new Scan(this.#host, planScan(options, this.#setting.limits.keyBytesMax, 'keys'), KEYS)
  }

  /** As `scan`, values alone. */
  values(options?: ScanOptions): Scan<Bytes> {
    this.#checkOpen('values')
    return new Scan(this.#host, planScan(options, this.#setting.limits.keyBytesMax, 'values'), VALUES)
  }

  /** How many rows there are, up to `limit`. */
  count(options?: RangeBounds & { readonly limit?: number | undefined }): Promise<number> {
    try {
      this.#checkOpen('count')
      return countRows(this.#host, planScan(options, this.#setting.limits.keyBytesMax, 'count'))
    } catch (error) {
      return rejection(error)
    }
  }

  /** Lets go of the view. Idempotent, never throws. */
  close(): void {
    this.#end('closed')
  }

  [DISPOSE](): void {
    this.#end('closed')
  }

  [ASYNC_DISPOSE](): Promise<void> {
    this.#end('closed')
    return Promise.resolve()
  }

  /** @internal Closes it because the database closes. */
  endWithDatabase(): void {
    this.#end('database closed')
  }

  #end(how: 'closed' | 'database closed'): void {
    if (this.#ended !== undefined) return
    this.#ended = how
    this.#forget(this)
    this.#store.close()
  }

  #checkOpen(call: string): void {
    if (this.#ended === undefined) return
    if (this.#ended === 'closed') {
      throw new TransactionClosedError(`Cannot ${call} in a snapshot: it has been closed; take another one`)
    }
    throw new DatabaseClosedError(`Cannot ${call} in a snapshot: the database has been closed`)
  }
}
