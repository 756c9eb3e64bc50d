/**
 * Single reads and writes, operations, figures, read-only databases, and closing.
 */
import { DatabaseClosedError, InvalidArgumentError, PoisonedError, ReadOnlyError } from '../../../src/base/errors'
import { ASYNC_DISPOSE } from '../../../src/kv/dispose'
import type { Database } from '../../../src/kv/database'
import { createMemoryRuntime } from '../../support/memory-runtime/memory-runtime'
import { createFixture, fill, rowsOf, turns, unhandledDuring } from './fixture'

describe('single reads and writes', () => {
  test('put, get and delete are transactions of their own', async () => {
    const { db, store } = createFixture()
    expect(await db.put('a', '1')).toEqual({ sequence: 1, durable: true })
    expect(await db.put('a', '2', { durability: 'os' })).toEqual({ sequence: 2, durable: false })
    expect(String(await db.get('a'))).toBe('2')
    expect(String(db.getSync('a'))).toBe('2')
    expect(await db.delete('a')).toMatchObject({ sequence: 3 })
    expect(await db.delete('a')).toMatchObject({ sequence: 4 })
    expect(await db.get('a')).toBeUndefined()
    expect(store.stats()).toMatchObject({ commits: 4, transactionsActive: 0 })
  })

  test('a read shows what is acknowledged and never fails by conflict', async () => {
    const { db, engine } = createFixture({ engine: { publishing: 'manual' } })
    const writing = db.put('a', '1')
    expect(await db.get('a')).toBeUndefined()
    engine.publishSync()
    await writing
    expect(String(await db.get('a'))).toBe('1')
  })

  test('keys that differ as bytes differ, text stands for its UTF-8 form', async () => {
    const { db } = createFixture()
    await fill(db, { '': 'empty', é: 'accent', '\0': 'nul' })
    expect(String(await db.get(Buffer.from('é')))).toBe('accent')
    expect(String(await db.get(new Uint8Array(0)))).toBe('empty')
    expect(String(await db.get(Uint8Array.of(0)))).toBe('nul')
    expect(await rowsOf(db.scan())).toEqual(['=empty', '\0=nul', 'é=accent'])
  })

  test('a write is not lost to the gate of another', async () => {
    const { db, store } = createFixture({ runtime: createMemoryRuntime({ clockJumps: false }) })
    const gate = await store.beginUnderGate().result
    gate.put(Buffer.from('a').latin1Slice(), Buffer.from('gate'))
    let written = false
    const writing = db.put('b', '1').then(() => {
      written = true
    })
    await turns()
    expect(written).toBe(false)
    await gate.commit()
    await writing
  })
})

describe('operations', () => {
  test('sync, flush and compact resolve; a compaction takes the bounds of a scan and nothing else', async () => {
    const { db } = createFixture()
    await db.put('a', '1')
    await expect(db.sync()).resolves.toBeUndefined()
    await expect(db.flush()).resolves.toBeUndefined()
    await expect(db.compact()).resolves.toBeUndefined()
    await expect(db.compact({ prefix: 'a', gt: 'ab' })).resolves.toBeUndefined()
    await expect(db.compact({ gte: 'b', lt: 'a' })).resolves.toBeUndefined()
    await expect(db.compact({ limit: 1 } as never)).rejects.toThrow(InvalidArgumentError)
    await expect(db.compact({ gte: 'a', gt: 'b' })).rejects.toThrow(InvalidArgumentError)
    expect(String(await db.get('a'))).toBe('1')
  })

  test('stats shows transactions, storage and events', async () => {
    const { db } = createFixture({
      onEvent: () => {
        throw new Error('listener')
      },
    })
    await db.put('a', '1')
    const tx = db.begin()
    tx.put('b', '1')
    tx.onCommit(() => {
      throw new Error('callback')
    })
    await tx.commit()
    const stats = db.stats()
    expect(stats.transactions).toMatchObject({ decided: 2, published: 2, commits: 2 })
    expect(stats.storage).toMatchObject({ tables: 0, poisoned: undefined, backgroundError: undefined })
    expect(stats.events.listenerFailures).toBe(1)
    expect(String(stats.events.lastListenerFailure)).toBe('Error: listener')
  })

  test('after the log failed reads go on and writes are refused', async () => {
    const { db, engine } = createFixture()
    await db.put('a', '1')
    engine.poison(new Error('EIO'))
    expect(String(await db.get('a'))).toBe('1')
    await expect(db.put('a', '2')).rejects.toThrow(PoisonedError)
    expect(db.stats().storage.poisoned).toBeInstanceOf(Error)
    await db.close()
  })
})

