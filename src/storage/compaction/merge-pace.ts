/**
 * Paces the work of flushes and merges, slice by slice: counts it, lets commits in that waited for it, and holds it to its credit.
 *
 * After each slice a job comes here and waits, a millisecond at a time, until there is credit (merge-credit.ts), unless somebody
 * waits for it: commits, a caller, memory that fills, a level 0 that grows too fast. So work runs as steadily as commits come, not in
 * bursts that take processor and disk from them. A merge lets waiting flushes through first: what credit there is is theirs.
 *
 * Pinned by test/unit/storage/compaction/merge-pace.test.ts and test/unit/storage/stall.test.ts.
 */
import type { Runtime } from '../../runtime/runtime'
import type { JobKind } from '../background'
import type { MergeCredit } from './merge-credit'

/** How long a job without credit waits before it looks again, in milliseconds. */
const PAUSE_MS = 1

/** What pacing needs to know and to tell. */
export interface PaceOptions {
  readonly credit: MergeCredit
  /** Waits for flushes that wait, and throws if the job is not wanted any more. */
  readonly yieldToFlushes: () => Promise<void>
  /** Throws if the job is not wanted any more. */
  readonly checkWanted: () => void
  /** Somebody waits for jobs of a kind: they go on without credit. */
  readonly isPressed: (kind: JobKind) => boolean
  /** A slice is done: commits that wait may have room now. */
  readonly onSlice: () => void
}

/** The pace of one engine's jobs. */
export class MergePace {
  readonly #runtime: Runtime
  readonly #options: PaceOptions
  #pausing: Promise<void> | undefined

  constructor(runtime: Runtime, options: PaceOptions) {
    this.#runtime = runtime
    this.#options = options
  }

  /** After a slice of a flush: resolves when it may do the next. Rejects if it is not wanted any more. */
  async flushed(bytes: number): Promise<void> {
    const between = async (): Promise<void> => this.#options.checkWanted()
    await this.#done(bytes, { kind: 'flush', isAwaited: false, between })
  }

  /** The same after a slice of a merge; `isAwaited`: a caller waits for it. */
  async merged(bytes: number, { isAwaited }: { readonly isAwaited: boolean }): Promise<void> {
    await this.#done(bytes, { kind: 'compaction', isAwaited, between: () => this.#options.yieldToFlushes() })
  }

  async #done(
    bytes: number,
    job: { readonly kind: JobKind; readonly isAwaited: boolean; readonly between: () => Promise<void> },
  ): Promise<void> {
    const { credit, onSlice, isPressed } = this.#options
    const isUrgent = (): boolean => job.isAwaited || isPressed(job.kind)
    credit.work(bytes, isUrgent())
    onSlice()
    await job.between()
    while (!credit.mayGoOn(this.#runtime.clock.monotonicMs()) && !isUrgent()) {
      await this.#pause()
      await job.between()
    }
  }

  /** All that wait look at once: one timer is enough. */
  #pause(): Promise<void> {
    this.#pausing ??= new Promise((resolve) => {
      const end = (): void => {
        this.#pausing = undefined
        resolve()
      }
      // A job under way holds the process, as its slices do.
      this.#runtime.scheduler.after(PAUSE_MS, end, { keepAlive: true })
    })
    return this.#pausing
  }
}
