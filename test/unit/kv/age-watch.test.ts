/**
 * What stays open for long is told of, once, with its label and where it was begun.
 */
import { createMemoryRuntime } from '../../support/memory-runtime/memory-runtime'
import { createFixture, turns } from './fixture'
import type { FixtureOptions } from './fixture'

/** A database under a clock that moves only by hand. */
function createAged(options: FixtureOptions = {}) {
  const runtime = createMemoryRuntime({ clockJumps: false })
  const fixture = createFixture({ runtime, limits: { snapshotAgeMsWarn: 1000 }, ...options })
  const pass = async (ms: number): Promise<void> => {
    runtime.advance(ms)
    await turns()
  }
  return { ...fixture, pass }
}

describe('the watch over old handles', () => {
  test('tells of a transaction and of a snapshot, each once', async () => {
    const { db, events, pass } = createAged()
    const tx = db.begin({ label: 'forgotten' })
    await pass(600)
    const snapshot = await db.snapshot({ label: 'report' })
    await pass(500)
    expect(events).toEqual([
      expect.objectContaining({ type: 'oldSnapshot', kind: 'transaction', label: 'forgotten', sequence: 0 }),
    ])
    expect((events[0] as { ageMs: number }).ageMs).toBeGreaterThanOrEqual(1000)
    await pass(600)
    await pass(5000)
    expect(events.map((event) => 'label' in event && event.label)).toEqual(['forgotten', 'report'])
    expect(events[1]).toMatchObject({ kind: 'snapshot' })
    tx.rollback()
    snapshot.close()
  })

  test('tells what stats tell of the oldest reader, in the same words', async () => {
    const { db, events, pass } = createAged()
    await db.put('a', '1')
    const tx = db.begin({ label: 'forgotten' })
    await pass(1100)
    const { kind, label, sequence } = db.stats().transactions.oldestReader!
    expect(events).toEqual([
      { type: 'oldSnapshot', kind, label, sequence, ageMs: expect.any(Number) as number, begunAt: undefined },
    ])
    expect({ kind, label, sequence }).toEqual({ kind: 'transaction', label: 'forgotten', sequence: 1 })
    tx.rollback()
  })

  test('says nothing of what ends in time, and a callback that hangs is found too', async () => {
    const { db, events, pass } = createAged()
    const tx = db.begin()
    await pass(900)
    await tx.commit()
    await pass(5000)
    expect(events).toEqual([])
    const hanging = db.transact(() => new Promise<never>(() => undefined), { label: 'hanging', timeoutMs: 60_000 })
    const ended = expect(hanging).rejects.toThrow(/60000 ms/)
    await pass(1100)
    expect(events).toMatchObject([{ type: 'oldSnapshot', label: 'hanging' }])
    await pass(60_000)
    await ended
  })

  test('says where a handle was begun where that is kept', async () => {
    for (const keepOrigins of [true, false]) {
      const { db, events, pass } = createAged({ keepOrigins })
      const tx = db.begin()
      const snapshot = await db.snapshot()
      await pass(1100)
      const places = events.map((event) => event.type === 'oldSnapshot' && event.begunAt?.split('\n')[0])
      if (keepOrigins) for (const place of places) expect(place).toMatch(/age-watch\.test\.ts/)
      else expect(places).toEqual([undefined, undefined])
      tx.rollback()
      snapshot.close()
    }
  })

  test('ends with the database', async () => {
    const { db, events, pass } = createAged()
    db.begin()
    await db.close()
    await pass(5000)
    expect(events).toEqual([])
  })
})
