/**
 * `transact`: what is retried and what is rethrown, the guards, and that nothing persists but what was committed.
 */
import {
  CommitOutcomeUnknownError,
  DeadlockError,
  InvalidArgumentError,
  MisuseError,
  ReadOnlyError,
  RetriesExhaustedError,
  SerializationError,
  TransactionClosedError,
} from '../../../src/base/errors'
import { InvariantError } from '../../../src/base/assert'
import type { Database } from '../../../src/kv/database'
import type { Transaction } from '../../../src/kv/transaction'
import { createFixture, createLatch, fill, turns, unhandledDuring } from './fixture'

/** Reads a key and overwrites it behind the transaction's back, so that writing it then must fail. */
async function loseOnce(db: Database, tx: Transaction): Promise<void> {
  await tx.get('counter')
  const rival = db.begin({ label: 'rival' })
  rival.put('counter', 'rival')
  await rival.commit()
}

describe('the usual way', () => {
  test('commits what the callback wrote and gives what it returned', async () => {
    const { db } = createFixture()
    await db.transact((tx) => {
      tx.put('a', '1')
    })
    const result = await db.transact(
      async (tx) => {
        expect(tx.attempt).toBe(1)
        expect(tx.label).toBe('sum')
        tx.put('b', '2')
        return String(await tx.get('a')) + String(await tx.get('b'))
      },
      { label: 'sum' },
    )
    expect(result).toBe('12')
    expect(await db.count()).toBe(2)
  })

  test('it resolves only when the commit is acknowledged', async () => {
    const { db, engine } = createFixture({ engine: { publishing: 'manual' } })
    let done = false
    const running = db
      .transact((tx) => tx.put('a', '1'))
      .then(() => {
        done = true
      })
    await turns()
    expect(done).toBe(false)
    engine.publishSync()
    await running
  })

  test('counters incremented side by side lose no increment', async () => {
    const { db, store } = createFixture()
    await db.put('counter', '0')
    const increment = (tx: Transaction): Promise<void> =>
      tx.get('counter').then((value) => tx.put('counter', String(Number(value) + 1)))
    await Promise.all(Array.from({ length: 50 }, () => db.transact(increment)))
    expect(String(await db.get('counter'))).toBe('50')
    expect(store.stats()).toMatchObject({ transactionsActive: 0, queuedKeys: 0 })
    store.checkInvariants()
  })
})

describe('what the callback throws', () => {
  test('rolls back and is rethrown as it is', async () => {
    const { db } = createFixture()
    const failure = new Error('not enough money')
    let runs = 0
    const failing = db.transact((tx) => {
      runs++
      tx.put('a', '1')
      throw failure
    })
    await expect(failing).rejects.toBe(failure)
    await expect(
      db.transact(async (tx) => {
        tx.put('a', '1')
        await tx.get('a')
        throw failure
      }),
    ).rejects.toBe(failure)
    expect(runs).toBe(1)
    expect(await db.count()).toBe(0)
  })

  test('its own error wins over a conflict that it does not know of', async () => {
    const { db } = createFixture()
    const failure = new Error('mine')
    const failing = db.transact(async (tx) => {
      await loseOnce(db, tx)
      try {
        tx.put('counter', 'lost')
      } catch {
        throw failure
      }
    })
    await expect(failing).rejects.toBe(failure)
  })

  test('the loss of another transaction is not retried', async () => {
    const { db } = createFixture()
    let runs = 0
    const failing = db.transact(async () => {
      runs++
      const other = db.begin()
      await loseOnce(db, other)
      other.put('counter', 'lost')
    })
    await expect(failing).rejects.toThrow(SerializationError)
    expect(runs).toBe(1)
  })

  test.each([new InvariantError('keys ascend'), new CommitOutcomeUnknownError('Cannot say', 5, undefined)])(
    '%p is never retried',
    async (error) => {
      const { db } = createFixture()
      let runs = 0
      const failing = db.transact(() => {
        runs++
        throw error
      })
      await expect(failing).rejects.toBe(error)
      expect(runs).toBe(1)
    },
  )

  test('nothing it leaves behind can be committed, and its handle says why', async () => {
    const { db } = createFixture()
    let kept: Transaction | undefined
    await db.transact((tx) => {
      kept = tx
      tx.put('a', '1')
    })
    expect(() => kept!.put('b', '2')).toThrow(TransactionClosedError)
    await expect(kept!.get('a')).rejects.toThrow(/it has been committed/)
  })
})

