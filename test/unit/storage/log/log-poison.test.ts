/** A failed write or sync of the log, wherever it happens, ends writing for good, and is never tried again. */
import { CorruptionError, DiskFullError, IoError, PoisonedError } from '../../../../src/base/errors'
import { batchBytes } from '../../../../src/storage/engine'
import { createMemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import type { MemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import type { Injection, IoCall } from '../../../support/memory-runtime/io-calls'
import { commit, openWorld, putBatch, recover, turnsUntil } from './log-world'
import type { LogWorld } from './log-world'

const still = { clockJumps: false }

/** Fails the first call from now on that `isIt` accepts. */
function failNext(runtime: MemoryRuntime, injection: Injection, isIt: (call: IoCall) => boolean): void {
  let isArmed = true
  runtime.inject = (call) => {
    if (!isArmed || !isIt(call)) return undefined
    isArmed = false
    return injection
  }
}

/** Where the commits of the first segment go; preparing writes from 0 on in slices of 16 KiB. */
const isCommitWrite = (call: IoCall): boolean => call.operation === 'thread-write' && (call.length ?? 0) < 16_384

async function poisonedWorld(
  injection: Injection,
  isIt: (call: IoCall) => boolean,
): Promise<[MemoryRuntime, LogWorld]> {
  const runtime = createMemoryRuntime(still)
  const world = await openWorld(runtime)
  await commit(world.log, putBatch(1), 1)
  await world.log.sync()
  failNext(runtime, injection, isIt)
  await commit(world.log, putBatch(2), 2)
  await turnsUntil(runtime, () => world.poisons.length > 0)
  return [runtime, world]
}

describe.each([
  ['a failed write', 'EIO', isCommitWrite],
  ['a short write', 'short-write', isCommitWrite],
  ['a full disk under a commit', 'ENOSPC', isCommitWrite],
  ['a failed sync', 'EIO', (call: IoCall) => call.operation === 'thread-sync'],
  ['a sync that failed after the fact', 'EIO-after', (call: IoCall) => call.operation === 'thread-sync'],
] as const)('%s', (_name, injection, isIt) => {
  test('poisons: told once, published as before, nothing written again', async () => {
    const [runtime, { log, poisons, published }] = await poisonedWorld(injection, isIt)
    expect(poisons).toHaveLength(1)
    expect(poisons[0]).toBeInstanceOf(injection === 'ENOSPC' ? DiskFullError : IoError)
    expect(log.poisoned).toBe(poisons[0])
    expect([published, log.publishedSequence, log.syncedSequence]).toEqual([[1], 1, 1])
    // A slice of the next segment may be on its way.
    for (let turn = 0; turn < 20; turn++) await runtime.scheduler.nextTurn()
    const before = runtime.calls.length
    expect(() => log.reserve(10, false)).toThrow(PoisonedError)
    expect(() => log.reserve(10, true)).toThrow(PoisonedError)
    await expect(log.sync()).rejects.toThrow(PoisonedError)
    expect(() => log.publishSync()).toThrow(PoisonedError)
    for (let turn = 0; turn < 100; turn++) await runtime.scheduler.nextTurn()
    expect(runtime.calls.slice(before)).toEqual([])
    expect(await log.close()).toBeUndefined()
  })

  test('leaves what was acknowledged', async () => {
    const [runtime, { log, named }] = await poisonedWorld(injection, isIt)
    await log.close()
    for (const image of ['synced-only', 'everything', { seed: 5 }] as const) {
      const rebooted = createMemoryRuntime({ files: runtime.durableImage(image) })
      const found = await recover(rebooted, named)
      expect(found.lastSequence).toBeGreaterThanOrEqual(1)
      expect(found.lastSequence).toBeLessThanOrEqual(2)
    }
  })
})

test('those who wait, for a sync or for room, get the poison', async () => {
  const runtime = createMemoryRuntime(still)
  const { log } = await openWorld(runtime, { limits: { logGroupBytesMax: 4096 } })
  failNext(runtime, 'EIO', isCommitWrite)
  await commit(log, putBatch(1, 4000), 1)
  const synced = log.sync()
  await commit(log, putBatch(2, 4000), 2)
  const room = log.reserve(4000, false)
  expect(room).toBeInstanceOf(Promise)
  await expect(synced).rejects.toThrow(PoisonedError)
  await expect(room).rejects.toThrow(PoisonedError)
})

test('a commit that was reserved before the poison is refused without effect', async () => {
  const runtime = createMemoryRuntime(still)
  const { log, poisons } = await openWorld(runtime)
  failNext(runtime, 'EIO', isCommitWrite)
  await commit(log, putBatch(1), 1)
  const bytes = batchBytes(putBatch(2))
  expect(log.reserve(bytes, false)).toBeUndefined()
  await turnsUntil(runtime, () => poisons.length > 0)
  expect(() => log.append(putBatch(2), bytes, 2, 'sync')).toThrow(PoisonedError)
})

test.each(['thread', 'inline'] as const)('publishSync throws the poison that it meets (%s)', async (ioMode) => {
  const runtime = createMemoryRuntime(still)
  const { log, poisons } = await openWorld(runtime, { ioMode })
  failNext(runtime, 'EIO', (call) => call.operation === 'thread-sync')
  await commit(log, putBatch(1), 1)
  expect(() => log.publishSync()).toThrow(PoisonedError)
  expect(poisons).toHaveLength(1)
})

test.each([
  ['a failed slice', (call: IoCall) => call.operation === 'thread-write' && call.length === 16_384, 'EIO'],
  ['a failed directory sync', (call: IoCall) => call.operation === 'sync-directory', 'EIO'],
  ['a directory sync without room', (call: IoCall) => call.operation === 'sync-directory', 'ENOSPC'],
  ['a failed creation', (call: IoCall) => call.operation === 'create', 'EIO'],
] as const)(
  '%s of the next segment poisons, and a group in flight is not published after that',
  async (_name, isIt, code) => {
    const runtime = createMemoryRuntime(still)
    const { log, poisons, published } = await openWorld(runtime)
    failNext(runtime, code, isIt)
    let sequence = 0
    while (poisons.length === 0 && sequence < 200) {
      sequence++
      await commit(log, putBatch(sequence, 3000), sequence).catch(() => undefined)
      await runtime.scheduler.nextTurn()
    }
    expect(poisons).toHaveLength(1)
    const told = published.length
    for (let turn = 0; turn < 100; turn++) await runtime.scheduler.nextTurn()
    expect(published).toHaveLength(told)
    expect(await log.close()).toBeUndefined()
  },
)

test('a naming that fails poisons; whoever waits for the segment is told', async () => {
  const runtime = createMemoryRuntime(still)
  const world = await openWorld(runtime)
  const cause = new CorruptionError('manifest', '/db/x', 1)
  world.nameSegment = () => Promise.reject(cause)
  await expect(world.log.reserve(1_000_000, false)).rejects.toThrow(PoisonedError)
  expect(world.poisons).toEqual([cause])
})

test('a failed witness poisons like any other write', async () => {
  const runtime = createMemoryRuntime(still)
  const { log, poisons } = await openWorld(runtime)
  await commit(log, putBatch(1), 1)
  await log.sync()
  failNext(runtime, 'EIO', (call) => call.length === 512)
  for (let pause = 0; pause < 5; pause++) {
    runtime.advance(10)
    for (let turn = 0; turn < 20; turn++) await runtime.scheduler.nextTurn()
  }
  expect(poisons).toHaveLength(1)
})

test('opening fails with the error of whatever failed, and leaves no thread behind', async () => {
  const runtime = createMemoryRuntime(still)
  failNext(runtime, 'EIO', (call) => call.operation === 'thread-sync')
  await expect(openWorld(runtime)).rejects.toThrow(IoError)
})

test('a segment that is being prepared is given up: the manifest of a poisoned store is left alone', async () => {
  const runtime = createMemoryRuntime(still)
  const { log, named, poisons } = await openWorld(runtime)
  await commit(log, putBatch(1), 1)
  failNext(runtime, 'EIO', isCommitWrite)
  const room = log.reserve(1_000_000, false)
  await expect(room).rejects.toThrow(PoisonedError)
  expect(poisons).toHaveLength(1)
  for (let turn = 0; turn < 500; turn++) await runtime.scheduler.nextTurn()
  expect(named).toEqual([1])
})
