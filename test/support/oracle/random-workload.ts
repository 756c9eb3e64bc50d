/**
 * Many interleaved sessions of random transactions under audit.
 *
 * One step is one operation of one session, chosen at random; publishing is a step of its own, so that decided and published
 * drift apart. Sessions that wait (for a key, for an acknowledgement, for a lone read) are passed over until they come
 * back. Ends when `transactions` have begun and all have ended; everything is then published.
 */
import type { BeginOptions } from '../../../src/mvcc/contract'
import type { Auditor } from './auditor'
import type { AuditedScan, AuditedTransaction, StepOutcome } from './audited-transaction'
import type { Interval } from './intervals'
import type { SeededRandom } from './random'
import type { Subject } from './subject'

/** The shape of a workload. Weights are relative. */
export interface WorkloadShape {
  readonly sessions: number
  readonly transactions: number
  readonly keys: number
  /** The most operations of a transaction. */
  readonly operationsMax: number
  /** One in so many transactions runs ten times as many operations; 0: none. */
  readonly longOneIn: number
  readonly kinds: Readonly<Record<'read-write' | 'unwritten' | 'declared' | 'deferrable' | 'snapshot', number>>
  readonly operations: Readonly<Record<WorkloadOperation, number>>
  /** The most keys a range spans. */
  readonly rangeKeysMax: number
  readonly loneReads: number
  readonly rollbacks: number
  /** The chance that a step publishes something instead; 1: everything at once. */
  readonly publishing: number
  /** Every key is as likely as every other; else the low ones are hotter. */
  readonly isUniform?: boolean
  /** Whether every writer also writes a key of its own, by which its batch is known. */
  readonly marks?: boolean
}

export type WorkloadOperation = 'get' | 'scan' | 'put' | 'delete' | 'delete-range' | 'get-for-update' | 'savepoint'

interface Session {
  transaction: AuditedTransaction | undefined
  isReadOnly: boolean
  left: number
  scan: AuditedScan | undefined
  isBusy: boolean
}

/** The key with a number; all of one length, so that their order is that of the numbers. */
export function workloadKey(number: number): string {
  return `k${String(number).padStart(4, '0')}`
}

/** Runs it. Throws the first violation. */
export async function runWorkload(
  random: SeededRandom,
  auditor: Auditor,
  subject: Subject,
  shape: WorkloadShape,
  options: {
    readonly afterStep?: (step: number) => void
    /** Waited for before the next step. */
    readonly between?: (step: number) => Promise<void> | undefined
  } = {},
): Promise<void> {
  const run = new WorkloadRun(random, auditor, subject, shape)
  for (let step = 0; !run.isOver; step++) {
    await run.step()
    options.afterStep?.(step)
    const waits = options.between?.(step)
    if (waits !== undefined) await waits
  }
  await run.finish()
}

class WorkloadRun {
  readonly #random: SeededRandom
  readonly #auditor: Auditor
  readonly #subject: Subject
  readonly #shape: WorkloadShape
  readonly #sessions: Session[]
  #begun = 0
  #values = 0
  #busy = 0
  #failure: unknown

