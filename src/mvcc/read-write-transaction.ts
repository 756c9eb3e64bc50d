/**
 * A read-write transaction: reads that register, writes that are buffered, a commit that decides in one synchronous step.
 *
 *      open --commit()--> committing --decided--> decided --acknowledged--> committed
 *        |                    |
 *        +--> rolled-back     +--> aborted (a lost conflict, a refused deadlock, no room, `abort`)
 *
 * Once decided it has given up its snapshot, its keys and the gate; only its acknowledgement is outstanding (pipelining).
 * A doomed transaction (rule 0) is told by the graph, which has already taken it out: from then on every operation throws
 * the stored report, also one that was waiting for the disk. Pinned by test/scripts and test/unit/mvcc.
 * Spec: SSI!GetForUpdate, SSI!Rollback, MVCC!Begin, MVCC!Read, MVCC!OpenCursor, MVCC!Commit, MVCC!Abort.
 */
import type { Key } from '../base/bytes'
import { DeadlockError } from '../base/errors'
import type { KeyRange } from '../base/key-range'
import { isEmptyRange } from '../base/key-range'
import type { Sequence } from '../base/sequence'
import { ENTRY_PUT, batchBytes } from '../storage/engine'
import type { Batch, Durability } from '../storage/engine'
import type { PendingCommit } from './acknowledgements'
import { commitWithRoom } from './commit-room'
import type { RoomSeeker } from './commit-room'
import type { CommitLog, GrowingRead } from './conflict-graph'
import type {
  BeginOptions,
  CommitReceipt,
  Now,
  StoreCursor,
  StoreSavepoint,
  StoreTransaction,
  TransactionState,
} from './contract'
import type { Environment, OpenLink } from './environment'
import { createClosedError, isSerializationError } from './environment'
import { explainReadWrite } from './explain'
import type { TransactionExplanation } from './explanation'
import { Savepoints } from './savepoints'
import { TransactionCursor } from './transaction-cursor'
import type { TransactionNode } from './transaction-node'
import type { OwnerWaits } from './wait-queues'
import { ORDINAL_NOW, WriteBuffer, isDeletesOnly } from './write-buffer'

/** See the file's header. */
export class ReadWriteTransaction implements StoreTransaction, CommitLog, PendingCommit, RoomSeeker {
  readonly readOnly = false
  readonly begunMs: number
  readonly #environment: Environment
  readonly #node: TransactionNode
  readonly #openLink: OpenLink
  readonly #durability: Durability
  readonly #writes: WriteBuffer
  /** What the commit takes in the log, in bytes. */
  batchBytes = 0
  /** Once decided. */
  commitSequence: Sequence = 0
  #resolveCommit: ((receipt: CommitReceipt) => void) | undefined = undefined
  #rejectCommit: ((error: Error) => void) | undefined = undefined
  #cursors: Set<TransactionCursor> | undefined = undefined
  #savepoints: Savepoints | undefined = undefined
  #hasRead = false
  /** `Owner`, for the queues alone. */
  waits: OwnerWaits | undefined = undefined
  #state: TransactionState = 'open'
  /** Why every operation throws, once aborted. */
  #error: Error | undefined = undefined
  /** Rejects the wait for room that is under way. */
  stopWaiting: ((error: Error) => void) | undefined = undefined

