/**
 * Fairness to the event loop: after so many synchronously completed operations the next one resolves in a later turn.
 *
 * Awaiting promises that are resolved already never leaves the microtask queue: five million such reads in a loop keep
 * timers, syncs and I/O waiting for a third of a second. So every operation that completed at once settles here. The
 * budget is shared by a whole database, and once it is spent everybody waits for the *same* turn: a thousand clients get
 * one budget between them, not one each.
 *
 * What it does not do: notice a turn that came by itself. At worst one operation in 32 waits for a turn without need.
 * Pinned by test/unit/kv/turns.test.ts.
 */
import type { Runtime } from '../runtime/runtime'

/** The clock is read once in this many operations. */
const OPERATIONS_PER_CLOCK_READ = 32
/** Operations of one turn may take this long together. */
const TURN_MS_MAX = 1
/** A row of a page is cheaper than an operation of its own: so many rows count as one. */
const ROWS_PER_OPERATION = 16

/** The budget of one database. */
export class Turns {
  readonly #runtime: Runtime
  readonly #operationsMax: number
  /** Operations left until the clock is read again. */
  #left: number
  /** Operations until the budget is spent, not counting `#left`. */
  #reserve: number
  #sinceMs: number
  #turn: Promise<void> | undefined

  constructor(runtime: Runtime, operationsPerTurnMax: number) {
    this.#runtime = runtime
    this.#operationsMax = operationsPerTurnMax
    this.#left = 0
    this.#reserve = 0
    this.#sinceMs = 0
    this.#refill()
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

  /** The clock's part has run out: take the next one from the reserve, or ask for a turn. */
  #spent(): Promise<void> | undefined {
    if (this.#turn !== undefined) return this.#turn
    if (this.#reserve + this.#left >= 0 && this.#runtime.clock.monotonicMs() - this.#sinceMs < TURN_MS_MAX) {
      this.#takePart(this.#reserve + this.#left)
      return undefined
    }
    this.#turn = this.#runtime.scheduler.nextTurn().then(() => {
      this.#turn = undefined
      this.#refill()
    })
    return this.#turn
  }

  #refill(): void {
    this.#sinceMs = this.#runtime.clock.monotonicMs()
    this.#takePart(this.#operationsMax)
  }

  #takePart(operations: number): void {
    this.#left = Math.min(operations, OPERATIONS_PER_CLOCK_READ)
    this.#reserve = operations - this.#left
  }
}
