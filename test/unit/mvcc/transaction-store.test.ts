/**
 * The store as a whole: lone reads, the failure of the log, the gate, limits, and what it holds for storage.
 */
import { AbortedError } from '../../../src/base/errors'
import { createLimits } from '../../../src/base/limits'
import type { StoreTransaction } from '../../../src/mvcc/contract'
import { createTransactionStore } from '../../../src/mvcc/transaction-store'
import type { EngineListener } from '../../../src/storage/engine'
import { createMemoryEngine } from '../../../src/storage/memory/memory-engine'
import { createMemoryRuntime } from '../../support/memory-runtime/memory-runtime'
import type { StoreWorld } from './store-world'
import { codeOf, createStoreWorld, keysOf, outcomeOf, text } from './store-world'

const ALL = { start: '', end: undefined }
const VALUE = Buffer.from('value')
const DISK_GONE = new Error('the disk is gone')

/** Schedule 2: W rx wy; U wx c P; W c, not P. A lone read of y at the published sequence must wait. */
function createWaitingWorld(): StoreWorld {
  const world = createStoreWorld()
  const writer = world.store.begin()
  writer.getSync('x')
  world.seed('x')
  writer.put('y', VALUE)
  void outcomeOf(writer.commit())
  return world
}

describe('a lone read', () => {
  test('shows what is published, not what is decided', async () => {
    const world = createStoreWorld()
    world.seed('a', 'b')
    void world.write('a', 'newer')
    expect(await text(world.store.get('a'))).toBe('a')
    expect((await world.store.getMany(['a', 'none', 'b'])).map((value) => value?.toString())).toEqual([
      'a',
      undefined,
      'b',
    ])
    expect(await keysOf(world.store.openCursor(ALL, { reverse: true }))).toEqual(['b', 'a'])
    world.expectRest()
  })

  test('whose test fails waits for the next publish and then answers right', async () => {
    const world = createWaitingWorld()
    const cursor = world.store.openCursor(ALL, { reverse: false })
    const pages = world.store.openCursor({ start: 'y', end: undefined }, { reverse: false })
    const keys: string[] = []
    const waiting = [
      Promise.resolve(world.store.get('y')).then((value) => value?.toString()),
      Promise.resolve(world.store.getMany(['a', 'y'])).then((values) => values[1]?.toString()),
      keysOf(cursor),
      Promise.resolve(pages.nextPage(3, (row) => keys.push(row.key))).then(() => keys),
    ]
    for (const each of waiting) expect(await outcomeOf(each)).toBe('pending')
    expect(await text(world.store.get('unrelated'))).toBeUndefined()
    world.publishAll()
    expect(await Promise.all(waiting)).toEqual(['value', 'value', ['x', 'y'], ['y']])
    expect(world.reports).toEqual([])
    world.expectRest()
  })

  test('that is synchronous makes the log durable first', () => {
    const world = createWaitingWorld()
    expect(world.store.getSync('y')?.toString()).toBe('value')
    expect(world.store.stats().published).toBe(2)
    world.expectRest()
  })

  test('whose scan is closed while it waits gives no row', async () => {
    const world = createWaitingWorld()
    const cursor = world.store.openCursor(ALL, { reverse: false })
    const row = Promise.resolve(cursor.next())
    cursor.close()
    world.publishAll()
    expect(await row).toBe(false)
    world.expectRest()
  })

  test('that waits leaves no floor until it has answered', () => {
    const world = createWaitingWorld()
    const older = world.store.begin()
    void outcomeOf(Promise.resolve(world.store.get('y')))
    expect(world.store.stats().readerFloors).toBe(0)
    older.rollback()
  })
})

