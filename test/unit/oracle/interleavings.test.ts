/**
 * The reduction of interleavings loses no class of schedules.
 */
import type { ScheduledEvent } from '../../support/oracle/interleavings'
import { forEachInterleaving } from '../../support/oracle/interleavings'
import { BEGIN, COMMIT, GETS, PUBLISH, WRITES, commutes } from '../../support/oracle/operations'
import type { Operation } from '../../support/oracle/operations'

const textOf = (schedule: readonly ScheduledEvent<Operation>[]) =>
  schedule.map(({ thread, event }) => `${thread}:${event.text}`).join(' ')

/** The least schedule that swapping commuting neighbours leads to, found by trying all swaps. */
function representative(schedule: readonly ScheduledEvent<Operation>[]): string {
  const seen = new Set<string>([textOf(schedule)])
  const pending = [[...schedule]]
  for (let current = pending.pop(); current !== undefined; current = pending.pop()) {
    for (let i = 0; i + 1 < current.length; i++) {
      const [a, b] = [current[i]!, current[i + 1]!]
      if (a.thread === b.thread || !commutes(a.event, b.event)) continue
      const swapped = [...current.slice(0, i), b, a, ...current.slice(i + 2)]
      if (seen.has(textOf(swapped))) continue
      seen.add(textOf(swapped))
      pending.push(swapped)
    }
  }
  return [...seen].sort()[0]!
}

describe('interleavings', () => {
  test('without commuting events all of them are generated', () => {
    let count = 0
    forEachInterleaving(
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
      { commutes: () => false },
      () => count++,
    )
    expect(count).toBe(20)
  })

  test('every class of schedules keeps a representative, and few have two', () => {
    const threads = [
      [BEGIN, GETS[0]!, WRITES[1]!, COMMIT],
      [BEGIN, WRITES[0]!, COMMIT],
      [BEGIN, GETS[1]!, COMMIT],
    ]
    const classes = new Set<string>()
    forEachInterleaving(threads, { commutes: () => false }, (schedule) => classes.add(representative(schedule)))
    const kept = new Set<string>()
    let reduced = 0
    forEachInterleaving(threads, { commutes }, (schedule) => {
      reduced++
      kept.add(representative(schedule))
    })
    expect([...kept].sort()).toEqual([...classes].sort())
    expect(reduced).toBe(classes.size)
  })

  test('a disabled event waits', () => {
    const schedules: string[] = []
    const isEnabled = (event: Operation, before: readonly ScheduledEvent<Operation>[]) =>
      event !== PUBLISH || before.some((one) => one.event === COMMIT)
    forEachInterleaving([[COMMIT], [PUBLISH]], { commutes: () => false, isEnabled }, (one) =>
      schedules.push(textOf(one)),
    )
    expect(schedules).toEqual(['0:commit 1:publish'])
  })
})
