/**
 * A transaction as the application holds it: conversion of what comes in, guards against misuse, cursors, callbacks.
 *
 * Everything that decides is in the transaction layer below; this class turns users' keys into the store's, refuses what
 * cannot be meant with an error that says what to do, and sees to it that no promise of an ended transaction becomes an
 * unhandled rejection: once a transaction has failed, every further operation and its commit report the same error, so a
 * rejection that nobody looks at hides nothing.
 *
 * A read that had to wait and was not awaited makes `commit` refuse with `MisuseError`: by hand the transaction stays open
 * and nothing is lost; `transact` rolls back. Pinned by test/unit/kv/transaction.test.ts.
 */
import { inputToKey, inputToValue } from '../base/bytes'
import { DeadlockError, MisuseError, SerializationError } from '../base/errors'
import type { KeyRange } from '../base/key-range'
import { isEmptyRange } from '../base/key-range'
import type { Limits } from '../base/limits'
import type { CommitReceipt, StoreCursor, StoreTransaction, TransactionState } from '../mvcc/contract'
import type { TransactionExplanation } from '../mvcc/explanation'
import type { Bytes, BytesInput, Row } from './bytes-type'
import { ASYNC_DISPOSE, DISPOSE } from './dispose'
import type { Events } from './events'
import { checkFunction } from './options'
import type { RangeBounds, ScanOptions } from './range-options'
import { planDeletion, planScan } from './range-options'
import { inputToKeys, readAll, rejection } from './now'
import { Savepoint } from './savepoint'
import type { ScanHost, ScanShape } from './scan'
import { KEYS, ROWS, Scan, VALUES, countRows } from './scan'
import { closedTransaction, nameTransaction } from './transaction-end'
import type { Turns } from './turns'

/** What the transactions of one database share. */
export interface TransactionSetting {
  readonly limits: Limits
  readonly turns: Turns
  readonly events: Events
}

/** How a transaction was begun, as far as the guards need it. */
export interface TransactionRole {
  /** Counts from 1 in `transact`; 1 for one begun by hand. */
  readonly attempt: number
  /** Begun by `transact`, which alone commits it. */
  readonly managed: boolean
  readonly deferrable: boolean
}

/** Commits a transaction that `transact` runs. A `SerializationError` or `DeadlockError` of it is the transaction's own. */
export let commitManaged: (transaction: Transaction) => Promise<CommitReceipt>

/** Whether `error` is one that an operation of this very transaction lost by, and beginning again can help. */
export let isOwnLoss: (transaction: Transaction, error: unknown) => boolean

/** Begun by `db.begin` or handed to the callback of `db.transact`. */
export class Transaction {
  readonly #store: StoreTransaction
  readonly #setting: TransactionSetting
  readonly #role: TransactionRole
  readonly #keyBytesMax: number
  /** Operations whose promises the store has not settled yet. */
  #pending = 0
  #lastPendingCall = ''
  #losses: Set<unknown> | undefined
  #callbacks: (() => unknown)[] | undefined
  #host: ScanHost | undefined

  static {
    commitManaged = (transaction) => transaction.#commit()
    isOwnLoss = (transaction, error) => transaction.#losses?.has(error) === true
  }

  /** @internal */
  constructor(store: StoreTransaction, setting: TransactionSetting, role: TransactionRole) {
    this.#store = store
    this.#setting = setting
    this.#role = role
    this.#keyBytesMax = setting.limits.keyBytesMax
  }

  /** Unique in this process, counts from 1; reports name it. */
  get id(): number {
    return this.#store.id
  }

  get label(): string | undefined {
    return this.#store.label
  }

  get readOnly(): boolean {
    return this.#store.readOnly
  }

  /** Which attempt of `transact` this is, from 1. */
  get attempt(): number {
    return this.#role.attempt
  }

  /** The sequence it reads at. `getForUpdate` may move it forward; a deferrable one settles it in its first read. */
  get snapshot(): number {
    return this.#store.snapshot
  }

  /** Where it stands: open, on its way to commit, or how it ended. */
  get state(): TransactionState {
    return this.#store.state
  }

  /** The value of `key`, or undefined; own writes first. Rejects with `SerializationError` when it must not be shown. */
  get(key: BytesInput): Promise<Bytes | undefined> {
    try {
      this.#checkOpen('get')
      const value = this.#store.get(inputToKey(key, this.#keyBytesMax))
      return value instanceof Promise ? this.#track('get', value) : this.#setting.turns.settle(value)
    } catch (error) {
      return this.#reject(error)
    }
  }

  /** As `get`, at once; may block for a disk read. Throws `MisuseError` in a deferrable transaction, which has to wait. */
  getSync(key: BytesInput): Bytes | undefined {
    try {
      this.#checkOpen('getSync')
      if (this.#role.deferrable) {
        throw new MisuseError(
          'Cannot getSync in a deferrable transaction: its first read waits for a safe snapshot; use get',
        )
      }
      return this.#store.getSync(inputToKey(key, this.#keyBytesMax))
    } catch (error) {
      throw this.#noted(error)
    }
  }

