/**
 * One transaction under audit: passes every operation on and keeps what it was shown and what it wrote.
 *
 * Own writes are kept as a list that savepoints cut back, so what a read shows of others is what it asked for minus the keys
 * that the list covers. Cursors show the writes made before they were opened, and register row by row.
 */
import type { SerializationReport } from '../../../src/base/serialization-report'
import type { StoreCursor, StoreSavepoint, StoreTransaction } from '../../../src/mvcc/contract'
import type { Auditor } from './auditor'
import type { Candidate } from './checker'
import type { ReadRecord, TransactionRecord } from './history'
import { describeRecord } from './history'
import type { Interval } from './intervals'
import { pointInterval, subtractIntervals } from './intervals'
import { OracleViolation } from './schedule-runner'
import type { SubjectTransaction } from './subject'
import type { ModelWrite } from './version-model'
import { lastWriteOf, pointWrite } from './version-model'

type Driven = SubjectTransaction & Partial<Pick<StoreTransaction, 'getForUpdate' | 'savepoint'>>

/** 'refused': it was aborted by this operation or before it. */
export type StepOutcome = 'done' | 'refused'

/** How a scan is consumed. */
export interface ScanOptions {
  readonly reverse?: boolean
  /** Rows after which the scan is left. */
  readonly limit?: number
  /** Rows are fetched a page at a time instead of one by one. */
  readonly page?: number
}

/** A read as `read` takes it. */
interface ReadOperation<T> {
  /** What it may show. */
  readonly asked: Interval
  /** Keys of which it shows its own writes. */
  readonly holes: readonly Interval[]
  readonly act: () => T | Promise<T>
  /** Checks what came back; gives what was shown. */
  readonly shown: (value: T) => Interval
}

/** A transaction whose every step is judged. */
export class AuditedTransaction {
  report: SerializationReport | undefined
  /** What the last read showed, in words. */
  lastShown = ''
  /** Whether an operation has been called and not come back yet. */
  isPending = false
  #pendingRead: readonly Interval[] = []
  #writes: ModelWrite[] = []
  readonly #savepoints: { readonly length: number; readonly handle: StoreSavepoint }[] = []
  #openScans = 0
  #isCommitting = false
  /** A deferrable one's snapshot moves until its first read. */
  #isSnapshotOpen: boolean

  constructor(
    readonly auditor: Auditor,
    readonly inner: Driven,
    readonly record: TransactionRecord,
    isDeferrable: boolean,
  ) {
    this.#isSnapshotOpen = isDeferrable
  }

  get snapshot(): number {
    return this.inner.snapshot
  }

  get isOver(): boolean {
    return this.inner.state !== 'open'
  }

  get hasRead(): boolean {
    return this.record.reads.length > 0
  }

  get savepoints(): number {
    return this.#savepoints.length
  }

  get(key: string): StepOutcome | Promise<StepOutcome> {
    return this.#readKey(key, 'get', () => this.inner.get(key))
  }

  getForUpdate(key: string): StepOutcome | Promise<StepOutcome> {
    return this.#readKey(key, 'getForUpdate', () => this.inner.getForUpdate!(key))
  }

