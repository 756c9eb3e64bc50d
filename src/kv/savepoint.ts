/**
 * A place in a transaction that its writes can be undone to; reads are never undone.
 *
 * Savepoints nest: rolling back to an outer one ends those inside it. A savepoint that is done does nothing more, so
 * `release` in a `finally` is always right; `rollback` in a transaction that has ended says so.
 */
import type { StoreSavepoint } from '../mvcc/contract'
import { ASYNC_DISPOSE, DISPOSE } from './dispose'

/** What a savepoint asks its transaction. */
export interface SavepointGuard {
  checkOpen(call: string): void
  noted(error: unknown): unknown
}

/** Made by `tx.savepoint()`. */
export class Savepoint {
  readonly #store: StoreSavepoint
  readonly #guard: SavepointGuard
  #done = false

  /** @internal */
  constructor(store: StoreSavepoint, guard: SavepointGuard) {
    this.#store = store
    this.#guard = guard
  }

  /**
   * Undoes the writes made since, and closes scans begun since. Idempotent; nothing after `release`. Throws
   * `TransactionClosedError`, or the error that aborted the transaction.
   */
  rollback(): void {
    if (this.#done) return
    try {
      this.#guard.checkOpen('roll back to a savepoint')
      this.#store.rollback()
      this.#done = true
    } catch (error) {
      throw this.#guard.noted(error)
    }
  }

  /** Keeps the writes made since. Idempotent, never throws. */
  release(): void {
    if (this.#done) return
    this.#done = true
    try {
      this.#store.release()
    } catch {
      // The transaction has ended, and its savepoints with it: there is nothing to keep apart any more.
    }
  }

  [DISPOSE](): void {
    this.release()
  }

  [ASYNC_DISPOSE](): Promise<void> {
    this.release()
    return Promise.resolve()
  }
}
