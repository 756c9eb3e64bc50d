/**
 * Cuts long work into slices, so that commits and reads of the same thread wait for one slice and never for a whole job.
 *
 * A slice ends after `mergeSliceBytes` or about a millisecond. Between two slices the event loop turns, a waiting flush goes
 * first, and a job that is not wanted any more ends by throwing.
 *
 * Pinned by test/unit/storage/slices.test.ts.
 */
import type { Limits } from '../base/limits'
import type { Runtime } from '../runtime/runtime'

/** Looking at the clock costs more than a version: it is done once in so many steps. */
const STEPS_PER_LOOK = 64
const SLICE_MS = 1

/** One job's slices. */
export class Slices {
  readonly #runtime: Runtime
  readonly #bytesMax: number
  readonly #between: (bytes: number) => void | Promise<void>
  #bytes = 0
  #steps = 0
  #startedMs: number

  /** `between` runs after each turn, with the bytes of the slice; what it throws ends the job. */
  constructor(runtime: Runtime, limits: Limits, between: (bytes: number) => void | Promise<void>) {
    this.#runtime = runtime
    this.#bytesMax = limits.mergeSliceBytes
    this.#between = between
    this.#startedMs = runtime.clock.monotonicMs()
  }

  /** Counts `bytes` of work done in so many steps; a promise where the slice is over, to be awaited before going on. */
  count(bytes: number, steps = 1): undefined | Promise<void> {
    this.#bytes += bytes
    this.#steps += steps
    if (this.#bytes < this.#bytesMax) {
      if (this.#steps < STEPS_PER_LOOK) return undefined
      this.#steps = 0
      if (this.#runtime.clock.monotonicMs() - this.#startedMs < SLICE_MS) return undefined
    }
    return this.#rest()
  }

  async #rest(): Promise<void> {
    await this.#runtime.scheduler.nextTurn()
    const bytes = this.#bytes
    this.#bytes = 0
    await this.#between(bytes)
    this.#startedMs = this.#runtime.clock.monotonicMs()
  }
}