  constructor(random: SeededRandom, auditor: Auditor, subject: Subject, shape: WorkloadShape) {
    this.#random = random
    this.#auditor = auditor
    this.#subject = subject
    this.#shape = shape
    this.#sessions = Array.from({ length: shape.sessions }, () => {
      return { transaction: undefined, isReadOnly: false, left: 0, scan: undefined, isBusy: false }
    })
  }

  get isOver(): boolean {
    return (
      this.#begun >= this.#shape.transactions && this.#sessions.every(({ transaction }) => transaction === undefined)
    )
  }

  async step(): Promise<void> {
    const { publishing } = this.#shape
    if (publishing < 1 && this.#random.chance(publishing)) {
      this.#publish()
      if (this.#busy > 0) await drain()
    }
    const idle = this.#sessions.filter(({ isBusy }) => !isBusy)
    const session = idle.length === 0 ? undefined : this.#random.pick(idle)
    if (session === undefined) this.#publishAll()
    else this.#stepSession(session)
    if (publishing === 1) this.#publishAll()
    if (this.#busy > 0) await drain()
    this.#check()
  }

  async finish(): Promise<void> {
    this.#publishAll()
    for (let turn = 0; this.#busy > 0 && turn < 100; turn++) await drain()
    this.#check()
    if (this.#busy > 0) throw new Error(`${this.#busy} operations were never answered`)
  }

  #check(): void {
    this.#auditor.settleAborts()
    const failure = this.#auditor.failure ?? this.#failure
    if (failure instanceof Error) throw failure
  }

  #stepSession(session: Session): void {
    const { transaction } = session
    if (transaction?.isOver === true) {
      transaction.noticeAbort()
      this.#close(session)
    } else if (transaction === undefined) this.#begin(session)
    else if (session.scan !== undefined && this.#random.chance(0.8)) this.#stepScan(session, session.scan)
    else if (session.scan !== undefined) this.#operate(session, transaction)
    else if (session.left-- <= 0) this.#end(session, transaction)
    else this.#operate(session, transaction)
  }

  #begin(session: Session): void {
    const { loneReads, kinds, operationsMax, longOneIn } = this.#shape
    if (this.#random.chance(loneReads)) {
      const read = this.#random.chance(0.7) ? this.#auditor.loneGet(this.#key()) : this.#auditor.loneScan(this.#range())
      this.#wait(session, read)
      return
    }
    if (this.#begun >= this.#shape.transactions) return
    this.#begun++
    const kind = weighted(this.#random, kinds)
    session.isReadOnly = kind !== 'read-write' && kind !== 'snapshot'
    session.left = 1 + this.#random.below(operationsMax)
    if (longOneIn > 0 && this.#random.below(longOneIn) === 0) session.left *= 10
    session.transaction = this.#auditor.begin(beginOptions(kind))
  }

  #operate(session: Session, transaction: AuditedTransaction): void {
    const random = this.#random
    let operation = weighted(random, this.#shape.operations)
    if (session.isReadOnly && operation !== 'scan') operation = 'get'
    // One scan at a time; other operations go on between its steps.
    if (session.scan !== undefined && operation === 'scan') operation = 'get'
    switch (operation) {
      case 'get':
        this.#wait(session, transaction.get(this.#key()))
        return
      case 'get-for-update':
        this.#wait(session, transaction.getForUpdate(this.#key()))
        return
      case 'scan':
        session.scan = transaction.openScan(this.#range(), {
          reverse: random.chance(0.3),
          ...(random.chance(0.4) ? { limit: 1 + random.below(3) } : {}),
          ...(random.chance(0.5) ? { page: 1 + random.below(4) } : {}),
        })
        return
      case 'put':
        this.#mark(transaction)
        transaction.put(this.#key(), `v${++this.#values}`)
        return
      case 'delete':
        this.#mark(transaction)
        transaction.delete(this.#key())
        return
      case 'delete-range':
        this.#mark(transaction)
        transaction.deleteRange(this.#range())
        return
      case 'savepoint':
        // Rolling back would close a scan begun since: here the scan goes first.
        if (session.scan !== undefined) return
        if (transaction.savepoints > 0 && random.chance(0.6)) transaction.endSavepoint(random.chance(0.4))
        else transaction.savepoint()
    }
  }

  #stepScan(session: Session, scan: AuditedScan): void {
    if (scan.isOver || this.#random.chance(0.05)) {
      scan.close()
      session.scan = undefined
      return
    }
    this.#wait(session, scan.step())
  }

  #end(session: Session, transaction: AuditedTransaction): void {
    if (this.#random.chance(this.#shape.rollbacks)) {
      transaction.rollback()
      this.#close(session)
      return
    }
    const settled = transaction.commit()
    if (this.#random.chance(0.5)) {
      // This client waits for its acknowledgement; the others go on at once.
      this.#wait(session, settled)
      return
    }
    this.#watch(settled)
    session.transaction = undefined
  }

  #close(session: Session): void {
    session.scan?.close()
    session.scan = undefined
    session.transaction = undefined
  }

  #wait(session: Session, outcome: StepOutcome | Promise<unknown>): void {
    if (!(outcome instanceof Promise)) return
    session.isBusy = true
    this.#watch(outcome.finally(() => (session.isBusy = false)))
  }

  #watch(outcome: Promise<unknown>): void {
    this.#busy++
    outcome.then(
      () => this.#busy--,
      (error: unknown) => {
        this.#busy--
        this.#failure ??= error
      },
    )
  }

  #publish(): void {
    const { published, decided } = this.#auditor
    if (published === decided) return
    this.#publishThrough(published + 1 + this.#random.below(decided - published))
  }

  #publishAll(): void {
    if (this.#auditor.published < this.#auditor.decided) this.#publishThrough(this.#auditor.decided)
  }

  #publishThrough(sequence: number): void {
    this.#subject.publishThrough(sequence)
    this.#auditor.onPublished(sequence)
  }

  #mark(transaction: AuditedTransaction): void {
    if (this.#shape.marks === true) transaction.put(`!${transaction.record.id}`, '')
  }

  #key(): string {
    if (this.#shape.isUniform === true) return workloadKey(this.#random.below(this.#shape.keys))
    // Two draws: the low keys are hotter.
    return workloadKey(Math.min(this.#random.below(this.#shape.keys), this.#random.below(this.#shape.keys)))
  }

  #range(): Interval {
    const start = this.#random.below(this.#shape.keys)
    const end = start + 1 + this.#random.below(this.#shape.rangeKeysMax)
    if (this.#random.chance(0.02)) return { start: workloadKey(start), end: undefined }
    return { start: workloadKey(start), end: workloadKey(end) }
  }
}

function beginOptions(kind: keyof WorkloadShape['kinds']): BeginOptions {
  if (kind === 'declared') return { readOnly: true }
  if (kind === 'deferrable') return { deferrable: true }
  return kind === 'snapshot' ? { isolation: 'snapshot' } : {}
}

function weighted<K extends string>(random: SeededRandom, weights: Readonly<Record<K, number>>): K {
  const entries = Object.entries(weights) as [K, number][]
  let left = random.below(entries.reduce((sum, [, weight]) => sum + weight, 0))
  for (const [name, weight] of entries) {
    left -= weight
    if (left < 0) return name
  }
  return entries[0]![0]
}

function drain(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
