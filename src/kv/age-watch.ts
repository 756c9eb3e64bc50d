/**
 * Warns, once each, of transactions and snapshots that stay open for long: they hold back the dropping of old versions.
 *
 * One timer for the whole database, which keeps no process alive and runs only while something is open. It is not
 * cancelled when the last transaction ends (that would cost every commit a timer); it finds nothing when it fires, and stops.
 * In development the place where a handle was begun is kept; it costs about two microseconds, so only handles begun by hand have it.
 *
 * Pinned by test/unit/kv/age-watch.test.ts.
 */
import type { StoreSnapshot, StoreTransaction } from '../mvcc/contract'
import { openFigures } from '../mvcc/open-figures'
import type { Runtime, Timer } from '../runtime/runtime'
import type { Events } from './events'

/** What is watched. */
export type Watched = StoreTransaction | StoreSnapshot

/** Where a handle was begun; printed only if somebody asks. */
export interface Origin {
  readonly stack?: string
}

/** What the watch needs to know. */
export interface AgeWatchOptions {
  readonly ageMsWarn: number
  /** Whether to keep where handles were begun. */
  readonly keepOrigins: boolean
}

/** The watch of one database. */
export class AgeWatch {
  readonly #runtime: Runtime
  readonly #events: Events
  readonly #open: () => Iterable<Watched>
  readonly #options: AgeWatchOptions
  readonly #origins = new WeakMap<Watched, Origin>()
  readonly #warned = new WeakSet<Watched>()
  #timer: Timer | undefined
  #stopped = false

  constructor(runtime: Runtime, events: Events, open: () => Iterable<Watched>, options: AgeWatchOptions) {
    this.#runtime = runtime
    this.#events = events
    this.#open = open
    this.#options = options
  }

  /** Something was opened: the timer runs from now on. */
  opened(): void {
    if (this.#timer === undefined && !this.#stopped) this.#arm(this.#options.ageMsWarn)
  }

  /** Where the application called the method of the database that calls this; undefined unless origins are kept. */
  originOfCall(): Origin | undefined {
    return this.#options.keepOrigins ? captureOrigin() : undefined
  }

  /** Something was opened by hand, at `origin`. */
  openedByHand(handle: Watched, origin: Origin | undefined): void {
    this.opened()
    if (origin !== undefined) this.#origins.set(handle, origin)
  }

  /** Stops for good. */
  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #arm(ms: number): void {
    this.#timer = this.#runtime.scheduler.after(Math.max(1, Math.ceil(ms)), () => {
      this.#timer = undefined
      this.#look()
    })
  }

  #look(): void {
    const nowMs = this.#runtime.clock.monotonicMs()
    let youngestWait: number | undefined
    for (const handle of [...this.#open()]) {
      if (this.#warned.has(handle)) continue
      const ageMs = nowMs - handle.begunMs
      if (ageMs < this.#options.ageMsWarn) {
        youngestWait ??= this.#options.ageMsWarn - ageMs
        continue
      }
      this.#warned.add(handle)
      this.#warn(handle, nowMs)
    }
    if (youngestWait !== undefined && !this.#stopped) this.#arm(youngestWait)
  }

  #warn(handle: Watched, nowMs: number): void {
    const { kind, label, sequence, ageMs } = openFigures(handle, nowMs)
    this.#events.emit({
      type: 'oldSnapshot',
      kind,
      label,
      sequence,
      ageMs,
      begunAt: printOrigin(this.#origins.get(handle)),
    })
  }
}

/** Frames of the stack that tell where a handle was begun: those of the application, and two above them to be left out. */
const FRAMES_KEPT = 4
const FRAMES_OF_OURS = 2

/** A stack alone: an error would capture one of its own first, at the same price again. */
function captureOrigin(): Origin {
  const framesBefore = Error.stackTraceLimit
  Error.stackTraceLimit = FRAMES_KEPT + FRAMES_OF_OURS
  const origin: Origin = {}
  Error.captureStackTrace(origin, captureOrigin)
  Error.stackTraceLimit = framesBefore
  return origin
}

function printOrigin(origin: Origin | undefined): string | undefined {
  const [, ...frames] = origin?.stack?.split('\n') ?? []
  return origin === undefined ? undefined : frames.slice(FRAMES_OF_OURS).join('\n')
}
