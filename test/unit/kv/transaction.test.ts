/**
 * Transactions by hand: reads and writes, ends, guards, callbacks, and rejections that nobody looks at.
 */
import {
  LimitExceededError, MisuseError, ReadOnlyError, SerializationError, TransactionClosedError,
} from '../../../src/base/errors' // prettier-ignore
import { ASYNC_DISPOSE, DISPOSE } from '../../../src/kv/dispose'
import type { Transaction } from '../../../src/kv/transaction'
import { createFixture, fill, rowsOf, textsOf, turns, unhandledDuring } from './fixture'

/** Two transactions that read what the other writes; the first commits, so the second must not. */
async function loseTo(db: ReturnType<typeof createFixture>['db']): Promise<Transaction> {
  const [winner, loser] = [db.begin({ label: 'winner' }), db.begin({ label: 'loser' })]
  await Promise.all([winner.get('a'), loser.get('b')])
  winner.put('b', '1')
  loser.put('a', '1')
  await loser.get('a')
  await winner.commit()
  return loser
}

describe('reads and writes', () => {
  test('a transaction sees its own writes, others see them after the commit, all at once', async () => {
    const { db } = createFixture()
    const tx = db.begin({ label: 'first' })
    tx.put('a', '1')
    tx.put('b', new Uint8Array([50]))
    tx.put('empty', '')
    expect(String(await tx.get('a'))).toBe('1')
    expect(await db.get('a')).toBeUndefined()
    const receipt = await tx.commit()
    expect(receipt).toEqual({ sequence: 1, durable: true })
    expect((await db.getMany(['a', 'b', 'empty', 'none'])).map((value) => value?.toString())).toEqual([
      '1',
      '2',
      '',
      undefined,
    ])
    expect(tx.state).toBe('committed')
    await db.close()
  })

  test('what was passed in is copied, what comes out belongs to the caller', async () => {
    const { db } = createFixture()
    const bytes = Buffer.from('value')
    const key = Buffer.from('key')
    const tx = db.begin()
    tx.put(key, bytes)
    bytes.fill(0)
    key.fill(0)
    const seen = await tx.get('key')
    expect(seen?.toString()).toBe('value')
    seen?.fill(0)
    expect(String(await tx.get('key'))).toBe('value')
    await tx.commit()
    const read = db.getSync('key')
    read?.fill(0)
    expect(String(db.getSync('key'))).toBe('value')
  })

  test('has, getSync, getMany, count, keys and values agree with get and scan', async () => {
    const { db } = createFixture()
    await fill(db, { a: '1', b: '2', c: '3' })
    const tx = db.begin()
    tx.delete('b')
    tx.put('d', '4')
    expect(await tx.has('b')).toBe(false)
    expect(await tx.has('d')).toBe(true)
    expect(String(tx.getSync('d'))).toBe('4')
    expect((await tx.getMany(['d', 'b', 'a'])).map((value) => value?.toString())).toEqual(['4', undefined, '1'])
    expect(await rowsOf(tx.scan())).toEqual(['a=1', 'c=3', 'd=4'])
    expect(await textsOf(tx.keys({ reverse: true }))).toEqual(['d', 'c', 'a'])
    expect(await textsOf(tx.values({ gt: 'a' }))).toEqual(['3', '4'])
    expect(await tx.count({ gte: 'b' })).toBe(2)
    expect(await tx.count({ limit: 1 })).toBe(1)
    tx.rollback()
    expect(await db.count()).toBe(3)
  })

  test('a range delete takes what is in its bounds, and an empty one nothing', async () => {
    const { db } = createFixture()
    await fill(db, { a: '1', b: '2', c: '3' })
    await db.transact((tx) => {
      tx.deleteRange({ gt: 'a', lt: 'a' })
      tx.deleteRange({ gte: 'c', lt: 'b' })
      tx.deleteRange({ prefix: 'b' })
    })
    expect(await textsOf(db.keys())).toEqual(['a', 'c'])
    await db.transact((tx) => tx.deleteRange({}))
    expect(await db.count()).toBe(0)
  })

  test('asynchronous reads give the same answers', async () => {
    const { db } = createFixture({ engine: { asynchronousReads: true } })
    await fill(db, { a: '1', b: '2' })
    const tx = db.begin()
    expect(String(await tx.get('a'))).toBe('1')
    expect((await tx.getMany(['b', 'x', 'a'])).map((value) => value?.toString())).toEqual(['2', undefined, '1'])
    expect(await tx.has('b')).toBe(true)
    expect(await rowsOf(tx.scan({ reverse: true }))).toEqual(['b=2', 'a=1'])
    expect(await tx.count()).toBe(2)
    expect(String(await tx.getForUpdate('a'))).toBe('1')
    await tx.commit()
    expect(await rowsOf(db.scan())).toEqual(['a=1', 'b=2'])
    await db.close()
  })
})

