/**
 * Stands between a workload and a store, records what every transaction was really shown, and judges every decision at the
 * moment it is made.
 *
 * - a value shown is the version at the snapshot, own writes on top;
 * - a commit, and every read of a declared or lone reader, leaves the counted transactions acyclic (no anomaly);
 * - a transaction that was aborted could never have committed: with what it has read, the failed read included, and those of
 *   its writes that no open savepoint can undo, it closes a cycle already (no needless abort), unless the report says
 *   `conservative`;
 * - a lone read waits only while its answer would close a cycle.
 *
 * Works for synchronous subjects, where the decision is made inside `commit()`, and for asynchronous ones that report each
 * decision through `onDecided` and `onAbort` in the synchronous step in which it is made.
 */
import type { BeginOptions } from '../../../src/mvcc/contract'
import type { SerializationReport } from '../../../src/base/serialization-report'
import { AuditedTransaction } from './audited-transaction'
import type { Candidate } from './checker'
import { SerializationGraph, describeCycle } from './checker'
import type { TransactionRecord } from './history'
import { createRecord, describeRecord } from './history'
import type { Interval } from './intervals'
import { pointInterval } from './intervals'
import { checkReport } from './report-checker'
import { OracleViolation } from './schedule-runner'
import type { SubjectStore } from './subject'
import { VersionModel } from './version-model'

/** What is counted while auditing. */
export interface AuditCounts {
  transactions: number
  commits: number
  /** Justified, needless and conservative ones together. */
  aborts: number
  conservativeAborts: number
  needlessAborts: number
  loneReads: number
  loneWaits: number
  deadlocks: number
  anomalies: number
  /** Right aborts whose report tells of edges that do not exist; the first one is kept in `reportFault`. */
  reportFaults: number
}

interface WaitingRead {
  readonly record: TransactionRecord
  readonly range: Interval
  readonly sequencePossible: { value: number | undefined }
}

interface Unjudged {
  readonly transaction: AuditedTransaction
  readonly candidate: Candidate
  readonly report: SerializationReport
}

/** How strict the auditor is. */
export interface AuditorOptions {
  /** Counts needless aborts instead of throwing: to measure baselines. */
  readonly toleratesNeedless?: boolean
  /** Told of each abort that was judged. */
  readonly onJudged?: (isNeedless: boolean) => void
  /** Counts anomalies instead of throwing; what makes one is left out of the graph. To measure baselines. */
  readonly toleratesAnomalies?: boolean
  /** Bounded memory may make lone reads wait without need. REQUIRES: the subject is synchronous where it need not wait. */
  readonly toleratesWaits?: boolean
}

/** The judge of one store's whole life. */
export class Auditor {
  readonly graph = new SerializationGraph()
  readonly model = new VersionModel()
  readonly counts: AuditCounts = {
    transactions: 0,
    commits: 0,
    aborts: 0,
    conservativeAborts: 0,
    needlessAborts: 0,
    loneReads: 0,
    loneWaits: 0,
    deadlocks: 0,
    anomalies: 0,
    reportFaults: 0,
  }
  /** The first violation found inside a callback of the subject, where throwing would only confuse it. */
  failure: Error | undefined
  reportFault: Error | undefined
  /** Transactions whose commit was called and that were not decided in that step. */
  readonly undecided = new Set<AuditedTransaction>()
  #store: SubjectStore
  readonly #toleratesNeedless: boolean
  readonly #onJudged: ((isNeedless: boolean) => void) | undefined
  readonly #toleratesWaits: boolean
  readonly #toleratesAnomalies: boolean
  readonly #transactionsById = new Map<number, AuditedTransaction>()
  readonly #recordsById = new Map<number, TransactionRecord>()
  #waiting: WaitingRead[] = []
  #unjudged: Unjudged[] = []
  #decided = 0
  #published = 0

  constructor(store: SubjectStore, options: AuditorOptions = {}) {
    this.#store = store
    this.#toleratesNeedless = options.toleratesNeedless ?? false
    this.#onJudged = options.onJudged
    this.#toleratesWaits = options.toleratesWaits ?? false
    this.#toleratesAnomalies = options.toleratesAnomalies ?? false
  }

  get decided(): number {
    return this.#decided
  }

  get published(): number {
    return this.#published
  }

  /** The same data under a store opened anew: everything decided was published. REQUIRES: nothing runs. */
  reopened(store: SubjectStore): void {
    this.#store = store
    this.#transactionsById.clear()
    this.#recordsById.clear()
  }

  /** Transactions that have neither committed nor been aborted or rolled back. */
  get running(): Iterable<AuditedTransaction> {
    return this.#transactionsById.values()
  }

  isRunning(transaction: AuditedTransaction): boolean {
    return this.#transactionsById.get(transaction.record.id) === transaction
  }

