/**
 * An open database: what applications call.
 *
 * It checks what comes in, gives each call to the transaction layer, and answers. Calls that return a promise report
 * every error as a rejection; `begin`, `getSync`, `scan`, `keys` and `values` throw. Reads outside a transaction are
 * transactions of one operation: they see acknowledged commits only and never fail with `SerializationError`.
 *
 * What it does not do: decide conflicts (mvcc) or touch files (storage; operated through `Operations`).
 * Pinned by test/unit/kv/database.test.ts.
 */
import { inputToKey, inputToLookupKey, inputToValue } from '../base/bytes'
import { DatabaseClosedError, ReadOnlyError } from '../base/errors'
import { isEmptyRange } from '../base/key-range'
import type { VerifyOptions, VerifyReport } from '../base/verification'
import type { Key } from '../base/bytes'
import type { HistoryOptions, KeyHistory } from '../base/key-history'
import type { Limits } from '../base/limits'
import type { Store, StoreSnapshot, StoreTransaction } from '../mvcc/contract'
import type { Runtime } from '../runtime/runtime'
import { AgeWatch } from './age-watch'
import type { Bytes, BytesInput, Row } from './bytes-type'
import type { Receipt, SnapshotOptions, TransactOptions, TransactionOptions, WriteOptions } from './call-options'
import { checkSnapshotOptions, checkTransactOptions, checkTransactionOptions, checkWriteOptions, toBeginOptions } from './call-options' // prettier-ignore
import { CallbackGuard } from './callback-guard'
import type { Guards } from './callback-guard'
import { checkCheckpointArguments, writeCheckpoint } from './checkpoint'
import type { CheckpointOptions, CheckpointReceipt } from './checkpoint'
import type { DatabaseStats } from './database-stats'
import { databaseStats } from './database-stats'
import { ASYNC_DISPOSE } from './dispose'
import type { Events } from './events'
import { checkHistoryOptions } from './history'
import { InFlight } from './in-flight'
import { Interruption } from './interruption'
import type { Operations } from './operations'
import { loadPairs } from './load'
import type { LoadOptions, LoadPairs, LoadReceipt } from './load'
import { inputToKeys, rejection } from './now'
import { checkFunction } from './options'
import type { RangeBounds, ScanOptions } from './range-options'
import { planCompaction, planScan } from './range-options'
import type { ScanHost, ScanShape } from './scan'
import { KEYS, ROWS, Scan, VALUES, countRows } from './scan'
import { writeOnce } from './single-write'
import { Snapshot } from './snapshot'
import { planTransact, runTransact } from './transact'
import type { TransactDoor } from './transact'
import { Transaction } from './transaction'
import type { TransactionRole, TransactionSetting } from './transaction'
import { closedUnder } from './transaction-end'
import { Turns } from './turns'
import { checkVerifyOptions } from './verify'
import { Waits } from './waits'

/** What the composition root puts together. */
export interface DatabaseParts {
  readonly path: string
  readonly runtime: Runtime
  readonly store: Store
  readonly operations: Operations
  readonly limits: Limits
  readonly events: Events
  readonly guards: Guards
  readonly readOnly: boolean
  /** Whether to keep where transactions and snapshots were begun by hand. */
  readonly keepOrigins: boolean
}

/** Made by `open`; close it. */
export class Database {
  /** The directory, as it was given. */
  readonly path: string
  readonly #parts: DatabaseParts
  readonly #store: Store
  readonly #keyBytesMax: number
  readonly #guard: CallbackGuard
  readonly #turns: Turns
  readonly #watch: AgeWatch
  readonly #setting: TransactionSetting
  readonly #door: TransactDoor
  readonly #scanHost: ScanHost
  readonly #inFlight = new InFlight()
  readonly #snapshots = new Set<Snapshot>()
  readonly #waits = new Waits()
  #closing: Promise<void> | undefined