describe('savepoints', () => {
  test('undo writes back to where they were made, nested ones included', async () => {
    const { db } = createFixture()
    const tx = db.begin()
    tx.put('a', '1')
    const outer = tx.savepoint()
    tx.put('a', '2')
    const inner = tx.savepoint()
    tx.put('b', '3')
    inner.release()
    outer.rollback()
    expect(String(await tx.get('a'))).toBe('1')
    expect(await tx.get('b')).toBeUndefined()
    inner.rollback()
    outer.rollback()
    outer.release()
    await tx.commit()
    expect(String(await db.get('a'))).toBe('1')
  })

  test('a released one undoes nothing; disposing releases', async () => {
    const { db } = createFixture()
    const tx = db.begin()
    const savepoint = tx.savepoint()
    tx.put('a', '1')
    savepoint[DISPOSE]()
    savepoint.rollback()
    await tx.commit()
    expect(String(await db.get('a'))).toBe('1')
  })

  test('in a transaction that has ended, release does nothing and rollback says so', async () => {
    const { db } = createFixture()
    const tx = db.begin()
    const [first, second] = [tx.savepoint(), tx.savepoint()]
    await tx.commit()
    expect(() => second.rollback()).toThrow(TransactionClosedError)
    expect(() => first.release()).not.toThrow()
  })
})

describe('ends', () => {
  const uses: Record<string, (tx: Transaction) => unknown> = {
    get: (tx) => tx.get('a'),
    getSync: (tx) => tx.getSync('a'),
    getMany: (tx) => tx.getMany(['a']),
    has: (tx) => tx.has('a'),
    getForUpdate: (tx) => tx.getForUpdate('a'),
    scan: (tx) => rowsOf(tx.scan()),
    keys: (tx) => textsOf(tx.keys()),
    values: (tx) => textsOf(tx.values()),
    count: (tx) => tx.count(),
    put: (tx) => tx.put('a', '1'),
    delete: (tx) => tx.delete('a'),
    deleteRange: (tx) => tx.deleteRange({}),
    savepoint: (tx) => tx.savepoint(),
    onCommit: (tx) => tx.onCommit(() => undefined),
    commit: (tx) => tx.commit(),
  }
  const names = Object.keys(uses)
  const use = async (name: string, tx: Transaction): Promise<unknown> => uses[name]!(tx)

  test.each(names)('%s after a commit says that it was committed', async (name) => {
    const { db } = createFixture()
    const tx = db.begin({ label: 'pay' })
    await tx.commit()
    await expect(use(name, tx)).rejects.toThrow(TransactionClosedError)
    await expect(use(name, tx)).rejects.toThrow(
      new RegExp(`Cannot ${name} in transaction \\d+ "pay": it has been committed`),
    )
  })

  test.each(names)('%s after a rollback says that it was rolled back', async (name) => {
    const { db } = createFixture()
    const tx = db.begin()
    tx.rollback()
    tx.rollback()
    await expect(use(name, tx)).rejects.toThrow(/it has been rolled back/)
  })

  test.each(names)('%s while the commit runs says that it is running', async (name) => {
    const { db, engine } = createFixture({ engine: { publishing: 'manual' } })
    const tx = db.begin()
    tx.put('a', '1')
    const committing = tx.commit()
    tx.rollback()
    await expect(use(name, tx)).rejects.toThrow(/its commit has been called and is running/)
    engine.publishSync()
    await expect(committing).resolves.toMatchObject({ sequence: 1 })
  })

  test.each(names.filter((name) => name !== 'onCommit'))(
    '%s after an abort throws what ended the transaction',
    async (name) => {
      const { db } = createFixture()
      const loser = await loseTo(db)
      const lost: unknown = await loser.commit().catch((error: unknown) => error)
      expect(lost).toBeInstanceOf(SerializationError)
      await expect(use(name, loser)).rejects.toBe(lost)
    },
  )

  test('a begun transaction can be disposed of at any time', async () => {
    const { db } = createFixture()
    const open = db.begin()
    open.put('a', '1')
    open[DISPOSE]()
    expect(open.state).toBe('rolled-back')
    const other = db.begin()
    await other[ASYNC_DISPOSE]()
    expect(other.state).toBe('rolled-back')
    const done = db.begin()
    done.put('b', '1')
    await done.commit()
    done[DISPOSE]()
    expect(done.state).toBe('committed')
    expect(await textsOf(db.keys())).toEqual(['b'])
  })
})

