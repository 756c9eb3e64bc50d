/** The next segment: prepared in order, at the log's pace, and what happens when the disk is full. */
import { DiskFullError, StalledError } from '../../../../src/base/errors'
import { batchBytes } from '../../../../src/storage/engine'
import { RESERVE_FILE_NAME } from '../../../../src/storage/log/log-reserve'
import { segmentFileName } from '../../../../src/storage/log/log-format'
import { createMemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import type { MemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import { commit, commitSingly, deleteBatch, DIRECTORY, openWorld, putBatch, recover, turnsUntil } from './log-world'
import type { LogWorld } from './log-world'

const still = { clockJumps: false }
const KiB = 1024
const RESERVE = `${DIRECTORY}/${RESERVE_FILE_NAME}`

async function manyTurns(runtime: MemoryRuntime, turns = 300): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await runtime.scheduler.nextTurn()
}

/** Commits puts, each in a frame of its own page, until one is refused. Returns the refusal and the last sequence. */
async function putUntilRefused(world: LogWorld, after: number): Promise<{ error: Error; last: number }> {
  for (let sequence = after + 1; ; sequence++) {
    if (sequence > after + 1000) throw new Error('never refused')
    try {
      await commitSingly(world.log, { after: sequence - 1, count: 1 })
    } catch (error) {
      return { error: error as Error, last: sequence - 1 }
    }
  }
}

describe('preparing', () => {
  test('goes in order: created, filled slice by slice and synced, directory synced, named, then used', async () => {
    const runtime = createMemoryRuntime(still)
    const before = runtime.calls.length
    const order: string[] = []
    const world = await openWorld(runtime, { limits: { segmentBytesMin: 32 * KiB } })
    const steps = runtime.calls.slice(before).map(({ operation, path, position }) => {
      const name = path.slice(path.lastIndexOf('/') + 1)
      return `${operation} ${name}${position === undefined ? '' : ` ${position}`}`
    })
    order.push(...steps.filter((step) => /log|sync-directory db/.test(step)))
    expect(order).toEqual([
      'create 0000000001.log',
      'thread-write 0000000001.log 0',
      'thread-sync 0000000001.log',
      'thread-write 0000000001.log 16384',
      'thread-sync 0000000001.log',
      'sync-directory db',
    ])
    expect(world.named).toEqual([1])
    expect(runtime.points).toEqual(['log.before-name'])
  })

  test('no frame is written into a segment before the manifest has named it', async () => {
    const runtime = createMemoryRuntime(still)
    const world = await openWorld(runtime)
    let release = (): void => undefined
    world.nameSegment = () => new Promise((resolve) => (release = resolve))
    let sequence = 0
    let isWaiting = false
    while (!isWaiting) {
      sequence++
      const batch = putBatch(sequence)
      const room = world.log.reserve(batchBytes(batch), false)
      isWaiting = room !== undefined
      if (isWaiting) {
        await manyTurns(runtime)
        expect(runtime.calls.some(({ path, length }) => path.endsWith(segmentFileName(2)) && length === 4096)).toBe(
          false,
        )
        release()
        await room
      }
      world.log.append(batch, batchBytes(batch), sequence, 'sync')
      await world.log.sync()
    }
    expect(world.log.chain.statuses().at(-1)).toMatchObject({ number: 2, lastSequence: sequence })
  })

  test('keeps pace with the log: not before a quarter is used, at twice the rate, complete at three quarters', async () => {
    const runtime = createMemoryRuntime(still)
    const world = await openWorld(runtime, { limits: { segmentBytesMin: 256 * KiB, segmentBytesMax: 256 * KiB } })
    const prepared = (): number => world.log.figures().bytesPrepared - 256 * KiB
    const seen: number[] = []
    for (let page = 1; page <= 61; page++) {
      await commitSingly(world.log, { after: page - 1, count: 1 })
      await manyTurns(runtime, 20)
      seen[page] = prepared() / KiB
    }
    expect(seen[14]).toBe(0)
    for (let page = 15; page <= 61; page++) {
      // One page of the header is used from the beginning; a slice is 16 KiB and is begun when its first byte is due.
      const due = Math.min(256, 2 * ((page + 1) * 4 - 64))
      expect(seen[page]).toBeGreaterThanOrEqual(due)
      expect(seen[page]).toBeLessThan(Math.max(0, due) + 16)
    }
    expect(world.log.figures().reserveWaits).toEqual({ count: 0, totalMs: 0, longestMs: 0 })
    expect(world.named).toEqual([1, 2])
  })

  test('a reservation that needs the segment now does not wait for the pace', async () => {
    const runtime = createMemoryRuntime(still)
    const { log } = await openWorld(runtime)
    await log.reserve(200 * KiB, false)
    expect(log.figures().bytesPrepared).toBeGreaterThan(200 * KiB)
    log.unreserve(200 * KiB)
  })

  test('a prepared segment is made larger for a commit that does not fit into it', async () => {
    const runtime = createMemoryRuntime(still)
    const { log, named } = await openWorld(runtime, { limits: { segmentBytesMax: 64 * KiB } })
    await commitSingly(log, { after: 0, count: 14 })
    await manyTurns(runtime)
    expect(named).toEqual([1, 2])
    await commitSingly(log, { after: 14, count: 1, valueBytes: 500_000 })
    expect(log.chain.statuses().map(({ number }) => number)).toEqual([1, 2])
    expect((await recover(runtime, named)).lastSequence).toBe(15)
  })
})

describe('a full disk', () => {
  test('poisons nothing: puts are refused, go on when there is room, and the half-made file is gone', async () => {
    const runtime = createMemoryRuntime(still)
    const world = await openWorld(runtime)
    runtime.isDiskFull = true
    const { error, last } = await putUntilRefused(world, 0)
    expect(error).toBeInstanceOf(DiskFullError)
    expect(last).toBeGreaterThan(5)
    expect(world.log.poisoned).toBeUndefined()
    expect(world.log.figures().diskFull).toBeInstanceOf(DiskFullError)
    expect(await runtime.files.list(DIRECTORY)).toEqual([segmentFileName(1)])
    runtime.isDiskFull = false
    runtime.advance(10_000)
    await commitSingly(world.log, { after: last, count: 3 })
    expect(world.log.figures().diskFull).toBeUndefined()
    expect((await recover(runtime, world.named)).lastSequence).toBe(last + 3)
  })

  test('is asked again only after a pause, and the pause grows', async () => {
    const runtime = createMemoryRuntime(still)
    const world = await openWorld(runtime, { limits: { backoffMsMin: 1000, backoffMsMax: 60_000 } })
    runtime.isDiskFull = true
    await putUntilRefused(world, 0)
    const attempts = (): number => runtime.calls.filter(({ operation }) => operation === 'create').length
    const before = attempts()
    for (let i = 0; i < 20; i++) expect(() => world.log.reserve(100, false)).toThrow(DiskFullError)
    expect(attempts()).toBe(before)
    runtime.advance(1100)
    await expect(world.log.reserve(100, false)).rejects.toThrow(DiskFullError)
    expect(attempts()).toBe(before + 1)
    runtime.advance(1100)
    expect(() => world.log.reserve(100, false)).toThrow(DiskFullError)
  })

  test('deletes go on in the space kept aside, puts are refused until that is whole again', async () => {
    const runtime = createMemoryRuntime(still)
    const world = await openWorld(runtime, { limits: { reserveBytes: 128 * KiB } })
    await manyTurns(runtime)
    expect((await runtime.files.status(RESERVE))?.size).toBe(128 * KiB)
    runtime.capacityBytes = runtime.usedBytes
    const { error, last } = await putUntilRefused(world, 0)
    expect(error).toBeInstanceOf(DiskFullError)
    let sequence = last
    for (let i = 0; i < 10; i++) {
      sequence++
      await commit(world.log, deleteBatch(sequence), sequence)
      await world.log.sync()
    }
    expect(world.log.chain.statuses().length).toBe(2)
    expect(await runtime.files.status(RESERVE)).toBeUndefined()
    // There is room in the segment, but it is not for puts.
    expect(() => world.log.reserve(100, false)).toThrow(DiskFullError)
    runtime.capacityBytes = 2 ** 30
    runtime.advance(100_000)
    await commitSingly(world.log, { after: sequence, count: 2 })
    expect((await runtime.files.status(RESERVE))?.size).toBe(128 * KiB)
    expect((await recover(runtime, world.named)).lastSequence).toBe(sequence + 2)
  })

  test('deletes are stalled, with the cause, once even the space kept aside is used up', async () => {
    const runtime = createMemoryRuntime(still)
    const world = await openWorld(runtime, { limits: { reserveBytes: 64 * KiB } })
    await manyTurns(runtime)
    runtime.capacityBytes = runtime.usedBytes
    const { last } = await putUntilRefused(world, 0)
    let error: Error | undefined
    let sequence = last
    while (error === undefined && sequence < last + 500) {
      sequence++
      await commit(world.log, deleteBatch(sequence), sequence).catch((cause: unknown) => (error = cause as Error))
      if (error === undefined) await world.log.sync()
    }
    expect(error).toBeInstanceOf(StalledError)
    expect((error as StalledError).cause).toBeInstanceOf(DiskFullError)
    expect(sequence - 1).toBeGreaterThan(last + 5)
    expect(world.log.poisoned).toBeUndefined()
    expect((await recover(runtime, world.named)).lastSequence).toBe(sequence - 1)
  })

  test('opening takes the space kept aside for its first segment', async () => {
    const runtime = createMemoryRuntime(still)
    const first = await openWorld(runtime, { limits: { reserveBytes: 128 * KiB } })
    await manyTurns(runtime)
    await first.log.close()
    runtime.capacityBytes = runtime.usedBytes
    const second = await openWorld(runtime, { limits: { reserveBytes: 128 * KiB }, firstSegment: 10 })
    await commit(second.log, deleteBatch(1), 1)
    await second.log.sync()
    expect(() => second.log.reserve(10, false)).toThrow(DiskFullError)
    await second.log.close()
  })

  test('opening fails with DiskFullError when there is no space at all', async () => {
    const runtime = createMemoryRuntime(still)
    await openWorld(runtime)
    runtime.isDiskFull = true
    await expect(openWorld(runtime, { firstSegment: 10 })).rejects.toThrow(DiskFullError)
  })

  test('a naming without room keeps the file, and names it when there is room again', async () => {
    const runtime = createMemoryRuntime(still)
    const world = await openWorld(runtime)
    world.nameSegment = () => Promise.reject(new DiskFullError('no room for the edit'))
    const { last } = await putUntilRefused(world, 0)
    expect(await runtime.files.list(DIRECTORY)).toContain(segmentFileName(2))
    world.nameSegment = undefined
    runtime.advance(10_000)
    await commitSingly(world.log, { after: last, count: 1 })
    expect(world.named).toEqual([1, 2])
  })

  test('the space kept aside can be given to others, and comes back when there is room', async () => {
    const runtime = createMemoryRuntime(still)
    const world = await openWorld(runtime, { limits: { reserveBytes: 64 * KiB, backoffMsMin: 10 } })
    await manyTurns(runtime)
    const used = runtime.usedBytes
    await world.log.releaseReserve()
    expect(runtime.usedBytes).toBe(used - 64 * KiB)
    expect(() => world.log.reserve(10, false)).toThrow(DiskFullError)
    expect(world.log.reserve(10, true)).toBeUndefined()
    world.log.unreserve(10)
    runtime.advance(100)
    await commitSingly(world.log, { after: 0, count: 1 })
    expect(runtime.usedBytes).toBe(used)
  })

  test('a reserve that cannot be written refuses puts with the cause, and poisons nothing', async () => {
    const runtime = createMemoryRuntime(still)
    runtime.inject = ({ operation, path }) => (path === RESERVE && operation === 'thread-write' ? 'EIO' : undefined)
    const world = await openWorld(runtime, { limits: { reserveBytes: 64 * KiB } })
    await manyTurns(runtime)
    expect(() => world.log.reserve(10, false)).toThrow(StalledError)
    expect(world.log.reserve(10, true)).toBeUndefined()
    expect(world.log.poisoned).toBeUndefined()
  })

  test('a reserve half filled by an earlier life is completed, a whole one is left alone', async () => {
    const runtime = createMemoryRuntime(still)
    const first = await openWorld(runtime, { limits: { reserveBytes: 64 * KiB } })
    await turnsUntil(runtime, () =>
      runtime.calls.some(({ path, operation }) => path === RESERVE && operation === 'thread-write'),
    )
    await first.log.close()
    const half = (await runtime.files.status(RESERVE))!.size
    expect(half).toBeLessThan(64 * KiB)
    const second = await openWorld(runtime, { limits: { reserveBytes: 64 * KiB }, firstSegment: 10 })
    await manyTurns(runtime)
    expect((await runtime.files.status(RESERVE))!.size).toBe(64 * KiB)
    await second.log.close()
    const before = runtime.calls.length
    const third = await openWorld(runtime, { limits: { reserveBytes: 64 * KiB }, firstSegment: 20 })
    await manyTurns(runtime)
    await third.log.close()
    expect(
      runtime.calls.slice(before).filter(({ path, operation }) => path === RESERVE && operation !== 'status'),
    ).toEqual([])
  })
})