  /** The values of `keys`, in their order, as one promise. */
  getMany(keys: readonly BytesInput[]): Promise<(Bytes | undefined)[]> {
    try {
      this.#checkOpen('getMany')
      const values = readAll(inputToKeys(keys, this.#keyBytesMax), (key) => this.#store.get(key))
      if (values instanceof Promise) return this.#track('getMany', values)
      const turn = this.#setting.turns.spend(values.length)
      return turn === undefined ? Promise.resolve(values) : turn.then(() => values)
    } catch (error) {
      return this.#reject(error)
    }
  }

  /** Whether `key` has a value; counts as a read of it. */
  has(key: BytesInput): Promise<boolean> {
    try {
      this.#checkOpen('has')
      const value = this.#store.get(inputToKey(key, this.#keyBytesMax))
      if (value instanceof Promise) return this.#track('has', value.then((bytes) => bytes !== undefined)) // prettier-ignore
      return this.#setting.turns.settle(value !== undefined)
    } catch (error) {
      return this.#reject(error)
    }
  }

  /**
   * Reads `key` and keeps its place in the key's queue until this transaction is decided or ends, first come first served:
   * those that change a hot key wait for each other instead of aborting. Rejects with `DeadlockError`, `ReadOnlyError`.
   */
  getForUpdate(key: BytesInput): Promise<Bytes | undefined> {
    try {
      this.#checkOpen('getForUpdate')
      const value = this.#store.getForUpdate(inputToKey(key, this.#keyBytesMax))
      return value instanceof Promise ? this.#track('getForUpdate', value) : this.#setting.turns.settle(value)
    } catch (error) {
      return this.#reject(error)
    }
  }

  /** Rows in order, read lazily, with the transaction's own writes as they are when the scan starts (its first row). */
  scan(options?: ScanOptions): Scan<Row> {
    return this.#scan(options, ROWS)
  }

  /** As `scan`, keys alone. */
  keys(options?: ScanOptions): Scan<Bytes> {
    return this.#scan(options, KEYS)
  }

  /** As `scan`, values alone. */
  values(options?: ScanOptions): Scan<Bytes> {
    return this.#scan(options, VALUES)
  }

  /** How many rows there are, up to `limit`; counts as a read of what was counted. */
  count(options?: Omit<ScanOptions, 'reverse'>): Promise<number> {
    try {
      this.#checkOpen('count')
      const plan = planScan(options, this.#keyBytesMax, 'count')
      const counted: Promise<number> = countRows(this.#scanHost(), plan).catch((error: unknown) => {
        throw this.#lastNews(error, counted)
      })
      return counted
    } catch (error) {
      return this.#reject(error)
    }
  }

  /** Buffered until commit. Throws `LimitExceededError`, `ReadOnlyError`, `SerializationError` (a certain lost update). */
  put(key: BytesInput, value: BytesInput): void {
    try {
      this.#checkOpen('put')
      const { limits } = this.#setting
      this.#store.put(inputToKey(key, this.#keyBytesMax), inputToValue(value, limits.valueBytesMax))
    } catch (error) {
      throw this.#noted(error)
    }
  }

  /** Buffered until commit; deleting an absent key is a write too. Throws as `put` does. */
  delete(key: BytesInput): void {
    try {
      this.#checkOpen('delete')
      this.#store.delete(inputToKey(key, this.#keyBytesMax))
    } catch (error) {
      throw this.#noted(error)
    }
  }

  /** Deletes every key in the bounds; `{}` is all of them. Buffered until commit. Throws as `put` does. */
  deleteRange(bounds: RangeBounds): void {
    try {
      this.#checkOpen('deleteRange')
      const range = planDeletion(bounds, this.#keyBytesMax)
      if (!isEmptyRange(range)) this.#store.deleteRange(range)
    } catch (error) {
      throw this.#noted(error)
    }
  }

  /** Marks a place that writes can be undone to. Savepoints nest. */
  savepoint(): Savepoint {
    try {
      this.#checkOpen('savepoint')
      const guard = {
        checkOpen: (call: string) => this.#checkOpen(call),
        noted: (error: unknown) => this.#noted(error),
      }
      return new Savepoint(this.#store.savepoint(), guard)
    } catch (error) {
      throw this.#noted(error)
    }
  }

  /** Runs `fn` once, after the commit is acknowledged; never after anything else. What it throws becomes an event. */
  onCommit(fn: () => unknown): void {
    this.#checkOpen('onCommit')
    checkFunction(fn, 'fn', 'onCommit')
    this.#callbacks ??= []
    this.#callbacks.push(fn)
  }

  /**
   * Validates, makes durable, acknowledges. Rejects with `SerializationError` where no strict serial order allows it (begin
   * again), `CommitOutcomeUnknownError`, `PoisonedError`, `DiskFullError`, `StalledError`; with `MisuseError`, the
   * transaction still open, while an operation is under way or inside `transact`, which commits by itself.
   */
  commit(): Promise<CommitReceipt> {
    if (this.#role.managed) {
      return Promise.reject(
        new MisuseError(
          'Cannot commit inside transact: it commits when the callback returns; call tx.rollback() to give up',
        ),
      )
    }
    return this.#commit()
  }

  /**
   * Ends the transaction without effect. Idempotent; does nothing once commit was called. Inside `transact` the callback's
   * result is then returned with nothing written.
   */
  rollback(): void {
    this.#store.rollback()
  }

  /**
   * What is known of it at this moment: what it has read and written, whom it missed and who missed it, what it waits for, and what a
   * commit would come to. Changes nothing, counts as no read, works in every state; lists are cut at `explanationEntriesMax`.
   */
  explain(): TransactionExplanation {
    return this.#store.explain()
  }

  [DISPOSE](): void {
    this.rollback()
  }

  [ASYNC_DISPOSE](): Promise<void> {
    this.rollback()
    return Promise.resolve()
  }

  #commit(): Promise<CommitReceipt> {
    try {
      this.#checkOpen('commit')
      if (this.#pending > 0 && this.#store.state === 'open') throw this.#notAwaited()
      const committing = this.#store.commit()
      // Most commits leave nothing to be done when they are acknowledged, in a later turn: they cost no further promise.
      if (this.#callbacks === undefined && this.#store.state !== 'committed') return committing
      return committing.then((receipt) => this.#acknowledged(receipt))
    } catch (error) {
      return rejection(this.#noted(error))
    }
  }

  /** A commit without writes may have been answered at once, so it counts as an operation of this turn. */
  #acknowledged(receipt: CommitReceipt): CommitReceipt | Promise<CommitReceipt> {
    if (this.#callbacks !== undefined) for (const fn of this.#callbacks) this.#setting.events.runCallback(fn)
    this.#callbacks = undefined
    const wroteNothing = receipt.sequence === this.#store.snapshot
    const turn = wroteNothing ? this.#setting.turns.spend(1) : undefined
    return turn === undefined ? receipt : turn.then(() => receipt)
  }

  #scan<Item>(options: ScanOptions | undefined, shape: ScanShape<Item>): Scan<Item> {
    try {
      this.#checkOpen(shape.call)
      return new Scan(this.#scanHost(), planScan(options, this.#keyBytesMax, shape.call), shape)
    } catch (error) {
      throw this.#noted(error)
    }
  }

  #scanHost(): ScanHost {
    this.#host ??= {
      turns: this.#setting.turns,
      pageRowsMax: this.#setting.limits.pageRowsMax,
      checkOpen: (call) => this.#checkOpen(call),
      openCursor: (range: KeyRange, reverse: boolean): StoreCursor => this.#store.openCursor(range, { reverse }),
      track: (promise) => this.#track('next', promise),
      reject: (error) => this.#reject(error),
    }
    return this.#host
  }

  /** An aborted transaction passes: the store answers with the error that ended it. */
  #checkOpen(call: string): void {
    const state = this.#store.state
    if (state !== 'open' && state !== 'aborted') throw closedTransaction(this.#store, call)
  }

  #track<T>(call: string, promise: Promise<T>): Promise<T> {
    this.#pending++
    this.#lastPendingCall = call
    const tracked: Promise<T> = promise.then(
      (value) => {
        this.#pending--
        return value
      },
      (error: unknown) => {
        this.#pending--
        throw this.#lastNews(error, tracked)
      },
    )
    return tracked
  }

  /**
   * Once the transaction has ended, a rejection that nobody looks at is no news, since every later operation and the commit
   * say the same: it must not become an unhandled one. While it is open, the rejection is left as it is.
   */
  #lastNews(error: unknown, promise: Promise<unknown>): unknown {
    if (this.#store.state !== 'open') promise.catch(() => undefined)
    return this.#noted(error)
  }

  #reject(error: unknown): Promise<never> {
    const rejected = rejection(this.#noted(error))
    if (this.#store.state !== 'open') rejected.catch(() => undefined)
    return rejected
  }

  /** Remembers the losses of this transaction, by which `transact` tells them from other errors. */
  #noted(error: unknown): unknown {
    if (error instanceof SerializationError || error instanceof DeadlockError) {
      this.#losses ??= new Set()
      this.#losses.add(error)
    }
    return error
  }

  #notAwaited(): MisuseError {
    return new MisuseError(
      `Cannot commit ${nameTransaction(this.#store)}: ${this.#pending} of its operations (the last is ${this.#lastPendingCall}) still ` +
        `wait for an answer; await them first`,
    )
  }
}
