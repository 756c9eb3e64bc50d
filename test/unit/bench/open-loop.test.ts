/** Open-loop clients on a clock made up: what is late counts from when it was meant to begin. */
import { runOpenLoop } from '../../../bench/support/open-loop'
import type { OpenLoopOptions, OpenLoopOutcome, Turns } from '../../../bench/support/open-loop'

/** A turn that waits for nothing takes so long. */
const TURN_MS = 0.1

/** A clock that stands still but when everybody waits for it. */
class MadeUpTurns implements Turns {
  #nowMs = 0
  #waiting: { readonly atMs: number; readonly fn: () => void }[] = []

  nowMs(): number {
    return this.#nowMs
  }

  after(ms: number, fn: () => void): void {
    this.#waiting.push({ atMs: this.#nowMs + Math.max(TURN_MS, ms), fn })
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve))
  }

  /** Lets time pass until `promise` is settled. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false
    const settled = promise.finally(() => (isSettled = true))
    settled.catch(() => undefined)
    while (!isSettled) {
      this.#waiting.sort((a, b) => a.atMs - b.atMs)
      const next = this.#waiting.shift()
      if (next !== undefined) {
        this.#nowMs = Math.max(this.#nowMs, next.atMs)
        next.fn()
      }
      for (let turn = 0; turn < 10; turn++) await Promise.resolve()
    }
    return settled
  }
}

async function runFor(
  ms: number,
  options: Omit<OpenLoopOptions, 'isOver' | 'onDone' | 'turns' | 'step'>,
  step: (turns: MadeUpTurns) => Promise<void>,
): Promise<{ outcome: OpenLoopOutcome; latencies: number[] }> {
  const turns = new MadeUpTurns()
  const latencies: number[] = []
  const outcome = await turns.until(
    runOpenLoop({
      ...options,
      turns,
      isOver: () => turns.nowMs() >= ms,
      step: () => step(turns),
      onDone: (doneMs) => latencies.push(doneMs),
    }),
  )
  return { outcome, latencies }
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

test('transactions begin at the rate that was asked for, whether or not others have come back', async () => {
  const { outcome, latencies } = await runFor(10_000, { perSecond: 200, inFlightMax: 1_000 }, (turns) =>
    turns.sleep(50),
  )
  expect(outcome.count).toBe(latencies.length)
  // A Poisson process of 2,000: its standard deviation is 45.
  expect(Math.abs(outcome.count - 2_000)).toBeLessThan(5 * 45)
  expect(outcome.inFlightPeak).toBeGreaterThan(10)
  // Each begins in the turn in which it is due.
  expect(sum(latencies) / latencies.length).toBeCloseTo(50, 0)
})

test('while the store hangs, everybody who was meant to begin counts, each with the wait that was left', async () => {
  let hasHung = false
  const { latencies } = await runFor(2_000, { perSecond: 100, inFlightMax: 1 }, async (turns) => {
    if (hasHung || turns.nowMs() < 500) return
    hasHung = true
    await turns.sleep(1_000)
  })
  const delayed = latencies.filter((ms) => ms > 10)
  // A closed loop would have seen a single call of 1,000 ms. Here about a hundred were meant to begin meanwhile, 500 ms each in the mean.
  expect(delayed.length).toBeGreaterThan(60)
  expect(sum(delayed) / delayed.length).toBeGreaterThan(350)
  expect(Math.max(...latencies)).toBeLessThan(1_100)
})

test('no more are under way than allowed', async () => {
  let underWay = 0
  let peak = 0
  const { outcome } = await runFor(1_000, { perSecond: 1_000, inFlightMax: 3 }, async (turns) => {
    peak = Math.max(peak, ++underWay)
    await turns.sleep(20)
    underWay--
  })
  expect(peak).toBe(3)
  expect(outcome.inFlightPeak).toBe(3)
})

test('the first failure ends the run, once everything begun has come back', async () => {
  let underWay = 0
  const running = runFor(1_000, { perSecond: 1_000, inFlightMax: 10 }, async (turns) => {
    underWay++
    const isBad = turns.nowMs() > 100
    await turns.sleep(20)
    underWay--
    if (isBad) throw new Error('the disk is gone')
  })
  await expect(running).rejects.toThrow('the disk is gone')
  expect(underWay).toBe(0)
})
