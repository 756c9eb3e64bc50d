/** The limits of tables, blocks, filters, levels and merges: each at two values, and what that changes. */
import type { Database, OpenOptions, StorageStats } from '../../src/index'
import { KiB, MiB, fill, filesOf, keyNumber, refusalOf, turns, until, withDatabase, withMemory } from './option-world'

/** The figures of a database of one level, after reading each of its rows twice and as many keys that are not there. */
function figuresWith(options: Readonly<Record<string, number>>): Promise<StorageStats> {
  return withDatabase({ blockCacheBytesMax: 0, ...options }, async (db) => {
    await fill(db, 500, 200)
    await db.compact()
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 500; i++) {
        expect(await db.get(keyNumber(i))).toEqual(Buffer.alloc(200, i))
        expect(await db.get(`${keyNumber(i)}x`)).toBeUndefined()
      }
    }
    return db.stats().storage
  })
}

test('blockBytes: blocks of tables are about this large', async () => {
  const blocksOfScan = (blockBytes: number): Promise<number> =>
    withDatabase({ blockBytes, blockCacheBytesMax: 0 }, async (db) => {
      await fill(db, 1000, 100)
      await db.compact()
      const before = db.stats().storage.blockReads
      expect(await db.count()).toBe(1000)
      return db.stats().storage.blockReads - before
    })
  const [small, large] = [await blocksOfScan(512), await blocksOfScan(32 * KiB)]
  expect(small).toBeGreaterThan(100)
  expect(large).toBeLessThan(20)
})

/** Bytes of tables, and blocks that a scan reads, once everything is in the last level. */
function compressedFigures(options: OpenOptions, valueBytes: number): Promise<{ bytes: number; blocks: number }> {
  return withDatabase({ codec: 'deflate', blockCacheBytesMax: 0, ...options }, async (db, directory) => {
    await fill(db, 400, valueBytes)
    await db.compact()
    const before = db.stats().storage.blockReads
    expect(await db.count()).toBe(400)
    const bytes = filesOf(directory, '.table').reduce((sum, file) => sum + file.bytes, 0)
    return { bytes, blocks: db.stats().storage.blockReads - before }
  })
}

test('compressedBlockBytes: compressed blocks of the last level are about this large, others as before', async () => {
  const small = await compressedFigures({ blockBytes: 256, compressedBlockBytes: 256 }, 100)
  const large = await compressedFigures({ blockBytes: 256 }, 100)
  expect(small.blocks).toBeGreaterThan(5 * large.blocks)
  expect(small.bytes).toBeGreaterThan(large.bytes)
  const plain = await compressedFigures({ blockBytes: 256, codec: 'none' }, 100)
  expect(plain.blocks).toBeGreaterThan(5 * large.blocks)
})

test('compressedValueBytesMax: what is larger is stored as it is', async () => {
  const [all, none] = [
    await compressedFigures({}, 3000),
    await compressedFigures({ compressedValueBytesMax: 2999 }, 3000),
  ]
  expect(all.bytes).toBeLessThan(200_000)
  expect(none.bytes).toBeGreaterThan(400 * 3000)
})

test('blockCacheBytesMax: blocks are kept in memory up to so much', async () => {
  const none = await figuresWith({ blockCacheBytesMax: 0 })
  expect(none.blockCache.bytes).toBe(0)
  const some = await figuresWith({ blockCacheBytesMax: 64 * KiB })
  expect(some.blockCache.bytes).toBeGreaterThan(16 * KiB)
  expect(some.blockCache.bytes).toBeLessThanOrEqual(64 * KiB)
  const all = await figuresWith({ blockCacheBytesMax: 16 * MiB })
  expect(all.blockReads).toBeLessThan(some.blockReads)
  expect(some.blockReads).toBeLessThan(none.blockReads)
})

test('openTablesMax: so many tables are open at a time, and others are opened again when they are read', async () => {
  const figuresOf = (openTablesMax: number): Promise<StorageStats> =>
    withDatabase({ openTablesMax, blockCacheBytesMax: 0, levelZeroTablesMax: 64 }, async (db) => {
      for (let i = 0; i < 8; i++) {
        await db.put(`key ${i}`, 'v')
        await db.flush()
      }
      for (let i = 0; i < 24; i++) expect(String(await db.get(`key ${i % 8}`))).toBe('v')
      return db.stats().storage
    })
  expect(await figuresOf(3)).toMatchObject({ tables: 8, openTables: 3, tableReopens: 24 })
  expect(await figuresOf(100)).toMatchObject({ tables: 8, openTables: 8, tableReopens: 0 })
})

