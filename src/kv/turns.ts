/**
 * Fairness to the event loop: after so many synchronously completed operations the next one resolves in a later turn.
 *
 * Awaiting promises that are resolved already never leaves the microtask queue: five million such reads in a loop keep
 * timers, syncs and I/O waiting for a third of a second. So every operation that completed at once settles here. The
 * budget is shared by a whole database, and once it is spent everybody waits for the *same* turn: a thousand clients get
 * one budget between them, not one each.
 *
 * A turn that comes by itself brings a new budget too: at the first look of a turn (after a few operations; each look reads the
 * clock) the next one is asked for, whether anybody will wait for it or not. Otherwise clients that a log acknowledges
 * together would be torn apart by a budget that earlier turns had spent, and share a sync with half as many.
 *
 *     operations   1 ........ 16 ........ 32 ........ 48 ...         a turn, asked for at the first look
 *     looks                   first: the clock starts, budget checked at each from here
 *
 * Pinned by test/unit/kv/turns.test.ts.
 */
import type { Runtime } from '../runtime/runtime'

/** There is a look once in this many operations. */
const OPERATIONS_PER_LOOK = 16
/** Operations of one turn may take this long together, those before its first look apart. */
const TURN_MS_MAX = 1
/** A row of a page is cheaper than an operation of its own: so many rows count as one. */
const ROWS_PER_OPERATION = 16

/** The budget of one database. */
export class Turns {
  readonly #runtime: Runtime
  readonly #operationsMax: number
  /** Operations left until the next look. */
  #left: number
  /** Operations until the budget is spent, not counting `#left`. */
  #reserve: number
  /** When the first look of this turn was. */
  #sinceMs = 0
  /** The turn that was asked for, from this turn's first look on. */
  #turn: Promise<void> | undefined

  constructor(runtime: Runtime, operationsPerTurnMax: number) {
    this.#runtime = runtime
    this.#operationsMax = operationsPerTurnMax
    this.#left = 0
    this.#reserve = 0
    this.#takePart(operationsPerTurnMax)
  }

  /** A promise of `value`, resolved already unless the budget is spent. Counts one operation. */
  settle<T>(value: T): Promise<T> {
    if (--this.#left >= 0) return Promise.resolve(value)
    const turn = this.#spent()
    return turn === undefined ? Promise.resolve(value) : turn.then(() => value)
  }

  /** Counts a page of `rows`; returns the turn to wait for if the budget is spent. */
  spendRows(rows: number): Promise<void> | undefined {
    return this.spend(Math.ceil(rows / ROWS_PER_OPERATION))
  }

  /** Counts `operations`; returns the turn to wait for if the budget is spent. */
  spend(operations: number): Promise<void> | undefined {
    this.#left -= operations
    return this.#left >= 0 ? undefined : this.#spent()
  }

  /** A look: takes the next part of the budget, or gives the turn to wait for. */
  #spent(): Promise<void> | undefined {
    const left = this.#reserve + this.#left
    const isFirst = this.#turn === undefined
    this.#turn ??= this.#nextTurn()
    if (left < 0) return this.#turn
    const nowMs = this.#runtime.clock.monotonicMs()
    if (isFirst) this.#sinceMs = nowMs
    else if (nowMs - this.#sinceMs >= TURN_MS_MAX) return this.#turn
    this.#takePart(left)
    return undefined
  }

  #nextTurn(): Promise<void> {
    return this.#runtime.scheduler.nextTurn().then(() => {
      this.#turn = undefined
      this.#takePart(this.#operationsMax)
    })
  }

  #takePart(operations: number): void {
    this.#left = Math.min(operations, OPERATIONS_PER_LOOK)
    this.#reserve = operations - this.#left
  }
}
