/**
 * A declared read-only transaction: reads the newest published sequence, leaves floors, is aborted only by a read of its own.
 *
 * With `deferrable` its first read waits until a snapshot is safe; from then on nothing is tracked.
 * Pinned by schedules 1, 3, 4 and 13 of test/scripts.
 * Spec: SSI!EndDeclared, SSI!ReadSafe.
 */
import type { Key } from '../base/bytes'
import { MisuseError, ReadOnlyError } from '../base/errors'
import type { KeyRange } from '../base/key-range'
import type { Sequence } from '../base/sequence'
import type { Durability } from '../storage/engine'
import type { Reader } from './conflict-graph'
import type {
  BeginOptions,
  CommitReceipt,
  Now,
  StoreCursor,
  StoreRow,
  StoreSavepoint,
  StoreTransaction,
  TransactionState,
} from './contract'
import type { Environment, OpenLink } from './environment'
import { createClosedError, isSerializationError } from './environment'
import { explainReadOnly } from './explain'
import type { TransactionExplanation } from './explanation'
import type { GrowingFloor } from './reader-floors'
import type { SafeSnapshots, SafeWaiting } from './safe-snapshot'
import { TransactionCursor } from './transaction-cursor'

/** See the file's header. */
export class ReadOnlyTransaction implements StoreTransaction {
  readonly readOnly = true
  readonly begunMs: number
  readonly #environment: Environment
  readonly #openLink: OpenLink
  readonly #durability: Durability
  readonly #reader: Reader
  /** The wait of a deferrable one, until it is over. */
  #safeWaiting: SafeWaiting | undefined = undefined
  /** Whether the snapshot is safe, so that reads are not tracked. */
  #isSafe = false
  readonly #cursors = new Set<StoreCursor>()
  #state: TransactionState = 'open'
  #error: Error | undefined = undefined

  constructor(
    environment: Environment,
    id: number,
    durability: Durability,
    options: BeginOptions,
    safeSnapshots: SafeSnapshots,
  ) {
    this.#environment = environment
    this.#durability = durability
    this.begunMs = environment.runtime.clock.monotonicMs()
    const { graph } = environment
    this.#reader = {
      id,
      label: options.label,
      snapshot: graph.core.published,
      onDoomed: (error) => {
        this.#end('aborted', error)
      },
    }
    this.#openLink = environment.open.add(this)
    if (options.deferrable === true) this.#defer(safeSnapshots)
    else graph.beginReader(this.#reader)
  }

