/**
 * The states of a read-write transaction: what each operation does in each, and what a commit waits for.
 */
import { AbortedError } from '../../../src/base/errors'
import type { StoreTransaction } from '../../../src/mvcc/contract'
import { codeOf, createStoreWorld, keysOf, outcomeOf, prepareDoom, text } from './store-world'

const ALL = { start: '', end: undefined }
const VALUE = Buffer.from('value')

/** Every operation, by name. */
function operationsOf(transaction: StoreTransaction): Record<string, () => unknown> {
  return {
    get: () => transaction.get('k'),
    getSync: () => transaction.getSync('k'),
    getForUpdate: () => transaction.getForUpdate('k'),
    openCursor: () => transaction.openCursor(ALL, { reverse: false }),
    put: () => {
      transaction.put('k', VALUE)
    },
    delete: () => {
      transaction.delete('k')
    },
    deleteRange: () => {
      transaction.deleteRange(ALL)
    },
    savepoint: () => transaction.savepoint(),
    commit: () => transaction.commit(),
  }
}

async function expectRefused(transaction: StoreTransaction, code: string): Promise<void> {
  const { state } = transaction
  for (const [name, operation] of Object.entries(operationsOf(transaction))) {
    expect([name, await codeOf(operation)]).toEqual([name, code])
  }
  transaction.rollback()
  transaction.abort(new Error('too late'))
  expect(transaction.state).toBe(state)
}

