/**
 * A multiversion store in memory whose conflict rules are a policy: what the baselines run on.
 *
 * It reads at the snapshot taken at begin, buffers writes, and asks the policy at every step. It exists to compare policies
 * under one workload and one checker, and to show that the oracles find what a wrong policy does; it is no part of the store.
 */
import type { KeyRange } from '../../../src/base/key-range'
import type { CommitReceipt, StoreCursor, StoreRow, TransactionState } from '../../../src/mvcc/contract'
import type { Interval } from '../oracle/intervals'
import { pointInterval, subtractIntervals } from '../oracle/intervals'
import type { Subject, SubjectStore, SubjectTransaction } from '../oracle/subject'
import type { ModelWrite } from '../oracle/version-model'
import { VersionModel, lastWriteOf, pointWrite } from '../oracle/version-model'

/** A transaction as policies see it. */
export interface PolicyNode {
  readonly id: number
  readonly snapshot: number
  readonly isDeclared: boolean
  state: 'active' | 'committed' | 'aborted'
  /** Its place in commit order; undefined without writes. */
  commit: number | undefined
  /** What it was shown that was not its own. */
  readonly reads: Interval[]
  readonly writes: Interval[]
  /** Set by a policy to abort it at its next step. */
  isDoomed: boolean
}

/** The conflict rules. A rule refuses the transaction at hand by returning false, and others by dooming them. */
export interface Policy {
  readonly name: string
  begin?(node: PolicyNode): void
  /** Called once `ranges` are among the node's reads, before anything is shown. */
  read?(node: PolicyNode, ranges: readonly Interval[]): boolean
  /** Called once `range` is among the node's writes. */
  write?(node: PolicyNode, range: Interval): boolean
  /** Called before the node gets `sequence` (its place in commit order, or what the next writer would get). */
  commit(node: PolicyNode, sequence: number): boolean
  /** The node has committed or was aborted. */
  ended?(node: PolicyNode): void
}

/** What a refused operation throws; it has the code that drivers look for. */
export class PolicyAbort extends Error {
  readonly code = 'SERIALIZATION'
}

/** A subject that decides by `policy`. Every commit is published when `publishThrough` says so, as in the real store. */
export function createPolicySubject(policy: Policy): Subject {
  const store = new PolicyStore(policy)
  return { store, publishThrough: (sequence) => store.publishThrough(sequence) }
}

class PolicyStore implements SubjectStore {
  readonly model = new VersionModel()
  decided = 0
  published = 0
  #nextId = 1
  #unacknowledged: { readonly sequence: number; readonly resolve: () => void }[] = []

  constructor(readonly policy: Policy) {}

  begin(options?: { readonly readOnly?: boolean }): PolicyTransaction {
    const isDeclared = options?.readOnly === true
    const node: PolicyNode = {
      id: this.#nextId++,
      snapshot: isDeclared ? this.published : this.decided,
      isDeclared,
      state: 'active',
      commit: undefined,
      reads: [],
      writes: [],
      isDoomed: false,
    }
    this.policy.begin?.(node)
    return new PolicyTransaction(this, node)
  }

