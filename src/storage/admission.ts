/**
 * Admission: lets commits in while background work keeps up, and makes them wait, first come first served, while it does not.
 *
 * Asked before a commit is decided; after it nothing but a failed log can stop a commit. What was let in and is not yet
 * appended counts as written, so that the end of a wait lets in no more than there is room for. Waiters are looked at again
 * whenever background work reports progress, never on a timer. If the work that they wait for has just failed, they
 * are refused with the cause instead of waiting for something that may never come.
 *
 * Pinned by test/unit/storage/admission.test.ts.
 */
import { assert } from '../base/assert'
import { StalledError } from '../base/errors'
import type { Runtime } from '../runtime/runtime'
import type { AdmissionState, StallKind } from './admission-rule'
import type { EngineEvent } from './engine'

/** Figures of the waits so far. */
export interface StallFigures {
  readonly count: number
  readonly totalMs: number
  readonly longestMs: number
  /** Waits by what they began with. */
  readonly countByKind: Readonly<Record<StallKind, number>>
  /** Why commits wait now; undefined if none does. */
  readonly cause: string | undefined
}

interface Waiter {
  readonly bytes: number
  readonly sinceMs: number
  readonly kind: StallKind | undefined
  readonly cause: string
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** The gate in front of the log. */
export class Admission {
  readonly #runtime: Runtime
  readonly #state: (admittedBytes: number) => AdmissionState
  readonly #onEvent: (event: EngineEvent) => void
  #waiters: Waiter[] = []
  #admittedBytes = 0
  readonly #countByKind: Record<StallKind, number> = { mergeDebt: 0, memtables: 0, levelZero: 0 }
  #count = 0
  #totalMs = 0
  #longestMs = 0

  constructor(
    runtime: Runtime,
    options: {
      readonly state: (admittedBytes: number) => AdmissionState
      readonly onEvent: (event: EngineEvent) => void
    },
  ) {
    this.#runtime = runtime
    this.#state = options.state
    this.#onEvent = options.onEvent
  }

  /** Undefined if a commit of `bytes` may go on at once, else a promise. Throws `StalledError` where the wait could not end. */
  enter(bytes: number): undefined | Promise<void> {
    const { kind, cause, failure } = this.#state(this.#admittedBytes)
    if (cause === undefined && this.#waiters.length === 0) {
      this.#admittedBytes += bytes
      return undefined
    }
    if (cause !== undefined && failure !== undefined) throw stalled(cause, failure)
    const sinceMs = this.#runtime.clock.monotonicMs()
    return new Promise((resolve, reject) => {
      this.#waiters.push({ bytes, sinceMs, kind, cause: cause ?? 'earlier commits wait', resolve, reject })
    })
  }

  /** `bytes` that were let in have been appended, or never will be. */
  leave(bytes: number): void {
    assert(this.#admittedBytes >= bytes, 'no more leaves than was let in')
    this.#admittedBytes -= bytes
  }

  /** Background work went on, or failed: lets waiters in as far as there is room, or refuses them. */
  recheck(): void {
    const ended: Waiter[] = []
    for (;;) {
      const waiter = this.#waiters[0]
      if (waiter === undefined) break
      const { cause, failure } = this.#state(this.#admittedBytes)
      if (cause !== undefined && failure === undefined) break
      this.#waiters.shift()
      ended.push(waiter)
      if (cause !== undefined) waiter.reject(stalled(cause, failure))
      else {
        this.#admittedBytes += waiter.bytes
        waiter.resolve()
      }
    }
    this.#record(ended)
  }

  /** Refuses everybody who waits. */
  refuse(error: Error): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const waiter of waiters) waiter.reject(error)
    this.#record(waiters)
  }

  /** Commits wait. */
  get isWaitedFor(): boolean {
    return this.#waiters.length > 0
  }

  figures(): StallFigures {
    const cause = this.#waiters.length > 0 ? this.#state(this.#admittedBytes).cause : undefined
    const countByKind = { ...this.#countByKind }
    return { count: this.#count, totalMs: this.#totalMs, longestMs: this.#longestMs, countByKind, cause }
  }

  /** These waits end now; the longest one is an event. */
  #record(waiters: readonly Waiter[]): void {
    const [first] = waiters
    if (first === undefined) return
    const nowMs = this.#runtime.clock.monotonicMs()
    for (const { sinceMs, kind } of waiters) {
      this.#count++
      if (kind !== undefined) this.#countByKind[kind]++
      this.#totalMs += nowMs - sinceMs
      this.#longestMs = Math.max(this.#longestMs, nowMs - sinceMs)
    }
    this.#onEvent({ type: 'stall', cause: first.cause, ms: nowMs - first.sinceMs })
  }
}

function stalled(cause: string, failure: Error | undefined): StalledError {
  return new StalledError(`Cannot commit: ${cause}, and background work fails (${failure?.message ?? ''})`, failure)
}
