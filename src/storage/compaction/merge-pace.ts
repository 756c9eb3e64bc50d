/**
 * Paces the work of flushes and merges, slice by slice: counts it, lets commits in that waited for it, and holds merges to their credit.
 *
 * After each slice a job comes here. A flush goes on at once. A merge lets waiting flushes through, and then waits, a
 * millisecond at a time, until it has credit (merge-credit.ts), unless somebody waits for it: commits, a caller, a level 0
 * that grows too fast.
 *
 * Pinned by test/unit/storage/compaction/merge-pace.test.ts and test/unit/storage/stall.test.ts.
 */
import type { Runtime } from '../../runtime/runtime'
import type { MergeCredit } from './merge-credit'

/** How long a merge without credit waits before it looks again, in milliseconds. */
const PAUSE_MS = 1

/** What pacing needs to know and to tell. */
export interface PaceOptions {
  readonly credit: MergeCredit
  /** Waits for flushes that wait, and throws if the job is not wanted any more. */
  readonly yieldToFlushes: () => Promise<void>
  /** Throws if the job is not wanted any more. */
  readonly checkWanted: () => void
  /** Somebody waits for merges: they go on without credit. */
  readonly isPressed: () => boolean
  /** A slice is done: commits that wait may have room now. */
  readonly onSlice: () => void
}

/** The pace of one engine's jobs. */
export class MergePace {
  readonly #runtime: Runtime
  readonly #options: PaceOptions

  constructor(runtime: Runtime, options: PaceOptions) {
    this.#runtime = runtime
    this.#options = options
  }

  /** After a slice of a flush. Throws if the job is not wanted any more. */
  flushed(bytes: number): void {
    const { credit, checkWanted, onSlice } = this.#options
    credit.work(bytes, false)
    onSlice()
    checkWanted()
  }

  /** After a slice of a merge: resolves when it may do the next. Rejects if it is not wanted any more. */
  async merged(bytes: number, options: { readonly isAwaited: boolean }): Promise<void> {
    const { credit, yieldToFlushes, onSlice } = this.#options
    credit.work(bytes, this.#isUrgent(options))
    onSlice()
    await yieldToFlushes()
    while (!credit.mayGoOn(this.#runtime.clock.monotonicMs()) && !this.#isUrgent(options)) {
      await this.#pause()
      await yieldToFlushes()
    }
  }

  #isUrgent({ isAwaited }: { readonly isAwaited: boolean }): boolean {
    return isAwaited || this.#options.isPressed()
  }

  #pause(): Promise<void> {
    // A job under way holds the process, as its slices do.
    return new Promise((resolve) => this.#runtime.scheduler.after(PAUSE_MS, resolve, { keepAlive: true }))
  }
}
