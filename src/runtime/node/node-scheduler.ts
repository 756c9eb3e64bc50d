/**
 * Turns and timers of the Node event loop.
 *
 * `process.nextTick` alone would be wrong for `afterMicrotasks`: called from a timer or an I/O callback, a tick runs
 * *before* the microtasks of that callback. A hop through one microtask first puts the tick behind them:
 *
 *     callback -> microtasks (ours among them) -> ticks queued by microtasks
 *
 * Pinned by test/contract/runtime ("afterMicrotasks ...").
 */
import { assert } from '../../base/assert'
import type { Scheduler, Timer } from '../runtime'

/** The longest delay that setTimeout keeps; it fires at once for a longer one. In milliseconds. */
const timeoutMsMax = 2 ** 31 - 1

/** The scheduler over the event loop of the calling thread. */
export function createNodeScheduler(): Scheduler {
  return { afterMicrotasks: createAfterMicrotasks(), nextTurn, after }
}

/** A function that runs its callbacks, in order, once the microtasks of the current turn have run dry. */
export function createAfterMicrotasks(): (fn: () => void) => void {
  let waiting: (() => void)[] = []
  const resolved = Promise.resolve()
  const run = (): void => {
    const callbacks = waiting
    waiting = []
    for (let index = 0; index < callbacks.length; index++) {
      try {
        callbacks[index]!()
      } catch (error) {
        // The others still run, and first: what was asked for before the failure must not be lost to it.
        waiting = [...callbacks.slice(index + 1), ...waiting]
        if (waiting.length > 0) process.nextTick(run)
        throw error
      }
    }
  }
  const hop = (): void => process.nextTick(run)
  return (fn) => {
    waiting.push(fn)
    if (waiting.length === 1) void resolved.then(hop)
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function after(ms: number, fn: () => void, options?: { keepAlive?: boolean }): Timer {
  assert(ms >= 0 && Number.isFinite(ms), 'a timer runs after a finite number of milliseconds that is not negative')
  const keepAlive = options?.keepAlive === true
  let timeout: NodeJS.Timeout
  const arm = (remainingMs: number): void => {
    const legMs = Math.min(remainingMs, timeoutMsMax)
    timeout = setTimeout(() => (remainingMs > legMs ? arm(remainingMs - legMs) : fn()), legMs)
    if (!keepAlive) timeout.unref()
  }
  arm(ms)
  return { cancel: () => clearTimeout(timeout) }
}