describe('conflicts', () => {
  test('are retried at once, with the attempt counted', async () => {
    const { db, events } = createFixture()
    const attempts: number[] = []
    await db.transact(
      async (tx) => {
        attempts.push(tx.attempt)
        if (tx.attempt === 1) await loseOnce(db, tx)
        else expect(String(await tx.get('counter'))).toBe('rival')
        tx.put('counter', 'mine')
      },
      { label: 'retried' },
    )
    expect(attempts).toEqual([1, 2])
    expect(String(await db.get('counter'))).toBe('mine')
    expect(events).toHaveLength(1)
    expect(events[0]).toMatchObject({ type: 'abort', report: { victim: { label: 'retried' } } })
  })

  test('a callback that swallows its loss commits nothing by it', async () => {
    const { db } = createFixture()
    let runs = 0
    await db.transact(async (tx) => {
      runs++
      tx.put(`run ${runs}`, '1')
      if (runs > 1) return
      await loseOnce(db, tx)
      try {
        tx.put('counter', 'lost')
      } catch {
        // As careless code does.
      }
    })
    expect(runs).toBe(2)
    expect(await db.get('run 1')).toBeUndefined()
    expect(await db.get('run 2')).toBeDefined()
  })

  test('a deadlock is refused and retried', async () => {
    const { db } = createFixture()
    await fill(db, { a: '0', b: '0' })
    const both = [createLatch(), createLatch()]
    const refused: unknown[] = []
    const take = (first: number, second: number) =>
      db.transact(async (tx) => {
        const keys = ['a', 'b']
        const value = Number(await tx.getForUpdate(keys[first]!))
        both[first]!.open()
        await both[second]!.opened
        await tx.getForUpdate(keys[second]!).catch((error: unknown) => {
          refused.push(error)
          throw error
        })
        tx.put('a', String(value + 1))
        tx.put('b', String(value + 1))
      })
    await Promise.all([take(0, 1), take(1, 0)])
    expect(String(await db.get('a'))).toBe('2')
    expect(refused[0]).toBeInstanceOf(DeadlockError)
  })

  test('after attemptsMax losses it gives up and says so', async () => {
    const { db } = createFixture()
    let runs = 0
    const losing = db.transact(
      async (tx) => {
        runs++
        await loseOnce(db, tx)
        tx.put('counter', 'lost')
      },
      { attemptsMax: 3, label: 'unlucky' },
    )
    const error: unknown = await losing.catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(RetriesExhaustedError)
    expect(error).toMatchObject({ attempts: 3, retryable: false, cause: expect.any(SerializationError) as unknown })
    expect(String(error)).toMatch(/Cannot finish transact "unlucky": it lost 3 times in a row/)
    expect(runs).toBe(3)
    expect(String(await db.get('counter'))).toBe('rival')
  })

  test('after repeated losses it is let through, whoever stands against it', async () => {
    const { db } = createFixture({ limits: { starvationLossesMax: 2 } })
    const rivals: Promise<unknown>[] = []
    let runs = 0
    await db.transact(async (tx) => {
      runs++
      await tx.get('counter')
      const rival = db.begin()
      rival.put('counter', 'rival')
      // Under the gate the rival has to wait for this very transaction, so nobody awaits it here.
      const committing = rival.commit()
      if (tx.attempt <= 2) await committing
      else rivals.push(committing)
      tx.put('counter', `mine ${tx.attempt}`)
    })
    expect(runs).toBe(3)
    await Promise.all(rivals)
    expect(String(await db.get('counter'))).toBe('rival')
  })

  test('a declared reader that lost begins again when what beat it is published', async () => {
    const { db, engine } = createFixture({ engine: { publishing: 'manual' } })
    engine.publishSync()
    // The schedule of the read-only anomaly: W read x and is decided late; U wrote x and is published; R reads y as it was.
    const w = db.begin({ label: 'W' })
    await w.get('x')
    w.put('y', '1')
    const u = db.begin({ label: 'U' })
    u.put('x', '1')
    const uCommitted = u.commit()
    engine.publishSync()
    await uCommitted
    const wCommitted = w.commit()
    const attempts: number[] = []
    const reading = db.transact(
      async (tx) => {
        attempts.push(tx.attempt)
        return [await tx.get('x'), await tx.get('y')].map(String)
      },
      { readOnly: true },
    )
    await turns(3)
    expect(attempts).toEqual([1])
    engine.publishSync()
    await wCommitted
    expect(await reading).toEqual(['1', '1'])
    expect(attempts).toEqual([1, 2])
  })
})