  /** @internal */
  constructor(parts: DatabaseParts) {
    const { runtime, store, limits, events } = parts
    this.path = parts.path
    this.#parts = parts
    this.#store = store
    this.#keyBytesMax = limits.keyBytesMax
    this.#guard = new CallbackGuard(parts.guards)
    this.#turns = new Turns(runtime, limits.operationsPerTurnMax)
    this.#setting = { limits, turns: this.#turns, events }
    this.#watch = new AgeWatch(runtime, events, () => store.open(), {
      ageMsWarn: limits.snapshotAgeMsWarn,
      keepOrigins: parts.keepOrigins,
    })
    this.#door = {
      runtime,
      store,
      setting: this.#setting,
      guard: this.#guard,
      opened: (transaction) => this.#opened(transaction),
      checkOpen: () => this.#checkOpen('go on with transact'),
    }
    this.#scanHost = {
      turns: this.#turns,
      pageRowsMax: limits.pageRowsMax,
      checkOpen: (call) => this.#checkOpen(call),
      openCursor: (range, reverse) => store.openCursor(range, { reverse }),
      track: (promise) => this.#inFlight.track(promise),
      reject: (error) => rejection(error),
    }
  }

  /**
   * Runs `fn` in a transaction, commits, and begins again where it lost: at once, then after random pauses, then under the commit
   * gate, where nothing can win against it. Resolves to what `fn` returned, its commit being acknowledged. What `fn` throws
   * rolls back and is rethrown. `fn` may run several times: keep effects outside the database for `tx.onCommit`.
   * Rejects with `RetriesExhaustedError`, `TimeoutError`, `AbortedError`, `MisuseError` and what a commit can reject with.
   */
  transact<T>(fn: (tx: Transaction) => T | PromiseLike<T>, options?: TransactOptions): Promise<T> {
    try {
      this.#check('transact')
      checkFunction(fn, 'fn', 'transact')
      if (options !== undefined) checkTransactOptions(options, this.#parts.limits)
      return runTransact(this.#door, { fn, ...planTransact(options ?? NO_OPTIONS, this.#parts) })
    } catch (error) {
      return rejection(error)
    }
  }

  /**
   * Begins a transaction, to be ended by `commit` or `rollback`. Synchronous; any number may be open at a time.
   * Throws `LimitExceededError` beyond `transactionsActiveMax`.
   */
  begin(options?: TransactionOptions): Transaction {
    this.#checkOpen('begin')
    const { limits, readOnly } = this.#parts
    if (options !== undefined) checkTransactionOptions(options, limits)
    const begun = this.#store.begin(toBeginOptions(options, readOnly))
    this.#watch.openedByHand(begun, this.#watch.originOfCall())
    return new Transaction(begun, this.#setting, options?.deferrable === true ? DEFERRABLE_BY_HAND : BY_HAND)
  }

  /** The value of `key`, or undefined: a transaction of its own. */
  get(key: BytesInput): Promise<Bytes | undefined> {
    try {
      this.#check('get')
      const value = this.#store.get(inputToLookupKey(key, this.#keyBytesMax))
      return value instanceof Promise ? this.#inFlight.track(value) : this.#turns.settle(value)
    } catch (error) {
      return rejection(error)
    }
  }

  /** As `get`, at once; may block for a disk read or, rarely, for a sync of the log. */
  getSync(key: BytesInput): Bytes | undefined {
    this.#check('getSync')
    return this.#store.getSync(inputToLookupKey(key, this.#keyBytesMax))
  }

  /** The values of `keys`, in their order, all of one moment. */
  getMany(keys: readonly BytesInput[]): Promise<(Bytes | undefined)[]> {
    try {
      this.#check('getMany')
      const values = this.#store.getMany(inputToKeys(keys, this.#keyBytesMax))
      if (values instanceof Promise) return this.#inFlight.track(values)
      const turn = this.#turns.spend(values.length)
      return turn === undefined ? Promise.resolve(values) : turn.then(() => values)
    } catch (error) {
      return rejection(error)
    }
  }

  /** Writes one key: a transaction of its own, which no conflict can abort. Resolves when it is acknowledged. */
  put(key: BytesInput, value: BytesInput, options?: WriteOptions): Promise<Receipt> {
    try {
      this.#check('put')
      const storeKey = inputToKey(key, this.#keyBytesMax)
      const bytes = inputToValue(value, this.#parts.limits.valueBytesMax)
      return this.#writeOnce((store) => store.put(storeKey, bytes), options, 'put')
    } catch (error) {
      return rejection(error)
    }
  }

  /** Deletes one key, present or not, as `put` writes one. */
  delete(key: BytesInput, options?: WriteOptions): Promise<Receipt> {
    try {
      this.#check('delete')
      const storeKey: Key = inputToKey(key, this.#keyBytesMax)
      return this.#writeOnce((store) => store.delete(storeKey), options, 'delete')
    } catch (error) {
      return rejection(error)
    }
  }

  /** Rows in order, all of one moment, read lazily; the bounds as a whole count as read. */
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

  /** How many rows there are, up to `limit`, all of one moment. */
  count(options?: RangeBounds & { readonly limit?: number | undefined }): Promise<number> {
    try {
      this.#check('count')
      return countRows(this.#scanHost, planScan(options, this.#keyBytesMax, 'count'))
    } catch (error) {
      return rejection(error)
    }
  }

  /**
   * A read-only view at one sequence; close it. Waits for a safe one unless `wait` is false. Rejects with `TimeoutError`.
   */
  async snapshot(options?: SnapshotOptions): Promise<Snapshot> {
    this.#checkOpen('snapshot')
    const origin = this.#watch.originOfCall()
    const given: SnapshotOptions = options ?? NO_OPTIONS
    if (options !== undefined) checkSnapshotOptions(options, this.#parts.limits)
    const store = given.wait === false ? this.#store.snapshot(given.label) : await this.#safeSnapshot(given)
    const { limits } = this.#parts
    const track = <T>(promise: Promise<T>): Promise<T> => this.#inFlight.track(promise)
    const snapshot = new Snapshot(store, { limits, turns: this.#turns, track }, (ended) => this.#snapshots.delete(ended)) // prettier-ignore
    if (this.#closing !== undefined) {
      snapshot.close()
      this.#checkOpen('snapshot')
    }
    this.#snapshots.add(snapshot)
    this.#watch.openedByHand(store, origin)
    return snapshot
  }

  /**
   * Loads ascending pairs into a range without any keys, past log and memory, as one commit: all of them or none. Rejects with
   * `InvalidArgumentError` where keys do not ascend or the range is not empty, `LimitExceededError`, and as a commit does.
   */
  async load(pairs: LoadPairs, options?: LoadOptions): Promise<LoadReceipt> {
    this.#check('load')
    this.#checkWritable('load')
    return loadPairs(this.#parts, this.#scanHost, { pairs, options })
  }

  /** Resolves when every acknowledged commit is on disk: a barrier for `durability: 'os'`. */
  async sync(): Promise<void> {
    this.#checkOpen('sync')
    await this.#inFlight.track(this.#parts.operations.sync())
  }

  /** Resolves when everything committed so far is in tables. It happens by itself; this is for tests and measurements. */
  async flush(): Promise<void> {
    this.#checkWritable('flush')
    await this.#inFlight.track(this.#parts.operations.flush())
  }

  /**
   * Resolves when everything committed so far with a key within `bounds` (every key, if none are given) is in the last level of
   * tables, without versions that nobody can read any more. It happens by itself, piece by piece; this does all of it.
   */
  async compact(bounds?: RangeBounds): Promise<void> {
    this.#checkWritable('compact')
    const range = planCompaction(bounds, this.#parts.limits.keyBytesMax)
    if (!isEmptyRange(range)) await this.#inFlight.track(this.#parts.operations.compact(range))
  }

  /**
   * Writes a copy of the database, as it is at a safe snapshot, to `directory`, which must not be there or be empty; reads and commits go
   * on. The copy is durable when it resolves, and a database of its own. Where it rejects (`InvalidArgumentError`, `TimeoutError`,
   * `IoError`, `DiskFullError` ...) nothing is left that opens, and this database is as it was.
   */
  checkpoint(directory: string, options?: CheckpointOptions): Promise<CheckpointReceipt> {
    try {
      this.#check('checkpoint')
      checkCheckpointArguments(directory, options)
      const { runtime } = this.#parts
      const host = { runtime, store: this.#store, waits: this.#waits, checkOpen: () => this.#checkOpen('checkpoint') }
      return this.#inFlight.track(writeCheckpoint(host, directory, options ?? NO_OPTIONS))
    } catch (error) {
      return rejection(error)
    }
  }

  /** Every version of `key` that memory and files still have, newest first, and where each lies; also what is not acknowledged yet. */
  async history(key: BytesInput, options?: HistoryOptions): Promise<KeyHistory> {
    this.#check('history')
    checkHistoryOptions(options)
    return this.#inFlight.track(this.#parts.operations.history(inputToKey(key, this.#keyBytesMax), options))
  }

  /** Reads every file and checks all that can be, while reads and commits go on; tells of all damage. Rejects with `AbortedError`. */
  async verify(options?: VerifyOptions): Promise<VerifyReport> {
    this.#check('verify')
    checkVerifyOptions(options)
    return this.#inFlight.track(this.#parts.operations.verify(options))
  }

  /** Figures of transactions, storage, memory and events; takes some microseconds, and reads nothing. */
  stats(): DatabaseStats {
    this.#checkOpen('stats')
    return databaseStats(this.#parts)
  }

  /**
   * Refuses new calls, rolls back open transactions, closes snapshots, waits for commits and reads that are under way, and
   * lets go of the directory. Idempotent: every call gives the same promise.
   */
  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  /** Closes; never rejects (a failure is reported as an event). */
  [ASYNC_DISPOSE](): Promise<void> {
    return this.close().catch((error: unknown) => {
      this.#parts.events.emit({ type: 'backgroundError', job: 'close', error })
    })
  }

  async #close(): Promise<void> {
    this.#watch.stop()
    for (const handle of [...this.#store.open()]) {
      if ('commit' in handle && handle.state === 'open') handle.abort(closedUnder(handle))
    }
    this.#waits.cancelAll(closedDatabase('wait for a snapshot', this.path))
    for (const snapshot of [...this.#snapshots]) snapshot.endWithDatabase()
    await this.#store.settled()
    await this.#inFlight.idle()
    await this.#parts.operations.close()
  }

  #writeOnce(
    write: (store: StoreTransaction) => void,
    given: WriteOptions | undefined,
    call: string,
  ): Promise<Receipt> {
    if (given !== undefined) checkWriteOptions(given, call)
    this.#checkWritable(call)
    const begin = given === undefined ? undefined : toBeginOptions(given, false)
    return writeOnce(this.#store, begin, write, this.#parts.limits.attemptsMax)
  }

  #scan<Item>(options: ScanOptions | undefined, shape: ScanShape<Item>): Scan<Item> {
    this.#check(shape.call)
    return new Scan(this.#scanHost, planScan(options, this.#keyBytesMax, shape.call), shape)
  }

  async #safeSnapshot({ label, timeoutMs }: SnapshotOptions): Promise<StoreSnapshot> {
    const interruption = new Interruption(this.#parts.runtime, { timeoutMs, signal: undefined, what: 'snapshot' })
    try {
      return await this.#waits.during(this.#store.safeSnapshot(label), interruption)
    } finally {
      interruption.dispose()
    }
  }

  #opened(transaction: StoreTransaction): void {
    this.#watch.opened()
    if (this.#closing === undefined) return
    transaction.rollback()
    throw closedDatabase('go on with transact', this.path)
  }

  #checkOpen(call: string): void {
    if (this.#closing !== undefined) throw closedDatabase(call, this.path)
  }

  #check(call: string): void {
    if (this.#closing !== undefined) throw closedDatabase(call, this.path)
    this.#guard.check(call)
  }

  #checkWritable(call: string): void {
    this.#checkOpen(call)
    if (!this.#parts.readOnly) return
    throw new ReadOnlyError(`Cannot ${call} in ${JSON.stringify(this.path)}: it was opened with readOnly: true`)
  }
}

const NO_OPTIONS = {}
const BY_HAND: TransactionRole = { attempt: 1, managed: false, deferrable: false }
const DEFERRABLE_BY_HAND: TransactionRole = { attempt: 1, managed: false, deferrable: true }

function closedDatabase(call: string, path: string): DatabaseClosedError {
  return new DatabaseClosedError(
    `Cannot ${call} in ${JSON.stringify(path)}: the database has been closed; open it again`,
  )
}
