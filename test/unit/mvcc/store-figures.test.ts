/** The figures of the transaction layer: what is open, what the conflict graph holds, what that takes in memory. */
import { createStoreWorld } from './store-world'

describe('the figures of the transaction layer', () => {
  test('tell transactions from snapshots, and name the oldest of each with its age', () => {
    const world = createStoreWorld()
    const { store } = world
    expect(store.stats()).toMatchObject({ transactionsActive: 0, snapshotsActive: 0, loadsActive: 0 })
    const snapshot = store.snapshot('report')
    const [first, second] = [store.begin({ label: 'first' }), store.begin({ readOnly: true })]
    const later = store.snapshot()
    const stats = store.stats()
    expect(stats).toMatchObject({
      transactionsActive: 2,
      snapshotsActive: 2,
      oldestOpenTransaction: { label: 'first', sequence: 0 },
      oldestOpenSnapshot: { label: 'report', sequence: 0 },
    })
    expect(stats.oldestOpenSnapshot!.ageMs).toBeGreaterThan(stats.oldestOpenTransaction!.ageMs)
    first.rollback()
    snapshot.close()
    expect(store.stats()).toMatchObject({
      transactionsActive: 1,
      snapshotsActive: 1,
      oldestOpenTransaction: { label: undefined },
      oldestOpenSnapshot: { label: undefined },
    })
    second.rollback()
    later.close()
    world.expectRest()
  })

  test('show the retention floor, which a snapshot holds back and nothing else does', async () => {
    const world = createStoreWorld()
    const { store } = world
    const commit = async (value: string): Promise<void> => {
      const tx = store.begin()
      tx.put('a', Buffer.from(value))
      const done = tx.commit()
      world.engine.publishSync()
      await done
    }
    await commit('1')
    const snapshot = store.snapshot()
    await commit('2')
    await commit('3')
    expect(store.stats()).toMatchObject({ published: 3, retentionFloor: 1 })
    snapshot.close()
    expect(store.stats()).toMatchObject({ published: 3, retentionFloor: 3 })
  })

  test('show conflict state that grows with registrations and writes, and is nothing at rest', async () => {
    const world = createStoreWorld()
    const { store } = world
    const old = store.begin()
    await old.get('k0')
    const one = store.stats()
    expect(one).toMatchObject({ nodes: 1, pointReads: 1, keyRecords: 1, retainedWrites: 0, edges: 0 })
    for (let i = 1; i < 100; i++) await old.get(`k${i}`)
    const many = store.stats()
    expect(many).toMatchObject({ nodes: 1, pointReads: 100, keyRecords: 100 })
    expect(many.conflictBytes).toBeGreaterThan(50 * (one.conflictBytes - 880))
    const writer = store.begin()
    writer.put('k1', Buffer.from('1'))
    const done = writer.commit()
    world.engine.publishSync()
    await done
    expect(store.stats()).toMatchObject({ nodes: 2, commitsRetained: 1, retainedWrites: 1, edges: 1 })
    expect(store.stats().conflictBytes).toBeGreaterThan(many.conflictBytes)
    expect(store.stats().conflictBytes).toBeLessThan(store.stats().conflictBudgetBytes)
    old.rollback()
    expect(store.stats().conflictBytes).toBe(0)
    world.expectRest()
  })

  test('longer keys take more, in what is used and in what is allowed', async () => {
    const bytesWith = async (key: string): Promise<{ used: number; budget: number }> => {
      const { store } = createStoreWorld()
      const tx = store.begin()
      await tx.get(key)
      const { conflictBytes, conflictBudgetBytes } = store.stats()
      return { used: conflictBytes, budget: conflictBudgetBytes }
    }
    const [short, long] = [await bytesWith('a'), await bytesWith('a'.repeat(1001))]
    expect(long.used - short.used).toBe(1000)
    expect(long.budget).toBeGreaterThan(short.budget)
  })
})
