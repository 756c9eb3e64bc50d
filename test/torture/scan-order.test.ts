/** Torture: scans give each row once, in byte order, within their bounds, as of one moment. */
import type { Database, ScanOptions } from '../../src/index'
import { SeededRandom, testSeed } from '../support/oracle/random'
import {
  WORLDS, deleteAll, inEveryState, inWorld, keyNumber, keysOf, latin1, putAll, rowsOf, rowsOfMap,
} from './torture-world' // prettier-ignore

const COUNT = 3000
const ASCENDING = Array.from({ length: COUNT }, (_, i) => keyNumber(i))

function shuffled(keys: readonly string[], random = new SeededRandom(testSeed(3))): string[] {
  const result = [...keys]
  for (let i = result.length - 1; i > 0; i--) {
    const j = random.below(i + 1)
    ;[result[i], result[j]] = [result[j]!, result[i]!]
  }
  return result
}

const withValues = (keys: readonly string[], value = 'v') => keys.map((key) => [key, `${value} ${key}`] as const)

/** Rows in the last level, in newer tables and in memory, interleaved key by key. */
async function fillEveryDepth(db: Database): Promise<void> {
  await putAll(db, withValues(ASCENDING.filter((_, i) => i % 4 === 0))) // prettier-ignore
  await db.compact()
  for (const rest of [1, 2]) {
    await putAll(db, withValues(ASCENDING.filter((_, i) => i % 4 === rest))) // prettier-ignore
    await db.flush()
  }
  await putAll(db, withValues(ASCENDING.filter((_, i) => i % 4 === 3))) // prettier-ignore
}