describe('a read-only database', () => {
  test('reads in every way and writes in none', async () => {
    const { db } = createFixture({ readOnly: true })
    expect(await db.get('a')).toBeUndefined()
    expect(await db.count()).toBe(0)
    expect(await db.transact((tx) => tx.get('a'))).toBeUndefined()
    const tx = db.begin()
    expect(tx.readOnly).toBe(true)
    expect(() => tx.put('a', '1')).toThrow(ReadOnlyError)
    tx.rollback()
    const snapshot = await db.snapshot()
    expect(await snapshot.has('a')).toBe(false)
    await expect(db.put('a', '1')).rejects.toThrow(/Cannot put in "in memory": it was opened with readOnly: true/)
    await expect(db.delete('a')).rejects.toThrow(ReadOnlyError)
    await expect(db.flush()).rejects.toThrow(ReadOnlyError)
    await expect(db.compact()).rejects.toThrow(ReadOnlyError)
    await expect(db.transact((inner) => inner.put('a', '1'))).rejects.toThrow(ReadOnlyError)
    await db.sync()
    await db.close()
  })
})

describe('closing', () => {
  const uses: Record<string, (db: Database) => unknown> = {
    transact: (db) => db.transact(() => undefined),
    begin: (db) => db.begin(),
    get: (db) => db.get('a'),
    getSync: (db) => db.getSync('a'),
    getMany: (db) => db.getMany(['a']),
    put: (db) => db.put('a', '1'),
    delete: (db) => db.delete('a'),
    scan: (db) => db.scan(),
    keys: (db) => db.keys(),
    values: (db) => db.values(),
    count: (db) => db.count(),
    snapshot: (db) => db.snapshot(),
    sync: (db) => db.sync(),
    flush: (db) => db.flush(),
    compact: (db) => db.compact(),
    stats: (db) => db.stats(),
  }

  test.each(Object.keys(uses))('%s afterwards says that the database has been closed', async (name) => {
    const { db } = createFixture()
    const closing = db.close()
    const use = async (): Promise<unknown> => uses[name]!(db)
    await expect(use()).rejects.toThrow(DatabaseClosedError)
    await expect(use()).rejects.toThrow(`Cannot ${name} in "in memory": the database has been closed; open it again`)
    await closing
  })

  test('rolls back what is open, and says so to whoever goes on', async () => {
    const { db, store } = createFixture()
    const tx = db.begin({ label: 'open' })
    tx.put('a', '1')
    await db.close()
    expect(() => tx.put('b', '1')).toThrow(DatabaseClosedError)
    await expect(tx.commit()).rejects.toThrow(
      /Cannot go on with transaction \d+ "open": the database has been closed, which/,
    )
    tx.rollback()
    expect(store.stats().transactionsActive).toBe(0)
  })

  test('waits for commits under way', async () => {
    const { db, engine } = createFixture({ engine: { publishing: 'manual' } })
    const writing = db.put('a', '1')
    let closed = false
    const closing = db.close().then(() => {
      closed = true
    })
    await turns()
    expect(closed).toBe(false)
    engine.publishSync()
    await expect(writing).resolves.toMatchObject({ sequence: 1 })
    await closing
  })

  test('waits for reads under way, and ends scans', async () => {
    const { db } = createFixture({ engine: { asynchronousReads: true } })
    await fill(db, { a: '1', b: '2' })
    const rows = db.scan()[Symbol.asyncIterator]()
    await rows.next()
    const reading = db.get('a')
    const unhandled = await unhandledDuring(async () => {
      await db.close()
      expect(String(await reading)).toBe('1')
      await expect(rows.next()).rejects.toThrow(DatabaseClosedError)
    })
    expect(unhandled).toEqual([])
  })

  test('is done once, however often it is asked for', async () => {
    const { db } = createFixture()
    expect(db.close()).toBe(db.close())
    await db.close()
    await db[ASYNC_DISPOSE]()
  })
})