describe('when the log fails', () => {
  test('commits in flight have an unknown outcome; commits without writes that wait are told that it is poisoned', async () => {
    const world = createStoreWorld()
    world.seed('k')
    const commits = [world.write('a'), world.write('b')]
    const reader = world.store.begin()
    reader.getSync('a')
    const read = reader.commit()
    world.engine.poison(DISK_GONE)
    await expect(commits[0]).rejects.toMatchObject({ code: 'COMMIT_OUTCOME_UNKNOWN', sequence: 2, cause: DISK_GONE })
    await expect(commits[1]).rejects.toMatchObject({ code: 'COMMIT_OUTCOME_UNKNOWN', sequence: 3 })
    await expect(read).rejects.toMatchObject({ code: 'POISONED', cause: DISK_GONE })
    expect(reader.state).toBe('aborted')
    expect(await outcomeOf(world.store.settled())).toBeUndefined()
  })

  test('whoever reads above the published sequence is ended, whoever reads at or below it goes on', async () => {
    const world = createStoreWorld()
    world.seed('k')
    const [below, declared] = [world.store.begin(), world.store.begin({ readOnly: true })]
    const snapshot = world.store.snapshot()
    void outcomeOf(world.write('k', 'newer'))
    const above = world.store.begin()
    const cursor = above.openCursor(ALL, { reverse: false })
    await above.getForUpdate('held')
    world.engine.poison(DISK_GONE)
    expect([above.state, below.state, declared.state]).toEqual(['aborted', 'open', 'open'])
    expect(await codeOf(() => above.getSync('k'))).toBe('POISONED')
    expect(await codeOf(() => cursor.next())).toBe('POISONED')
    for (const reader of [below, declared, snapshot]) expect(reader.getSync('k')?.toString()).toBe('k')
    expect(world.store.stats().queuedKeys).toBe(0)
    expect(world.reports).toEqual([])
  })

  test('begin takes the published sequence; it reads, and its writes are refused', async () => {
    const world = createStoreWorld()
    world.seed('k')
    void outcomeOf(world.write('k', 'newer'))
    world.engine.poison(DISK_GONE)
    const transaction = world.store.begin()
    expect(transaction.snapshot).toBe(1)
    expect(transaction.getSync('k')?.toString()).toBe('k')
    transaction.put('l', VALUE)
    expect(await codeOf(() => transaction.commit())).toBe('POISONED')
    expect(world.engine.reservedBytes).toBe(0)
    const reader = world.store.begin()
    reader.getSync('l')
    expect(await reader.commit()).toMatchObject({ sequence: 1 })
    world.store.checkInvariants()
  })

  test('a commit that waits at the gate or for room is told that it is poisoned, and gives its room back', async () => {
    for (const waitsFor of ['gate', 'room'] as const) {
      const world = createStoreWorld({ engine: { asynchronousReserve: waitsFor === 'room' } })
      const holder = waitsFor === 'gate' ? await world.store.beginUnderGate().result : undefined
      const transaction = world.store.begin()
      transaction.put('k', VALUE)
      const commit = transaction.commit()
      world.engine.poison(DISK_GONE)
      holder?.rollback()
      expect(await outcomeOf(commit, 3)).toBe('POISONED')
      expect(world.engine.reservedBytes).toBe(0)
      expect(await outcomeOf(world.store.settled())).toBeUndefined()
    }
  })

  test('lone reads whose test fails, waiting or not, are told that it is poisoned; others answer', async () => {
    const world = createWaitingWorld()
    const waiting = Promise.resolve(world.store.get('y'))
    const cursor = world.store.openCursor(ALL, { reverse: false })
    const row = Promise.resolve(cursor.next())
    world.engine.poison(DISK_GONE)
    expect([await outcomeOf(waiting), await outcomeOf(row)]).toEqual(['POISONED', 'POISONED'])
    for (const read of [
      () => world.store.get('y'),
      () => world.store.getSync('y'),
      () => world.store.getMany(['a', 'y']),
      () => world.store.openCursor(ALL, { reverse: false }).next(),
    ]) {
      expect(await codeOf(read)).toBe('POISONED')
    }
    expect(world.store.getSync('x')?.toString()).toBe('x')
  })
})

