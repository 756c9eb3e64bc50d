/**
 * What the commit of a read-write transaction waits for, gives back when it fails, and tells when it is over.
 */
import { AbortedError } from '../../../src/base/errors'
import type { StoreTransaction } from '../../../src/mvcc/contract'
import type { StoreWorld } from './store-world'
import { codeOf, createStoreWorld, outcomeOf, prepareDoom } from './store-world'

const VALUE = Buffer.from('value')

describe('a commit of a read-write transaction', () => {
  test('without writes is acknowledged at once if its snapshot is published, else when it is', async () => {
    const world = createStoreWorld()
    const early = world.store.begin()
    void world.write('k')
    const late = world.store.begin()
    late.getSync('k')
    expect(await outcomeOf(early.commit())).toEqual({ sequence: 0, durable: true })
    const commit = late.commit()
    expect([late.state, await outcomeOf(commit)]).toEqual(['decided', 'pending'])
    world.publishAll()
    expect(await outcomeOf(commit)).toEqual({ sequence: 1, durable: true })
    expect(late.state).toBe('committed')
    world.expectRest()
  })

  test('says whether it is on disk', async () => {
    const world = createStoreWorld()
    const transaction = world.store.begin({ durability: 'os' })
    transaction.put('k', VALUE)
    const commit = transaction.commit()
    world.publishAll()
    expect(await commit).toEqual({ sequence: 1, durable: false })
  })

  test('that loses gives its room back', async () => {
    const world = createStoreWorld()
    const transaction = world.store.begin()
    transaction.getSync('k')
    transaction.put('l', VALUE)
    const other = world.store.begin()
    other.getSync('l')
    other.put('k', VALUE)
    void other.commit()
    expect(await codeOf(() => transaction.commit())).toBe('SERIALIZATION')
    expect(world.engine.reservedBytes).toBe(0)
    expect(await outcomeOf(world.store.settled())).toBe('pending')
    world.publishAll()
    expect(await outcomeOf(world.store.settled())).toBeUndefined()
    world.expectRest()
  })

  test('that waits for room and is aborted meanwhile gives the room back when it comes', async () => {
    const world = createStoreWorld({ engine: { asynchronousReserve: true } })
    const transaction = world.store.begin()
    transaction.put('k', VALUE)
    const commit = transaction.commit()
    transaction.abort(new AbortedError('Cannot wait: the signal fired'))
    expect(await outcomeOf(commit)).toBe('ABORTED')
    await outcomeOf(commit, 3)
    expect(await outcomeOf(world.store.settled())).toBeUndefined()
    world.expectRest()
  })

  test('whose storage has no room ends the transaction with that error', async () => {
    const world = createStoreWorld()
    world.engine.reserve = () => Promise.reject(new AbortedError('no room'))
    const transaction = world.store.begin()
    transaction.put('k', VALUE)
    expect(await codeOf(() => transaction.commit())).toBe('ABORTED')
    expect(transaction.state).toBe('aborted')
    world.expectRest()
  })

  test('of an empty range deletion writes nothing', async () => {
    const world = createStoreWorld()
    const transaction = world.store.begin()
    transaction.deleteRange({ start: 'b', end: 'a' })
    expect(await transaction.commit()).toMatchObject({ sequence: 0 })
    world.expectRest()
  })
})