  #defer(safeSnapshots: SafeSnapshots): void {
    const waiting = safeSnapshots.take(this.#environment, this.id, this.label)
    this.#safeWaiting = waiting
    waiting.result.then(
      (snapshot) => {
        this.#safeWaiting = undefined
        this.#reader.snapshot = snapshot
        if (this.#state === 'open') this.#isSafe = true
        else this.#environment.untracked.remove(snapshot)
      },
      (error: unknown) => {
        this.#safeWaiting = undefined
        this.#end('aborted', error as Error)
      },
    )
  }

  get id(): number {
    return this.#reader.id
  }

  get label(): string | undefined {
    return this.#reader.label
  }

  get state(): TransactionState {
    return this.#state
  }

  get snapshot(): Sequence {
    return this.#safeWaiting?.snapshot ?? this.#reader.snapshot
  }

  get(key: Key): Now<Buffer | undefined> {
    this.#check()
    if (this.#safeWaiting !== undefined) return this.#safeWaiting.result.then(() => this.get(key))
    this.#registerKey(key)
    const value = this.#environment.engine.get(key, this.#reader.snapshot)
    return value instanceof Promise ? this.#checked(value) : value
  }

  getSync(key: Key): Buffer | undefined {
    this.#check()
    if (this.#safeWaiting !== undefined) {
      throw new MisuseError(
        'Cannot read synchronously before the snapshot is safe: await a first read of a deferrable transaction',
      )
    }
    this.#registerKey(key)
    return this.#environment.engine.getSync(key, this.#reader.snapshot)
  }

  getForUpdate(): never {
    return this.#refuseWrite('get a key for update')
  }

  openCursor(range: KeyRange, { reverse }: { readonly reverse: boolean }): StoreCursor {
    this.#check()
    if (this.#safeWaiting !== undefined) {
      return new DeferredCursor(this.#safeWaiting.result.then(() => this.openCursor(range, { reverse })))
    }
    const source = this.#environment.engine.openCursor(range, this.#reader.snapshot, reverse)
    const growing: GrowingFloor = { entry: undefined, index: undefined }
    const owner = {
      check: () => {
        this.#check()
      },
      register: (part: KeyRange) => {
        this.#registerRange(part, growing)
      },
      closed: () => {
        this.#cursors.delete(cursor)
      },
    }
    const cursor: StoreCursor = new TransactionCursor(owner, source, range, reverse, undefined)
    this.#cursors.add(cursor)
    return cursor
  }

  put(): never {
    return this.#refuseWrite('put')
  }

  delete(): never {
    return this.#refuseWrite('delete')
  }

  deleteRange(): never {
    return this.#refuseWrite('delete a range')
  }

  savepoint(): StoreSavepoint {
    this.#check()
    return { rollback: () => undefined, release: () => undefined }
  }

  commit(): Promise<CommitReceipt> {
    if (this.#state !== 'open') return Promise.reject(this.#closedError())
    const sequence = this.snapshot
    this.#end('committed', undefined)
    return Promise.resolve({ sequence, durable: this.#durability === 'sync' })
  }

  rollback(): void {
    this.#end('rolled-back', undefined)
  }

  abort(error: Error): void {
    this.#end('aborted', error)
  }

  explain(): TransactionExplanation {
    return explainReadOnly(this.#environment, {
      reader: { ...this.#reader, snapshot: this.snapshot },
      state: this.#state,
      error: this.#error,
      isSafe: this.#isSafe,
      isWaiting: this.#safeWaiting !== undefined,
    })
  }

  #end(state: 'committed' | 'rolled-back' | 'aborted', error: Error | undefined): void {
    if (this.#state !== 'open') return
    this.#state = state
    this.#error = error
    const { graph, untracked, open } = this.#environment
    for (const cursor of [...this.#cursors]) cursor.close()
    if (this.#isSafe) untracked.remove(this.#reader.snapshot)
    else if (graph.core.isHeld(this.#reader)) graph.endReader(this.#reader)
    this.#safeWaiting?.cancel(error ?? this.#closedError())
    open.remove(this.#openLink)
    if (error !== undefined) this.#environment.aborted(error)
  }

  #registerKey(key: Key): void {
    if (this.#isSafe) return
    this.#guard(() => {
      this.#environment.graph.readKeyAsReader(this.#reader, key)
    })
  }

  #registerRange(range: KeyRange, growing: GrowingFloor): void {
    if (this.#isSafe) return
    this.#guard(() => {
      this.#environment.graph.readRangeAsReader(this.#reader, range, growing)
    })
  }

  #guard(step: () => void): void {
    try {
      step()
    } catch (error) {
      if (!isSerializationError(error)) throw error
      // After the log failed, what it would have to wait for never comes.
      this.abort(this.#environment.poisonedInstead(error))
      throw this.#closedError()
    }
  }

  async #checked(value: Promise<Buffer | undefined>): Promise<Buffer | undefined> {
    const bytes = await value
    this.#check()
    return bytes
  }

  #check(): void {
    if (this.#state !== 'open') throw this.#closedError()
  }

  #closedError(): Error {
    return this.#error ?? createClosedError(this)
  }

  #refuseWrite(doing: string): never {
    this.#check()
    throw new ReadOnlyError(`Cannot ${doing} in a read-only transaction: begin one without readOnly`)
  }
}

/** A cursor that is opened once the snapshot is safe. */
class DeferredCursor implements StoreCursor {
  #opening: Promise<StoreCursor>
  #cursor: StoreCursor | undefined = undefined
  #closed = false

  constructor(opening: Promise<StoreCursor>) {
    this.#opening = opening.then((cursor) => {
      this.#cursor = cursor
      if (this.#closed) cursor.close()
      return cursor
    })
    this.#opening.catch(() => undefined)
  }

  next(): Now<boolean> {
    if (this.#closed) return false
    return this.#cursor?.next() ?? this.#opening.then((cursor) => cursor.next())
  }

  nextPage(rows: number, visit: (row: StoreRow) => void): Now<number> {
    if (this.#closed) return 0
    return this.#cursor?.nextPage(rows, visit) ?? this.#opening.then((cursor) => cursor.nextPage(rows, visit))
  }

  get key(): Key {
    return this.#cursor?.key ?? ''
  }

  keyBuffer(): Buffer {
    return this.#cursor?.keyBuffer() ?? Buffer.alloc(0)
  }

  value(): Buffer {
    return this.#cursor?.value() ?? Buffer.alloc(0)
  }

  close(): void {
    this.#closed = true
    this.#cursor?.close()
  }
}