describe('the gate', () => {
  test('is given first in, first out; who gives up is passed over, and the next comes', async () => {
    const world = createStoreWorld()
    const seekers = [1, 2, 3].map((n) => world.store.beginUnderGate({ label: `seeker ${String(n)}` }))
    const first = await seekers[0]!.result
    seekers[1]!.cancel(new AbortedError('Cannot wait: the signal fired'))
    expect(await outcomeOf(seekers[1]!.result)).toBe('ABORTED')
    expect(await outcomeOf(seekers[2]!.result)).toBe('pending')
    first.rollback()
    const third = await seekers[2]!.result
    expect(third.label).toBe('seeker 3')
    seekers[2]!.cancel(new Error('too late'))
    expect(third.state).toBe('open')
    third.rollback()
    world.expectRest()
  })

  test('given up in the moment in which it is granted passes on', async () => {
    const world = createStoreWorld()
    const [one, two] = [world.store.beginUnderGate(), world.store.beginUnderGate()]
    one.cancel(new AbortedError('Cannot wait: the signal fired'))
    const second = await two.result
    expect([...world.store.open()]).toEqual([second])
    second.rollback()
    world.expectRest()
  })

  test('passes on where no more transactions may begin', async () => {
    const world = createStoreWorld({ limits: { transactionsActiveMax: 1 } })
    const blocking = world.store.begin()
    const [one, two] = [world.store.beginUnderGate(), world.store.beginUnderGate()]
    expect(await outcomeOf(one.result)).toBe('LIMIT_EXCEEDED')
    expect(await outcomeOf(two.result)).toBe('LIMIT_EXCEEDED')
    blocking.rollback()
    ;(await world.store.beginUnderGate().result).rollback()
    world.expectRest()
  })

  test('under it a snapshot cannot go stale: the commit cannot lose', async () => {
    const world = createStoreWorld()
    const holder = await world.store.beginUnderGate().result
    holder.getSync('k')
    const others = [1, 2, 3].map(() => world.write('k'))
    holder.put('k', VALUE)
    const commit = holder.commit()
    expect(world.store.stats().decided).toBe(1)
    for (const each of others) await outcomeOf(each)
    world.publishAll()
    expect(await commit).toMatchObject({ sequence: 1 })
    expect(world.reports).toEqual([])
    await Promise.all(others)
    world.expectRest()
  })

  test('is lost when the lease is over', async () => {
    const world = createStoreWorld({ limits: { gateLeaseMs: 50 } })
    const holder = await world.store.beginUnderGate().result
    const commit = world.write('k')
    expect(await outcomeOf(commit, 3)).toBe('pending')
    world.runtime.advance(49)
    await outcomeOf(commit, 3)
    expect(world.store.stats().decided).toBe(0)
    world.runtime.advance(2)
    await outcomeOf(commit, 3)
    expect(world.store.stats().decided).toBe(1)
    holder.rollback()
    world.expectRest()
  })
})

