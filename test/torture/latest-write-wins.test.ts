/** Torture: however often and wherever a key was written before, the latest write is what is read. */
import { SeededRandom, testSeed } from '../support/oracle/random'
import { WORLDS, inEveryState, inWorld, keyNumber, putAll, rowsOf, rowsOfMap, textOf } from './torture-world'

describe.each(WORLDS)('latest write wins, %s', (_name, create) => {
  test('100,000 overwrites of one key: the last one is read, wherever it lies', () =>
    inWorld(create, async (db, world) => {
      const overwrites = 100_000
      for (let from = 0; from < overwrites; from += 2000) {
        const puts = Array.from({ length: 2000 }, (_, i) => db.put('one', `value ${from + i}`, { durability: 'os' }))
        await Promise.all(puts)
      }
      await inEveryState(db, world, async (present) => {
        expect(await rowsOf(present)).toEqual([`one=value ${overwrites - 1}`])
        expect(String(present.getSync('one'))).toBe(`value ${overwrites - 1}`)
      })
    }))

  test('what was overwritten is gone from disk once everything is merged', () =>
    inWorld(create, async (db) => {
      for (let round = 0; round < 40; round++) await db.put('one', `${round} ${'x'.repeat(10_000)}`)
      await db.compact()
      const bytes = db.stats().storage.levels.reduce((sum, level) => sum + level.bytes, 0)
      expect(bytes).toBeLessThan(20_000)
      expect(db.stats().storage.levels.reduce((sum, level) => sum + level.entries, 0)).toBe(1)
    }))

  test('20,000 overwrites of 500 keys in random order: each key has its own last value', () =>
    inWorld(create, async (db, world) => {
      const random = new SeededRandom(testSeed(1))
      const model = new Map<string, string>()
      const writes = Array.from({ length: 20_000 }, (_, i) => [keyNumber(random.below(500)), `value ${i}`] as const)
      // One write each and in order, so that a later one of the same key is a later commit.
      for (let from = 0; from < writes.length; from += 1000) {
        const part = writes.slice(from, from + 1000)
        for (const [key, value] of part) model.set(key, value)
        await Promise.all(part.map(([key, value]) => db.put(key, value)))
      }
      await inEveryState(db, world, async (present) => expect(await rowsOf(present)).toEqual(rowsOfMap(model)))
    }))

  test('a write hides what lies below it: in the last level, in newer tables, in memory', () =>
    inWorld(create, async (db) => {
      const filler = Array.from({ length: 500 }, (_, i) => [keyNumber(i), 'x'.repeat(200)] as const)
      for (const value of ['in the last level', 'merged over it']) {
        await putAll(db, [...filler, ['one', value]])
        await db.compact()
        expect(await textOf(db, 'one')).toBe(value)
      }
      for (let table = 0; table < 3; table++) {
        await db.put('one', `table ${table}`)
        await db.flush()
        expect(await textOf(db, 'one')).toBe(`table ${table}`)
      }
      await db.put('one', 'in memory')
      expect(await textOf(db, 'one')).toBe('in memory')
      expect(await rowsOf(db, { gte: 'one' })).toEqual(['one=in memory'])
    }))

  test('within one transaction the last write of a key counts', () =>
    inWorld(create, async (db, world) => {
      await db.transact((tx) => {
        for (let i = 0; i <= 1000; i++) tx.put('put', String(i))
        tx.put('put then deleted', '1')
        tx.delete('put then deleted')
        tx.delete('deleted then put')
        tx.put('deleted then put', '2')
        tx.put('in a deleted range', '3')
        tx.deleteRange({ gte: 'in', lt: 'io' })
        tx.deleteRange({ gte: 'later', lt: 'latf' })
        tx.put('later put', '4')
      })
      await inEveryState(db, world, async (present) => {
        expect(await rowsOf(present)).toEqual(['deleted then put=2', 'later put=4', 'put=1000'])
      })
    }))

  test('a value that shrinks and grows is always the latest, whatever its size', () =>
    inWorld(create, async (db, world) => {
      for (const length of [0, 1, 5000, 0, 100_000, 511, 512, 513, 200_000, 3]) {
        await db.put('one', Buffer.alloc(length, length % 251))
        expect((await db.get('one'))?.length).toBe(length)
        await db.flush()
        expect((await db.get('one'))?.equals(Buffer.alloc(length, length % 251))).toBe(true)
      }
      await inEveryState(db, world, async (present) => {
        expect((await present.get('one'))?.equals(Buffer.alloc(3, 3))).toBe(true)
      })
    }))

  test('64 clients that count in one key lose no count', () =>
    inWorld(create, async (db, world) => {
      const count = async (): Promise<void> => {
        for (let i = 0; i < 25; i++) {
          await db.transact(async (tx) => {
            tx.put('counter', String(Number((await tx.getForUpdate('counter')) ?? 0) + 1))
          })
        }
      }
      await Promise.all(Array.from({ length: 64 }, count))
      await inEveryState(db, world, async (present) => expect(await textOf(present, 'counter')).toBe('1600'))
    }))

  test('of concurrent writes of one key, the one with the greatest sequence is read', () =>
    inWorld(create, async (db) => {
      for (let round = 0; round < 50; round++) {
        const receipts = await Promise.all(
          Array.from({ length: 32 }, async (_, i) => {
            return { value: `${round}.${i}`, sequence: (await db.put('one', `${round}.${i}`)).sequence }
          }),
        )
        const last = receipts.reduce((a, b) => (a.sequence > b.sequence ? a : b))
        expect(await textOf(db, 'one')).toBe(last.value)
      }
    }))
})