test('filterBitsPerKey: filters of so many bits spare the reads of absent keys', async () => {
  const without = await figuresWith({ filterBitsPerKey: 0 })
  expect(without.filter).toMatchObject({ bytes: 0, negatives: 0 })
  const few = await figuresWith({ filterBitsPerKey: 2 })
  const many = await figuresWith({ filterBitsPerKey: 16 })
  expect(many.filter.bytes).toBeGreaterThan(few.filter.bytes)
  expect(many.filter.negatives).toBeGreaterThan(few.filter.negatives)
  expect(many.blockReads).toBeLessThan(without.blockReads)
})

test('tableBytesMax: a merge begins a new table at this size', async () => {
  const tablesOf = (tableBytesMax: number): Promise<number[]> =>
    withDatabase({ tableBytesMax }, async (db, directory) => {
      await fill(db, 1000, 500)
      await db.compact()
      return filesOf(directory, '.table').map(({ bytes }) => bytes)
    })
  const small = await tablesOf(32 * KiB)
  expect(small.length).toBeGreaterThan(8)
  expect(Math.max(...small)).toBeLessThan(64 * KiB)
  expect(await tablesOf(16 * MiB)).toHaveLength(1)
})

test('tableBytesMin: tables of level 1 have this size, a merge there begins a new one', async () => {
  const tablesWith = (limits: Readonly<Record<string, number>>): Promise<number> =>
    withDatabase({ levelSizeRatio: 4, ...limits }, async (db, directory) => {
      await fill(db, 1000, 500)
      await db.compact()
      return filesOf(directory, '.table').length
    })
  const levelOne = { levelBytesBase: 16 * MiB }
  expect(await tablesWith({ ...levelOne, tableBytesMin: 32 * KiB })).toBeGreaterThan(8)
  expect(await tablesWith({ ...levelOne, tableBytesMin: 2 * MiB })).toBe(1)
})

test('levelZeroTablesMax: so many flushed tables are merged by themselves', async () => {
  const flushThrice = async (db: Database): Promise<void> => {
    for (let i = 0; i < 3; i++) {
      await db.put('a', String(i))
      await db.put(keyNumber(i), '1')
      await db.flush()
    }
  }
  await withDatabase({ levelZeroTablesMax: 2 }, async (db) => {
    await flushThrice(db)
    await until(() => db.stats().storage.compactions > 0)
  })
  await withDatabase({ levelZeroTablesMax: 16, levelZeroTablesStall: 32 }, async (db) => {
    await flushThrice(db)
    await turns(50)
    expect(db.stats().storage.compactions).toBe(0)
    expect(db.stats().storage.levels[0]!.tables).toBe(3)
  })
})

test('levelZeroTablesStall: with so many flushed tables that cannot be merged, commits are refused', async () => {
  const limits = { levelZeroTablesMax: 2, backoffMsMin: 60_000, backoffMsMax: 60_000 }
  const tablesTaken = (levelZeroTablesStall: number): Promise<number> =>
    withMemory(
      { ...limits, levelZeroTablesStall },
      async (db, runtime) => {
        // A flush has a frozen memtable at hand: what creates a table without one is a merge.
        runtime.inject = (call) => {
          const isMerge = call.operation === 'create' && call.path.endsWith('.table') && db.stats().storage.memtablesFrozen === 0 // prettier-ignore
          return isMerge ? 'EIO' : undefined
        }
        let tables = 0
        const refusal = await refusalOf(async () => {
          for (; tables < 100; tables++) {
            await db.put('a', String(tables))
            await db.put(keyNumber(tables), '1')
            await db.flush()
            await turns(50)
          }
        })
        expect(refusal).toMatchObject({ code: 'STALLED' })
        return tables
      },
      // No second attempt comes while the clock stands still.
      { runtime: { clockJumps: false } },
    )
  expect(await tablesTaken(3)).toBe(3)
  expect(await tablesTaken(7)).toBe(7)
})