  begin(options: BeginOptions = {}): AuditedTransaction {
    const transaction = this.#store.begin(options)
    const isDeclared = options.readOnly === true || options.deferrable === true
    const kind = isDeclared ? 'declared' : options.isolation === 'snapshot' ? 'snapshot-isolation' : 'read-write'
    const record = createRecord(transaction.id, options.label ?? `#${transaction.id}`, kind, transaction.snapshot)
    const expected = isDeclared ? this.#published : this.#decided
    if (transaction.snapshot !== expected) {
      throw new OracleViolation('wrong state', `${record.name} took snapshot ${transaction.snapshot}, not ${expected}`)
    }
    this.counts.transactions++
    const audited = new AuditedTransaction(this, transaction, record, options.deferrable === true)
    this.#transactionsById.set(record.id, audited)
    this.#recordsById.set(record.id, record)
    return audited
  }

  /** A lone read of one key; resolves once it is answered and right. */
  loneGet(key: string): Promise<string> {
    const answer = this.#store.get(key)
    this.counts.loneReads++
    return this.#loneRead(pointInterval(key), answer, (value, sequence) => {
      assertSame(value?.toString('latin1'), this.model.valueAt(key, sequence), `lone get ${key} at ${sequence}`)
      return value?.toString('latin1') ?? 'none'
    })
  }

  /** A lone scan of a whole range. */
  loneScan(range: Interval): Promise<string> {
    this.counts.loneReads++
    const rows: string[] = []
    const cursor = this.#store.openCursor(range, { reverse: false })
    const drain = (): undefined | Promise<void> => {
      for (;;) {
        const more = cursor.next()
        if (more instanceof Promise) return more.then((one) => (one ? (collect(), drain()) : undefined))
        if (!more) return undefined
        collect()
      }
    }
    const collect = (): void => {
      rows.push(`${cursor.key}=${cursor.value().toString('latin1')}`)
    }
    return this.#loneRead(range, drain(), (_, sequence) => {
      cursor.close()
      const expected = this.model.rowsAt(range, sequence).map(([key, value]) => `${key}=${value}`)
      assertSame(rows.join(), expected.join(), `lone scan of [${range.start}, ${range.end ?? '...'}) at ${sequence}`)
      return rows.length === 0 ? 'nothing' : rows.join(' ')
    })
  }

  /** Tells the auditor that the subject has published through `sequence`, in the step in which it did. */
  onPublished(sequence: number): void {
    this.#published = sequence
    for (const { record, range, sequencePossible } of this.#waiting) {
      record.snapshot = sequence
      record.reads[0] = { ranges: [range], snapshot: sequence }
      if (this.graph.findCycle(record) !== undefined) continue
      this.graph.count(record)
      sequencePossible.value = sequence
    }
    this.#waiting = this.#waiting.filter(({ sequencePossible }) => sequencePossible.value === undefined)
  }

  /** The subject has decided that this transaction commits, in this very step. */
  onDecided(transaction: AuditedTransaction): void {
    const { record } = transaction
    this.undecided.delete(transaction)
    if (this.graph.isCounted(record) && record.kind !== 'declared') return
    record.writes = transaction.writeSet()
    record.snapshot = transaction.snapshot
    const cycle = record.kind === 'declared' ? undefined : this.graph.findCycle(record)
    if (cycle !== undefined && this.#toleratesAnomalies) this.counts.anomalies++
    else if (cycle !== undefined) {
      throw new OracleViolation(
        'anomaly',
        `${record.name} committed, which leaves no serial order:\n${describeCycle(cycle)}`,
      )
    }
    this.counts.commits++
    if (record.writes.length > 0) {
      record.commit = ++this.#decided
      this.model.commit(transaction.modelWrites(), record.commit)
    }
    if (record.kind !== 'declared' && cycle === undefined) this.graph.count(record)
    this.ended(transaction)
  }

  /**
   * The subject has aborted a transaction, in this very step. What it was at this moment is kept; it is judged once the step
   * is over (`settleAborts`), since the commit that doomed it may not have been reported yet.
   */
  onAbort(report: SerializationReport): void {
    const transaction = this.#transactionsById.get(report.victim.id)
    if (transaction === undefined) {
      this.failure ??= new OracleViolation('wrong state', `nobody knows victim #${report.victim.id}`)
      return
    }
    transaction.report = report
    this.ended(transaction)
    this.#unjudged.push({ transaction, candidate: transaction.candidate(), report })
  }

  /**
   * Notices commits that were decided in a later step than the one that called them. REQUIRES: one of them runs at a time, or
   * the subject reports decisions itself; else their order is not known.
   */
  noticeDecisions(): void {
    for (const transaction of [...this.undecided]) {
      if (transaction.noticeDecision()) this.undecided.delete(transaction)
    }
    this.settleAborts()
  }

  /** Judges the aborts of the step that has just ended. */
  settleAborts(): void {
    if (this.#unjudged.length === 0) return
    const unjudged = this.#unjudged
    this.#unjudged = []
    for (const { transaction, candidate, report } of unjudged) this.judgeAbort(transaction, report, candidate)
  }

  /** Judges an abort; `report` is missing for subjects that give none. */
  judgeAbort(
    transaction: AuditedTransaction,
    report: SerializationReport | undefined,
    candidate: Candidate = transaction.candidate(),
  ): void {
    const { record } = transaction
    this.counts.aborts++
    this.ended(transaction)
    if (report?.conservative === true) {
      this.counts.conservativeAborts++
      return
    }
    if (record.kind === 'snapshot-isolation') {
      if (this.#isLostUpdate(candidate)) return
    } else if (this.graph.findCycle(record, candidate) !== undefined) {
      this.#onJudged?.(false)
      if (report !== undefined) this.#checkReport(report, record, candidate)
      return
    }
    this.counts.needlessAborts++
    this.#onJudged?.(true)
    if (this.#toleratesNeedless) return
    const story = describeRecord({ ...record, ...candidate, reads: [...candidate.reads] })
    throw new OracleViolation('needless abort', `${story}, though it could have committed: ${JSON.stringify(report)}`)
  }

  #checkReport(report: SerializationReport, record: TransactionRecord, candidate: Candidate): void {
    try {
      checkReport(report, (id) => this.#recordsById.get(id), { record, candidate })
    } catch (error) {
      this.counts.reportFaults++
      this.reportFault ??= error as Error
    }
  }

  /** A declared reader is shown something, or an undecided one is: checks it where it counts at once. */
  onShown(transaction: AuditedTransaction): void {
    const { record } = transaction
    if (record.kind !== 'declared') return
    const cycle = this.graph.findCycle(record)
    if (cycle !== undefined) {
      throw new OracleViolation(
        'anomaly',
        `${record.name} was shown what no serial order allows:\n${describeCycle(cycle)}`,
      )
    }
    this.graph.count(record)
  }

  /** Waiting was refused: no matter of serializability. */
  deadlocked(transaction: AuditedTransaction): void {
    this.counts.deadlocks++
    this.ended(transaction)
  }

  /** The transaction has ended in some way. */
  ended(transaction: AuditedTransaction): void {
    this.#transactionsById.delete(transaction.record.id)
  }

  #isLostUpdate(candidate: Candidate): boolean {
    const asRead = { ranges: candidate.writes, snapshot: candidate.snapshot }
    const probe = createRecord(0, 'probe', 'read-write', candidate.snapshot)
    probe.reads.push(asRead)
    return this.graph.hasOverwriter(probe)
  }

  async #loneRead<T>(
    range: Interval,
    answer: T | Promise<T>,
    check: (value: T, sequence: number) => string,
  ): Promise<string> {
    const record = createRecord(0, `lone read at ${this.#published}`, 'lone', this.#published)
    record.reads.push({ ranges: [range], snapshot: this.#published })
    const cycle = this.graph.findCycle(record)
    if (cycle === undefined && this.#toleratesWaits && answer instanceof Promise) {
      return this.#loneReadAnswered(record, range, await answer, check)
    }
    if (cycle === undefined) {
      this.graph.count(record)
      return check(answer instanceof Promise ? await answer : answer, record.snapshot)
    }
    if (!(answer instanceof Promise)) {
      throw new OracleViolation('anomaly', `a lone read showed what no serial order allows:\n${describeCycle(cycle)}`)
    }
    this.counts.loneWaits++
    const sequencePossible: { value: number | undefined } = { value: undefined }
    this.#waiting.push({ record, range, sequencePossible })
    const value = await answer
    if (sequencePossible.value === undefined) {
      throw new OracleViolation(
        'anomaly',
        `a lone read was answered before any serial order allowed it:\n${describeCycle(cycle)}`,
      )
    }
    return check(value, sequencePossible.value)
  }

  /** Where waits need no reason, the answer belongs to the publish that has just happened. */
  #loneReadAnswered<T>(
    record: TransactionRecord,
    range: Interval,
    value: T,
    check: (value: T, sequence: number) => string,
  ): string {
    this.counts.loneWaits++
    record.snapshot = this.#published
    record.reads[0] = { ranges: [range], snapshot: this.#published }
    const cycle = this.graph.findCycle(record)
    if (cycle !== undefined) {
      throw new OracleViolation('anomaly', `a lone read showed what no serial order allows:\n${describeCycle(cycle)}`)
    }
    this.graph.count(record)
    return check(value, this.#published)
  }
}

function assertSame(shown: string | undefined, expected: string | undefined, what: string): void {
  if (shown === expected) return
  throw new OracleViolation('wrong value', `${what} showed ${shown ?? 'nothing'}, not ${expected ?? 'nothing'}`)
}