describe('a read-write transaction', () => {
  describe('in each state', () => {
    test('open: every operation works', async () => {
      const world = createStoreWorld()
      world.seed('k')
      for (const name of Object.keys(operationsOf(world.store.begin()))) {
        const transaction = world.store.begin()
        expect(transaction.state).toBe('open')
        const outcome = outcomeOf(Promise.resolve(operationsOf(transaction)[name]!()))
        world.publishAll()
        expect(await outcome).not.toBe('pending')
        transaction.rollback()
      }
      for (const open of [...world.store.open()] as StoreTransaction[]) open.rollback()
      world.expectRest()
    })

    test('rolled back: everything is refused', async () => {
      const world = createStoreWorld()
      const transaction = world.store.begin({ label: 'mine' })
      transaction.put('k', VALUE)
      transaction.rollback()
      expect(transaction.state).toBe('rolled-back')
      await expectRefused(transaction, 'TRANSACTION_CLOSED')
      expect(() => transaction.getSync('k')).toThrow('Cannot use transaction 1 (mine): it has been rolled back')
      expect(world.store.getSync('k')).toBeUndefined()
      world.expectRest()
    })

    test('aborted: everything throws the error that it was aborted with', async () => {
      const world = createStoreWorld()
      const transaction = world.store.begin()
      transaction.put('k', VALUE)
      transaction.abort(new AbortedError('Cannot go on: the signal fired'))
      expect(transaction.state).toBe('aborted')
      await expectRefused(transaction, 'ABORTED')
      world.expectRest()
    })

    test('doomed: everything throws the stored report, and what it held has been given up', async () => {
      const world = createStoreWorld()
      const { victim, doom } = prepareDoom(world, 'k')
      await victim.getForUpdate('held')
      const next = world.store.begin()
      const turn = Promise.resolve(next.getForUpdate('held'))
      const cursor = victim.openCursor(ALL, { reverse: false })
      doom()
      expect(victim.state).toBe('aborted')
      await expectRefused(victim, 'SERIALIZATION')
      expect(await codeOf(() => cursor.next())).toBe('SERIALIZATION')
      expect(await outcomeOf(turn)).toBeUndefined()
      expect(world.reports).toMatchObject([{ victim: { label: 'victim' } }])
      next.rollback()
      world.expectRest()
    })

    test('committing: operations are misuse, a rollback does nothing', async () => {
      const world = createStoreWorld({ engine: { asynchronousReserve: true } })
      const transaction = world.store.begin()
      transaction.put('k', VALUE)
      const commit = transaction.commit()
      expect(transaction.state).toBe('committing')
      for (const [name, operation] of Object.entries(operationsOf(transaction))) {
        expect([name, await codeOf(operation)]).toEqual([name, 'MISUSE'])
      }
      transaction.rollback()
      expect(await outcomeOf(commit, 3)).toBe('pending')
      world.publishAll()
      expect(await outcomeOf(commit)).toEqual({ sequence: 1, durable: true })
      world.expectRest()
    })

    test('decided, then committed: everything is refused', async () => {
      const world = createStoreWorld()
      const transaction = world.store.begin()
      transaction.put('k', VALUE)
      const commit = transaction.commit()
      expect(transaction.state).toBe('decided')
      await expectRefused(transaction, 'TRANSACTION_CLOSED')
      world.publishAll()
      await commit
      expect(transaction.state).toBe('committed')
      await expectRefused(transaction, 'TRANSACTION_CLOSED')
      world.expectRest()
    })
  })

  describe('reads', () => {
    test('see the own writes and the snapshot, and give copies', async () => {
      const world = createStoreWorld()
      world.seed('k', 'gone')
      const transaction = world.store.begin()
      transaction.put('own', Buffer.from('mine'))
      transaction.delete('gone')
      void world.write('k', 'newer')
      expect(await text(transaction.get('k'))).toBe('k')
      expect(transaction.getSync('gone')).toBeUndefined()
      const copy = transaction.getSync('own')!
      copy.fill('x')
      expect(transaction.getSync('own')?.toString()).toBe('mine')
    })

    test('one that was waiting for the disk when its transaction was doomed returns no data', async () => {
      const world = createStoreWorld({ engine: { asynchronousReads: true } })
      world.seed('other')
      const { victim, doom } = prepareDoom(world, 'k')
      const waiting = Promise.resolve(victim.get('other'))
      doom()
      expect(await outcomeOf(waiting, 3)).toBe('SERIALIZATION')
      world.expectRest()
    })

    test('one whose registration closes a cycle aborts at once', async () => {
      const world = createStoreWorld()
      const { victim, doom } = prepareDoom(world, 'unrelated')
      doom()
      const writer = world.store.begin()
      writer.getSync('x')
      void world.write('x')
      const reader = world.store.begin()
      writer.put('y', VALUE)
      void writer.commit()
      expect(await codeOf(() => reader.get('y'))).toBe('SERIALIZATION')
      expect([victim.state, reader.state]).toEqual(['aborted', 'aborted'])
      expect(world.reports.length).toBe(2)
      world.expectRest()
    })
  })

  describe('writes', () => {
    test('a certain lost update aborts at the write; under a savepoint it waits for the commit', async () => {
      const world = createStoreWorld()
      world.seed('k')
      for (const write of ['put', 'delete', 'deleteRange'] as const) {
        for (const underSavepoint of [false, true]) {
          const transaction = world.store.begin()
          transaction.getSync('k')
          void world.write('k')
          const savepoint = underSavepoint ? transaction.savepoint() : undefined
          expect(await codeOf(() => operationsOf(transaction)[write]!())).toBe(
            underSavepoint ? undefined : 'SERIALIZATION',
          )
          savepoint?.release()
          expect(await codeOf(() => transaction.commit())).toBe('SERIALIZATION')
        }
      }
      expect(world.reports.map(({ reason }) => reason)).toEqual(Array(6).fill('lost-update'))
      world.expectRest()
    })

    test('schedule 6: rolled back to the savepoint, the transaction commits', async () => {
      const world = createStoreWorld()
      const transaction = world.store.begin()
      transaction.getSync('k')
      const savepoint = transaction.savepoint()
      void world.write('k')
      transaction.put('k', VALUE)
      savepoint.rollback()
      transaction.put('other', VALUE)
      const commit = transaction.commit()
      world.publishAll()
      expect(await outcomeOf(commit)).toMatchObject({ sequence: 2 })
      world.expectRest()
    })

    test('isolation snapshot: reads register nothing, the first committer of a key wins', async () => {
      const world = createStoreWorld()
      world.seed('k')
      const transaction = world.store.begin({ isolation: 'snapshot' })
      transaction.getSync('read')
      await keysOf(transaction.openCursor(ALL, { reverse: false }))
      expect(world.store.stats()).toMatchObject({ pointReads: 0, rangeReads: 0 })
      void world.write('k')
      transaction.put('k', VALUE)
      expect(await codeOf(() => transaction.commit())).toBe('SERIALIZATION')
      expect(world.reports).toMatchObject([{ reason: 'lost-update' }])
      world.expectRest()
    })
  })

  describe('getForUpdate', () => {
    test('moves the snapshot forward while nothing that was read is stale', async () => {
      const world = createStoreWorld()
      const transaction = world.store.begin()
      transaction.getSync('untouched')
      void world.write('k', 'newer')
      expect(await text(transaction.getForUpdate('k'))).toBe('newer')
      expect(transaction.snapshot).toBe(1)
      transaction.rollback()
      world.expectRest()
    })

    test('keeps the snapshot once something read is stale, and while a cursor is open', async () => {
      const world = createStoreWorld()
      world.seed('k')
      const [stale, scanning] = [world.store.begin(), world.store.begin()]
      stale.getSync('s')
      const cursor = scanning.openCursor(ALL, { reverse: false })
      void world.write('s')
      void world.write('k', 'newer')
      expect(await text(stale.getForUpdate('k'))).toBe('k')
      stale.rollback()
      expect(await text(scanning.getForUpdate('k'))).toBe('k')
      cursor.close()
      expect(await text(scanning.getForUpdate('k'))).toBe('k')
      scanning.rollback()
      world.expectRest()
    })

    test('isolation snapshot: moves it only before the first read', async () => {
      const world = createStoreWorld()
      world.seed('k')
      const [fresh, used] = [0, 1].map(() => world.store.begin({ isolation: 'snapshot' })) as [
        StoreTransaction,
        StoreTransaction,
      ]
      used.getSync('untouched')
      void world.write('k', 'newer')
      expect(await text(fresh.getForUpdate('k'))).toBe('newer')
      fresh.rollback()
      expect(await text(used.getForUpdate('k'))).toBe('k')
    })

    test('passes the key on when the holder is decided, not when it is acknowledged', async () => {
      const world = createStoreWorld()
      const [first, second] = [world.store.begin(), world.store.begin()]
      await first.getForUpdate('k')
      const turn = Promise.resolve(second.getForUpdate('k'))
      first.put('k', Buffer.from('first'))
      const commit = first.commit()
      expect((await outcomeOf(turn))?.toString()).toBe('first')
      expect(await outcomeOf(commit)).toBe('pending')
      second.put('k', Buffer.from('second'))
      void second.commit()
      world.expectRest()
    })

    test('a transaction that is aborted while it queues is told, and leaves the queue', async () => {
      const world = createStoreWorld()
      const [first, second, third] = [world.store.begin(), world.store.begin(), world.store.begin()]
      await first.getForUpdate('k')
      const [turn, next] = [second.getForUpdate('k'), third.getForUpdate('k')].map((value) => Promise.resolve(value))
      second.abort(new AbortedError('Cannot wait: the signal fired'))
      first.rollback()
      expect(await outcomeOf(turn!)).toBe('ABORTED')
      expect(await outcomeOf(next!)).toBeUndefined()
      third.rollback()
      world.expectRest()
    })

    test('a refused deadlock ends the transaction, and the other one goes on', async () => {
      const world = createStoreWorld()
      const [first, second] = [world.store.begin(), world.store.begin()]
      await first.getForUpdate('a')
      await second.getForUpdate('b')
      const turn = Promise.resolve(first.getForUpdate('b'))
      expect(await codeOf(() => second.getForUpdate('a'))).toBe('DEADLOCK')
      expect(second.state).toBe('aborted')
      expect(await outcomeOf(turn)).toBeUndefined()
      expect(world.store.stats().deadlocks).toBe(1)
      first.rollback()
      world.expectRest()
    })
  })
})
