/**
 * What can end a wait from outside: a time budget, or the caller's AbortSignal.
 *
 * One object serves all waits of a call, one after the other; whichever comes first decides, once. Each wait says what an
 * interruption stops, and whether it is over with that: a commit that is decided cannot be stopped and is waited for.
 *
 * Pinned by test/unit/kv/interruption.test.ts.
 */
import { describe } from '../base/bytes'
import { AbortedError, InvalidArgumentError, TimeoutError } from '../base/errors'
import type { Runtime, Timer } from '../runtime/runtime'

/** An AbortSignal, as far as it is needed: the published types require neither the DOM's nor Node's. */
export interface AbortSignalLike {
  readonly aborted: boolean
  readonly reason?: unknown
  addEventListener(type: 'abort', listener: () => void): void
  removeEventListener(type: 'abort', listener: () => void): void
}

/** When to interrupt; `what` says what could not be finished, as in 'transact "transfer"'. */
export interface InterruptionOptions {
  readonly timeoutMs: number | undefined
  readonly signal: AbortSignalLike | undefined
  readonly what: string
}

/** Checks an optional signal. */
export function checkSignal(value: unknown): void {
  if (value === undefined) return
  if (typeof value === 'object' && value !== null && 'aborted' in value && 'addEventListener' in value) {
    if (typeof value.aborted === 'boolean' && typeof value.addEventListener === 'function') return
  }
  throw new InvalidArgumentError(`Cannot use ${describe(value)} as signal: it must be an AbortSignal`)
}

/** A budget and a signal over the waits of one call. `dispose` it when the call is over. */
export class Interruption {
  readonly #signal: AbortSignalLike | undefined
  readonly #onAbort: () => void
  #timer: Timer | undefined
  #error: Error | undefined
  #stop: ((error: Error) => void) | undefined

  constructor(runtime: Runtime, options: InterruptionOptions) {
    const { signal, timeoutMs, what } = options
    this.#signal = signal
    this.#onAbort = () => {
      this.#interrupt(new AbortedError(`Cannot finish ${what}: its signal was aborted`, { cause: signal?.reason }))
    }
    if (signal?.aborted === true) this.#onAbort()
    else signal?.addEventListener('abort', this.#onAbort)
    if (timeoutMs === undefined || this.#error !== undefined) return
    const spent = new TimeoutError(`Cannot finish ${what} in ${timeoutMs} ms: timeoutMs is over`)
    this.#timer = runtime.scheduler.after(timeoutMs, () => this.#interrupt(spent), { keepAlive: true })
  }

  /** Throws the error of an interruption that has come. */
  check(): void {
    if (this.#error !== undefined) throw this.#error
  }

  /**
   * Settles as `promise` does. When the interruption comes first, `stop` is told; if it says true, the wait ends there and
   * rejects with the interruption's error, else it goes on until `promise` settles.
   */
  during<T>(promise: PromiseLike<T>, stop: (error: Error) => boolean): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#stop = (error) => {
        if (stop(error)) reject(error)
      }
      const settled = (): void => {
        this.#stop = undefined
      }
      promise.then(
        (value) => {
          settled()
          resolve(value)
        },
        (error: unknown) => {
          settled()
          const reason: Error = error as Error
          reject(reason)
        },
      )
      if (this.#error !== undefined) this.#stop(this.#error)
    })
  }

  /** Lets go of the timer and the signal. */
  dispose(): void {
    this.#timer?.cancel()
    this.#signal?.removeEventListener('abort', this.#onAbort)
    this.#stop = undefined
  }

  #interrupt(error: Error): void {
    if (this.#error !== undefined) return
    this.#error = error
    this.#stop?.(error)
  }
}
