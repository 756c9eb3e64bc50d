/**
 * A promise with its resolve and reject at hand, whose rejection never counts as unhandled.
 *
 * Waits of the transaction layer may be given up by nobody in particular (a doomed transaction, a closing database); the
 * error then also comes out of the operation that asked.
 */

/** See the file's header. */
export class Deferred<T> {
  readonly promise: Promise<T>
  #resolve!: (value: T | PromiseLike<T>) => void
  #reject!: (error: Error) => void

  constructor() {
    this.promise = new Promise<T>((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  resolve(value: T): void {
    this.#resolve(value)
  }

  reject(error: Error): void {
    // In time, and only where it is needed: most are resolved.
    this.promise.catch(() => undefined)
    this.#reject(error)
  }
}
