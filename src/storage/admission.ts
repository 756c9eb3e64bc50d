/**
 * Admission: lets commits in while background work keeps up, and makes them wait, first come first served, while it does not.
 *
 * Asked before a commit is decided; after it nothing but a failed log can stop a commit. Waiters are looked at again
 * whenever background work reports progress (a slice, a job), never on a timer. If the work that they wait for
 * has just failed, they are refused with the cause instead of waiting for something that may never come.
 *
 * Pinned by test/unit/storage/admission.test.ts.
 */
import { StalledError } from '../base/errors'
import type { Runtime } from '../runtime/runtime'
import type { EngineEvent } from './engine'

/** What keeps commits waiting, as it is now. */
export interface AdmissionState {
  /** Undefined while commits may go on. */
  readonly cause: string | undefined
  /** The failure of the work that would end the wait. */
  readonly failure: Error | undefined
}

/** Figures of the waits so far. */
export interface StallFigures {
  readonly count: number
  readonly totalMs: number
  readonly longestMs: number
  /** Why commits wait now; undefined if none does. */
  readonly cause: string | undefined
}

interface Waiter {
  readonly sinceMs: number
  readonly cause: string
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** The gate in front of the log. */
export class Admission {
  readonly #runtime: Runtime
  readonly #state: () => AdmissionState
  readonly #onEvent: (event: EngineEvent) => void
  #waiters: Waiter[] = []
  #count = 0
  #totalMs = 0
  #longestMs = 0

  constructor(
    runtime: Runtime,
    options: { readonly state: () => AdmissionState; readonly onEvent: (event: EngineEvent) => void },
  ) {
    this.#runtime = runtime
    this.#state = options.state
    this.#onEvent = options.onEvent
  }

  /** Undefined if the commit may go on at once, else a promise. Throws `StalledError` where the wait could not end. */
  enter(): undefined | Promise<void> {
    const { cause, failure } = this.#state()
    if (cause === undefined && this.#waiters.length === 0) return undefined
    if (cause !== undefined && failure !== undefined) throw stalled(cause, failure)
    const sinceMs = this.#runtime.clock.monotonicMs()
    return new Promise((resolve, reject) => {
      this.#waiters.push({ sinceMs, cause: cause ?? 'earlier commits wait', resolve, reject })
    })
  }

  /** Background work went on, or failed: lets waiters in, or refuses them. */
  recheck(): void {
    if (this.#waiters.length === 0) return
    const { cause, failure } = this.#state()
    if (cause !== undefined && failure === undefined) return
    for (const waiter of this.#take()) {
      if (cause === undefined) waiter.resolve()
      else waiter.reject(stalled(cause, failure))
    }
  }

  /** Refuses everybody who waits. */
  refuse(error: Error): void {
    for (const waiter of this.#take()) waiter.reject(error)
  }

  figures(): StallFigures {
    const cause = this.#waiters.length > 0 ? this.#state().cause : undefined
    return { count: this.#count, totalMs: this.#totalMs, longestMs: this.#longestMs, cause }
  }

  /** All waiters; they are counted as stalls that end now, the longest one as an event. */
  #take(): readonly Waiter[] {
    const waiters = this.#waiters
    this.#waiters = []
    const nowMs = this.#runtime.clock.monotonicMs()
    for (const { sinceMs } of waiters) {
      this.#count++
      this.#totalMs += nowMs - sinceMs
      this.#longestMs = Math.max(this.#longestMs, nowMs - sinceMs)
    }
    const first = waiters[0]
    if (first !== undefined) this.#onEvent({ type: 'stall', cause: first.cause, ms: nowMs - first.sinceMs })
    return waiters
  }
}

function stalled(cause: string, failure: Error | undefined): StalledError {
  return new StalledError(`Cannot commit: ${cause}, and background work fails (${failure?.message ?? ''})`, failure)
}
