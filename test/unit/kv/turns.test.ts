/**
 * Operations that complete at once let others have their turn.
 */
import type { Database } from '../../../src/kv/database'
import { Turns } from '../../../src/kv/turns'
import { createMemoryRuntime } from '../../support/memory-runtime/memory-runtime'
import { createFixture } from './fixture'

/** Turns over a clock that stands still unless moved; counts the turns asked for. */
function createTurns(operationsMax: number) {
  const runtime = createMemoryRuntime()
  const world = { nowMs: 0, turns: 0, next: (): void => undefined }
  const turns = new Turns(
    {
      ...runtime,
      clock: { monotonicMs: () => world.nowMs, wallMs: () => 0 },
      scheduler: {
        ...runtime.scheduler,
        nextTurn: () => {
          world.turns++
          return new Promise<void>((resolve) => {
            world.next = resolve
          })
        },
      },
    },
    operationsMax,
  )
  return { turns, world }
}

/** How many of `operations` settle without a turn. */
async function settledOf(turns: Turns, operations: number): Promise<number> {
  let settled = 0
  for (let i = 0; i < operations; i++) void turns.settle(i).then(() => settled++)
  for (let i = 0; i < 5; i++) await Promise.resolve()
  return settled
}

describe('turns', () => {
  test.each([1, 15, 16, 17, 33, 100, 256])(
    'with a budget of %i the next operation waits for a turn',
    async (budget) => {
      const { turns, world } = createTurns(budget)
      expect(await settledOf(turns, budget)).toBe(budget)
      expect(await settledOf(turns, 1)).toBe(0)
      expect(world.turns).toBe(1)
    },
  )

  test('few operations ask for no turn', async () => {
    const { turns, world } = createTurns(256)
    expect(await settledOf(turns, 16)).toBe(16)
    expect(world.turns).toBe(0)
  })

  test('once it is spent, everybody waits for the same turn, and then there is a new budget', async () => {
    const { turns, world } = createTurns(64)
    expect(await settledOf(turns, 64 + 1000)).toBe(64)
    expect(world.turns).toBe(1)
    world.next()
    await Promise.resolve()
    expect(await settledOf(turns, 64 + 1)).toBe(64)
    expect(world.turns).toBe(2)
  })

  test('a millisecond after the first look the budget is spent too', async () => {
    const { turns, world } = createTurns(1000)
    expect(await settledOf(turns, 17)).toBe(17)
    world.nowMs = 1
    expect(await settledOf(turns, 1000)).toBe(16)
    expect(world.turns).toBe(1)
  })

  test('a turn that comes by itself brings a new budget: time and operations of earlier turns do not count', async () => {
    const { turns, world } = createTurns(64)
    for (let turn = 1; turn <= 10; turn++) {
      expect(await settledOf(turns, 60)).toBe(60)
      expect(world.turns).toBe(turn)
      world.nowMs += 100
      world.next()
      await Promise.resolve()
    }
  })

  test('time before the first look of a turn does not count', async () => {
    const { turns, world } = createTurns(64)
    for (let round = 0; round < 3; round++) {
      expect(await settledOf(turns, 5)).toBe(5)
      world.nowMs += 100
    }
    expect(await settledOf(turns, 17)).toBe(17)
  })

  test('pages count by their rows', () => {
    const { turns } = createTurns(256)
    let pages = 0
    while (turns.spendRows(256) === undefined) pages++
    expect(pages).toBe(16)
  })

  test('awaiting reads in a loop lets a timer fire', async () => {
    const turns = new Turns(createMemoryRuntime(), 256)
    let fired = false
    setImmediate(() => {
      fired = true
    })
    let reads = 0
    while (!fired && reads < 1_000_000) reads += (await turns.settle(1)) // prettier-ignore
    expect(fired).toBe(true)
    expect(reads).toBeLessThan(1_000_000)
  })

  test.each<[string, (db: Database) => Promise<unknown>]>([
    ['reads', (db) => db.get('a')],
    ['empty transactions', (db) => db.transact(() => 1)],
    ['commits without writes', (db) => db.begin().commit()],
    ['pages', (db) => db.keys().pages(1).next()],
    ['rows that are not there', (db) => db.keys({ gte: 'x' })[Symbol.asyncIterator]().next()],
    ['counts of nothing', (db) => db.count({ gte: 'x' })],
  ])('%s awaited in a loop let others have their turn', async (_, operation) => {
    const { db } = createFixture()
    await db.put('a', '1')
    let fired = false
    setImmediate(() => {
      fired = true
    })
    let operations = 0
    for (; !fired && operations < 100_000; operations++) await operation(db)
    expect(fired).toBe(true)
    expect(operations).toBeLessThan(1000)
  })
})