  constructor(environment: Environment, id: number, snapshot: Sequence, durability: Durability, options: BeginOptions) {
    this.#environment = environment
    this.#durability = durability
    this.#writes = new WriteBuffer(environment.limits.transactionBytesMax)
    this.begunMs = environment.runtime.clock.monotonicMs()
    const serializable = options.isolation !== 'snapshot'
    this.#node = environment.graph.begin(id, options.label, snapshot, serializable, (error) => {
      this.#finish('aborted', error)
    })
    this.#openLink = environment.open.add(this)
  }

  get id(): number {
    return this.#node.id
  }

  get label(): string | undefined {
    return this.#node.label
  }

  get state(): TransactionState {
    return this.#state
  }

  get snapshot(): Sequence {
    return this.#node.snapshot
  }

  get(key: Key): Now<Buffer | undefined> {
    this.#check()
    const own = this.#writes.lookup(key, ORDINAL_NOW)
    if (own !== undefined) return own.kind === ENTRY_PUT ? Buffer.from(own.value ?? NO_BYTES) : undefined
    this.#registerKey(key)
    const value = this.#environment.engine.get(key, this.#node.snapshot)
    return value instanceof Promise ? this.#checked(value) : value
  }

  getSync(key: Key): Buffer | undefined {
    this.#check()
    const own = this.#writes.lookup(key, ORDINAL_NOW)
    if (own !== undefined) return own.kind === ENTRY_PUT ? Buffer.from(own.value ?? NO_BYTES) : undefined
    this.#registerKey(key)
    return this.#environment.engine.getSync(key, this.#node.snapshot)
  }

  getForUpdate(key: Key): Now<Buffer | undefined> {
    this.#check()
    const turn = this.#acquire(key)
    if (turn === undefined) return this.#getGranted(key)
    return turn.then(() => {
      this.#check()
      return this.#getGranted(key)
    })
  }

  #acquire(key: Key): Promise<void> | undefined {
    try {
      return this.#environment.queues.acquire(this, key)
    } catch (error) {
      throw this.#lost(error)
    }
  }

  /** The key is this transaction's: the snapshot moves to the newest decided wherever nothing it has read forbids that. */
  #getGranted(key: Key): Now<Buffer | undefined> {
    const { graph } = this.#environment
    const mayMove = this.#node.serializable ? graph.canMoveSnapshot(this.#node) : !this.#hasRead
    if (mayMove && (this.#cursors?.size ?? 0) === 0) graph.moveSnapshot(this.#node)
    return this.get(key)
  }

  openCursor(range: KeyRange, { reverse }: { readonly reverse: boolean }): StoreCursor {
    this.#check()
    const source = this.#environment.engine.openCursor(range, this.#node.snapshot, reverse)
    const growing: GrowingRead = { entry: undefined, floor: { entry: undefined, index: undefined } }
    const cursor: TransactionCursor = new TransactionCursor(
      {
        check: () => {
          this.#check()
        },
        register: (part) => {
          this.#registerRange(part, growing)
        },
        closed: () => {
          this.#cursors?.delete(cursor)
        },
      },
      source,
      range,
      reverse,
      this.#writes.isEmpty ? undefined : this.#writes,
    )
    this.#cursors ??= new Set()
    this.#cursors.add(cursor)
    return cursor
  }

  put(key: Key, value: Uint8Array): void {
    this.#check()
    this.#checkWrite(key)
    this.#writes.put(key, value)
  }

  delete(key: Key): void {
    this.#check()
    this.#checkWrite(key)
    this.#writes.delete(key)
  }

  deleteRange(range: KeyRange): void {
    this.#check()
    if (isEmptyRange(range)) return
    if (this.#savepoints?.isAnyOpen !== true && this.#node.serializable) {
      try {
        this.#environment.graph.checkRangeWrite(this.#node, range)
      } catch (error) {
        throw this.#lost(error)
      }
    }
    this.#writes.deleteRange(range)
  }

  /** Rule 3; while a savepoint is open the test waits for the commit, since rolling back would save the transaction. */
  #checkWrite(key: Key): void {
    if (this.#savepoints?.isAnyOpen === true || !this.#node.serializable) return
    if (this.#node.missed === undefined) return
    try {
      this.#environment.graph.checkWrite(this.#node, key)
    } catch (error) {
      throw this.#lost(error)
    }
  }

  savepoint(): StoreSavepoint {
    this.#check()
    this.#savepoints ??= new Savepoints(
      this.#writes,
      () => {
        this.#check()
      },
      (ordinal) => {
        this.#closeCursorsAfter(ordinal)
      },
    )
    return this.#savepoints.begin()
  }

  commit(): Promise<CommitReceipt> {
    if (this.#state !== 'open') return Promise.reject(this.closedError())
    this.#closeCursors()
    if (this.#writes.isEmpty) return this.#commitReader()
    this.#state = 'committing'
    this.#environment.committing(1)
    const batch = this.#writes.batch()
    const bytes = batchBytes(batch)
    this.batchBytes = bytes
    const { engine, queues } = this.#environment
    if (!queues.isGateFree(this)) return commitWithRoom(this.#environment, this, batch, undefined)
    try {
      const room = engine.reserve(bytes, isDeletesOnly(batch))
      if (room !== undefined) return commitWithRoom(this.#environment, this, batch, room)
    } catch (error) {
      return this.failCommit(error)
    }
    return this.decide(batch)
  }

  /** Rule 4. ATOMIC: no await between the decision and the batch being readable. */
  decide(batch: Batch): Promise<CommitReceipt> {
    const { engine, graph, acknowledgements } = this.#environment
    this.#environment.deciding(1)
    try {
      this.commitSequence = graph.commit(this.#node, batch, this)
    } catch (error) {
      engine.unreserve(this.batchBytes)
      this.#environment.deciding(-1)
      return this.failCommit(error)
    }
    this.#finish('decided', undefined)
    const acknowledged = new Promise<CommitReceipt>((resolve, reject) => {
      this.#resolveCommit = resolve
      this.#rejectCommit = reject
    })
    acknowledgements.addCommit(this)
    this.#environment.deciding(-1)
    return acknowledged
  }

  /** `CommitLog`, for the graph alone. */
  append(batch: Batch, sequence: Sequence): void {
    this.#environment.engine.append(batch, this.batchBytes, sequence, this.#durability)
  }

  /** `PendingCommit`, for the acknowledgements alone. */
  acknowledged(error: Error | undefined): void {
    this.#environment.committing(-1)
    if (error === undefined) {
      this.#state = 'committed'
      this.#environment.committed()
      this.#resolveCommit?.({ sequence: this.commitSequence, durable: this.#durability === 'sync' })
    } else {
      this.#state = 'aborted'
      this.#error = error
      this.#rejectCommit?.(error)
    }
  }

  /** An undeclared transaction that wrote nothing: its reads go on counting as floors. */
  #commitReader(): Promise<CommitReceipt> {
    const { graph, acknowledgements } = this.#environment
    const sequence = this.#node.snapshot
    this.#state = 'committing'
    this.#environment.committing(1)
    try {
      if (this.#node.serializable) graph.commitReader(this.#node)
      else graph.abort(this.#node)
    } catch (error) {
      return this.failCommit(isSerializationError(error) ? this.#environment.poisonedInstead(error) : error)
    }
    this.#finish('decided', undefined)
    const receipt = { sequence, durable: this.#durability === 'sync' }
    if (sequence <= graph.core.published) {
      this.#state = 'committed'
      this.#environment.committing(-1)
      return Promise.resolve(receipt)
    }
    return new Promise((resolve, reject) => {
      acknowledgements.addReader(sequence, (error) => {
        this.#environment.committing(-1)
        this.#state = error === undefined ? 'committed' : 'aborted'
        this.#error = error
        if (error === undefined) resolve(receipt)
        else reject(error)
      })
    })
  }

  /** Ends a commit that was not decided. */
  failCommit(error: unknown): Promise<never> {
    this.#environment.committing(-1)
    this.#end('aborted', error as Error)
    return Promise.reject(this.#error ?? (error as Error))
  }

  rollback(): void {
    if (this.#state === 'open') this.#end('rolled-back', undefined)
  }

  abort(error: Error): void {
    if (this.#state === 'open' || this.#state === 'committing') this.#end('aborted', error)
  }

  explain(): TransactionExplanation {
    const batch = this.#writes.batch()
    return explainReadWrite(this.#environment, { owner: this, node: this.#node, batch, error: this.#error })
  }

  /** Ends a transaction that is still a node of the graph. */
  #end(state: 'rolled-back' | 'aborted', error: Error | undefined): void {
    if (this.#node.state === 'active') this.#environment.graph.abort(this.#node)
    if (this.#state === 'open' || this.#state === 'committing') this.#finish(state, error)
  }

  /** Gives up queue places, keys, the gate and cursors at once; the graph has let go of the node already. */
  #finish(state: 'decided' | 'rolled-back' | 'aborted', error: Error | undefined): void {
    this.#state = state
    this.#error = error
    this.#closeCursors()
    if (error !== undefined) this.stopWaiting?.(error)
    this.#environment.queues.releaseAll(this, error)
    this.#environment.open.remove(this.#openLink)
    if (error !== undefined) this.#environment.aborted(error)
  }

  /** Cursors that have shown writes which are about to be undone. */
  #closeCursorsAfter(ordinal: number): void {
    for (const cursor of [...(this.#cursors ?? [])]) {
      if (cursor.asOf > ordinal) cursor.close()
    }
  }

  #closeCursors(): void {
    if (this.#cursors === undefined) return
    for (const cursor of [...this.#cursors]) cursor.close()
  }

  #registerKey(key: Key): void {
    this.#hasRead = true
    if (!this.#node.serializable) return
    try {
      this.#environment.graph.readKey(this.#node, key)
    } catch (error) {
      throw this.#lost(error)
    }
  }

  #registerRange(range: KeyRange, growing: GrowingRead): void {
    this.#hasRead = true
    if (!this.#node.serializable) return
    try {
      this.#environment.graph.readRange(this.#node, range, growing)
    } catch (error) {
      throw this.#lost(error)
    }
  }

  /** What a step of the rules has thrown, to be thrown on: an abort or a refusal ends the transaction. */
  #lost(error: unknown): unknown {
    if (!isSerializationError(error) && !(error instanceof DeadlockError)) return error
    // After the log failed no retry can succeed: what beat this one will never be published.
    this.#end('aborted', this.#environment.poisonedInstead(error))
    return this.closedError()
  }

  /** Rule 0: a doomed transaction returns no data, also not what it was waiting for. */
  async #checked(value: Promise<Buffer | undefined>): Promise<Buffer | undefined> {
    const bytes = await value
    this.#check()
    return bytes
  }

  #check(): void {
    if (this.#state !== 'open') throw this.closedError()
  }

  /** What operations throw that come too late. */
  closedError(): Error {
    return this.#error ?? createClosedError(this)
  }
}

const NO_BYTES = new Uint8Array(0)