describe('a commit and the gate', () => {
  const hold = async (world: StoreWorld): Promise<StoreTransaction> =>
    world.store.beginUnderGate({ label: 'gate' }).result

  test('waits at the gate, then for room; the holder passes', async () => {
    for (const asynchronousReserve of [false, true]) {
      const world = createStoreWorld({ engine: { asynchronousReserve } })
      const holder = await hold(world)
      const transaction = world.store.begin()
      transaction.put('k', VALUE)
      const commit = transaction.commit()
      await outcomeOf(commit, 3)
      expect(transaction.state).toBe('committing')
      expect(world.engine.reservedBytes).toBe(0)
      holder.put('h', VALUE)
      const first = holder.commit()
      await outcomeOf(first, 3)
      await outcomeOf(commit, 3)
      expect([holder.state, transaction.state]).toEqual(['decided', 'decided'])
      world.publishAll()
      expect([await first, await commit]).toMatchObject([{ sequence: 1 }, { sequence: 2 }])
      world.expectRest()
    }
  })

  test('a gate taken while it waits for room makes it give the room back and wait', async () => {
    const world = createStoreWorld({ engine: { asynchronousReserve: true } })
    const transaction = world.store.begin()
    transaction.put('k', VALUE)
    const commit = transaction.commit()
    const holder = await hold(world)
    await outcomeOf(commit, 3)
    expect(transaction.state).toBe('committing')
    expect(world.engine.reservedBytes).toBe(0)
    holder.rollback()
    await outcomeOf(commit, 3)
    expect(transaction.state).toBe('decided')
    world.expectRest()
  })

  test('a commit without writes does not wait', async () => {
    const world = createStoreWorld()
    const holder = await hold(world)
    expect(await outcomeOf(world.store.begin().commit())).toMatchObject({ sequence: 0 })
    holder.rollback()
    world.expectRest()
  })

  test('one that would wait for a holder who waits for it is refused, and the holder goes on', async () => {
    const world = createStoreWorld()
    const transaction = world.store.begin()
    await transaction.getForUpdate('k')
    const holder = await hold(world)
    const turn = Promise.resolve(holder.getForUpdate('k'))
    transaction.put('k', VALUE)
    expect(await codeOf(() => transaction.commit())).toBe('DEADLOCK')
    expect(await outcomeOf(turn)).toBeUndefined()
    holder.rollback()
    world.expectRest()
  })

  test('one that waits at the gate is refused when the holder wants its key', async () => {
    const world = createStoreWorld()
    const transaction = world.store.begin()
    await transaction.getForUpdate('k')
    const holder = await hold(world)
    transaction.put('k', VALUE)
    const commit = transaction.commit()
    expect(await outcomeOf(Promise.resolve(holder.getForUpdate('k')))).toBeUndefined()
    expect(await outcomeOf(commit)).toBe('DEADLOCK')
    holder.rollback()
    world.expectRest()
  })

  test('aborted at any moment after the gate has passed on, it ends, and leaves nothing behind', async () => {
    for (const asynchronousReserve of [false, true]) {
      for (let hops = 0; hops <= 12; hops++) {
        const world = createStoreWorld({ engine: { asynchronousReserve } })
        const holder = await hold(world)
        const transaction = world.store.begin()
        transaction.put('k', VALUE)
        const commit = transaction.commit()
        holder.rollback()
        for (let hop = 0; hop < hops; hop++) await Promise.resolve()
        transaction.abort(new AbortedError('Cannot wait: the signal fired'))
        await outcomeOf(commit, 3)
        world.publishAll()
        const outcome = await outcomeOf(commit, 3)
        expect([hops, outcome]).toEqual([
          hops,
          transaction.state === 'committed' ? { sequence: 1, durable: true } : 'ABORTED',
        ])
        expect(await outcomeOf(world.store.settled())).toBeUndefined()
        world.expectRest()
      }
    }
  })
})

describe('what is told about an abort', () => {
  test('comes when the step that caused it is over: a callback may use the store', async () => {
    const world = createStoreWorld()
    const first = prepareDoom(world, 'k')
    const second = world.store.begin({ label: 'second victim' })
    second.getSync('k')
    const seen: unknown[] = []
    world.onAbort = () => {
      seen.push(world.store.getSync('k')?.toString())
      second.rollback()
      void world.write('from the callback')
      world.engine.publishSync()
    }
    const commits: Promise<unknown>[] = []
    const commit = world.store.begin()
    commit.put('z', VALUE)
    commits.push(commit.commit())
    first.doom()
    expect(first.victim.state).toBe('aborted')
    expect(second.state).toBe('aborted')
    expect(seen.length).toBe(2)
    world.store.checkInvariants()
    world.publishAll()
    for (const each of commits) expect(await outcomeOf(each)).toMatchObject({ durable: true })
    expect(await outcomeOf(world.store.settled())).toBeUndefined()
    world.expectRest()
  })

  test('a commit that dooms another is acknowledged although the callback publishes it', async () => {
    const world = createStoreWorld()
    const winner = world.store.begin()
    winner.getSync('s')
    void world.write('s')
    const victim = world.store.begin()
    victim.getSync('k')
    world.onAbort = () => {
      world.engine.publishSync()
    }
    winner.put('k', VALUE)
    const commit = winner.commit()
    expect(await outcomeOf(commit)).toMatchObject({ sequence: 2 })
    expect(victim.state).toBe('aborted')
    world.expectRest()
  })

  test('comes when the victim has given up its keys', async () => {
    const world = createStoreWorld()
    const { victim, doom } = prepareDoom(world, 'k')
    await victim.getForUpdate('held')
    let queued = -1
    world.onAbort = () => {
      queued = world.store.stats().queuedKeys
    }
    doom()
    expect(queued).toBe(0)
  })
})
