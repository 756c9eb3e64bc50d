/**
 * Remembers that something failed and when it is worth trying again: each failure in a row doubles the pause.
 *
 * There is no timer: whoever needs the thing asks, and the first to ask after the pause tries. So an idle database does
 * nothing, and a full disk is noticed to have room again by the next commit. Pinned by test/unit/storage/log/log-backoff.test.ts.
 */
import type { Limits } from '../../base/limits'
import type { Clock } from '../../runtime/runtime'

/** The failures in a row of one thing. */
export class Backoff {
  readonly #clock: Clock
  readonly #limits: Limits
  #cause: Error | undefined
  #pauseMs = 0
  #retryAtMs = 0

  constructor(clock: Clock, limits: Limits) {
    this.#clock = clock
    this.#limits = limits
  }

  /** The last failure that no success has followed. */
  get cause(): Error | undefined {
    return this.#cause
  }

  /** Whether the last failure is so recent that trying again is not worth it. */
  get isWaiting(): boolean {
    return this.#cause !== undefined && this.#clock.monotonicMs() < this.#retryAtMs
  }

  failed(cause: Error): void {
    const { backoffMsMin, backoffMsMax } = this.#limits
    this.#pauseMs = Math.min(backoffMsMax, Math.max(backoffMsMin, this.#pauseMs * 2))
    this.#retryAtMs = this.#clock.monotonicMs() + this.#pauseMs
    this.#cause = cause
  }

  succeeded(): void {
    this.#cause = undefined
    this.#pauseMs = 0
  }
}
