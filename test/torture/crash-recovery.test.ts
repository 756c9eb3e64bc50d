/**
 * Torture: after a crash everything acknowledged is there and nothing that was not written; the state is a prefix of the commits.
 *
 * Crashes of the process ('everything' that was written is there) and of the power (only what was synced is, or any part of
 * the rest), on the disk in memory.
 */
import type { Database } from '../../src/index'
import type { ImageChoice } from '../support/memory-runtime/durable-image'
import { SeededRandom, testSeed } from '../support/oracle/random'
import { createMemoryWorld, deleteAll, inMemoryWorld, keyNumber, keysOf, putAll, rowsOf, rowsOfMap, textOf } from './torture-world' // prettier-ignore

const KEYS = Array.from({ length: 1000 }, (_, i) => keyNumber(i))
const ROWS = KEYS.map((key) => [key, `value of ${key}`] as const)

const CRASHES: readonly (readonly [name: string, choice: ImageChoice])[] = [
  ['the process dies', 'everything'],
  ['the power goes, nothing unsynced stays', 'synced-only'],
  ['the power goes, part of it stays', { seed: 1 }],
  ['the power goes, another part stays', { seed: 2 }],
]

describe.each(CRASHES)('crash recovery, %s', (_name, choice) => {
  test('commits in memory alone are there again', () =>
    inMemoryWorld(async (db, world) => {
      await putAll(db, ROWS.slice(0, 50))
      expect(await rowsOf(await world.crash(choice))).toEqual(rowsOfMap(new Map(ROWS.slice(0, 50))))
    }))

  test('commits in tables of every depth and in the log are there again', () =>
    inMemoryWorld(async (db, world) => {
      await putAll(db, ROWS.slice(0, 400))
      await db.compact()
      await putAll(db, ROWS.slice(400, 700))
      await db.flush()
      await putAll(db, ROWS.slice(700))
      expect(await rowsOf(await world.crash(choice))).toEqual(rowsOfMap(new Map(ROWS)))
    }))

  test('what was deleted, key by key and by range, does not come back', () =>
    inMemoryWorld(async (db, world) => {
      await putAll(db, ROWS)
      await db.compact()
      await deleteAll(db, KEYS.filter((_, i) => i % 2 === 0)) // prettier-ignore
      await db.transact((tx) => tx.deleteRange({ gte: KEYS[500]! }))
      const left = KEYS.slice(0, 500).filter((_, i) => i % 2 === 1)
      const found = await world.crash(choice)
      expect(await keysOf(found)).toEqual(left)
      await found.compact()
      expect(await keysOf(await world.crash(choice))).toEqual(left)
    }))

  test('of 100,000 overwrites the last one is there', () =>
    inMemoryWorld(async (db, world) => {
      for (let from = 0; from < 100_000; from += 5000) {
        await db.transact((tx) => {
          for (let i = 0; i < 5000; i++) tx.put('one', String(from + i))
        })
        await db.put('one', `at ${from}`)
      }
      expect(await rowsOf(await world.crash(choice))).toEqual(['one=at 95000'])
    }))

  test('a transaction that was not committed has left nothing', () =>
    inMemoryWorld(async (db, world) => {
      await db.put('committed', '1')
      const tx = db.begin()
      for (const [key, value] of ROWS) tx.put(key, value)
      expect(await keysOf(await world.crash(choice))).toEqual(['committed'])
    }))

  test('20 crashes in a row, with work between them, lose nothing', () =>
    inMemoryWorld(async (db, world) => {
      const model = new Map<string, string>()
      let present: Database = db
      for (let round = 0; round < 20; round++) {
        const part = ROWS.slice(round * 50, round * 50 + 80).map(([key]) => [key, `${round}`.padEnd(300)] as const)
        await putAll(present, part, 20)
        for (const [key, value] of part) model.set(key, value)
        if (round % 4 === 1) await present.flush()
        if (round % 7 === 3) await present.compact()
        present = await world.crash(choice)
        expect(await rowsOf(present)).toEqual(rowsOfMap(model))
      }
    }))

  test('a crash right after opening loses nothing', () =>
    inMemoryWorld(async (db, world) => {
      await putAll(db, ROWS)
      await world.crash(choice)
      await world.crash(choice)
      expect(await rowsOf(await world.crash(choice))).toEqual(rowsOfMap(new Map(ROWS)))
    }))

  test('the largest value and the empty one are there again, byte for byte', () =>
    inMemoryWorld(
      async (db, world) => {
        const large = Buffer.from(Array.from({ length: 300_000 }, (_, i) => i % 251))
        await db.put('large', large)
        await db.put('empty', '')
        const found = await world.crash(choice)
        expect((await found.get('large'))?.equals(large)).toBe(true)
        expect((await found.get('empty'))?.length).toBe(0)
      },
      { limits: { transactionBytesMax: 1024 * 1024, segmentBytesMax: 2048 * 1024 } },
    ))

  test('commits go on above the last sequence of the life before', () =>
    inMemoryWorld(async (db, world) => {
      await putAll(db, ROWS)
      const { sequence } = await db.put('last', '1')
      const found = await world.crash(choice)
      expect((await found.put('next', '2')).sequence).toBe(sequence + 1)
    }))
})

