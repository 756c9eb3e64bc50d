/**
 * The states of a declared read-only transaction, and the waiting of a deferrable one.
 */
import { AbortedError } from '../../../src/base/errors'
import type { StoreTransaction } from '../../../src/mvcc/contract'
import type { StoreWorld } from './store-world'
import { codeOf, createStoreWorld, keysOf, outcomeOf, text } from './store-world'

const ALL = { start: '', end: undefined }
const VALUE = Buffer.from('value')

function readsOf(transaction: StoreTransaction): Record<string, () => unknown> {
  return {
    get: () => transaction.get('k'),
    getSync: () => transaction.getSync('k'),
    openCursor: () => transaction.openCursor(ALL, { reverse: false }),
    savepoint: () => transaction.savepoint(),
    commit: () => transaction.commit(),
  }
}

function writesOf(transaction: StoreTransaction): Record<string, () => unknown> {
  return {
    put: () => {
      transaction.put('k', VALUE)
    },
    delete: () => {
      transaction.delete('k')
    },
    deleteRange: () => {
      transaction.deleteRange(ALL)
    },
    getForUpdate: () => transaction.getForUpdate('k'),
  }
}

/** A world in which a read of `y` by a declared reader fails: W rx wy, U wx c P, W c not P. */
function createStaleWorld(asynchronousReads = false): {
  readonly world: StoreWorld
  readonly reader: StoreTransaction
} {
  const world = createStoreWorld({ engine: { asynchronousReads } })
  const writer = world.store.begin()
  writer.getSync('x')
  world.seed('x')
  const reader = world.store.begin({ readOnly: true, label: 'report' })
  writer.put('y', VALUE)
  void outcomeOf(writer.commit())
  return { world, reader }
}

describe('a declared read-only transaction', () => {
  test('reads the newest published, whatever has been decided', async () => {
    const world = createStoreWorld()
    world.seed('k')
    void world.write('k', 'newer')
    const reader = world.store.begin({ readOnly: true })
    expect(reader).toMatchObject({ readOnly: true, snapshot: 1, state: 'open' })
    expect(await text(reader.get('k'))).toBe('k')
    expect(reader.getSync('k')?.toString()).toBe('k')
    world.publishAll()
    expect(await text(reader.get('k'))).toBe('k')
    expect(await keysOf(reader.openCursor(ALL, { reverse: true }))).toEqual(['k'])
    expect(await reader.commit()).toEqual({ sequence: 1, durable: true })
    world.expectRest()
  })

  test('open: writes are refused, and it goes on', async () => {
    const world = createStoreWorld()
    const reader = world.store.begin({ readOnly: true })
    for (const [name, write] of Object.entries(writesOf(reader))) {
      expect([name, await codeOf(write)]).toEqual([name, 'READ_ONLY'])
    }
    reader.savepoint().rollback()
    reader.savepoint().release()
    expect(reader.state).toBe('open')
    reader.rollback()
    world.expectRest()
  })

  test('ended: everything says how', async () => {
    const world = createStoreWorld()
    const ends: [(reader: StoreTransaction) => unknown, string, string][] = [
      [(reader) => reader.commit(), 'committed', 'TRANSACTION_CLOSED'],
      [(reader) => reader.rollback(), 'rolled-back', 'TRANSACTION_CLOSED'],
      [(reader) => reader.abort(new AbortedError('Cannot go on: the signal fired')), 'aborted', 'ABORTED'],
    ]
    for (const [end, state, code] of ends) {
      const reader = world.store.begin({ readOnly: true })
      await end(reader)
      for (const [name, operation] of Object.entries({ ...readsOf(reader), ...writesOf(reader) })) {
        expect([name, await codeOf(operation)]).toEqual([name, code])
      }
      reader.rollback()
      reader.abort(new Error('too late'))
      expect(reader.state).toBe(state)
    }
    world.expectRest()
  })

  test('is aborted by a read of its own that no serial order allows; nothing is left of it', async () => {
    const { world, reader } = createStaleWorld()
    expect(reader.getSync('z')).toBeUndefined()
    expect(await codeOf(() => reader.get('y'))).toBe('SERIALIZATION')
    expect(reader.state).toBe('aborted')
    expect(world.reports).toMatchObject([{ reason: 'stale-read-only', victim: { label: 'report' } }])
    world.expectRest()
  })

  test('its pages and rows abort it as well', async () => {
    for (const asynchronousReads of [false, true]) {
      for (const step of ['next', 'nextPage'] as const) {
        const { world, reader } = createStaleWorld(asynchronousReads)
        const cursor = reader.openCursor(ALL, { reverse: true })
        const moved = step === 'next' ? () => cursor.next() : () => cursor.nextPage(3, () => undefined)
        expect(await codeOf(moved)).toBe('SERIALIZATION')
        world.expectRest()
      }
    }
  })

  test('a read that was waiting when it ended returns no data', async () => {
    const world = createStoreWorld({ engine: { asynchronousReads: true } })
    world.seed('k')
    const reader = world.store.begin({ readOnly: true })
    const waiting = Promise.resolve(reader.get('k'))
    reader.abort(new AbortedError('Cannot go on: the signal fired'))
    expect(await outcomeOf(waiting, 3)).toBe('ABORTED')
    world.expectRest()
  })

  test('after the log has failed a read whose test fails is told that, and not to try again', async () => {
    const { world, reader } = createStaleWorld()
    world.engine.poison(new Error('the disk is gone'))
    expect(reader.state).toBe('open')
    expect(await codeOf(() => reader.get('y'))).toBe('POISONED')
    expect(world.reports).toEqual([])
    expect([...world.store.open()]).toEqual([])
  })
})

