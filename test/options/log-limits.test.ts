/** The limits of log, memtables and background pauses: each at two values, and what that changes. */
import type { Database } from '../../src/index'
import type { IoCall } from '../support/memory-runtime/io-calls'
import { KiB, MiB, fill, filesOf, keyNumber, refusalOf, turns, until, withDatabase, withMemory } from './option-world'

const isSegment = (call: IoCall): boolean => call.path.endsWith('.log')
const isNewTable = (call: IoCall): boolean => call.path.endsWith('.table') && call.operation === 'create'

test('memtableBytesMax: a memtable of that size is written to a table by itself', async () => {
  await withDatabase({ memtableBytesMax: 16 * KiB }, async (db) => {
    await fill(db, 64, KiB)
    await until(() => db.stats().storage.flushes > 0)
  })
  await withDatabase({ memtableBytesMax: 1 * MiB }, async (db) => {
    await fill(db, 64, KiB)
    await turns(50)
    expect(db.stats().storage).toMatchObject({ flushes: 0, memtablesFrozen: 0 })
    expect(db.stats().storage.memtableBytes).toBeGreaterThan(64 * KiB)
  })
})

test('memtablesFrozenMax: so many frozen memtables may wait for their flush before commits wait', async () => {
  const bytesTaken = (memtablesFrozenMax: number): Promise<number> =>
    withMemory(
      { memtablesFrozenMax, memtableBytesMax: 16 * KiB },
      async (db) => {
        let taken = 0
        const refusal = await refusalOf(async () => {
          for (;;) {
            await db.put(keyNumber(taken), Buffer.alloc(KiB))
            taken++
          }
        })
        expect(refusal).toMatchObject({ code: 'STALLED' })
        expect(db.stats().storage.memtablesFrozen).toBe(memtablesFrozenMax)
        return taken
      },
      { runtime: { inject: (call) => (isNewTable(call) ? 'EIO' : undefined) } },
    )
  const [few, many] = [await bytesTaken(1), await bytesTaken(4)]
  expect(many - few).toBeGreaterThanOrEqual(3 * 12)
})

test('walBytesMax: the memtable is written to a table once the log has grown by so much', async () => {
  // Each commit takes a page of the log, and hardly anything of the memtable.
  await withDatabase({ walBytesMax: 64 * KiB }, async (db) => {
    for (let i = 0; i < 40; i++) await db.put('one', String(i))
    await until(() => db.stats().storage.flushes > 0)
  })
  await withDatabase({ walBytesMax: 16 * MiB }, async (db) => {
    for (let i = 0; i < 40; i++) await db.put('one', String(i))
    await turns(50)
    expect(db.stats().storage.flushes).toBe(0)
  })
})

test('segmentBytesMin: the first segment of the log has this size', async () => {
  for (const segmentBytesMin of [64 * KiB, 128 * KiB]) {
    await withDatabase({ segmentBytesMin, transactionBytesMax: 16 * KiB }, async (_db, directory) => {
      expect(filesOf(directory, '.log')[0]!.bytes).toBe(segmentBytesMin)
    })
  }
})

test('segmentBytesMax: segments grow up to this size', async () => {
  for (const segmentBytesMax of [64 * KiB, 256 * KiB]) {
    const options = { segmentBytesMin: 32 * KiB, segmentBytesMax, transactionBytesMax: 16 * KiB }
    await withDatabase(options, async (db, directory) => {
      for (let i = 0; i < 200; i++) await db.put(keyNumber(i), Buffer.alloc(4 * KiB), { durability: 'os' })
      expect(Math.max(...filesOf(directory, '.log').map(({ bytes }) => bytes))).toBe(segmentBytesMax)
    })
  }
})

test('logGroupBytesMax: commits made at once are written in groups of at most so much', async () => {
  const groupsOf64 = (logGroupBytesMax: number): Promise<number> =>
    withDatabase({ logGroupBytesMax }, async (db) => {
      const before = db.stats().storage.logGroups
      await Promise.all(Array.from({ length: 64 }, (_, i) => db.put(keyNumber(i), Buffer.alloc(KiB))))
      return db.stats().storage.logGroups - before
    })
  expect(await groupsOf64(4 * KiB)).toBeGreaterThan(64 / 4)
  expect(await groupsOf64(4 * MiB)).toBeLessThan(8)
})

