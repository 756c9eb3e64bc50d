/**
 * `transact` ended from outside: by time, by a signal, by the failure of the log, by the closing of the database.
 */
import { AbortedError, CommitOutcomeUnknownError, DatabaseClosedError, TimeoutError } from '../../../src/base/errors'
import { createFixture, createLatch, turns, unhandledDuring } from './fixture'

const never = new Promise<never>(() => undefined)

describe('transact ended from outside', () => {
  test('the time budget covers all attempts and ends a callback that hangs', async () => {
    const { db, store } = createFixture()
    const unhandled = await unhandledDuring(async () => {
      const hanging = db.transact(
        async (tx) => {
          tx.put('a', '1')
          await never
        },
        { timeoutMs: 100, label: 'slow' },
      )
      await expect(hanging).rejects.toThrow(TimeoutError)
      await expect(hanging).rejects.toThrow('Cannot finish transact "slow" in 100 ms')
    })
    expect(unhandled).toEqual([])
    expect(await db.count()).toBe(0)
    expect(store.stats().transactionsActive).toBe(0)
  })

  test('a callback that goes on after the end is told so, and its failure is not lost on the process', async () => {
    const { db } = createFixture()
    const latch = createLatch()
    const seen: unknown[] = []
    const unhandled = await unhandledDuring(async () => {
      const late = db.transact(
        async (tx) => {
          await latch.opened
          await tx.get('a').catch((error: unknown) => {
            seen.push(error)
            throw error
          })
        },
        { timeoutMs: 10 },
      )
      await expect(late).rejects.toThrow(TimeoutError)
      latch.open()
    })
    expect(seen[0]).toBeInstanceOf(TimeoutError)
    expect(unhandled).toEqual([])
  })

  test('a signal ends it, with its reason as cause; one that has fired lets nothing run', async () => {
    const { db } = createFixture()
    const controller = new AbortController()
    const reason = new Error('request cancelled')
    const running = db.transact(() => never, { signal: controller.signal })
    controller.abort(reason)
    await expect(running).rejects.toThrow(AbortedError)
    await expect(running).rejects.toMatchObject({ cause: reason })
    let runs = 0
    await expect(db.transact(() => runs++, { signal: controller.signal })).rejects.toThrow(AbortedError)
    expect(runs).toBe(0)
  })

  test('a decided commit is waited for, whatever the clock says', async () => {
    const { db, engine } = createFixture({ engine: { publishing: 'manual' } })
    const controller = new AbortController()
    const running = db.transact((tx) => tx.put('a', '1'), { signal: controller.signal })
    await turns()
    controller.abort()
    await turns()
    engine.publishSync()
    await expect(running).resolves.toBeUndefined()
    expect(String(await db.get('a'))).toBe('1')
  })

  test('a wait for a key or for the gate can be ended', async () => {
    const { db, store } = createFixture()
    const holder = db.begin()
    await holder.getForUpdate('a')
    const waiting = db.transact((tx) => tx.getForUpdate('a'), { timeoutMs: 20 })
    await expect(waiting).rejects.toThrow(TimeoutError)
    holder.rollback()
    expect(store.stats()).toMatchObject({ transactionsActive: 0, queuedKeys: 0 })
    await expect(db.transact((tx) => tx.getForUpdate('a'))).resolves.toBeUndefined()
  })

  test('the failing log is an unknown outcome, not a retry', async () => {
    const { db, engine } = createFixture({ engine: { publishing: 'manual' } })
    let runs = 0
    const running = db.transact((tx) => {
      runs++
      tx.put('a', '1')
    })
    await turns()
    engine.poison(new Error('EIO'))
    await expect(running).rejects.toThrow(CommitOutcomeUnknownError)
    expect(runs).toBe(1)
  })

  test('the closing of the database ends it', async () => {
    const { db } = createFixture()
    const running = db.transact(async (tx) => {
      tx.put('a', '1')
      await turns()
      await tx.get('a')
    })
    const closing = db.close()
    await expect(running).rejects.toThrow(DatabaseClosedError)
    await closing
  })
})
