/**
 * What a checkpoint holds while it waits for a safe snapshot: the files of each sequence that it tries, from the step on that takes it,
 * and nothing once it has been given up.
 */
import { AbortedError, PoisonedError } from '../../../src/base/errors'
import type { StoreTransaction } from '../../../src/mvcc/contract'
import type { StoreWorld } from './store-world'
import { createStoreWorld, outcomeOf } from './store-world'

/** A world whose engine tells what it holds. */
function createWorld(): { world: StoreWorld; held: number[]; refuse: (times: number) => void } {
  const world = createStoreWorld()
  const held: number[] = []
  let refusals = 0
  world.engine.pinCheckpoint = (sequence) => {
    if (refusals > 0) {
      refusals--
      return undefined
    }
    held.push(sequence)
    let isHeld = true
    const release = (): void => {
      if (isHeld) held.splice(held.indexOf(sequence), 1)
      isHeld = false
    }
    return { sequence, write: () => Promise.reject(new Error('not asked for')), release }
  }
  return { world, held, refuse: (times) => (refusals = times) }
}

/** W rx wy; U wx c: W has missed a commit and will spoil every snapshot from U's commit on. */
function prepareSpoiler(world: StoreWorld): StoreTransaction {
  const spoiler = world.store.begin()
  spoiler.getSync('x')
  void world.write('x')
  spoiler.put('y', Buffer.from('value'))
  return spoiler
}

test('holds the files in the very step that takes the sequence, and keeps them for whoever asked', async () => {
  const { world, held } = createWorld()
  const older = world.store.begin()
  world.seed('k')
  const { result } = world.store.safeCheckpoint()
  expect(held).toEqual([1])
  // What is published while it waits does not move it.
  world.seed('k')
  older.rollback()
  const checkpoint = await result
  expect(checkpoint.sequence).toBe(1)
  expect(held).toEqual([1])
  checkpoint.release()
  expect(held).toEqual([])
  world.expectRest()
})

test('lets go of a sequence that proves unsafe, and holds the next one that it tries', async () => {
  const { world, held } = createWorld()
  const spoiler = prepareSpoiler(world)
  world.publishAll()
  const { result } = world.store.safeCheckpoint()
  expect(held).toEqual([1])
  void spoiler.commit()
  expect(await outcomeOf(result)).toBe('pending')
  expect(held).toEqual([])
  world.publishAll()
  const checkpoint = await result
  expect([checkpoint.sequence, held]).toEqual([2, [2]])
  checkpoint.release()
  world.expectRest()
})

test('waits for the next publish where the files have more than is published, as after a bulk load', async () => {
  const { world, held, refuse } = createWorld()
  world.seed('k')
  refuse(1)
  const { result } = world.store.safeCheckpoint()
  expect([await outcomeOf(result), held]).toEqual(['pending', []])
  world.seed('k')
  const checkpoint = await result
  expect([checkpoint.sequence, held]).toEqual([2, [2]])
  checkpoint.release()
  world.expectRest()
})

test('holds nothing once it has been given up, while it tries a sequence or between two', async () => {
  const { world, held, refuse } = createWorld()
  const older = world.store.begin()
  world.seed('k')
  const trying = world.store.safeCheckpoint()
  refuse(1)
  const between = world.store.safeCheckpoint()
  expect(held).toEqual([1])
  for (const waiting of [trying, between]) waiting.cancel(new AbortedError('not needed'))
  expect(held).toEqual([])
  for (const { result } of [trying, between]) await expect(result).rejects.toThrow(AbortedError)
  older.rollback()
  world.seed('k')
  expect(held).toEqual([])
  world.expectRest()
})

test('needs no version in memory to be kept once it has its files', async () => {
  const { world } = createWorld()
  world.seed('k')
  const checkpoint = await world.store.safeCheckpoint().result
  world.seed('k', 'k')
  expect(world.store.stats().oldestSnapshot).toBeUndefined()
  world.engine.collectVersions()
  expect(world.engine.versionCount).toBe(1)
  checkpoint.release()
  world.expectRest()
})

test('ends with the failure of the log where it waits for a publish', async () => {
  const { world, held, refuse } = createWorld()
  world.seed('k')
  refuse(1)
  const { result } = world.store.safeCheckpoint()
  world.engine.poison(new Error('EIO'))
  await expect(result).rejects.toThrow(PoisonedError)
  expect(held).toEqual([])
})
