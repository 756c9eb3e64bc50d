/**
 * Background work: one queue of flushes, one of merges, started when there is something to do, and again after a failure.
 *
 * Flushes run one at a time in the order of their sequences, merges one at a time; a running merge lets a waiting flush
 * through between two slices. A job that fails is tried again after a pause that doubles from `backoffMsMin` to
 * `backoffMsMax`; the failure is kept for `stats()` and for whoever waits, and forgotten after the next success.
 *
 *   wake -> queue -> step() -> queue -> ... until it finds nothing to do       (a step is one flush, or one merge)
 *
 * What it does not do: know what a flush or merge is. Pinned by test/unit/storage/background.test.ts.
 */
import PQueue from 'p-queue'
import type { Limits } from '../base/limits'
import type { Runtime, Timer } from '../runtime/runtime'

/** The two kinds of jobs. */
export type JobKind = 'flush' | 'compaction'

/** What background work is made of. */
export interface BackgroundOptions {
  readonly limits: Limits
  /** Does one job if there is one: true if there was. Throws if it failed and left nothing changed. */
  readonly step: (kind: JobKind) => Promise<boolean>
  /** Whether the engine has been poisoned: no job begins then. */
  readonly isHalted: () => boolean
  /** Told of each failure, and of each success. */
  readonly onFailed: (kind: JobKind, error: Error) => void
  readonly onDone: (kind: JobKind) => void
}

/** Thrown between two slices of a job that is not wanted any more. */
class JobAbandoned extends Error {}

interface Lane {
  readonly kind: JobKind
  readonly queue: PQueue
  error: Error | undefined
  backoffMs: number
  retry: Timer | undefined
  /** A run over everything that there is to do has been queued and has not begun. */
  isQueued: boolean
  /** A job runs, and neither it nor the search for the next one has ended. */
  isBusy: boolean
  /** Callers that wait for what `run` does. */
  callers: number
}

/** The background work of one engine. */
export class Background {
  readonly #runtime: Runtime
  readonly #options: BackgroundOptions
  readonly #flushes: Lane
  readonly #merges: Lane
  #isClosed = false

  constructor(runtime: Runtime, options: BackgroundOptions) {
    this.#runtime = runtime
    this.#options = options
    this.#flushes = createLane('flush', options.limits)
    this.#merges = createLane('compaction', options.limits)
  }

  /** The last failure that no success has followed. */
  get error(): Error | undefined {
    return this.#flushes.error ?? this.#merges.error
  }

  /** The same of one kind of jobs. */
  errorOf(kind: JobKind): Error | undefined {
    return this.#lane(kind).error
  }

  /** Jobs run or are about to: what is to be done is being done. False while a failure is waited out. Every commit asks. */
  get isWorking(): boolean {
    const flushes = this.#flushes
    const merges = this.#merges
    return flushes.isQueued || flushes.isBusy || merges.isQueued || merges.isBusy
  }

  /** Whether a caller waits for jobs of a kind. */
  isAwaited(kind: JobKind): boolean {
    return this.#lane(kind).callers > 0
  }

  /** There may be something to do. After a failure the pause goes on, unless `isUrgent`. */
  wake(kind: JobKind, isUrgent = false): void {
    const lane = this.#lane(kind)
    if (this.#isClosed || lane.isQueued || (lane.retry !== undefined && !isUrgent)) return
    this.#run(lane).catch(() => undefined)
  }

  /** Runs jobs of a kind until there is none, or until `isDone`, which is asked before each; rejects with the first failure. */
  async run(kind: JobKind, isDone?: () => boolean): Promise<void> {
    if (this.#isClosed) return
    const lane = this.#lane(kind)
    lane.callers++
    try {
      await this.#run(lane, isDone)
    } finally {
      lane.callers--
    }
  }

  /** Runs one job that somebody asked for, in its queue; rejects with its failure. */
  async once(kind: JobKind, job: () => Promise<void>): Promise<void> {
    const lane = this.#lane(kind)
    await lane.queue.add(async () => {
      this.checkWanted()
      await this.#attempt(lane, async () => {
        await job()
        return false
      })
    })
  }

  /** For merges, between two slices: waits for flushes that wait, and throws if the job is not wanted any more. */
  async yieldToFlushes(): Promise<void> {
    if (this.#flushes.queue.size + this.#flushes.queue.pending > 0) await this.#flushes.queue.onIdle()
    this.checkWanted()
  }

  /** Throws if the engine closes or was poisoned. */
  checkWanted(): void {
    if (this.#isClosed || this.#options.isHalted()) throw new JobAbandoned('this job is not wanted any more')
  }

  /** Begins no more jobs, and waits for the running ones, which end at their next slice. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const lane of [this.#flushes, this.#merges]) {
      lane.retry?.cancel()
      await lane.queue.onIdle()
    }
  }

  #lane(kind: JobKind): Lane {
    return kind === 'flush' ? this.#flushes : this.#merges
  }

  /** Each job stands in line anew: one that somebody asked for would never begin behind jobs that commits make more of. */
  async #run(lane: Lane, isDone?: () => boolean): Promise<void> {
    lane.retry?.cancel()
    lane.retry = undefined
    let isMore = true
    while (isMore && isDone?.() !== true) {
      lane.isQueued = true
      isMore = await lane.queue.add(async () => {
        lane.isQueued = false
        if (this.#isClosed || this.#options.isHalted()) return false
        return this.#attempt(lane, () => this.#options.step(lane.kind))
      })
    }
  }

  /** One job, told to whoever waits: what it gives is whether there may be more. */
  async #attempt(lane: Lane, job: () => Promise<boolean>): Promise<boolean> {
    lane.isBusy = true
    let isMore: boolean
    try {
      isMore = await job()
    } catch (error) {
      lane.isBusy = false
      if (error instanceof JobAbandoned) throw error
      this.#fail(lane, error as Error)
      throw error
    }
    lane.isBusy = isMore
    lane.error = undefined
    lane.backoffMs = this.#options.limits.backoffMsMin
    this.#options.onDone(lane.kind)
    return isMore
  }

  #fail(lane: Lane, error: Error): void {
    lane.error = error
    if (!this.#isClosed && !this.#options.isHalted() && lane.retry === undefined) {
      lane.retry = this.#runtime.scheduler.after(lane.backoffMs, () => {
        lane.retry = undefined
        this.wake(lane.kind)
      })
      lane.backoffMs = Math.min(2 * lane.backoffMs, this.#options.limits.backoffMsMax)
    }
    this.#options.onFailed(lane.kind, error)
  }
}

function createLane(kind: JobKind, limits: Limits): Lane {
  const queue = new PQueue({ concurrency: 1 })
  return {
    kind,
    queue,
    error: undefined,
    backoffMs: limits.backoffMsMin,
    retry: undefined,
    isQueued: false,
    isBusy: false,
    callers: 0,
  }
}
