/**
 * All interleavings of a few threads of events, one for each class of schedules that cannot differ.
 *
 * Two schedules belong to one class if swapping neighbours that commute leads from one to the other. The generator walks all
 * interleavings depth first and cuts where two neighbours commute and stand in descending thread order: the
 * lexicographically least schedule of a class has no such pair, so every class keeps at least that one (the reduction is
 * sound), and mostly no other. Pinned by test/unit/oracle/interleavings.test.ts, against all interleavings unreduced.
 */

/** One event: a thread's next step. */
export interface ScheduledEvent<E> {
  readonly thread: number
  readonly event: E
}

/** What shapes the walk. */
export interface InterleavingRules<E> {
  /** Whether two events of different threads may change places without changing anything. */
  commutes(a: E, b: E): boolean
  /** Whether `event` may happen after `before`; absent: always. */
  isEnabled?(event: E, before: readonly ScheduledEvent<E>[]): boolean
}

/** Calls `visit` with every schedule. The array is reused: copy what is kept. */
export function forEachInterleaving<E>(
  threads: readonly (readonly E[])[],
  rules: InterleavingRules<E>,
  visit: (schedule: readonly ScheduledEvent<E>[]) => void,
): void {
  const positions = threads.map(() => 0)
  const schedule: ScheduledEvent<E>[] = []
  const total = threads.reduce((sum, thread) => sum + thread.length, 0)
  const extend = (): void => {
    if (schedule.length === total) {
      visit(schedule)
      return
    }
    const last = schedule[schedule.length - 1]
    for (let thread = 0; thread < threads.length; thread++) {
      const position = positions[thread]!
      if (position === threads[thread]!.length) continue
      const event = threads[thread]![position]!
      if (last !== undefined && last.thread > thread && rules.commutes(last.event, event)) continue
      if (rules.isEnabled !== undefined && !rules.isEnabled(event, schedule)) continue
      positions[thread] = position + 1
      schedule.push({ thread, event })
      extend()
      schedule.pop()
      positions[thread] = position
    }
  }
  extend()
}