  /** Opens a scan; each `step` of it is an operation of its own. */
  openScan(range: Interval, options: ScanOptions = {}): AuditedScan {
    this.#openScans++
    return new AuditedScan(this, range, [...this.#writes], options)
  }

  /** A scan from its start to its end or limit. */
  async scan(range: Interval, options: ScanOptions = {}): Promise<StepOutcome> {
    const scan = this.openScan(range, options)
    try {
      while (!scan.isOver) if ((await scan.step()) === 'refused') return 'refused'
      return 'done'
    } finally {
      scan.close()
    }
  }

  /** Whether a scan is open. */
  get isScanning(): boolean {
    return this.#openScans > 0
  }

  /** A scan was closed. */
  scanClosed(): void {
    this.#openScans--
  }

  put(key: string, value: string): StepOutcome {
    return this.#write(pointWrite(key, value), () => this.inner.put(key, Buffer.from(value, 'latin1')))
  }

  delete(key: string): StepOutcome {
    return this.#write(pointWrite(key, undefined), () => this.inner.delete(key))
  }

  deleteRange(range: Interval): StepOutcome {
    return this.#write({ interval: range, value: undefined }, () => this.inner.deleteRange(range))
  }

  savepoint(): void {
    this.#savepoints.push({ length: this.#writes.length, handle: this.inner.savepoint!() })
  }

  /** Rolls back to, or releases, the newest savepoint. */
  endSavepoint(keepsWrites: boolean): void {
    const newest = this.#savepoints.pop()!
    if (keepsWrites) {
      newest.handle.release()
      return
    }
    newest.handle.rollback()
    this.#writes = this.#writes.slice(0, newest.length)
  }

  /** Resolves when it is decided and, unless it was refused, acknowledged. */
  commit(): Promise<StepOutcome> {
    const { auditor, inner, record } = this
    this.#isCommitting = true
    const settled = inner.commit()
    // Should judging throw, the rejection is nobody's business any more.
    settled.catch(() => undefined)
    if (!this.noticeDecision()) auditor.undecided.add(this)
    auditor.settleAborts()
    return settled.then(
      (receipt): StepOutcome => {
        const expected = record.commit ?? record.snapshot
        if (receipt.sequence !== expected) {
          throw new OracleViolation(
            'wrong state',
            `the receipt says ${receipt.sequence}, not ${expected}: ${describeRecord(record)}`,
          )
        }
        if (auditor.published < expected) {
          throw new OracleViolation(
            'wrong state',
            `${record.name} was acknowledged at ${expected} before it was published`,
          )
        }
        return 'done'
      },
      (error: unknown) => {
        if (isDeadlock(error)) this.auditor.deadlocked(this)
        else if (!isRefusal(error)) throw error
        return 'refused'
      },
    )
  }

  /** Tells the auditor once it is decided. False while it is not; nothing is told twice. */
  noticeDecision(): boolean {
    const { auditor, inner } = this
    if (inner.state === 'committing') return false
    if (inner.state === 'decided' || inner.state === 'committed') auditor.onDecided(this)
    else if (inner.state === 'aborted' && this.report === undefined) auditor.judgeAbort(this, undefined)
    return true
  }

  /** Has it judged if it was aborted without a word (the baselines give no reports). */
  noticeAbort(): void {
    if (this.inner.state !== 'aborted' || this.report !== undefined || this.#isCommitting) return
    if (this.auditor.isRunning(this)) this.auditor.judgeAbort(this, undefined)
  }

  rollback(): void {
    this.inner.rollback()
    this.auditor.ended(this)
  }

  /** Its writes in order. */
  modelWrites(): readonly ModelWrite[] {
    return this.#writes
  }

  writeSet(): readonly Interval[] {
    return this.#writes.map(({ interval }) => interval)
  }

  /**
   * What it could not have avoided any more: its reads, the one at hand included, and the writes that no open savepoint can
   * undo; all writes once its commit was called.
   */
  candidate(): Candidate {
    const firmLength = this.#isCommitting ? this.#writes.length : (this.#savepoints[0]?.length ?? this.#writes.length)
    const firm = this.#writes.slice(0, firmLength)
    const reads: ReadRecord[] = [...this.record.reads]
    if (this.#pendingRead.length > 0) reads.push({ ranges: this.#pendingRead, snapshot: this.snapshot })
    return { snapshot: this.snapshot, reads, writes: firm.map(({ interval }) => interval) }
  }

  /** One read: passes it on, checks what comes back, and keeps what was shown. */
  read<T>(operation: ReadOperation<T>): StepOutcome | Promise<StepOutcome> {
    // Until it comes back, this is what it may show: an abort in between is judged with it.
    this.#pendingRead = subtractIntervals(operation.asked, operation.holes)
    this.isPending = true
    const done = (value: T): StepOutcome => {
      this.isPending = false
      this.#pendingRead = []
      if (this.#isSnapshotOpen) {
        this.#isSnapshotOpen = false
        this.record.snapshot = this.snapshot
      }
      this.#show(subtractIntervals(operation.shown(value), operation.holes))
      return 'done'
    }
    const failed = (error: unknown): StepOutcome => this.#refused(error)
    let value: T | Promise<T>
    try {
      value = operation.act()
    } catch (error) {
      return failed(error)
    }
    return value instanceof Promise ? value.then(done, failed) : done(value)
  }

  #readKey(key: string, verb: string, act: () => Buffer | undefined | Promise<Buffer | undefined>) {
    const asked = pointInterval(key)
    const holes = this.#writes.map(({ interval }) => interval)
    const shown = (value: Buffer | undefined): Interval => {
      this.#checkValue(key, value, verb)
      return asked
    }
    return this.read({ asked, holes, act, shown })
  }

  #refused(error: unknown): StepOutcome {
    if (isDeadlock(error)) this.auditor.deadlocked(this)
    else if (!isRefusal(error)) throw error
    else if (this.report === undefined) this.auditor.judgeAbort(this, undefined)
    this.auditor.settleAborts()
    this.isPending = false
    this.#pendingRead = []
    return 'refused'
  }

  #show(ranges: readonly Interval[]): void {
    if (ranges.length === 0) return
    this.record.snapshot = this.snapshot
    this.record.reads.push({ ranges, snapshot: this.snapshot })
    this.auditor.onShown(this)
  }

  #write(write: ModelWrite, act: () => void): StepOutcome {
    this.#writes.push(write)
    this.isPending = true
    try {
      act()
      this.isPending = false
      return 'done'
    } catch (error) {
      return this.#refused(error)
    }
  }

