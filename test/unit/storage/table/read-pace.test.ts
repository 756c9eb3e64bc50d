import { PROBE_READS, ReadPace, READS_REMEMBERED, SyncReadBudget } from '../../../../src/storage/table/read-pace'
import { createMemoryRuntime } from '../../../support/memory-runtime/memory-runtime'

const fast = 0.002
const slow = 8

describe('the pace of reads', () => {
  it('is synchronous at first and while the median is fast', () => {
    const pace = new ReadPace()
    expect(pace.shouldReadSync()).toBe(true)
    for (let i = 0; i < READS_REMEMBERED; i++) pace.record(i % 2 === 0 ? slow : fast)
    expect(pace.shouldReadSync()).toBe(true)
    pace.record(slow)
    pace.record(slow)
    pace.record(slow)
    expect(pace.isFast).toBe(false)
  })

  it('turns asynchronous after slow reads and back after as many fast ones', () => {
    const pace = new ReadPace()
    pace.record(slow)
    expect(pace.shouldReadSync()).toBe(false)
    for (let i = 0; i < READS_REMEMBERED; i++) pace.record(slow)
    for (let i = 0; i < READS_REMEMBERED / 2 - 1; i++) pace.record(fast)
    expect(pace.shouldReadSync()).toBe(false)
    pace.record(fast)
    expect(pace.shouldReadSync()).toBe(true)
  })

  it('tries a slow table synchronously once in a while', () => {
    const pace = new ReadPace()
    pace.record(slow)
    const tries = Array.from({ length: 3 * PROBE_READS }, () => pace.shouldReadSync())
    expect(tries.filter((sync) => sync)).toHaveLength(3)
    expect(tries.indexOf(true)).toBe(PROBE_READS - 1)
  })
})

describe('the budget of synchronous reads', () => {
  it('lasts for so many milliseconds of one turn and is whole again in the next', async () => {
    const { scheduler } = createMemoryRuntime()
    const budget = new SyncReadBudget(scheduler, 3)
    expect(budget.lasts).toBe(true)
    budget.spend(2)
    expect(budget.lasts).toBe(true)
    budget.spend(2)
    expect(budget.lasts).toBe(false)
    await scheduler.nextTurn()
    await scheduler.nextTurn()
    expect(budget.lasts).toBe(true)
    budget.spend(4)
    expect(budget.lasts).toBe(false)
  })
})