describe('guards', () => {
  test('an operation nobody awaited stops the commit, and nothing is lost', async () => {
    const { db } = createFixture({ engine: { asynchronousReads: true } })
    await fill(db, { a: '1' })
    const tx = db.begin({ label: 'hasty' })
    tx.put('b', '2')
    const reading = tx.get('a')
    await expect(tx.commit()).rejects.toThrow(MisuseError)
    await expect(tx.commit()).rejects.toThrow(/"hasty": 1 of its operations \(the last is get\) still wait/)
    expect(tx.state).toBe('open')
    expect(String(await reading)).toBe('1')
    await tx.commit()
    expect(String(await db.get('b'))).toBe('2')
  })

  test('an un-awaited row of a scan stops the commit too', async () => {
    const { db } = createFixture({ engine: { asynchronousReads: true } })
    await fill(db, { a: '1' })
    const tx = db.begin()
    const row = tx.scan()[Symbol.asyncIterator]().next()
    await expect(tx.commit()).rejects.toThrow(MisuseError)
    await row
    await tx.commit()
  })

  test('a declared reader writes nothing', async () => {
    const { db } = createFixture()
    const tx = db.begin({ readOnly: true })
    expect(() => tx.put('a', '1')).toThrow(ReadOnlyError)
    expect(() => tx.delete('a')).toThrow(ReadOnlyError)
    expect(() => tx.deleteRange({})).toThrow(ReadOnlyError)
    await expect(tx.getForUpdate('a')).rejects.toThrow(ReadOnlyError)
    expect(await tx.get('a')).toBeUndefined()
    await expect(tx.commit()).resolves.toMatchObject({ sequence: 0 })
  })

  test('a deferrable one waits in its first read and cannot read synchronously', async () => {
    const { db } = createFixture()
    const blocker = db.begin()
    blocker.put('a', '1')
    await db.put('b', '1')
    const tx = db.begin({ deferrable: true })
    expect(tx.readOnly).toBe(true)
    expect(() => tx.getSync('a')).toThrow(MisuseError)
    let answered = false
    const reading = tx.get('a').finally(() => {
      answered = true
    })
    await turns()
    expect(answered).toBe(false)
    await blocker.commit()
    await reading
    await tx.commit()
  })

  test('limits hold at the put, and the transaction goes on', async () => {
    const { db } = createFixture({ limits: { keyBytesMax: 8, valueBytesMax: 8, transactionBytesMax: 4096 } })
    const tx = db.begin()
    expect(() => tx.put('123456789', 'v')).toThrow(/keyBytesMax is 8/)
    expect(() => tx.put('ééééé', 'v')).toThrow(LimitExceededError)
    expect(() => tx.put('k', '123456789')).toThrow(/valueBytesMax is 8/)
    let puts = 0
    expect(() => {
      for (; puts < 4096; puts++) tx.put(`k${puts}`, '12345678')
    }).toThrow(/transactionBytesMax/)
    await tx.commit()
    expect(await db.count()).toBe(puts)
  })
})

describe('onCommit', () => {
  test('runs once, in order, after the acknowledgement; never after a rollback or an abort', async () => {
    const { db, engine } = createFixture({ engine: { publishing: 'manual' } })
    const calls: string[] = []
    const tx = db.begin()
    tx.put('a', '1')
    tx.onCommit(() => calls.push('first'))
    tx.onCommit(() => calls.push('second'))
    const committing = tx.commit()
    await turns()
    expect(calls).toEqual([])
    engine.publishSync()
    await committing
    expect(calls).toEqual(['first', 'second'])
    const rolledBack = db.begin()
    rolledBack.onCommit(() => calls.push('rolled back'))
    rolledBack.rollback()
    await turns()
    expect(calls).toHaveLength(2)
  })

  test('what it throws becomes an event, and the commit stays a success', async () => {
    const { db, events } = createFixture()
    const failure = new Error('mail server')
    const tx = db.begin()
    tx.put('a', '1')
    tx.onCommit(() => {
      throw failure
    })
    tx.onCommit(() => Promise.reject(failure))
    const unhandled = await unhandledDuring(() => tx.commit())
    expect(unhandled).toEqual([])
    const event = { type: 'backgroundError', job: 'callback', error: failure }
    expect(events).toEqual([event, event])
  })
})

describe('rejections that nobody looks at', () => {
  test('the reads of a doomed transaction are none, awaited or not', async () => {
    const { db } = createFixture({ engine: { asynchronousReads: true } })
    const loser = await loseTo(db)
    const unhandled = await unhandledDuring(async () => {
      await expect(loser.commit()).rejects.toThrow(SerializationError)
      await expect(Promise.all([loser.get('x'), loser.get('y')])).rejects.toThrow(SerializationError)
      void loser.get('a')
      void loser.getMany(['a', 'b'])
      void loser.getForUpdate('a')
      void loser.count()
    })
    expect(unhandled).toEqual([])
  })

  test('a read under way when its transaction ends is none', async () => {
    const { db } = createFixture({ engine: { asynchronousReads: true } })
    await fill(db, { a: '1' })
    const unhandled = await unhandledDuring(async () => {
      const tx = db.begin()
      void tx.get('a')
      void tx.getMany(['a', 'b'])
      void tx.has('a')
      void tx.count()
      void tx.scan()[Symbol.asyncIterator]().next()
      tx.rollback()
      await turns()
    })
    expect(unhandled).toEqual([])
  })

  test('an argument of the wrong type is one, as everywhere', async () => {
    const { db } = createFixture()
    const tx = db.begin()
    const unhandled = await unhandledDuring(async () => {
      void tx.get(5 as never)
    })
    expect(unhandled).toHaveLength(1)
  })
})