describe('a deferrable transaction', () => {
  test('reads once its snapshot is safe, and registers nothing', async () => {
    const world = createStoreWorld()
    const older = world.store.begin()
    world.seed('k')
    const reader = world.store.begin({ deferrable: true })
    expect(reader).toMatchObject({ readOnly: true, snapshot: 1 })
    const first = Promise.resolve(reader.get('k'))
    const cursor = reader.openCursor(ALL, { reverse: false })
    const [row, page] = [Promise.resolve(cursor.next()), outcomeOf(first)]
    expect(await codeOf(() => reader.getSync('k'))).toBe('MISUSE')
    expect(await page).toBe('pending')
    older.rollback()
    expect((await first)?.toString()).toBe('k')
    expect([await row, cursor.key, cursor.value().toString()]).toEqual([true, 'k', 'k'])
    const writer = world.store.begin()
    expect(reader.getSync('k')?.toString()).toBe('k')
    expect(world.store.stats()).toMatchObject({ readerFloors: 0, rangeReads: 0 })
    writer.rollback()
    await reader.commit()
    expect(await codeOf(() => cursor.next())).toBe('TRANSACTION_CLOSED')
    world.expectRest()
  })

  test('keeps its snapshot readable while it is open', async () => {
    const world = createStoreWorld()
    world.seed('k')
    const reader = world.store.begin({ deferrable: true })
    await reader.get('k')
    for (let i = 0; i < 5; i++) {
      void world.write('k', `newer ${String(i)}`)
      world.publishAll()
    }
    world.engine.collectVersions()
    expect(reader.getSync('k')?.toString()).toBe('k')
    expect(world.store.stats().commitsRetained).toBe(0)
    reader.rollback()
    world.expectRest()
  })

  test('ended while it waits, its reads are told, and nothing is held', async () => {
    for (const end of ['rollback', 'commit', 'abort'] as const) {
      for (const isSafeSoon of [false, true]) {
        const world = createStoreWorld()
        const older = world.store.begin()
        world.seed('k')
        const reader = world.store.begin({ deferrable: true })
        const read = outcomeOf(Promise.resolve(reader.get('k')), 1)
        const cursor = reader.openCursor(ALL, { reverse: false })
        const row = outcomeOf(Promise.resolve(cursor.next()), 1)
        // Safe already, but the transaction has not heard of it yet.
        if (isSafeSoon) older.rollback()
        if (end === 'abort') reader.abort(new AbortedError('Cannot wait: the signal fired'))
        else await reader[end]()
        const code = end === 'abort' ? 'ABORTED' : 'TRANSACTION_CLOSED'
        expect([end, isSafeSoon, await read, await row]).toEqual([end, isSafeSoon, code, code])
        older.rollback()
        cursor.close()
        world.expectRest()
      }
    }
  })

  test('a cursor closed before the snapshot was safe gives no row', async () => {
    const world = createStoreWorld()
    const older = world.store.begin()
    world.seed('k')
    const reader = world.store.begin({ deferrable: true })
    const cursor = reader.openCursor(ALL, { reverse: false })
    const pending = Promise.resolve(cursor.next())
    cursor.close()
    expect([await cursor.next(), await cursor.nextPage(2, () => undefined)]).toEqual([false, 0])
    older.rollback()
    expect(await pending).toBe(false)
    reader.rollback()
    world.expectRest()
  })

  test('is aborted when the log fails while it waits for a publish', async () => {
    const { world } = createStaleWorld()
    const reader = world.store.begin({ deferrable: true })
    const read = Promise.resolve(reader.get('y'))
    world.engine.poison(new Error('the disk is gone'))
    expect(await outcomeOf(read)).toBe('POISONED')
    expect(reader.state).toBe('aborted')
  })
})
