/** The running log: groups, publication, durability, witness, close. */
import { createMemoryRuntime } from '../../support/memory-runtime/memory-runtime'
import { commit, openWorld, putBatch, recover, turnsUntil } from './log-world'

describe('group commit', () => {
  test('commits of one turn share a group, and those that arrive while it is in flight share the next', async () => {
    const runtime = createMemoryRuntime()
    const { log, published } = await openWorld(runtime)
    for (let sequence = 1; sequence <= 10; sequence++) await commit(log, putBatch(sequence), sequence)
    await runtime.scheduler.nextTurn()
    for (let sequence = 11; sequence <= 30; sequence++) await commit(log, putBatch(sequence), sequence)
    await turnsUntil(runtime, () => log.publishedSequence === 30)
    expect(published).toEqual([10, 30])
    expect(log.figures()).toMatchObject({ groups: 2, syncs: 2, commits: 30 })
  })
  test('what is closed is recovered', async () => {
    const runtime = createMemoryRuntime()
    const { log, named } = await openWorld(runtime)
    for (let sequence = 1; sequence <= 3000; sequence++) {
      await commit(log, putBatch(sequence, 400), sequence)
      if (sequence % 7 === 0) await log.sync()
    }
    const cleanEnd = await log.close()
    const found = await recover(runtime, named, { cleanEnd })
    expect(found.applied.length).toBe(3000)
    expect(named.length).toBeGreaterThan(3)
    expect(found.torn).toBeUndefined()
    expect(found.end).toEqual(cleanEnd)
  })
})
