/**
 * Waits for safe snapshots that are under way, each with what may end it: its time budget, or the end of the database.
 *
 * Pinned by test/unit/kv/snapshot.test.ts and checkpoint.test.ts.
 */
import type { Waiting } from '../mvcc/contract'
import type { Interruption } from './interruption'

/** The waits of one database. */
export class Waits {
  readonly #open = new Set<Waiting<unknown>>()

  /** Waits until it comes, or is given up. */
  async during<T>(waiting: Waiting<T>, interruption: Interruption): Promise<T> {
    this.#open.add(waiting)
    try {
      return await interruption.during(waiting.result, (error) => {
        waiting.cancel(error)
        return false
      })
    } finally {
      this.#open.delete(waiting)
    }
  }

  /** Gives all of them up. */
  cancelAll(error: Error): void {
    for (const waiting of [...this.#open]) waiting.cancel(error)
  }
}
