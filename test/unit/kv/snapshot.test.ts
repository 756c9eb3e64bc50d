/**
 * Snapshots: one moment for all reads, safe ones that wait, and their end.
 */
import {
  DatabaseClosedError,
  InvalidArgumentError,
  TimeoutError,
  TransactionClosedError,
} from '../../../src/base/errors'
import { ASYNC_DISPOSE, DISPOSE } from '../../../src/kv/dispose'
import type { Snapshot } from '../../../src/kv/snapshot'
import { createFixture, fill, rowsOf, textsOf, turns } from './fixture'

describe.each([false, true])('a snapshot (asynchronous reads: %p)', (asynchronousReads) => {
  test('shows one moment, whatever is committed later', async () => {
    const { db } = createFixture({ engine: { asynchronousReads } })
    await fill(db, { a: '1', b: '2', c: '3' })
    const snapshot = await db.snapshot({ label: 'report' })
    expect(snapshot.label).toBe('report')
    expect(snapshot.sequence).toBe(1)
    await db.transact((tx) => {
      tx.put('a', 'new')
      tx.deleteRange({ gte: 'b' })
      tx.put('d', 'new')
    })
    expect(String(await snapshot.get('a'))).toBe('1')
    expect(String(snapshot.getSync('b'))).toBe('2')
    expect((await snapshot.getMany(['c', 'd', 'a'])).map((value) => value?.toString())).toEqual(['3', undefined, '1'])
    expect([await snapshot.has('b'), await snapshot.has('d')]).toEqual([true, false])
    expect(await rowsOf(snapshot.scan())).toEqual(['a=1', 'b=2', 'c=3'])
    expect(await textsOf(snapshot.keys({ reverse: true, limit: 1 }))).toEqual(['c'])
    expect(await textsOf(snapshot.values({ lt: 'c' }))).toEqual(['1', '2'])
    expect(await snapshot.count({ prefix: 'c' })).toBe(1)
    snapshot.close()
    await db.close()
  })
})

describe('safety', () => {
  test('the safe one waits for those that could make it wrong, the other does not', async () => {
    const { db } = createFixture()
    // The read-only anomaly: W has read x, U overwrote it; what W will write to y must not be missing from a view with U.
    const w = db.begin()
    await w.get('x')
    w.put('y', '1')
    await db.put('x', '1')
    const atOnce = await db.snapshot({ wait: false })
    expect([await atOnce.has('x'), await atOnce.has('y')]).toEqual([true, false])
    let taken: Snapshot | undefined
    const taking = db.snapshot().then((snapshot) => {
      taken = snapshot
    })
    await turns()
    expect(taken).toBeUndefined()
    await w.commit()
    await taking
    expect([await taken!.has('x'), await taken!.has('y')]).toEqual([true, true])
    atOnce.close()
    taken!.close()
  })

  test('the wait has a limit, and leaves nothing behind', async () => {
    const { db, store } = createFixture()
    const w = db.begin()
    await w.get('x')
    w.put('y', '1')
    await db.put('x', '1')
    await expect(db.snapshot({ timeoutMs: 30 })).rejects.toThrow(TimeoutError)
    w.rollback()
    expect(store.stats()).toMatchObject({ transactionsActive: 0, oldestSnapshot: undefined })
  })
})

describe('the end of a snapshot', () => {
  const uses: Record<string, (snapshot: Snapshot) => unknown> = {
    get: (snapshot) => snapshot.get('a'),
    getSync: (snapshot) => snapshot.getSync('a'),
    getMany: (snapshot) => snapshot.getMany(['a']),
    scan: (snapshot) => snapshot.scan(),
    keys: (snapshot) => snapshot.keys(),
    values: (snapshot) => snapshot.values(),
    count: (snapshot) => snapshot.count(),
  }
  const use = async (name: string, snapshot: Snapshot): Promise<unknown> => uses[name]!(snapshot)

  test.each(Object.keys(uses))('%s says whether it was closed or the database was', async (name) => {
    const { db } = createFixture()
    const [closed, left] = [await db.snapshot(), await db.snapshot()]
    closed.close()
    closed[DISPOSE]()
    await closed[ASYNC_DISPOSE]()
    await expect(use(name, closed)).rejects.toThrow(TransactionClosedError)
    await expect(use(name, closed)).rejects.toThrow(
      `Cannot ${name} in a snapshot: it has been closed; take another one`,
    )
    await db.close()
    await expect(use(name, left)).rejects.toThrow(DatabaseClosedError)
    await expect(use(name, closed)).rejects.toThrow(TransactionClosedError)
  })

  test('old versions are held until then, and no longer', async () => {
    const { db, engine } = createFixture({ engine: { collectAfterVersions: Infinity } })
    await db.put('a', '1')
    const snapshot = await db.snapshot()
    await db.put('a', '2')
    await db.put('a', '3')
    engine.collectVersions()
    expect(engine.versionCount).toBe(2)
    snapshot.close()
    engine.collectVersions()
    expect(engine.versionCount).toBe(1)
  })

  test('one that is waited for when the database closes is refused', async () => {
    const { db } = createFixture()
    const w = db.begin()
    await w.get('x')
    w.put('y', '1')
    await db.put('x', '1')
    const taking = db.snapshot()
    const closing = db.close()
    await expect(taking).rejects.toThrow(DatabaseClosedError)
    await closing
  })
})

test.each<[string, unknown]>([
  ['options that are none', 7],
  ['an unknown option', { waits: true }],
  ['wait of the wrong type', { wait: 'yes' }],
  ['no time at all', { timeoutMs: 0 }],
  ['a label that is too long', { label: 'x'.repeat(257) }],
])('%s is refused', async (_, options) => {
  const { db } = createFixture()
  await expect(db.snapshot(options as never)).rejects.toThrow(InvalidArgumentError)
})