  /** Resolves once everything through `sequence` is published. */
  acknowledged(sequence: number): Promise<void> {
    if (sequence <= this.published) return Promise.resolve()
    return new Promise((resolve) => this.#unacknowledged.push({ sequence, resolve }))
  }

  publishThrough(sequence: number): void {
    this.published = sequence
    for (const waiter of this.#unacknowledged) if (waiter.sequence <= sequence) waiter.resolve()
    this.#unacknowledged = this.#unacknowledged.filter((waiter) => waiter.sequence > sequence)
  }

  /** A lone read is a declared transaction of one read, tried again until it is let through. */
  get(key: string): Buffer | undefined {
    const transaction = this.begin({ readOnly: true })
    const value = transaction.get(key)
    transaction.rollback()
    return value
  }

  openCursor(range: KeyRange, options: { readonly reverse: boolean }): StoreCursor {
    return this.begin({ readOnly: true }).openCursor(range, options)
  }
}

class PolicyTransaction implements SubjectTransaction {
  readonly #store: PolicyStore
  readonly #node: PolicyNode
  readonly #own: ModelWrite[] = []

  constructor(store: PolicyStore, node: PolicyNode) {
    this.#store = store
    this.#node = node
  }

  get id(): number {
    return this.#node.id
  }

  get snapshot(): number {
    return this.#node.snapshot
  }

  get state(): TransactionState {
    if (this.#node.isDoomed && this.#node.state === 'active') this.#abort()
    return this.#node.state === 'active' ? 'open' : this.#node.state
  }

  get(key: string): Buffer | undefined {
    this.#read(pointInterval(key))
    const mine = lastWriteOf(this.#own, key)
    const value = mine === undefined ? this.#store.model.valueAt(key, this.snapshot) : mine.value
    return value === undefined ? undefined : Buffer.from(value, 'latin1')
  }

  openCursor(range: KeyRange, { reverse }: { readonly reverse: boolean }): StoreCursor {
    const rows = this.#store.model.rowsAt(range, this.snapshot, this.#own)
    if (reverse) rows.reverse()
    return new PolicyCursor(rows, (from, to) => {
      const low = reverse ? (to ?? range.start) : from === undefined ? range.start : `${from}\0`
      const high = reverse ? (from ?? range.end) : to === undefined ? range.end : `${to}\0`
      this.#read({ start: low, end: high })
    })
  }

  put(key: string, value: Uint8Array): void {
    this.#own.push(pointWrite(key, Buffer.from(value).toString('latin1')))
    this.#write(pointInterval(key))
  }

  delete(key: string): void {
    this.#own.push(pointWrite(key, undefined))
    this.#write(pointInterval(key))
  }

  deleteRange(range: KeyRange): void {
    this.#own.push({ interval: range, value: undefined })
    this.#write(range)
  }

  commit(): Promise<CommitReceipt> {
    const node = this.#node
    const sequence = this.#store.decided + 1
    if (node.isDoomed || !this.#store.policy.commit(node, sequence)) {
      this.#abort()
      return Promise.reject(new PolicyAbort(`${this.#store.policy.name} refuses the commit`))
    }
    node.state = 'committed'
    if (this.#own.length > 0) {
      node.commit = sequence
      this.#store.decided = sequence
      this.#store.model.commit(this.#own, sequence)
    }
    this.#store.policy.ended?.(node)
    const place = node.commit ?? node.snapshot
    return this.#store.acknowledged(place).then(() => ({ sequence: place, durable: false }))
  }

  rollback(): void {
    if (this.#node.state === 'active') this.#abort()
  }

  #read(range: Interval): void {
    this.#check()
    const holes = this.#own.map(({ interval }) => interval)
    const shown = subtractIntervals(range, holes)
    this.#node.reads.push(...shown)
    if (this.#store.policy.read?.(this.#node, shown) === false) this.#refuse('the read')
    this.#check()
  }

  #write(range: Interval): void {
    this.#check()
    this.#node.writes.push(range)
    if (this.#store.policy.write?.(this.#node, range) === false) this.#refuse('the write')
    this.#check()
  }

  #check(): void {
    if (this.#node.isDoomed || this.#node.state !== 'active') this.#refuse('the operation')
  }

  #refuse(what: string): never {
    this.#abort()
    throw new PolicyAbort(`${this.#store.policy.name} refuses ${what}`)
  }

  #abort(): void {
    if (this.#node.state !== 'active') return
    this.#node.state = 'aborted'
    this.#store.policy.ended?.(this.#node)
  }
}

/** Rows found at the start; `delivered(from, to)` is told each step: from the last key to this one, undefined at the ends. */
class PolicyCursor implements StoreCursor {
  #position = -1

  constructor(
    readonly rows: readonly (readonly [string, string])[],
    readonly delivered: (from: string | undefined, to: string | undefined) => void,
  ) {}

  next(): boolean {
    const from = this.rows[this.#position]?.[0]
    this.#position++
    const to = this.rows[this.#position]?.[0]
    this.delivered(from, to)
    return to !== undefined
  }

  nextPage(rows: number, visit: (row: StoreRow) => void): number {
    let count = 0
    while (count < rows && this.next()) {
      visit(this)
      count++
    }
    return count
  }

  get key(): string {
    return this.rows[this.#position]![0]
  }

  keyBuffer(): Buffer {
    return Buffer.from(this.key, 'latin1')
  }

  value(): Buffer {
    return Buffer.from(this.rows[this.#position]![1], 'latin1')
  }

  close(): void {
    this.#position = this.rows.length
  }
}