describe('crash recovery at any moment', () => {
  test.each(Array.from({ length: 24 }, (_, i) => i))('a crash amid commits, flushes and merges leaves a prefix, run %p', async (run) => {
    const random = new SeededRandom(testSeed(run * 31 + 7))
    const world = createMemoryWorld(run)
    const db = await world.open()
    const states = [rowsOfMap(new Map())]
    const model = new Map<string, string>()
    let acknowledged = 0
    const commit = async (step: number): Promise<void> => {
      const [key, other] = [keyNumber(random.below(60)), keyNumber(random.below(60))]
      const tx = db.begin()
      tx.put(key, `${step}`.padEnd(700))
      tx.delete(`${other}.`)
      tx.put('both', key)
      model.set(key, `${step}`.padEnd(700)).set('both', key)
      const place = states.push(rowsOfMap(model)) - 1
      const { sequence } = await tx.commit()
      expect(sequence).toBe(place)
      acknowledged = Math.max(acknowledged, sequence)
    }
    const commits: Promise<void>[] = []
    const endAt = 40 + random.below(400)
    for (let step = 0; step < endAt; step++) {
      commits.push(commit(step))
      if (random.chance(0.1)) void db.compact().catch(() => undefined)
      // What comes between is the world's choice: some commits are on their way, some are acknowledged.
      for (let turns = random.below(12); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve))
    }
    const [promised, last] = [acknowledged, states.length - 1]
    const found = await world.crash(random.pick(['everything', 'synced-only', { seed: run }] as const))
    const rows = await rowsOf(found)
    const { sequence } = await found.begin().commit()
    expect(sequence).toBeGreaterThanOrEqual(promised)
    expect(sequence).toBeLessThanOrEqual(last)
    expect(rows).toEqual(states[sequence])
    await world.end()
  }) // prettier-ignore

  test("commits under 'os' survive the death of the process, and sync makes them survive the power", () =>
    inMemoryWorld(
      async (db, world) => {
        await putAll(db, ROWS.slice(0, 100))
        const found = await world.crash('everything', { durability: 'os' })
        expect(await rowsOf(found)).toEqual(rowsOfMap(new Map(ROWS.slice(0, 100))))
        await putAll(found, ROWS.slice(100, 200))
        await found.sync()
        expect(await rowsOf(await world.crash('synced-only'))).toEqual(rowsOfMap(new Map(ROWS.slice(0, 200))))
      },
      { durability: 'os' },
    ))

  test("a power cut takes no more than the last commits under 'os', never one from the middle", async () => {
    for (let seed = 0; seed < 12; seed++) {
      const world = createMemoryWorld(seed)
      const db = await world.open({ durability: 'os' })
      for (let i = 0; i < 60; i++) await db.put(keyNumber(i), 'v'.repeat(50))
      const found = await world.crash({ seed })
      const keys = await keysOf(found)
      expect(keys).toEqual(KEYS.slice(0, keys.length))
      expect(await textOf(found, keyNumber(keys.length))).toBeUndefined()
      await world.end()
    }
  })
})