  #checkValue(key: string, value: Buffer | undefined, verb: string): void {
    const mine = lastWriteOf(this.#writes, key)
    const expected = mine === undefined ? this.auditor.model.valueAt(key, this.snapshot) : mine.value
    const shown = value?.toString('latin1')
    this.lastShown = shown ?? 'none'
    if (shown === expected) return
    const what = `${this.record.name} ${verb} ${key} at ${this.snapshot}`
    throw new OracleViolation('wrong value', `${what} showed ${shown ?? 'nothing'}, not ${expected ?? 'nothing'}`)
  }
}

/** A scan in steps: each shows up to a page of rows, registered as they are handed over. */
export class AuditedScan {
  isOver = false
  readonly #cursor: StoreCursor
  #rest: Interval
  #delivered = 0
  #isClosed = false

  constructor(
    readonly transaction: AuditedTransaction,
    readonly range: Interval,
    /** Its own writes as of the start: what it shows of them. */
    readonly own: readonly ModelWrite[],
    readonly options: ScanOptions,
  ) {
    this.#rest = range
    this.#cursor = transaction.inner.openCursor(range, { reverse: options.reverse ?? false })
  }

  step(): StepOutcome | Promise<StepOutcome> {
    const { reverse = false, limit = Infinity, page } = this.options
    const count = Math.min(page ?? 1, limit - this.#delivered)
    const rest = this.#rest
    const rows: [string, string][] = []
    // A page that fails midway would have shown at most this.
    const asked = shownPart(rest, this.#expectedRows().slice(0, count), count, reverse)
    return this.transaction.read({
      asked,
      holes: this.own.map(({ interval }) => interval),
      act: () => {
        return nextRows(this.#cursor, count, page !== undefined, rows)
      },
      shown: () => {
        this.#checkRows(rows, rows.length < count)
        this.#delivered += rows.length
        const last = rows.at(-1)?.[0]
        if (rows.length < count || this.#delivered >= limit) this.isOver = true
        if (last !== undefined)
          this.#rest = reverse ? { start: rest.start, end: last } : { start: `${last}\0`, end: rest.end }
        return shownPart(rest, rows, count, reverse)
      },
    })
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.isOver = true
    this.#cursor.close()
    this.transaction.scanClosed()
  }

  #expectedRows(): [string, string][] {
    const rows = this.transaction.auditor.model.rowsAt(this.#rest, this.transaction.snapshot, this.own)
    return this.options.reverse === true ? rows.reverse() : rows
  }

  #checkRows(rows: readonly [string, string][], isEnd: boolean): void {
    const all = this.#expectedRows()
    const expected = isEnd ? all : all.slice(0, rows.length)
    const text = (list: readonly [string, string][]) => list.map(([key, value]) => `${key}=${value}`).join(' ')
    this.transaction.lastShown = text(rows) === '' ? 'nothing' : text(rows)
    if (text(rows) === text(expected)) return
    const { record, snapshot } = this.transaction
    const what = `${record.name} scan of [${this.#rest.start}, ${this.#rest.end ?? '...'}) at ${snapshot}`
    throw new OracleViolation('wrong value', `${what} showed ${text(rows)}, not ${text(expected)}`)
  }
}

/** The part of `rest` that a page of rows shows: to the last row if the page is full, else all of it. */
function shownPart(rest: Interval, rows: readonly [string, string][], page: number, reverse: boolean): Interval {
  const last = rows.at(-1)?.[0]
  if (last === undefined || rows.length < page) return rest
  return reverse ? { start: last, end: rest.end } : { start: rest.start, end: `${last}\0` }
}

async function nextRowsLater(cursor: StoreCursor, more: Promise<boolean>, rows: [string, string][]): Promise<void> {
  if (await more) rows.push([cursor.key, cursor.value().toString('latin1')])
}

function nextRows(cursor: StoreCursor, page: number, isPaged: boolean, rows: [string, string][]): void | Promise<void> {
  if (isPaged) {
    const count = cursor.nextPage(page, (row) => rows.push([row.key, row.value().toString('latin1')]))
    return count instanceof Promise ? count.then(() => undefined) : undefined
  }
  const more = cursor.next()
  if (more instanceof Promise) return nextRowsLater(cursor, more, rows)
  if (more) rows.push([cursor.key, cursor.value().toString('latin1')])
  return undefined
}

function isDeadlock(error: unknown): boolean {
  return error instanceof Error && (error as { code?: unknown }).code === 'DEADLOCK'
}

function isRefusal(error: unknown): boolean {
  return error instanceof Error && (error as { code?: unknown }).code === 'SERIALIZATION'
}
