/** The figures of an LSM engine: levels whose shares add up, tables that are held, memory beside its budget. */
import type { EngineMemoryPart, EngineStats } from '../../../src/storage/engine-stats'
import { RANGE_ALL } from '../../../src/base/key-range'
import type { EngineDriver } from '../../contract/engine/engine-driver'
import { EngineDriver as Driver, put } from '../../contract/engine/engine-driver'
import { openTinyEngine } from '../../contract/engine/engine-subjects'
import { createMemoryRuntime } from '../../support/memory-runtime/memory-runtime'

function start(): Promise<EngineDriver> {
  const runtime = createMemoryRuntime({ seed: 1 })
  return new Driver({ runtime, open: () => openTinyEngine(runtime) }, async () => undefined).start()
}

/** Commits `count` rows of 100 bytes. */
async function fill(driver: EngineDriver, count: number, name = 'key'): Promise<void> {
  for (let i = 0; i < count; i++) await driver.commit(put(`${name} ${String((i * 7919) % count).padStart(6, '0')}`, 'x'.repeat(100))) // prettier-ignore
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, number) => all + number, 0)

const PARTS: readonly EngineMemoryPart[] = ['memtable', 'memtablesFrozen', 'blockCache', 'filters', 'indexes', 'models', 'tables', 'log', 'loads', 'jobs'] // prettier-ignore

function expectWithinBudget(stats: EngineStats): void {
  for (const part of PARTS) {
    const { bytes, budgetBytes } = stats.memory[part]
    expect({ part, isWithin: bytes <= budgetBytes, isInteger: Number.isInteger(budgetBytes) }).toEqual({ part, isWithin: true, isInteger: true }) // prettier-ignore
  }
}

describe('the figures of an engine', () => {
  test('of each level add up to those of the whole', async () => {
    const driver = await start()
    await fill(driver, 1500)
    await driver.engine.flush()
    await driver.engine.compact()
    await fill(driver, 300)
    await driver.engine.flush()
    const stats = driver.engine.stats()
    const { levels } = stats
    expect(stats.flushes).toBeGreaterThan(5)
    expect(stats.compactions).toBeGreaterThan(2)
    expect(sum(levels.map((level) => level.bytesWritten))).toBe(stats.flushBytesWritten + stats.compactionBytesWritten)
    expect(levels[0]!.bytesWritten).toBe(stats.flushBytesWritten)
    expect(sum(levels.map((level) => level.bytesRead))).toBe(stats.compactionBytesRead)
    expect(levels[0]!.writeAmplification).toBe(1)
    expect(stats.writeAmplification).toBeCloseTo((stats.flushBytesWritten + stats.compactionBytesWritten) / stats.flushBytesWritten) // prettier-ignore
    expect(stats.readAmplification).toBe(sum(levels.map((level) => level.runs)))
    expect(stats.readAmplification).toBeGreaterThan(1)
    const last = levels.filter((level) => level.tables > 0).at(-1)!
    expect(last.dataBytes).toBe(1500 * (10 + 100))
    expect(stats.spaceAmplification).toBeCloseTo(sum(levels.map((level) => level.bytes)) / last.dataBytes)
    // 300 rows twice, and what the files have beside keys and values.
    expect(stats.spaceAmplification).toBeGreaterThan(1.2)
    await driver.engine.close()
  })

  test('show the tables that only a cursor holds, with their filters, until it is closed', async () => {
    const driver = await start()
    await fill(driver, 300)
    await driver.engine.flush()
    expect(driver.engine.stats()).toMatchObject({ tablesObsolete: 0, obsoleteBytes: 0, cursors: 0 })
    const cursor = driver.engine.openCursor(RANGE_ALL, driver.sequence, false)
    await cursor.next()
    const before = driver.engine.stats()
    await driver.engine.compact()
    const held = driver.engine.stats()
    expect(held).toMatchObject({ tablesObsolete: before.tables, cursors: 1 })
    expect(held.obsoleteBytes).toBe(sum(before.levels.map((level) => level.bytes)))
    expect(held.memory.filters.bytes).toBe(held.filter.bytes + before.filter.bytes)
    expectWithinBudget(held)
    cursor.close()
    const after = driver.engine.stats()
    expect(after).toMatchObject({ tablesObsolete: 0, obsoleteBytes: 0, cursors: 0 })
    expect(after.memory.filters.bytes).toBe(after.filter.bytes)
    await driver.engine.close()
  })

  test('show memory that stays within its budget while rows come, and goes when they are in tables', async () => {
    const driver = await start()
    const empty = driver.engine.stats().memory
    expect(empty.memtable.bytes).toBeLessThan(4096)
    await fill(driver, 100)
    const full = driver.engine.stats()
    expect(full.memory.memtable.bytes).toBeGreaterThan(100 * 100)
    expect(full.arenaBytes).toBeGreaterThan(100 * 100)
    expect(full.arenaBytes).toBeLessThan(full.memory.memtable.bytes)
    for (let round = 0; round < 12; round++) {
      await fill(driver, 100, `round ${round}`)
      expectWithinBudget(driver.engine.stats())
    }
    await driver.engine.flush()
    const flushed = driver.engine.stats()
    expect(flushed.memory.memtable.bytes).toBeLessThan(4096)
    expect(flushed.memory).toMatchObject({ memtablesFrozen: { bytes: 0 }, loads: { bytes: 0 } })
    expect(flushed.memory.filters.bytes).toBe(flushed.filter.bytes)
    expect(flushed.memory.indexes.bytes + flushed.memory.models.bytes).toBe(flushed.indexBytes)
    await driver.engine.close()
  })

  test('tell questions to filters that were wrong from those that were not', async () => {
    const driver = await start()
    await fill(driver, 200)
    await driver.engine.flush()
    await driver.engine.compact()
    for (let i = 0; i < 200; i++) await driver.engine.get(`key ${String(i).padStart(6, '0')}`, driver.sequence)
    expect(driver.engine.stats().filter).toMatchObject({ negatives: 0, falsePositives: 0, falsePositiveRate: 0 })
    for (let i = 0; i < 2000; i++) await driver.engine.get(`key 000100 ${i}`, driver.sequence)
    const { checks, negatives, falsePositives, falsePositiveRate } = driver.engine.stats().filter
    expect(checks).toBe(200 + negatives + falsePositives)
    expect(negatives).toBeGreaterThan(1800)
    expect(falsePositiveRate).toBe(falsePositives / (negatives + falsePositives))
    await driver.engine.close()
  })
})
