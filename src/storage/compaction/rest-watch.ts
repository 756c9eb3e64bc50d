/**
 * Notices when nothing has been written for a while: then the last merges are worth doing, which space alone asks for, and
 * the log's large files can go.
 *
 * Armed when there is nothing else to merge, and anew after a flush. It looks again after every `restMs` as long as something is written, and holds
 * nothing alive: a process may end meanwhile, and the next one rests too. Pinned by test/unit/storage/compaction/rest-watch.test.ts.
 */
import type { Sequence } from '../../base/sequence'
import type { Runtime, Timer } from '../../runtime/runtime'

/** The rest of one engine. */
export class RestWatch {
  readonly #runtime: Runtime
  readonly #options: {
    readonly restMs: number
    readonly appendedSequence: () => Sequence
    /** Nothing has been written for `restMs`. */
    readonly onRest: () => void
  }
  #timer: Timer | undefined
  #seen: Sequence = 0
  #rested: Sequence | undefined

  constructor(
    runtime: Runtime,
    options: {
      readonly restMs: number
      readonly appendedSequence: () => Sequence
      readonly onRest: () => void
    },
  ) {
    this.#runtime = runtime
    this.#options = options
  }

  /** Whether the store is at rest: nothing has been written since a rest began. */
  get isAtRest(): boolean {
    return this.#rested === this.#options.appendedSequence()
  }

  /** Watches from now on, unless the store is at rest already. */
  arm(): void {
    if (this.isAtRest) return
    this.#timer?.cancel()
    this.#seen = this.#options.appendedSequence()
    this.#timer = this.#runtime.scheduler.after(this.#options.restMs, () => {
      this.#timer = undefined
      if (this.#options.appendedSequence() !== this.#seen) {
        this.arm()
        return
      }
      this.#rested = this.#seen
      this.#options.onRest()
    })
  }

  /** Ends the watch. */
  close(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }
}
