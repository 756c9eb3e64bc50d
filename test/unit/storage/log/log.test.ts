/** The running log: groups, publication, durability, the witness, segments, close. */
import { LimitExceededError, DatabaseClosedError } from '../../../../src/base/errors'
import { batchBytes } from '../../../../src/storage/engine'
import { segmentFileName } from '../../../../src/storage/log/log-format'
import { createMemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import type { MemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import {
  commit,
  commitSingly,
  deleteBatch,
  DIRECTORY,
  openWorld,
  putBatch,
  recover,
  turnsUntil,
  valueOf,
} from './log-world'

/** Writes and syncs of the first segment, in order: 'write 4096+512', 'sync'. */
function segmentCalls(runtime: MemoryRuntime, from = 0): string[] {
  return runtime.calls
    .slice(from)
    .filter(({ operation, path }) => operation.startsWith('thread-') && path.endsWith(segmentFileName(1)))
    .map(({ operation, position, length }) => (operation === 'thread-sync' ? 'sync' : `write ${position}+${length}`))
}

/** Time passes and nobody commits. */
async function idle(runtime: MemoryRuntime): Promise<void> {
  for (let pause = 0; pause < 6; pause++) {
    runtime.advance(10)
    for (let turn = 0; turn < 50; turn++) await runtime.scheduler.nextTurn()
  }
}

/** No timer fires by itself: what is written is what commits and their waiters ask for. */
const still = { clockJumps: false }

describe('group commit', () => {
  test('commits of one turn share a group, and those that arrive while it is in flight share the next', async () => {
    const runtime = createMemoryRuntime(still)
    const { log, published } = await openWorld(runtime)
    for (let sequence = 1; sequence <= 10; sequence++) await commit(log, putBatch(sequence), sequence)
    await runtime.scheduler.nextTurn()
    for (let sequence = 11; sequence <= 30; sequence++) await commit(log, putBatch(sequence), sequence)
    await turnsUntil(runtime, () => log.publishedSequence === 30)
    expect(published).toEqual([10, 30])
    expect(log.figures()).toMatchObject({ groups: 2, syncs: 2, commits: 30 })
  })

  test('a commit waits for no company: one alone is written at the end of its turn', async () => {
    const runtime = createMemoryRuntime(still)
    const { log } = await openWorld(runtime)
    const before = runtime.calls.length
    await commit(log, putBatch(1), 1)
    await turnsUntil(runtime, () => log.publishedSequence === 1)
    expect(segmentCalls(runtime, before)).toEqual(['write 4096+4096', 'sync'])
  })

  test('the next group is handed over before those of the last one are told', async () => {
    const runtime = createMemoryRuntime(still)
    const world = await openWorld(runtime)
    await commit(world.log, putBatch(1), 1)
    await runtime.scheduler.nextTurn()
    await commit(world.log, putBatch(2), 2)
    let groupsWhenTold = -1
    world.onPublished = () => {
      if (groupsWhenTold < 0) groupsWhenTold = world.log.chain.statuses()[0]!.lastSequence
    }
    await turnsUntil(runtime, () => world.log.publishedSequence === 2)
    expect(groupsWhenTold).toBe(2)
  })

  test('a listener may commit from within: the commit joins the next group', async () => {
    const runtime = createMemoryRuntime(still)
    const world = await openWorld(runtime)
    world.onPublished = (sequence) => {
      if (sequence >= 5) return
      expect(world.log.reserve(batchBytes(putBatch(sequence + 1)), false)).toBeUndefined()
      world.log.append(putBatch(sequence + 1), batchBytes(putBatch(sequence + 1)), sequence + 1, 'sync')
    }
    await commit(world.log, putBatch(1), 1)
    await turnsUntil(runtime, () => world.log.publishedSequence === 5)
    expect(world.published).toEqual([1, 2, 3, 4, 5])
  })
})

describe('durability', () => {
  test("an 'os' group ends on a sector and is not synced; the sync that follows finishes the page first", async () => {
    const runtime = createMemoryRuntime(still)
    const { log } = await openWorld(runtime)
    const before = runtime.calls.length
    await commit(log, putBatch(1), 1, 'os')
    await turnsUntil(runtime, () => log.publishedSequence === 1)
    expect(log.syncedSequence).toBe(0)
    await log.sync()
    expect(log.syncedSequence).toBe(1)
    expect(segmentCalls(runtime, before)).toEqual(['write 4096+512', 'write 4608+3584', 'sync'])
  })

  test("a 'sync' commit behind 'os' ones makes them all durable, and ends the page", async () => {
    const runtime = createMemoryRuntime(still)
    const { log, published } = await openWorld(runtime)
    const before = runtime.calls.length
    await commit(log, putBatch(1), 1, 'os')
    await turnsUntil(runtime, () => log.publishedSequence === 1)
    await commit(log, putBatch(2), 2, 'os')
    await commit(log, putBatch(3), 3, 'sync')
    await commit(log, putBatch(4), 4, 'os')
    await turnsUntil(runtime, () => log.publishedSequence === 4)
    expect(published).toEqual([1, 4])
    expect(log.syncedSequence).toBe(4)
    expect(segmentCalls(runtime, before)).toEqual(['write 4096+512', 'write 4608+3584', 'sync'])
  })

  test("'os' commits are synced after the interval", async () => {
    const runtime = createMemoryRuntime(still)
    const { log } = await openWorld(runtime, { limits: { syncIntervalMs: 50 } })
    await commit(log, putBatch(1), 1, 'os')
    await turnsUntil(runtime, () => log.publishedSequence === 1)
    runtime.advance(40)
    for (let turn = 0; turn < 100; turn++) await runtime.scheduler.nextTurn()
    expect(log.syncedSequence).toBe(0)
    runtime.advance(50)
    await turnsUntil(runtime, () => log.syncedSequence === 1)
  })

  test('mixed durabilities are published in order, and never before what each asked for', async () => {
    const runtime = createMemoryRuntime({ ...still, seed: 3 })
    const world = await openWorld(runtime)
    const { log, published } = world
    const isSync = (sequence: number): boolean => sequence % 3 === 0
    world.onPublished = (sequence) => {
      for (let one = published.at(-2) ?? 0; one <= sequence; one++) {
        if (isSync(one)) expect(log.syncedSequence).toBeGreaterThanOrEqual(one)
      }
    }
    for (let sequence = 1; sequence <= 200; sequence++) {
      await commit(log, putBatch(sequence), sequence, isSync(sequence) ? 'sync' : 'os')
      if (sequence % 2 === 0) await runtime.scheduler.nextTurn()
    }
    await turnsUntil(runtime, () => log.publishedSequence === 200)
    expect(published).toEqual([...published].sort((a, b) => a - b))
  })

  test.each(['thread', 'inline'] as const)(
    'publishSync returns with everything published and synced (%s)',
    async (ioMode) => {
      const runtime = createMemoryRuntime(still)
      const { log, published } = await openWorld(runtime, { ioMode })
      await commit(log, putBatch(1), 1, 'os')
      await runtime.scheduler.nextTurn()
      await commit(log, putBatch(2), 2)
      await commit(log, putBatch(3), 3, 'os')
      log.publishSync()
      expect(log.syncedSequence).toBe(3)
      expect(published.at(-1)).toBe(3)
      const before = runtime.calls.length
      log.publishSync()
      expect(runtime.calls.length).toBe(before)
    },
  )

  test('publishSync goes on to the next segment where it must', async () => {
    const runtime = createMemoryRuntime(still)
    const { log } = await openWorld(runtime)
    for (let sequence = 1; sequence <= 100; sequence++) {
      await commit(log, putBatch(sequence, 3000), sequence)
      log.publishSync()
    }
    expect(log.chain.statuses().length).toBeGreaterThan(2)
    expect(log.publishedSequence).toBe(100)
  })

  test('sync resolves at once when there is nothing to sync', async () => {
    const runtime = createMemoryRuntime(still)
    const { log } = await openWorld(runtime)
    const before = runtime.calls.length
    await log.sync()
    expect(runtime.calls.length).toBe(before)
  })
})

describe('the witness', () => {
  test('is written, unsynced, once the log has been idle', async () => {
    const runtime = createMemoryRuntime(still)
    const { log } = await openWorld(runtime, { limits: { logIdleMs: 5 } })
    await commitSingly(log, { after: 0, count: 2 })
    const before = runtime.calls.length
    await idle(runtime)
    expect(segmentCalls(runtime, before)).toEqual([`write ${4096 * 3}+512`])
  })

  test('is not written while commits go on', async () => {
    const runtime = createMemoryRuntime(still)
    const { log } = await openWorld(runtime, { limits: { logIdleMs: 5 } })
    for (let sequence = 1; sequence <= 12; sequence++) {
      await commitSingly(log, { after: sequence - 1, count: 1 })
      runtime.advance(4)
    }
    const writes = segmentCalls(runtime).filter((call) => call.endsWith('+512'))
    expect(writes).toEqual([])
  })

  test('is no longer needed once it is there: an idle log does nothing', async () => {
    const runtime = createMemoryRuntime(still)
    const { log } = await openWorld(runtime)
    await commitSingly(log, { after: 0, count: 1 })
    await idle(runtime)
    const before = runtime.calls.length
    await idle(runtime)
    expect(runtime.calls.length).toBe(before)
  })

  test('makes damage to the last group visible', async () => {
    const runtime = createMemoryRuntime(still)
    const { log, named } = await openWorld(runtime)
    await commitSingly(log, { after: 0, count: 3 })
    await idle(runtime)
    const image = runtime.durableImage('everything')
    const files = new Map([...image.files].map(([path, bytes]) => [path, bytes.slice()]))
    const bytes = files.get(`${DIRECTORY}/${segmentFileName(1)}`)!
    bytes[4096 * 3 + 200]! ^= 1
    const rebooted = createMemoryRuntime({ files: { ...image, files } })
    await expect(recover(rebooted, named)).rejects.toMatchObject({ code: 'CORRUPTION', offset: 4096 * 3 })
  })
})

describe('segments', () => {
  test('follow one another, each named before its first frame, and hold what they say', async () => {
    const runtime = createMemoryRuntime()
    const { log, named } = await openWorld(runtime)
    await commitSingly(log, { after: 0, count: 120, valueBytes: 3000 })
    const segments = log.chain.statuses()
    expect(segments.length).toBeGreaterThan(2)
    expect(segments.map(({ bytes }) => bytes / 1024).slice(0, 3)).toEqual([64, 128, 256])
    for (const [index, segment] of segments.entries()) {
      expect(named).toContain(segment.number)
      if (index > 0) expect(segment.firstSequence).toBe(segments[index - 1]!.lastSequence + 1)
    }
    expect(segments.at(-1)!.lastSequence).toBe(120)
  })

  test('are dropped when they are needed no more, and only those below the number', async () => {
    const runtime = createMemoryRuntime()
    const { log } = await openWorld(runtime)
    await commitSingly(log, { after: 0, count: 120, valueBytes: 3000 })
    const [first, second, ...rest] = log.chain.statuses()
    await log.chain.dropBefore(second!.number)
    expect(log.chain.statuses()).toEqual([second, ...rest])
    const names = await runtime.files.list(DIRECTORY)
    expect(names).not.toContain(segmentFileName(first!.number))
    expect(names).toContain(segmentFileName(second!.number))
    await expect(log.chain.dropBefore(1000)).rejects.toThrow('is not dropped')
  })

  test('one is made large enough for a commit that is larger than any of them', async () => {
    const runtime = createMemoryRuntime()
    const { log, named } = await openWorld(runtime)
    await commitSingly(log, { after: 0, count: 1 })
    await commitSingly(log, { after: 1, count: 1, valueBytes: 3_000_000 })
    await commitSingly(log, { after: 2, count: 1 })
    expect(log.chain.statuses()[1]!.bytes).toBeGreaterThan(3_000_000)
    const cleanEnd = await log.close()
    const { applied } = await recover(runtime, named, { cleanEnd })
    expect(applied.map(({ sequence }) => sequence)).toEqual([1, 2, 3])
    expect(Buffer.from(applied[1]!.batch[0]!.value!).equals(valueOf(2, 3_000_000))).toBe(true)
  })

  test('the greatest transaction of all fits, small ones around it', async () => {
    const runtime = createMemoryRuntime()
    const { log, named } = await openWorld(runtime)
    const value = 16 * 1024 * 1024 - 64
    const largest = [...putBatch(2, value), ...putBatch(3, value)]
    expect(batchBytes(largest)).toBeLessThanOrEqual(32 * 1024 * 1024)
    await commit(log, putBatch(1), 1)
    await commit(log, largest, 2)
    await commit(log, putBatch(3), 3)
    await log.sync()
    const { applied } = await recover(runtime, named, { cleanEnd: await log.close() })
    expect(applied.map(({ batch }) => batch.length)).toEqual([1, 2, 1])
  })

  test('more than a transaction may write is refused before anything is decided', async () => {
    const { log } = await openWorld(createMemoryRuntime(), { limits: { transactionBytesMax: 5000 } })
    expect(() => log.reserve(5001, false)).toThrow(LimitExceededError)
    expect(log.reserve(5000, false)).toBeUndefined()
  })

  test('a crowd of commits larger than a group is written in several, in order', async () => {
    const runtime = createMemoryRuntime(still)
    const { log, published } = await openWorld(runtime, { limits: { logGroupBytesMax: 8192 } })
    const batches = Array.from({ length: 40 }, (_, index) => putBatch(index + 1, 1000))
    let appended = 0
    await Promise.all(
      batches.map(async (batch) => {
        await log.reserve(batchBytes(batch), false)
        appended++
        log.append(batches[appended - 1]!, batchBytes(batches[appended - 1]!), appended, 'sync')
      }),
    )
    await turnsUntil(runtime, () => log.publishedSequence === 40)
    expect(published.length).toBeGreaterThan(5)
    expect(log.figures().reserveWaits.count).toBeGreaterThan(20)
  })
})

describe('close', () => {
  test('tells the exact end, behind a synced witness; recovery finds just that', async () => {
    const runtime = createMemoryRuntime()
    const { log, named } = await openWorld(runtime)
    for (let sequence = 1; sequence <= 700; sequence++) {
      await commit(log, putBatch(sequence, 1400), sequence, sequence % 5 === 0 ? 'os' : 'sync')
      if (sequence % 7 === 0) await log.sync()
    }
    const cleanEnd = await log.close()
    expect(cleanEnd).toMatchObject({ sequence: 700 })
    const rebooted = createMemoryRuntime({ files: runtime.durableImage('synced-only') })
    const found = await recover(rebooted, named, { cleanEnd })
    expect(found).toMatchObject({ lastSequence: 700, end: cleanEnd, torn: undefined, commits: 700 })
    expect(named.length).toBeGreaterThan(3)
    for (const { sequence, batch } of found.applied) expect(valueOf(sequence, 1400).equals(batch[0]!.value!)).toBe(true)
  })

  test('of a log without commits has an end too', async () => {
    const runtime = createMemoryRuntime()
    const { log, named } = await openWorld(runtime, { lastSequence: 17 })
    const cleanEnd = await log.close()
    expect(cleanEnd).toMatchObject({ segment: 1, sequence: 17 })
    expect(await recover(runtime, named, { cleanEnd, afterSequence: 17 })).toMatchObject({
      lastSequence: 17,
      frames: 1,
    })
  })

  test('writes what is still in a group, is idempotent, and ends everything', async () => {
    const runtime = createMemoryRuntime()
    const { log, published } = await openWorld(runtime)
    await commit(log, putBatch(1), 1, 'os')
    const ends = await Promise.all([log.close(), log.close()])
    expect(ends[0]).toBe(ends[1])
    expect(published).toEqual([1])
    expect(() => log.reserve(1, true)).toThrow(DatabaseClosedError)
    const before = runtime.calls.length
    for (let turn = 0; turn < 200; turn++) await runtime.scheduler.nextTurn()
    expect(runtime.calls.length).toBe(before)
  })

  test('refuses those who wait for room', async () => {
    const runtime = createMemoryRuntime({ ...still })
    const world = await openWorld(runtime)
    world.nameSegment = () => new Promise(() => undefined)
    const large = world.log.reserve(1_000_000, false)
    const closing = world.log.close()
    await expect(large).rejects.toThrow(DatabaseClosedError)
    void closing
  })

  test('a deletes-only batch and an empty one are commits like any other', async () => {
    const runtime = createMemoryRuntime()
    const { log, named } = await openWorld(runtime)
    await commit(log, deleteBatch(1), 1)
    await commit(log, [], 2)
    const { applied } = await recover(runtime, named, { cleanEnd: await log.close() })
    expect(applied).toEqual([
      { sequence: 1, batch: deleteBatch(1) },
      { sequence: 2, batch: [] },
    ])
  })
})