/** The deepest level in use after everything has been merged. */
function depthWith(limits: Readonly<Record<string, number>>): Promise<number> {
  return withDatabase({ tableBytesMax: 16 * KiB, ...limits }, async (db) => {
    await fill(db, 1000, 500)
    await db.compact()
    const used = db.stats().storage.levels.flatMap(({ tables }, level) => (tables > 0 ? [level] : []))
    return Math.max(...used)
  })
}

test('levelSizeRatio: the less larger each level than the one above, the more of them', async () => {
  const levelBytesBase = 64 * KiB
  expect(await depthWith({ levelBytesBase, levelSizeRatio: 2 })).toBeGreaterThan(
    await depthWith({ levelBytesBase, levelSizeRatio: 16 }),
  )
})

test('levelBytesBase: the larger the first level, the fewer of them', async () => {
  const levelSizeRatio = 4
  expect(await depthWith({ levelBytesBase: 32 * KiB, levelSizeRatio })).toBeGreaterThan(
    await depthWith({ levelBytesBase: 16 * MiB, levelSizeRatio }),
  )
})

test('mergeSliceBytes: after so many bytes a merge lets others run', async () => {
  const turnsOfMerge = (mergeSliceBytes: number): Promise<number> =>
    withMemory({ mergeSliceBytes }, async (db) => {
      for (let i = 0; i < 2; i++) {
        await fill(db, 1000, 200)
        await db.flush()
      }
      let [isOver, count] = [false, 0]
      const merging = db.compact().then(() => (isOver = true))
      for (; !isOver; count++) await turns(1)
      await merging
      return count
    })
  expect((await turnsOfMerge(1 * KiB)) - (await turnsOfMerge(1 * MiB))).toBeGreaterThan(100)
})

test('mergeDebtBytesMax: the less merging may be owed, the sooner commits wait for a slice of it', async () => {
  const waitsWith = (mergeDebtBytesMax: number): Promise<number> => {
    // In so small slices work falls behind at once; what is committed while there is none grants nothing.
    const limits = {
      memtableBytesMax: 16 * KiB,
      memtablesFrozenMax: 64,
      levelZeroTablesStall: 1_024,
      mergeSliceBytes: 1 * KiB,
    }
    return withMemory({ ...limits, mergeDebtBytesMax }, async (db) => {
      for (let round = 0; round < 40; round++) await fill(db, 20, 1000)
      return db.stats().storage.stalls.countByKind.mergeDebt
    })
  }
  expect(await waitsWith(0)).toBeGreaterThan(10)
  expect(await waitsWith(64 * MiB)).toBe(0)
})

test('restMs: after so long without a commit what is above the last level is merged into it', async () => {
  // The clock jumps to the next timer whenever nothing else goes on.
  const restAfterMs = (restMs: number): Promise<number> =>
    withMemory({ restMs }, async (db, runtime) => {
      for (let i = 0; i < 2; i++) {
        await fill(db, 10, 100)
        await db.flush()
      }
      const sinceMs = runtime.clock.monotonicMs()
      expect(db.stats().storage.levels[0]!.tables).toBe(2)
      await until(() => db.stats().storage.levels[0]!.tables === 0)
      expect(db.stats().storage.writeAmplification).toBeGreaterThan(1)
      return runtime.clock.monotonicMs() - sinceMs
    })
  const [soon, late] = [await restAfterMs(1_000), await restAfterMs(500_000)]
  expect(soon).toBeGreaterThan(500)
  expect(soon).toBeLessThan(100_000)
  expect(late).toBeGreaterThan(250_000)
})

test('tableSyncBytes: a table under construction is synced each time it has grown by so much', async () => {
  const syncsOfTable = (tableSyncBytes: number): Promise<number> =>
    withMemory({ tableSyncBytes }, async (db, runtime) => {
      await fill(db, 1000, 1000)
      const before = runtime.calls.length
      await db.flush()
      const calls = runtime.calls.slice(before)
      return calls.filter(({ operation, path }) => operation === 'sync' && path.endsWith('.table')).length
    })
  expect(await syncsOfTable(64 * MiB)).toBe(1)
  const pieces = await syncsOfTable(128 * KiB)
  expect(pieces).toBeGreaterThanOrEqual(8)
  expect(pieces).toBeLessThanOrEqual(10)
})