describe('what the store holds', () => {
  test('two snapshots at one sequence are two: releasing one keeps the versions of the other', () => {
    const world = createStoreWorld()
    world.seed('k')
    const snapshots = [world.store.snapshot(), world.store.snapshot()]
    const transactions = [world.store.begin(), world.store.begin({ readOnly: true })]
    for (const newer of ['second', 'third']) {
      void world.write('k', newer)
      world.publishAll()
    }
    for (const ended of [snapshots[0]!, transactions[0]!]) {
      if ('close' in ended) ended.close()
      else ended.rollback()
      world.engine.collectVersions()
      for (const each of [snapshots[1]!, transactions[1]!]) expect(each.getSync('k')?.toString()).toBe('k')
    }
    snapshots[1]!.close()
    transactions[1]!.rollback()
    world.engine.collectVersions()
    expect(world.engine.versionCount).toBe(1)
    world.expectRest()
  })

  test('names to storage every sequence that something reads at', async () => {
    const runtime = createMemoryRuntime({ seed: 1 })
    const engine = createMemoryEngine({ runtime, publishing: 'manual' })
    let listener: EngineListener | undefined
    const attach = engine.attach.bind(engine)
    engine.attach = (given) => {
      listener = given
      attach(given)
    }
    const store = createTransactionStore(runtime, engine, createLimits({}), { durability: 'sync' })
    const live = (): number[] => [...new Set(listener!.liveSnapshots())].sort((a, b) => a - b)
    const commit = (): void => {
      const transaction = store.begin()
      transaction.put('k', VALUE)
      void transaction.commit()
      engine.publishSync()
    }
    const held: { end(): void }[] = []
    for (const hold of [
      () => store.begin(),
      () => store.begin({ readOnly: true }),
      () => store.begin({ deferrable: true }),
      () => store.snapshot(),
    ]) {
      const holder = hold()
      held.push({ end: () => ('close' in holder ? holder.close() : holder.rollback()) })
      commit()
    }
    expect(live()).toEqual([0, 1, 2, 3])
    held[0]!.end()
    expect(live()).not.toContain(0)
    for (const holder of held.slice(1)) holder.end()
    await outcomeOf(Promise.resolve())
    expect(live()).toEqual([])
  })

  test('transactionsActiveMax bounds begins with a typed error, and an end makes room', async () => {
    const world = createStoreWorld({ limits: { transactionsActiveMax: 2 } })
    const [one, two] = [world.store.begin(), world.store.begin({ readOnly: true })]
    for (const options of [{}, { readOnly: true }, { deferrable: true }]) {
      expect(await codeOf(() => world.store.begin(options))).toBe('LIMIT_EXCEEDED')
    }
    expect(() => world.store.begin()).toThrow('transactionsActiveMax is 2')
    one.rollback()
    world.store.begin().rollback()
    two.rollback()
    world.expectRest()
  })

  test('open transactions and snapshots are listed, oldest first, with their age', () => {
    const world = createStoreWorld()
    const all = [
      world.store.begin({ label: 'a' }),
      world.store.snapshot('b'),
      world.store.begin({ readOnly: true, label: 'c' }),
    ]
    expect([...world.store.open()].map(({ label }) => label)).toEqual(['a', 'b', 'c'])
    expect(all[0]!.begunMs).toBeLessThan(all[2]!.begunMs)
    for (const each of all) {
      if ('close' in each) each.close()
      else each.rollback()
    }
    world.expectRest()
  })

  test('a long transaction over more than 65,536 commits is right, and leaves nothing', async () => {
    const world = createStoreWorld()
    world.seed('k', 'other')
    const [reader, updater] = [world.store.begin(), world.store.begin()]
    updater.getSync('k')
    for (let i = 0; i < 66_000; i++) {
      void world.write(i % 100 === 0 ? 'k' : `k${String(i % 1000)}`, String(i))
      if (i % 64 === 0) world.publishAll()
    }
    world.publishAll()
    expect(await text(reader.get('other'))).toBe('other')
    expect(world.store.stats().commitsRetained).toBe(66_000)
    expect(await codeOf(() => updater.put('k', VALUE))).toBe('SERIALIZATION')
    const commit = reader.commit()
    expect(await outcomeOf(commit)).toMatchObject({ sequence: 2 })
    world.expectRest()
  })

  test('sequences go on from what the engine recovered, also for reads', async () => {
    const runtime = createMemoryRuntime({ seed: 1 })
    const engine = createMemoryEngine({ runtime, publishing: 'manual' })
    const sequences: number[] = []
    const recovered = Object.create(engine, {
      recoveredSequence: { value: 41 },
      publishedSequence: { value: 41 },
      attach: { value: () => undefined },
      reserve: { value: () => undefined },
      append: { value: (_batch: unknown, _bytes: number, sequence: number) => sequences.push(sequence) },
    }) as typeof engine
    const store = createTransactionStore(runtime, recovered, createLimits({}), { durability: 'sync' })
    expect(store.stats()).toMatchObject({ decided: 41, published: 41 })
    expect([store.begin().snapshot, store.begin({ readOnly: true }).snapshot]).toEqual([41, 41])
    const transaction: StoreTransaction = store.begin()
    transaction.put('k', VALUE)
    void transaction.commit()
    expect(sequences).toEqual([42])
    expect(await outcomeOf(store.settled())).toBe('pending')
  })
})
