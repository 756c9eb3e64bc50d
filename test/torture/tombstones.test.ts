/** Torture: what was deleted stays away, in every state and at every depth, and what was not deleted stays. */
import { SeededRandom, testSeed } from '../support/oracle/random'
import {
  WORLDS, deleteAll, inEveryState, inWorld, keyNumber, keysOf, putAll, rowsOf, rowsOfMap, textOf,
} from './torture-world' // prettier-ignore

const COUNT = 10_000
const KEYS = Array.from({ length: COUNT }, (_, i) => keyNumber(i))
const ROWS = KEYS.map((key) => [key, `value of ${key}`] as const)

describe.each(WORLDS)('tombstones, %s', (_name, create) => {
  test('10,000 deletes, then a full scan: nothing is there, forward and backward', () =>
    inWorld(create, async (db, world) => {
      await putAll(db, ROWS)
      await deleteAll(db, KEYS)
      await inEveryState(db, world, async (present) => {
        expect(await rowsOf(present)).toEqual([])
        expect(await rowsOf(present, { reverse: true })).toEqual([])
        expect(await present.count()).toBe(0)
      })
    }))

  test('10,000 deletes leave nothing on disk once everything is merged', () =>
    inWorld(create, async (db) => {
      await putAll(db, ROWS)
      await db.compact()
      await deleteAll(db, KEYS)
      await db.compact()
      const { levels, tables } = db.stats().storage
      expect(levels.reduce((sum, level) => sum + level.entries, 0)).toBe(0)
      expect(tables).toBe(0)
    }))

  test('every second of 10,000 keys deleted: exactly the others are there', () =>
    inWorld(create, async (db, world) => {
      await putAll(db, ROWS)
      await deleteAll(db, KEYS.filter((_, i) => i % 2 === 0)) // prettier-ignore
      const left = KEYS.filter((_, i) => i % 2 === 1)
      await inEveryState(db, world, async (present) => {
        expect(await keysOf(present)).toEqual(left)
        expect(await keysOf(present, { reverse: true })).toEqual([...left].reverse())
      })
      expect(await textOf(await world.reopen(), keyNumber(4))).toBeUndefined()
    }))

  test('a key deleted and put again in turns is there exactly after a put, at each depth', () =>
    inWorld(create, async (db) => {
      const bring = [async () => undefined, () => db.flush(), () => db.compact()] as const
      for (const [i, deeper] of [...bring, ...bring].entries()) {
        await db.put('one', String(i))
        await deeper()
        expect(await textOf(db, 'one')).toBe(String(i))
        await db.delete('one')
        await deeper()
        expect(await textOf(db, 'one')).toBeUndefined()
        expect(await rowsOf(db)).toEqual([])
      }
    }))

  test('a tombstone in a newer table hides a key of the last level before and after they are merged', () =>
    inWorld(create, async (db, world) => {
      await putAll(db, ROWS.slice(0, 3000))
      await db.compact()
      await db.delete(keyNumber(1500))
      const left = KEYS.slice(0, 3000).filter((key) => key !== keyNumber(1500))
      await inEveryState(db, world, async (present) => {
        expect(await textOf(present, keyNumber(1500))).toBeUndefined()
        expect(await keysOf(present)).toEqual(left)
      })
    }))

  test('deletes of keys that were never there change nothing', () =>
    inWorld(create, async (db, world) => {
      await putAll(db, ROWS.slice(0, 1000))
      await deleteAll(db, KEYS.slice(0, 1000).map((key) => `${key}x`)) // prettier-ignore
      await inEveryState(db, world, async (present) => expect(await keysOf(present)).toEqual(KEYS.slice(0, 1000)))
    }))

  test('a range deleted at once is the same as each of its keys deleted', () =>
    inWorld(create, async (db, world) => {
      await putAll(db, ROWS)
      await db.compact()
      await db.transact((tx) => tx.deleteRange({ gte: keyNumber(100), lt: keyNumber(9900) }))
      const left = [...KEYS.slice(0, 100), ...KEYS.slice(9900)]
      await inEveryState(db, world, async (present) => {
        expect(await keysOf(present)).toEqual(left)
        expect(await keysOf(present, { reverse: true })).toEqual([...left].reverse())
        expect(await present.get(keyNumber(100))).toBeUndefined()
        expect(await present.get(keyNumber(9899))).toBeUndefined()
      })
    }))

  test('puts into a deleted range are there, what was there before is not', () =>
    inWorld(create, async (db, world) => {
      await putAll(db, ROWS.slice(0, 2000))
      await db.flush()
      await db.transact((tx) => tx.deleteRange({}))
      const again = ROWS.slice(0, 2000).filter((_, i) => i % 10 === 3)
      await putAll(db, again)
      await inEveryState(db, world, async (present) => {
        expect(await rowsOf(present)).toEqual(rowsOfMap(new Map(again)))
        expect(await present.get(keyNumber(4))).toBeUndefined()
      })
    }))

  test('200 overlapping range deletions between puts leave what a map says', () =>
    inWorld(create, async (db, world) => {
      const random = new SeededRandom(testSeed(2))
      const model = new Map<string, string>()
      for (let step = 0; step < 200; step++) {
        const [a, b] = [random.below(1000), random.below(1000)]
        const [start, end] = [keyNumber(Math.min(a, b)), keyNumber(Math.max(a, b))]
        const puts = Array.from({ length: 30 }, () => [keyNumber(random.below(1000)), `${step}`] as const)
        await db.transact((tx) => {
          tx.deleteRange({ gte: start, lt: end })
          for (const [key, value] of puts) tx.put(key, value)
        })
        for (const key of [...model.keys()]) if (key >= start && key < end) model.delete(key)
        for (const [key, value] of puts) model.set(key, value)
        if (step % 20 === 19) await db.flush()
        if (step % 70 === 69) await db.compact()
      }
      await inEveryState(db, world, async (present) => expect(await rowsOf(present)).toEqual(rowsOfMap(model)))
    }))

  test('a snapshot from before 10,000 deletes still shows every row while they are merged away', () =>
    inWorld(create, async (db) => {
      await putAll(db, ROWS)
      const before = await db.snapshot()
      await deleteAll(db, KEYS)
      await db.compact()
      expect(await db.count()).toBe(0)
      expect(await rowsOf(before)).toEqual(rowsOfMap(new Map(ROWS)))
      before.close()
      await db.compact()
      expect(db.stats().storage.tables).toBe(0)
    }))

  test('nothing deleted comes back, however often the database is reopened and merged', () =>
    inWorld(create, async (db, world) => {
      let present = db
      for (let round = 0; round < 5; round++) {
        await putAll(present, ROWS.slice(0, 500))
        if (round % 2 === 0) await present.flush()
        await deleteAll(present, KEYS.slice(0, 500))
        if (round % 2 === 1) await present.compact()
        present = await world.reopen()
        expect(await keysOf(present)).toEqual([])
      }
    }))
})