test('logSliceBytes: the log is written ahead in pieces of at most so much', async () => {
  for (const logSliceBytes of [4 * KiB, 64 * KiB]) {
    const lengths = await withMemory({ logSliceBytes, segmentBytesMin: 256 * KiB }, async (_db, runtime) =>
      runtime.calls.filter(isSegment).map(({ length }) => length ?? 0),
    )
    expect(Math.max(...lengths)).toBe(logSliceBytes)
  }
})

test('logIdleMs: after so long without a commit the log writes a witness behind the last one', async () => {
  for (const logIdleMs of [50, 500]) {
    await withMemory(
      { logIdleMs },
      async (db, runtime) => {
        const writes = (): number => runtime.calls.filter((call) => isSegment(call) && call.operation === 'thread-write').length // prettier-ignore
        await db.put('a', '1')
        await turns(20)
        const before = writes()
        runtime.advance(logIdleMs - 10)
        await turns(20)
        expect(writes()).toBe(before)
        runtime.advance(20)
        await turns(20)
        expect(writes()).toBe(before + 1)
      },
      { runtime: { clockJumps: false } },
    )
  }
})

test("syncIntervalMs: commits under 'os' are synced after so long", async () => {
  for (const syncIntervalMs of [100, 5_000]) {
    await withMemory(
      { syncIntervalMs, logIdleMs: 3_600_000 },
      async (db, runtime) => {
        const { logSyncs } = db.stats().storage
        await db.put('a', '1')
        runtime.advance(syncIntervalMs - 10)
        await turns(20)
        expect(db.stats().storage.logSyncs).toBe(logSyncs)
        runtime.advance(20)
        await turns(20)
        expect(db.stats().storage.logSyncs).toBe(logSyncs + 1)
      },
      { durability: 'os', runtime: { clockJumps: false } },
    )
  }
})

test('reserveBytes: so much of the disk is kept aside', async () => {
  const used = (reserveBytes: number): Promise<number> =>
    withMemory({ reserveBytes }, async (db, runtime) => {
      await db.put('a', '1')
      await turns(500)
      return runtime.usedBytes
    })
  expect((await used(1 * MiB)) - (await used(0))).toBe(1 * MiB)
})

/** Virtual milliseconds between the first attempts of a flush that fails each time. */
function pausesWith(backoffMsMin: number, backoffMsMax: number): Promise<number[]> {
  return withMemory({ backoffMsMin, backoffMsMax, memtableBytesMax: 16 * KiB }, async (db, runtime) => {
    const attempts: number[] = []
    runtime.inject = (call) => {
      if (!isNewTable(call)) return undefined
      attempts.push(runtime.clock.monotonicMs())
      return 'EIO'
    }
    await db.put('a', Buffer.alloc(20 * KiB))
    await until(() => attempts.length >= 10)
    return attempts.slice(1).map((atMs, i) => atMs - attempts[i]!)
  })
}

test('backoffMsMin: it is the first pause after a failure in the background', async () => {
  for (const backoffMsMin of [10, 1_000]) {
    const [first] = await pausesWith(backoffMsMin, 5_000)
    expect(first).toBeGreaterThanOrEqual(backoffMsMin)
    expect(first).toBeLessThan(2 * backoffMsMin)
  }
})

test('backoffMsMax: it is the pause to which those pauses double', async () => {
  for (const backoffMsMax of [40, 400]) {
    const pauses = await pausesWith(10, backoffMsMax)
    expect(Math.max(...pauses)).toBeGreaterThanOrEqual(backoffMsMax)
    expect(Math.max(...pauses)).toBeLessThan(backoffMsMax + 10)
  }
})

test('manifestRoomBytes: a manifest whose room for edits is used up is followed by a new one', async () => {
  const manifestAfter = (manifestRoomBytes: number): Promise<string> =>
    withDatabase({ manifestRoomBytes }, async (db: Database, directory) => {
      const [before] = filesOf(directory, '.manifest')
      for (let i = 0; i < 120; i++) {
        await db.put(keyNumber(i), 'v'.repeat(50))
        await db.flush()
      }
      const [after] = filesOf(directory, '.manifest')
      return after!.name === before!.name ? 'the same' : 'a new one'
    })
  expect(await manifestAfter(16 * KiB)).toBe('a new one')
  expect(await manifestAfter(16 * MiB)).toBe('the same')
})
