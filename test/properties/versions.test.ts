/**
 * Properties of versions through every depth of the store: tombstones to the last level, merges against every live snapshot,
 * the latest write, and entries that are what their kind says.
 *
 * Random histories; a failure prints the seed and what replays it.
 */
import * as fc from 'fast-check'
import { BATCH_HEADER_BYTES, decodeBatch, encodeBatch } from '../../src/storage/rows/batch-codec'
import { ENTRY_DELETE, ENTRY_DELETE_RANGE, ENTRY_PUT, batchBytes } from '../../src/storage/engine'
import type { BatchEntry } from '../../src/storage/engine'
import type { EngineDriver } from '../contract/engine/engine-driver'
import { EngineDriver as Driver, del, delRange, put } from '../contract/engine/engine-driver'
import { TINY_LIMITS, openTinyEngine } from '../contract/engine/engine-subjects'
import { createMemoryRuntime } from '../support/memory-runtime/memory-runtime'
import { SeededRandom, replayCommand, testSeed } from '../support/oracle/random'

const KEYS = 80

/** An engine with tiny limits, and the rows that it must show at each sequence that somebody holds. */
class History {
  readonly values = new Map<string, string>()
  readonly rowsHeld = new Map<number, string[]>()
  readonly random: SeededRandom
  readonly driver: EngineDriver

  constructor(driver: EngineDriver, random: SeededRandom) {
    this.driver = driver
    this.random = random
  }

  get rows(): string[] {
    return [...this.values].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `${key}=${value}`)
  }

  get entriesInTables(): number {
    return this.driver.engine.stats().levels.reduce((sum, level) => sum + level.entries, 0)
  }

  key(): string {
    const number = this.random.below(KEYS)
    return `${'k'.repeat(1 + (number % 3))}${number}${number % 5 === 0 ? '\0' : ''}`
  }

  /** A commit of some puts and deletes, now and then of a range; `deletes` is the part of deletes. */
  async commit(step: number, deletes: number): Promise<void> {
    const entries = new Map<string, BatchEntry>()
    const ranges: BatchEntry[] = []
    if (this.random.chance(0.06)) {
      const [a, b] = [this.key(), this.key()].sort() as [string, string]
      ranges.push(delRange(a, b))
      for (const key of [...this.values.keys()]) if (key >= a && key < b) this.values.delete(key)
    }
    for (let i = this.random.below(5); i >= 0; i--) {
      const key = this.key()
      const value = `${step}.${i}`.padEnd(this.random.below(200), '.')
      const isDelete = this.random.chance(deletes)
      entries.set(key, isDelete ? del(key) : put(key, value))
      if (isDelete) this.values.delete(key)
      else this.values.set(key, value)
    }
    await this.driver.append([...ranges, ...entries.values()])
  }

  hold(): void {
    this.rowsHeld.set(this.driver.hold(), this.rows)
  }

  release(sequence: number): void {
    this.driver.release(sequence)
    this.rowsHeld.delete(sequence)
  }

  /** The present state and that of each snapshot, by scans in both directions and by gets. */
  async check(): Promise<void> {
    await this.driver.engine.sync()
    for (const [sequence, rows] of [...this.rowsHeld, [this.driver.sequence, this.rows] as const]) {
      expect(await this.driver.rows(undefined, { sequence })).toEqual(rows)
      expect(await this.driver.rows(undefined, { sequence, reverse: true })).toEqual([...rows].reverse())
      const values = new Map(rows.map((row) => [row.slice(0, row.indexOf('=')), row.slice(row.indexOf('=') + 1)]))
      for (let i = 0; i < 20; i++) {
        const key = this.key()
        expect(await this.driver.get(key, sequence)).toBe(values.get(key))
      }
    }
  }
}

/** Runs `body` on a new engine with a random history of its own. */
async function withHistory(run: number, body: (history: History) => Promise<void>): Promise<void> {
  const seed = testSeed(run * 6151)
  const runtime = createMemoryRuntime({ seed })
  const driver = await new Driver({ runtime, open: () => openTinyEngine(runtime, TINY_LIMITS) }, async () => undefined).start() // prettier-ignore
  try {
    await body(new History(driver, new SeededRandom(seed)))
    await driver.engine.close()
  } catch (error) {
    throw new Error(`seed ${seed}; ${replayCommand(seed, 'test/properties/versions')}`, { cause: error })
  }
}

