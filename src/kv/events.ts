/**
 * What a database tells about itself: events, given to `onEvent` and to `node:diagnostics_channel`.
 *
 * The channel of a type is named `strictkv:<type>`. Listeners run synchronously, where the event happens, so they must be
 * quick; one that throws disturbs nothing: the failure is counted and kept for `stats()`, since there is nobody to throw it
 * at. (The channels hand exceptions of their subscribers to the process, as Node documents.)
 *
 * Pinned by test/unit/kv/events.test.ts.
 */
import { channel } from 'node:diagnostics_channel'
import type { SerializationReport } from '../base/serialization-report'

/** Everything that `onEvent` can receive. Times in milliseconds, sizes in bytes. */
export type DatabaseEvent =
  /** Commits waited, `ms` long, because background work could not keep up. */
  | { readonly type: 'stall'; readonly cause: string; readonly ms: number }
  /** Something behind the scenes failed; `job` 'callback' is a function of the application given to onCommit. */
  | { readonly type: 'backgroundError'; readonly job: 'flush' | 'compaction' | 'log' | 'close' | 'callback'; readonly error: unknown } // prettier-ignore
  /** Stored bytes are not what was written. */
  | { readonly type: 'corruption'; readonly file: string; readonly offset: number; readonly error: Error }
  /** The log failed: writes are refused until the database is opened again. */
  | { readonly type: 'poisoned'; readonly error: Error }
  /** A transaction was aborted because no serial order allows it; `message` says it in one sentence. */
  | { readonly type: 'abort'; readonly report: SerializationReport; readonly message: string }
  /** A transaction or snapshot has been open for longer than `snapshotAgeMsWarn`; raised once for each. */
  | {
      readonly type: 'oldSnapshot'
      readonly kind: 'transaction' | 'snapshot'
      readonly label: string | undefined
      readonly sequence: number
      readonly ageMs: number
      /** Where it was begun (a stack); kept in development for those begun by hand. */
      readonly begunAt: string | undefined
    }
  | { readonly type: 'flush'; readonly bytes: number; readonly entries: number; readonly ms: number }
  | {
      readonly type: 'compaction'
      readonly level: number
      readonly bytesRead: number
      readonly bytesWritten: number
      readonly ms: number
    }

const TYPES = [
  'stall',
  'backgroundError',
  'corruption',
  'poisoned',
  'abort',
  'oldSnapshot',
  'flush',
  'compaction',
] as const
const CHANNELS = new Map(TYPES.map((type) => [type, channel(`strictkv:${type}`)]))

/** Where the events of one database come together. */
export class Events {
  readonly #listener: ((event: DatabaseEvent) => unknown) | undefined
  #listenerFailures = 0
  #lastListenerFailure: unknown

  constructor(listener?: (event: DatabaseEvent) => unknown) {
    this.#listener = listener
  }

  /** How often `onEvent` itself threw or rejected. */
  get listenerFailures(): number {
    return this.#listenerFailures
  }

  /** What it threw last. */
  get lastListenerFailure(): unknown {
    return this.#lastListenerFailure
  }

  /** Tells everybody. Never throws. */
  emit(event: DatabaseEvent): void {
    const published = CHANNELS.get(event.type)
    if (published?.hasSubscribers === true) published.publish(event)
    if (this.#listener === undefined) return
    runReporting(
      () => this.#listener?.(event),
      (error) => {
        this.#listenerFailures++
        this.#lastListenerFailure = error
      },
    )
  }

  /** Runs a callback of the application whose failure, now or later, is reported as an event and nowhere else. */
  runCallback(fn: () => unknown): void {
    runReporting(fn, (error) => this.emit({ type: 'backgroundError', job: 'callback', error }))
  }
}

/** Calls `fn`; what it throws, or what the promise it returns rejects with, goes to `report`. */
function runReporting(fn: () => unknown, report: (error: unknown) => void): void {
  try {
    const result = fn()
    if (result instanceof Promise) result.catch(report)
  } catch (error) {
    report(error)
  }
}
