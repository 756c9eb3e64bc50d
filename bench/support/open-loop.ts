/**
 * Open-loop clients: transactions are begun at random moments of a fixed mean rate, whether or not earlier ones have come back.
 *
 * Each is measured from the moment at which it was *meant* to begin. A closed loop stops asking while the store hangs, and so sees one slow
 * call where an application with visitors of its own sees hundreds (coordinated omission); here they all count. What is meant to
 * begin while `inFlightMax` are under way begins late, and its wait counts as well. Pinned by test/unit/bench/open-loop.test.ts.
 */
import { createRandom } from './keys'

/** Begun in one turn of the event loop, at most: what is due beyond it begins in the next. */
const BEGUN_PER_TURN_MAX = 64
/** Below this, waiting for a timer would come late. */
const TIMER_MS_MIN = 2
const SEED = 11

/** Time, and turns of the event loop. */
export interface Turns {
  nowMs(): number
  /** Calls `fn` in another turn, `ms` from now or somewhat earlier. */
  after(ms: number, fn: () => void): void
}

const REAL_TURNS: Turns = {
  nowMs: () => performance.now(),
  after: (ms, fn) => {
    if (ms < TIMER_MS_MIN) setImmediate(fn)
    else setTimeout(fn, ms - 1)
  },
}

/** How the clients behave. */
export interface OpenLoopOptions {
  /** Mean rate at which transactions are meant to begin; the gaps are those of a Poisson process. */
  readonly perSecond: number
  /** Whether to begin no more; asked in every turn. */
  readonly isOver: () => boolean
  readonly inFlightMax: number
  /** One transaction; a rejection ends the run. */
  readonly step: () => Promise<void>
  /** Told how long after its meant beginning each transaction was acknowledged. */
  readonly onDone: (ms: number) => void
  readonly seed?: number
  /** The real ones unless given. */
  readonly turns?: Turns
}

/** What became of the clients. */
export interface OpenLoopOutcome {
  readonly count: number
  readonly seconds: number
  readonly inFlightPeak: number
}

/** Runs until `isOver` and everything begun has come back. Rejects with the first failure, once everything has come back. */
export function runOpenLoop(options: OpenLoopOptions): Promise<OpenLoopOutcome> {
  const { perSecond, isOver, inFlightMax, step, onDone, turns = REAL_TURNS } = options
  const random = createRandom(options.seed ?? SEED)
  const gapMs = (): number => (-Math.log(1 - random()) * 1000) / perSecond
  const sinceMs = turns.nowMs()
  let meantMs = sinceMs + gapMs()
  let inFlight = 0
  let inFlightPeak = 0
  let count = 0
  let failure: Error | undefined
  const begin = (meant: number): void => {
    inFlightPeak = Math.max(inFlightPeak, ++inFlight)
    step()
      .then(() => {
        count++
        onDone(turns.nowMs() - meant)
      })
      .catch((error: unknown) => (failure ??= error instanceof Error ? error : new Error(String(error))))
      .finally(() => inFlight--)
  }
  return new Promise((resolve, reject) => {
    const turn = (): void => {
      const hasEnded = failure !== undefined || isOver()
      if (hasEnded && inFlight === 0) {
        if (failure !== undefined) reject(failure)
        else resolve({ count, seconds: (turns.nowMs() - sinceMs) / 1000, inFlightPeak })
        return
      }
      const nowMs = turns.nowMs()
      for (
        let begun = 0;
        !hasEnded && meantMs <= nowMs && inFlight < inFlightMax && begun < BEGUN_PER_TURN_MAX;
        begun++
      ) {
        begin(meantMs)
        meantMs += gapMs()
      }
      turns.after(hasEnded ? 0 : meantMs - turns.nowMs(), turn)
    }
    turn()
  })
}
