/**
 * A safe snapshot waits for those who could yet spoil it, starts over when one did, and can be given up.
 */
import { AbortedError } from '../../../src/base/errors'
import type { StoreTransaction } from '../../../src/mvcc/contract'
import type { StoreWorld } from './store-world'
import { createStoreWorld, outcomeOf } from './store-world'

const VALUE = Buffer.from('value')

/** W rx wy; U wx c: W has missed a commit and will spoil every snapshot from U's commit on. */
function prepareSpoiler(world: StoreWorld): StoreTransaction {
  const spoiler = world.store.begin()
  spoiler.getSync('x')
  void world.write('x')
  spoiler.put('y', VALUE)
  return spoiler
}

async function sequenceOf(result: Promise<{ readonly sequence: number }>): Promise<unknown> {
  const outcome = await outcomeOf(result.then(({ sequence }) => sequence))
  return outcome
}

describe('a safe snapshot', () => {
  test('comes at once where no read-write transaction is active or unpublished', async () => {
    const world = createStoreWorld()
    world.seed('k')
    const { result } = world.store.safeSnapshot('mine')
    expect(await sequenceOf(result)).toBe(1)
    const snapshot = await result
    expect(snapshot).toMatchObject({ label: 'mine', sequence: 1 })
    expect([...world.store.open()]).toEqual([snapshot])
    snapshot.close()
    snapshot.close()
    world.expectRest()
  })

  test('waits until all that were active have ended, and not for those that began since', async () => {
    const world = createStoreWorld()
    const [one, two] = [world.store.begin(), world.store.begin()]
    world.seed('k')
    const { result } = world.store.safeSnapshot()
    const later = world.store.begin()
    one.rollback()
    expect(await outcomeOf(result)).toBe('pending')
    two.put('z', VALUE)
    void two.commit()
    expect(await sequenceOf(result)).toBe(1)
    later.rollback()
    ;(await result).close()
    world.expectRest()
  })

  test('counts as active while it waits', () => {
    const world = createStoreWorld()
    const older = world.store.begin()
    world.seed('k')
    const waiting = world.store.safeSnapshot()
    older.rollback()
    const younger = world.store.begin()
    world.seed('k')
    expect(world.store.stats().oldestSnapshot).toBe(1)
    waiting.cancel(new AbortedError('not needed'))
    younger.rollback()
    world.store.checkInvariants()
  })

  test('starts over at the newest published when one of them has missed a commit at or below it', async () => {
    const world = createStoreWorld()
    const spoiler = prepareSpoiler(world)
    world.publishAll()
    const { result } = world.store.safeSnapshot()
    void spoiler.commit()
    expect(await outcomeOf(result)).toBe('pending')
    world.publishAll()
    expect(await sequenceOf(result)).toBe(2)
    ;(await result).close()
    world.expectRest()
  })

  test('starts over at once where something newer has been published meanwhile', async () => {
    const world = createStoreWorld()
    const spoiler = prepareSpoiler(world)
    world.publishAll()
    const { result } = world.store.safeSnapshot()
    world.seed('k')
    void spoiler.commit()
    // At 2 the spoiler is unpublished and still spoils; at 3 it does not.
    expect(await outcomeOf(result)).toBe('pending')
    world.publishAll()
    expect(await sequenceOf(result)).toBe(3)
    ;(await result).close()
    world.expectRest()
  })

  test('is not spoilt by one that missed a later commit only, or rolled back', async () => {
    const world = createStoreWorld()
    const old = world.store.begin()
    const spoiler = prepareSpoiler(world)
    const { result } = world.store.safeSnapshot()
    expect(await sequenceOf(result)).toBe(0)
    world.publishAll()
    const second = world.store.safeSnapshot()
    spoiler.rollback()
    old.rollback()
    expect(await sequenceOf(second.result)).toBe(1)
    ;(await result).close()
    ;(await second.result).close()
    world.expectRest()
  })

  test('schedule 3: an unpublished one counts although nobody is active', async () => {
    const world = createStoreWorld()
    const spoiler = prepareSpoiler(world)
    world.publishAll()
    void spoiler.commit()
    expect(world.store.stats().transactionsActive).toBe(0)
    const { result } = world.store.safeSnapshot()
    expect(await outcomeOf(result)).toBe('pending')
    world.publishAll()
    expect(await sequenceOf(result)).toBe(2)
    ;(await result).close()
    world.expectRest()
  })

  test('is given up by cancel, in each phase of waiting, and nothing is held afterwards', async () => {
    for (const phase of ['active', 'start over'] as const) {
      const world = createStoreWorld()
      const spoiler = prepareSpoiler(world)
      world.publishAll()
      const waiting = world.store.safeSnapshot()
      if (phase === 'start over') void spoiler.commit()
      waiting.cancel(new AbortedError('Cannot wait: the signal fired'))
      waiting.cancel(new AbortedError('again'))
      expect(await outcomeOf(waiting.result)).toBe('ABORTED')
      spoiler.rollback()
      world.expectRest()
    }
  })

  test('given up by somebody who does not look at the result disturbs nobody', async () => {
    const world = createStoreWorld()
    const older = world.store.begin()
    world.seed('k')
    const unhandled: unknown[] = []
    const note = (error: unknown): void => {
      unhandled.push(error)
    }
    process.on('unhandledRejection', note)
    try {
      world.store.safeSnapshot().cancel(new AbortedError('not needed'))
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
    } finally {
      process.off('unhandledRejection', note)
    }
    expect(unhandled).toEqual([])
    older.rollback()
    world.expectRest()
  })

  describe('when the log fails', () => {
    test('one that waits for a publish is told that it never comes', async () => {
      const world = createStoreWorld()
      const spoiler = prepareSpoiler(world)
      world.publishAll()
      const { result } = world.store.safeSnapshot()
      void outcomeOf(spoiler.commit())
      world.engine.poison(new Error('the disk is gone'))
      expect(await outcomeOf(result)).toBe('POISONED')
      expect([...world.store.open()]).toEqual([])
    })

    test('one that waits for active transactions comes when they have ended without harm', async () => {
      const world = createStoreWorld()
      const older = world.store.begin()
      world.seed('k')
      const { result } = world.store.safeSnapshot()
      world.engine.poison(new Error('the disk is gone'))
      older.rollback()
      expect(await sequenceOf(result)).toBe(1)
      ;(await result).close()
    })

    test('one taken afterwards comes, or says that it cannot', async () => {
      const world = createStoreWorld()
      world.seed('k')
      world.engine.poison(new Error('the disk is gone'))
      expect(await sequenceOf(world.store.safeSnapshot().result)).toBe(1)
      const spoilt = createStoreWorld()
      const spoiler = prepareSpoiler(spoilt)
      spoilt.publishAll()
      void outcomeOf(spoiler.commit())
      spoilt.engine.poison(new Error('the disk is gone'))
      expect(await outcomeOf(spoilt.store.safeSnapshot().result)).toBe('POISONED')
    })
  })
})
