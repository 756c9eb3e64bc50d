/** The figures of the transaction layer: what is open, what the conflict graph holds, what that takes in memory. */
import { createStoreWorld, text } from './store-world'

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
      oldestOpenTransaction: { kind: 'transaction', id: first.id, label: 'first', sequence: 0 },
      oldestOpenSnapshot: { kind: 'snapshot', id: undefined, label: 'report', sequence: 0 },
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

  test('name who reads at the oldest sequence, whether transaction or snapshot, and how many commits it lies behind', () => {
    const world = createStoreWorld()
    const { store } = world
    expect(store.stats()).toHaveProperty('oldestReader', undefined)
    world.seed('a')
    const first = store.begin({ label: 'first', readOnly: true })
    world.seed('b', 'c')
    const report = store.snapshot('report')
    const second = store.begin({ label: 'second' })
    world.seed('d')
    expect(store.stats().oldestReader).toEqual({
      kind: 'transaction',
      id: first.id,
      label: 'first',
      sequence: 1,
      commitsBehind: 3,
      ageMs: expect.any(Number) as number,
    })
    first.rollback()
    // Both read at 3: the one that was opened first.
    expect(store.stats()).toMatchObject({
      retentionFloor: 3,
      oldestSnapshot: 3,
      oldestReader: { kind: 'snapshot', id: undefined, label: 'report', sequence: 3, commitsBehind: 1 },
    })
    report.close()
    expect(store.stats().oldestReader).toMatchObject({
      kind: 'transaction',
      id: second.id,
      label: 'second',
      sequence: 3,
    })
    void world.write('e')
    const newest = store.begin()
    second.rollback()
    // What is decided may be ahead of what is published: it holds nothing back, and lies behind nothing.
    expect(store.stats()).toMatchObject({ published: 4, retentionFloor: 4, oldestReader: { id: newest.id, sequence: 5, commitsBehind: 0 } }) // prettier-ignore
    newest.rollback()
    world.expectRest()
  })

  test('name who reads at the oldest sequence, not who was opened first: a transaction that queues for a key moves on', async () => {
    const world = createStoreWorld()
    const { store } = world
    const moving = store.begin({ label: 'moving' })
    world.seed('a')
    const staying = store.begin({ label: 'staying' })
    world.seed('b')
    expect(store.stats().oldestReader).toMatchObject({ label: 'moving', sequence: 0, commitsBehind: 2 })
    await moving.getForUpdate('c')
    expect(store.stats()).toMatchObject({
      oldestOpenTransaction: { label: 'moving', sequence: 2 },
      oldestReader: { label: 'staying', sequence: 1, commitsBehind: 1 },
      retentionFloor: 1,
    })
    moving.rollback()
    staying.rollback()
    world.expectRest()
  })

  test('whoever reads at the oldest sequence is who holds the retention floor, a deferrable reader and one that commits included', async () => {
    const world = createStoreWorld()
    const { store } = world
    const expectHolder = (label: string, sequence: number): void => {
      const { retentionFloor, published, oldestReader } = store.stats()
      expect(oldestReader).toMatchObject({ label, sequence })
      expect(retentionFloor).toBe(Math.min(published, sequence))
    }
    world.seed('a')
    const deferrable = store.begin({ label: 'safe', deferrable: true })
    await text(deferrable.get('a'))
    world.seed('b')
    const writer = store.begin({ label: 'writer' })
    expectHolder('safe', 1)
    deferrable.rollback()
    expectHolder('writer', 2)
    writer.put('c', Buffer.from('1'))
    const committed = writer.commit()
    // Decided: it reads no more, though nobody has been told yet.
    expect(store.stats()).toMatchObject({ published: 2, retentionFloor: 2, oldestReader: undefined })
    world.publishAll()
    await committed
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