const RUNS = [1, 2, 3, 4, 5, 6]

test.each(RUNS)('tombstones hold at every depth, and are gone with what they hide once they reach the last level, run %p', (run) =>
  withHistory(run, async (history) => {
    const { driver, random } = history
    for (let step = 0; step < 400; step++) {
      await history.commit(step, 0.45)
      if (random.chance(0.1)) await driver.engine.flush()
      if (random.chance(0.02)) await driver.engine.compact()
      if (step % 40 === 39) await history.check()
    }
    await driver.engine.compact()
    await history.check()
    // One version a live key: no tombstone, and nothing that one hid.
    expect(history.entriesInTables).toBe(history.values.size)
    await driver.reopen()
    await history.check()
  })) // prettier-ignore

test.each(RUNS)('merges show at no live snapshot, and keep nothing for those that are gone, run %p', (run) =>
  withHistory(run + 100, async (history) => {
    const { driver, random } = history
    for (let step = 0; step < 300; step++) {
      await history.commit(step, 0.25)
      if (random.chance(0.08) && history.rowsHeld.size < 8) history.hold()
      if (random.chance(0.06) && history.rowsHeld.size > 0) history.release(random.pick([...history.rowsHeld.keys()]))
      if (random.chance(0.08)) await driver.engine.flush()
      if (random.chance(0.04)) {
        await driver.engine.compact()
        await history.check()
      }
    }
    for (const sequence of [...history.rowsHeld.keys()]) history.release(sequence)
    await driver.engine.compact()
    await history.check()
    expect(history.entriesInTables).toBe(history.values.size)
  }),
)

test.each(RUNS)('the latest write of each key wins, whatever was flushed, merged and reopened between, run %p', (run) =>
  withHistory(run + 200, async (history) => {
    const { driver, random } = history
    for (let step = 0; step < 300; step++) {
      await history.commit(step, 0.1)
      if (random.chance(0.1)) await driver.engine.flush()
      if (random.chance(0.03)) await driver.engine.compact()
      if (random.chance(0.03)) await driver.reopen()
      const key = history.key()
      expect(await driver.get(key)).toBe(history.values.get(key))
    }
    await history.check()
  }),
)

test('whatever bytes are decoded, each entry is what its kind says: a put has a value, only a range has an end', () => {
  const kinds = [ENTRY_PUT, ENTRY_DELETE, ENTRY_DELETE_RANGE]
  let decodedEntries = 0
  const text = fc.string({ maxLength: 6, unit: 'binary-ascii' })
  const entry = fc.oneof(
    text.map((key) => put(key, key)),
    text.map((key) => del(key)),
    fc.tuple(text, fc.option(text, { nil: undefined })).map(([start, end]) => delRange(start, end)),
  )
  // Batches in which up to two bytes have been replaced, and bytes that never were one.
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 2 })
  const damaged = fc.tuple(fc.array(entry, { maxLength: 4 }), damage).map(([batch, changes]) => {
    const target = Buffer.alloc(BATCH_HEADER_BYTES + batchBytes(batch))
    const encoded = target.subarray(0, encodeBatch(batch, target, 0))
    for (const [at, byte] of changes) encoded[at % encoded.length] = byte
    return Uint8Array.from(encoded)
  })
  const bytes = fc.oneof(damaged, fc.uint8Array({ maxLength: 60 }))
  fc.assert(
    fc.property(bytes, (given) => {
      const decoded = decodeBatch(Buffer.from(given), 0, given.length)
      for (const { kind, key, value, end } of decoded?.batch ?? []) {
        decodedEntries++
        expect(kinds).toContain(kind)
        expect(key.length).toBeLessThanOrEqual(given.length)
        expect(value !== undefined).toBe(kind === ENTRY_PUT)
        if (kind !== ENTRY_DELETE_RANGE) expect(end).toBeUndefined()
      }
    }),
    { numRuns: 3000 },
  )
  expect(decodedEntries).toBeGreaterThan(100)
})

test('an entry that is not what its kind says is refused before it is written', async () => {
  const runtime = createMemoryRuntime({ seed: 1 })
  const driver = await new Driver({ runtime, open: () => openTinyEngine(runtime) }, async () => undefined).start()
  const bad = { kind: ENTRY_PUT, key: 'k', value: undefined, end: undefined } as const
  await expect(driver.append([bad])).rejects.toThrow(/a put has a value/)
})
