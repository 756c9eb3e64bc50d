/**
 * Those who wait until the log is durable through a sequence.
 *
 * Pinned by test/unit/storage/log/log-sync-waiters.test.ts.
 */
import type { Sequence } from '../../base/sequence'

interface Waiter {
  readonly sequence: Sequence
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** A queue ordered by sequence, for sequences are waited for in the order in which they are given out. */
export class SyncWaiters {
  #waiters: Waiter[] = []

  get isEmpty(): boolean {
    return this.#waiters.length === 0
  }

  wait(sequence: Sequence): Promise<void> {
    return new Promise((resolve, reject) => this.#waiters.push({ sequence, resolve, reject }))
  }

  /** Resolves those that `synced` satisfies. */
  settle(synced: Sequence): void {
    if (this.isEmpty) return
    const later = this.#waiters.findIndex(({ sequence }) => sequence > synced)
    const done = this.#waiters.splice(0, later < 0 ? this.#waiters.length : later)
    for (const { resolve } of done) resolve()
  }

  rejectAll(error: Error): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const { reject } of waiters) reject(error)
  }
}