describe('guards', () => {
  test('the wrong handle is caught in the synchronous part', async () => {
    const { db } = createFixture()
    const calls: ((inner: Database) => unknown)[] = [
      (inner) => inner.put('a', '1'),
      (inner) => inner.delete('a'),
      (inner) => inner.get('a'),
      (inner) => inner.getMany(['a']),
      (inner) => inner.getSync('a'),
      (inner) => inner.scan(),
      (inner) => inner.keys(),
      (inner) => inner.values(),
      (inner) => inner.count(),
      (inner) => inner.transact(() => undefined),
    ]
    for (const call of calls) {
      await expect(db.transact(() => call(db))).rejects.toThrow(MisuseError)
    }
    await expect(db.transact(() => db.put('a', '1'))).rejects.toThrow(/use tx\.put of the callback's argument/)
    expect(await db.count()).toBe(0)
  })

  test('across awaits it is caught with the full guards', async () => {
    const { db } = createFixture({ guards: 'full' })
    const nested = db.transact(async (tx) => {
      await tx.get('a')
      await db.transact((inner) => inner.put('a', '1'))
    })
    await expect(nested).rejects.toThrow(MisuseError)
    const wrong = db.transact(async (tx) => {
      await tx.get('a')
      return db.put('a', '1')
    })
    await expect(wrong).rejects.toThrow(/not be part of the transaction/)
    await db.put('a', '2')
    expect(String(await db.get('a'))).toBe('2')
  })

  test('an operation nobody awaited rolls the transaction back', async () => {
    const { db, store } = createFixture({ engine: { asynchronousReads: true } })
    const unhandled = await unhandledDuring(async () => {
      const hasty = db.transact((tx) => {
        void tx.get('a')
        tx.put('a', '1')
      })
      await expect(hasty).rejects.toThrow(MisuseError)
    })
    expect(unhandled).toEqual([])
    expect(await db.get('a')).toBeUndefined()
    expect(store.stats().transactionsActive).toBe(0)
  })

  test('commit is refused inside, rollback gives up and keeps the result', async () => {
    const { db } = createFixture()
    await expect(
      db.transact(async (tx) => {
        tx.put('a', '1')
        await tx.commit()
      }),
    ).rejects.toThrow(/Cannot commit inside transact: it commits when the callback returns/)
    expect(
      await db.transact((tx) => {
        tx.put('a', '1')
        tx.rollback()
        return 'gave up'
      }),
    ).toBe('gave up')
    expect(await db.count()).toBe(0)
  })

  test('a declared reader writes nothing', async () => {
    const { db } = createFixture()
    await expect(db.transact((tx) => tx.put('a', '1'), { readOnly: true })).rejects.toThrow(ReadOnlyError)
  })

  test.each<[string, unknown, unknown]>([
    ['no callback', undefined, undefined],
    ['a promise for a callback', Promise.resolve(), undefined],
    ['options that are none', () => 1, 5],
    ['an unknown option', () => 1, { retries: 5 }],
    ['no attempts', () => 1, { attemptsMax: 0 }],
    ['a negative budget', () => 1, { timeoutMs: -1 }],
    ['a controller for a signal', () => 1, { signal: new AbortController() }],
    ['a label of the wrong type', () => 1, { label: Symbol('x') }],
    ['an unknown durability', () => 1, { durability: 'fast' }],
    ['readOnly of the wrong type', () => 1, { readOnly: 1 }],
  ])('%s is refused', async (_, fn, options) => {
    const { db } = createFixture()
    await expect(db.transact(fn as () => number, options as never)).rejects.toThrow(InvalidArgumentError)
  })
})
