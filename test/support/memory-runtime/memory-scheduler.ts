/**
 * Turns and timers of the runtime in memory: one completion a turn, chosen by a seed, under a virtual clock.
 *
 * It runs on the real event loop, so that tests just await: each turn is one `setImmediate`, in which one of the
 * completions that are due is delivered; then microtasks run dry before the next. When nothing is left to complete, the
 * clock jumps to the next timer (unless told not to): waiting takes no time.
 */
import { createAfterMicrotasks } from '../../../src/runtime/node/node-scheduler'
import { CrashedError } from './io-calls'
import type { Clock, Scheduler, Timer } from '../../../src/runtime/runtime'
import type { RandomStream } from './random-stream'

/** Virtual time that a turn takes, in milliseconds. */
const turnMs = 0.01
/** Virtual time that looking at the clock takes, in milliseconds: a loop with a time budget ends. */
const lookMs = 0.001
/** The wall clock at the beginning, in milliseconds since 1970. */
const epochMs = 1_700_000_000_000
/** Turns without work before the clock jumps: code that hops over turns of the real loop gets its say before. */
const idleTurnsBeforeJump = 2
/**
 * Jumps in a row, with no work between, that keep the process awake. A world that a test forgot to close may wait for
 * periodic timers for ever: from here on they fire only while something else is going on.
 */
const idleJumpsMax = 1000

interface ArmedTimer {
  readonly dueMs: number
  readonly ordinal: number
  readonly fn: () => void
  readonly keepAlive: boolean
}

/** The order of events of one world. */
export class MemoryScheduler implements Scheduler, Clock {
  readonly #random: RandomStream
  readonly #jumps: boolean
  readonly #afterMicrotasks = createAfterMicrotasks()
  readonly #tasks: (() => void)[] = []
  readonly #timers = new Set<ArmedTimer>()
  #nowMs = 0
  #timersMade = 0
  #idleTurns = 0
  #idleJumps = 0
  #turn: NodeJS.Immediate | undefined
  #isStopped = false

  /** `jumps`: whether the clock moves to the next timer when nothing else is left. */
  constructor(random: RandomStream, jumps: boolean) {
    this.#random = random
    this.#jumps = jumps
  }

  monotonicMs(): number {
    return (this.#nowMs += lookMs)
  }

  wallMs(): number {
    return epochMs + Math.floor(this.#nowMs)
  }

  afterMicrotasks(fn: () => void): void {
    this.#afterMicrotasks(() => {
      if (!this.#isStopped) fn()
    })
  }

  nextTurn(): Promise<void> {
    return this.later(() => undefined)
  }

  after(ms: number, fn: () => void, options?: { keepAlive?: boolean }): Timer {
    const timer = {
      dueMs: this.#nowMs + ms,
      ordinal: this.#timersMade++,
      fn,
      keepAlive: options?.keepAlive === true,
    }
    if (!this.#isStopped) this.#timers.add(timer)
    this.#schedule()
    return { cancel: () => void this.#timers.delete(timer) }
  }

  /** Moves the clock; timers that become due fire in turns to come. */
  advance(ms: number): void {
    this.#nowMs += ms
    this.#schedule()
  }

  /** Does `task` in a turn to come. */
  enqueue(task: () => void): void {
    if (this.#isStopped) return
    this.#tasks.push(task)
    this.#schedule()
  }

  /** Does `action` in a turn to come and resolves to its result; never, if the world crashes in it or before. */
  later<T>(action: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.enqueue(() => {
        try {
          resolve(action())
        } catch (error) {
          if (error instanceof CrashedError) return
          reject(error instanceof Error ? error : new Error(String(error)))
        }
      })
    })
  }

  /** The end of the world: nothing pending ever happens. */
  stop(): void {
    this.#isStopped = true
    this.#tasks.length = 0
    this.#timers.clear()
    if (this.#turn !== undefined) clearImmediate(this.#turn)
    this.#turn = undefined
  }

  /** Makes sure that a next turn comes if there is anything for it; what it holds the process for is below. */
  #schedule(): void {
    if (this.#isStopped) return
    const next = this.#nextTimer()
    const mayFire = next !== undefined && (this.#jumps || next.dueMs <= this.#nowMs)
    if (this.#tasks.length === 0 && !mayFire) return
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined
      try {
        this.#step()
      } finally {
        this.#schedule()
      }
    })
    const holds =
      this.#tasks.length > 0 || this.#idleJumps < idleJumpsMax || [...this.#timers].some((timer) => timer.keepAlive)
    if (holds) this.#turn.ref()
    else this.#turn.unref()
  }

  #step(): void {
    this.#nowMs += turnMs
    const timer = this.#nextTimer()
    const isDue = timer !== undefined && timer.dueMs <= this.#nowMs
    if (this.#tasks.length > 0 && !(isDue && this.#random.below(2) === 0)) {
      this.#idleTurns = this.#idleJumps = 0
      this.#takeTask()()
      return
    }
    if (timer === undefined || (!isDue && ++this.#idleTurns <= idleTurnsBeforeJump)) return
    this.#idleTurns = 0
    if (!isDue) this.#idleJumps++
    this.#nowMs = Math.max(this.#nowMs, timer.dueMs)
    this.#timers.delete(timer)
    timer.fn()
  }

  #takeTask(): () => void {
    const [task] = this.#tasks.splice(this.#random.below(this.#tasks.length), 1)
    return task!
  }

  #nextTimer(): ArmedTimer | undefined {
    let next: ArmedTimer | undefined
    for (const timer of this.#timers) {
      if (
        next === undefined ||
        timer.dueMs < next.dueMs ||
        (timer.dueMs === next.dueMs && timer.ordinal < next.ordinal)
      ) {
        next = timer
      }
    }
    return next
  }
}