describe.each(WORLDS)('scan order, %s', (_name, create) => {
  test('keys written in random order come out ascending', () =>
    inWorld(create, async (db, world) => {
      await putAll(db, withValues(shuffled(ASCENDING)))
      await inEveryState(db, world, async (present) => expect(await keysOf(present)).toEqual(ASCENDING))
    }))

  test('a reverse scan is the mirror of a forward one', () =>
    inWorld(create, async (db, world) => {
      await putAll(db, withValues(shuffled(ASCENDING)))
      await deleteAll(db, ASCENDING.filter((_, i) => i % 7 === 0)) // prettier-ignore
      await inEveryState(db, world, async (present) => {
        expect(await rowsOf(present, { reverse: true })).toEqual((await rowsOf(present)).reverse())
      })
    }))

  test('rows of every depth are merged key by key', () =>
    inWorld(create, async (db) => {
      await fillEveryDepth(db)
      expect(await keysOf(db)).toEqual(ASCENDING)
      expect(await keysOf(db, { reverse: true })).toEqual([...ASCENDING].reverse())
    }))

  test('the order is that of bytes, not of numbers, letters or characters', () =>
    inWorld(create, async (db, world) => {
      const keys = ['key1', 'key10', 'key100', 'key2', 'key20', 'Z', 'a', 'é', 'z', '~', '', ' ', '-1', '😀', '\ufffd']
      await db.transact((tx) => {
        for (const key of shuffled(keys)) tx.put(key, 'v')
      })
      const sorted = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      await inEveryState(db, world, async (present) => {
        expect((await keysOf(present)).map((key) => String(Buffer.from(key, 'latin1')))).toEqual(sorted)
      })
    }))

  test('200 pairs of random bounds give what filtering all rows gives', () =>
    inWorld(create, async (db) => {
      const random = new SeededRandom(testSeed(4))
      await fillEveryDepth(db)
      for (let i = 0; i < 200; i++) {
        // Bounds fall on keys, between them, before the first and behind the last.
        const bound = (): string => `${keyNumber(random.below(COUNT + 20)).slice(1 - random.below(2))}${random.below(2) === 0 ? '' : 'x'}` // prettier-ignore
        const [low, high] = [bound(), bound()]
        const [isOpenBelow, isOpenAbove, reverse] = [random.chance(0.5), random.chance(0.5), random.chance(0.5)]
        const options: ScanOptions = { ...(isOpenBelow ? { gt: low } : { gte: low }), ...(isOpenAbove ? { lt: high } : { lte: high }), reverse } // prettier-ignore
        const isIn = (key: string): boolean => (isOpenBelow ? key > low : key >= low) && (isOpenAbove ? key < high : key <= high) // prettier-ignore
        const expected = ASCENDING.filter(isIn)
        expect(await keysOf(db, options)).toEqual(reverse ? expected.reverse() : expected)
      }
    }))

  test('a prefix gives the keys that begin with it and no others', () =>
    inWorld(create, async (db, world) => {
      const keys = ['a', 'a\u0000', 'aa', 'ab', 'b', 'ba', 'bb', 'b\u00ff', 'c']
      await putAll(db, withValues(keys))
      await inEveryState(db, world, async (present) => {
        for (const prefix of ['', 'a', 'b', 'aa', 'c', 'd']) {
          const expected = keys.filter((key) => key.startsWith(prefix))
          expect(await keysOf(present, { prefix })).toEqual(expected)
          expect(await keysOf(present, { prefix, reverse: true })).toEqual(expected.reverse())
        }
      })
    }))

  test('pages fetched one after the other by gt and limit cover every row once', () =>
    inWorld(create, async (db) => {
      await fillEveryDepth(db)
      const found: string[] = []
      for (;;) {
        const page = await keysOf(db, { ...(found.length === 0 ? {} : { gt: found.at(-1)! }), limit: 17 })
        found.push(...page)
        if (page.length < 17) break
      }
      expect(found).toEqual(ASCENDING)
    }))

  test('a limit gives the first rows of the direction, none for 0', () =>
    inWorld(create, async (db) => {
      await fillEveryDepth(db)
      for (const limit of [0, 1, 2, 999, COUNT, COUNT + 1]) {
        expect(await keysOf(db, { limit })).toEqual(ASCENDING.slice(0, limit))
        expect(await keysOf(db, { limit, reverse: true })).toEqual([...ASCENDING].reverse().slice(0, limit))
      }
    }))

  test('rows, keys, values and counts of one range agree', () =>
    inWorld(create, async (db) => {
      await fillEveryDepth(db)
      const range = { gt: keyNumber(500), lte: keyNumber(2500) }
      const rows = await rowsOf(db, range)
      const values: string[] = []
      for await (const value of db.values(range)) values.push(latin1(value))
      expect(await keysOf(db, range)).toEqual(rows.map((row) => row.slice(0, row.indexOf('='))))
      expect(values).toEqual(rows.map((row) => row.slice(row.indexOf('=') + 1)))
      expect(await db.count(range)).toBe(rows.length)
    }))

  test('a slow scan sees one moment while everything around it is rewritten', () =>
    inWorld(create, async (db) => {
      await fillEveryDepth(db)
      const expected = rowsOfMap(new Map(withValues(ASCENDING)))
      const found: string[] = []
      for await (const [key, value] of db.scan()) {
        found.push(`${latin1(key)}=${latin1(value)}`)
        if (found.length % 100 !== 0) continue
        const part = ASCENDING.slice(found.length - 100, found.length + 100)
        await putAll(db, withValues(part, `new at ${found.length}`))
        await deleteAll(db, part.slice(0, 20))
        if (found.length % 500 === 0) await db.flush()
      }
      expect(found).toEqual(expected)
    }))

  test('16 scans of different ranges and directions at a time do not disturb each other', () =>
    inWorld(create, async (db) => {
      await fillEveryDepth(db)
      const scans = Array.from({ length: 16 }, async (_, i) => {
        const expected = ASCENDING.slice(i * 50, COUNT - i * 90)
        const range = { gte: expected[0]!, lte: expected.at(-1)!, reverse: i % 2 === 1 }
        const found: string[] = []
        for await (const key of db.keys(range)) found.push(latin1(key))
        expect(found).toEqual(i % 2 === 1 ? expected.reverse() : expected)
      })
      await Promise.all(scans)
    }))
})
