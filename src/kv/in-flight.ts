/**
 * Reads that are under way when the database is closed: `close` waits for them, so that no file closes under a read.
 *
 * Only what had to wait comes here; a read answered from memory costs nothing.
 */

/** The reads in flight of one database. */
export class InFlight {
  #count = 0
  #idle: (() => void)[] = []

  /** Counts `promise` until it settles; what it gives back settles in the same way. */
  track<T>(promise: Promise<T>): Promise<T> {
    this.#count++
    return promise.then(
      (value) => {
        this.#ended()
        return value
      },
      (error: unknown) => {
        this.#ended()
        throw error
      },
    )
  }

  /** Resolves when nothing is in flight. */
  idle(): Promise<void> {
    if (this.#count === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#idle.push(resolve)
    })
  }

  #ended(): void {
    this.#count--
    if (this.#count > 0) return
    const waiting = this.#idle
    this.#idle = []
    for (const resolve of waiting) resolve()
  }
}
