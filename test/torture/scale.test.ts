/** Torture: many keys, many transactions, many tables, large values, many at a time; nothing is lost on the way. */
import type { Database } from '../../src/index'
import { LimitExceededError } from '../../src/index'
import { SeededRandom, testSeed } from '../support/oracle/random'
import { WORLDS, inWorld, keyNumber, keysOf, latin1, putAll, rowsOf, textOf } from './torture-world'
import type { TortureWorld } from './torture-world'

const MiB = 1024 * 1024

/** A permutation of 0 ... count - 1 that needs no memory; `count` is no multiple of the step's factors. */
function scattered(count: number): number[] {
  const step = 7919
  return Array.from({ length: count }, (_, i) => (i * step) % count)
}

async function expectAll(db: Database, count: number): Promise<void> {
  let found = 0
  for await (const page of db.scan().pages(5000)) {
    for (const [key, value] of page) {
      if (latin1(key) !== keyNumber(found) || latin1(value) !== `value ${found}`)
        throw new Error(`row ${found} is ${latin1(key)}=${latin1(value)}`)
      found++
    }
  }
  expect(found).toBe(count)
}

describe.each(WORLDS)('scale, %s', (_name, create) => {
  test('100,000 keys loaded in scattered order are all there, and no others', () =>
    inWorld(create, async (db, world) => {
      const count = 100_000
      await putAll(db, scattered(count).map((i) => [keyNumber(i), `value ${i}`]), 500) // prettier-ignore
      await expectAll(db, count)
      const again = await world.reopen()
      await expectAll(again, count)
      const random = new SeededRandom(testSeed(6))
      for (let i = 0; i < 2000; i++) {
        const number = random.below(count)
        expect(await textOf(again, keyNumber(number))).toBe(`value ${number}`)
        expect(await again.get(`${keyNumber(number)}x`)).toBeUndefined()
      }
    }))

  test('20,000 writes of one transaction appear together', () =>
    inWorld(
      create,
      async (db, world) => {
        const count = 20_000
        const snapshot = await db.snapshot()
        await db.transact((tx) => {
          for (const i of scattered(count)) tx.put(keyNumber(i), `value ${i}`)
        })
        await expectAll(db, count)
        expect(await rowsOf(snapshot)).toEqual([])
        snapshot.close()
        await expectAll(await world.reopen(), count)
      },
      { limits: { transactionBytesMax: 4 * MiB, segmentBytesMax: 8 * MiB } },
    ))

  test('1,000 transactions open at a time each see their own moment', () =>
    inWorld(create, async (db) => {
      const begun: { readonly tx: ReturnType<Database['begin']>; readonly expected: string }[] = []
      for (let i = 0; i < 1000; i++) {
        await db.put('moment', String(i), { durability: 'os' })
        begun.push({ tx: db.begin({ readOnly: true }), expected: String(i) })
      }
      await db.compact()
      for (const { tx, expected } of begun.reverse()) {
        expect(await textOf(tx, 'moment')).toBe(expected)
        await tx.commit()
      }
      expect(db.stats().transactions.transactionsActive).toBe(0)
    }))

  test('2,000 transactions at a time that touch different keys all commit', () =>
    inWorld(create, async (db) => {
      const transactions = Array.from({ length: 2000 }, (_, i) => ({ tx: db.begin(), key: keyNumber(i) }))
      for (const { tx, key } of transactions) expect(await tx.get(key)).toBeUndefined()
      for (const { tx, key } of transactions) tx.put(key, 'v')
      await Promise.all(transactions.map(({ tx }) => tx.commit()))
      expect(await db.count()).toBe(2000)
    }))

  test('hundreds of flushes leave few tables, and every row', () =>
    inWorld(create, async (db, world) => {
      const flushes = 300
      for (let i = 0; i < flushes; i++) {
        await db.put(keyNumber((i * 7) % flushes), 'v'.repeat(100))
        await db.flush()
      }
      await db.compact()
      expect(db.stats().storage.tables).toBeLessThan(40)
      expect(await db.count()).toBe(flushes)
      expect(await (await world.reopen()).count()).toBe(flushes)
    }))

  test('many versions of a key seen by many snapshots are told apart', () =>
    inWorld(create, async (db) => {
      const snapshots: Awaited<ReturnType<Database['snapshot']>>[] = []
      for (let i = 0; i < 500; i++) {
        await db.put('one', String(i), { durability: 'os' })
        snapshots.push(await db.snapshot())
      }
      await db.compact()
      for (const [i, snapshot] of snapshots.entries()) expect(await textOf(snapshot, 'one')).toBe(String(i))
      for (const snapshot of snapshots) snapshot.close()
      await db.compact()
      expect(await rowsOf(db)).toEqual(['one=499'])
    }))

  test('getMany of 10,000 keys gives each its value, in the order asked for', () =>
    inWorld(create, async (db) => {
      await putAll(db, scattered(5000).map((i) => [keyNumber(i * 2), `value ${i * 2}`])) // prettier-ignore
      await db.flush()
      const asked = scattered(10_000)
      const values = await db.getMany(asked.map(keyNumber))
      expect(values.map((value) => (value === undefined ? undefined : latin1(value)))).toEqual(
        asked.map((i) => (i % 2 === 0 ? `value ${i}` : undefined)),
      )
    }))

  test('what is written faster than it can be merged waits, and all of it is there', () =>
    inWorld(
      create,
      async (db) => {
        const writes = Array.from({ length: 400 }, (_, i) => db.put(keyNumber(i), Buffer.alloc(10_000, i)))
        await Promise.all(writes)
        const keys = await keysOf(db)
        expect(keys).toHaveLength(400)
        for (const [i, key] of keys.entries()) expect((await db.get(key))?.equals(Buffer.alloc(10_000, i))).toBe(true)
      },
      { limits: { memtableBytesMax: 16 * 1024, memtablesFrozenMax: 1, segmentBytesMax: 64 * 1024, transactionBytesMax: 32 * 1024 } }, // prettier-ignore
    ))
})

describe('scale, values and transactions at their limits', () => {
  const [[, createReal]] = WORLDS as [readonly [string, () => TortureWorld]]
  const limits = { transactionBytesMax: 32 * MiB, segmentBytesMax: 64 * MiB, segmentBytesMin: 1 * MiB }

  test('three values of 16 MiB survive flush, merge and reopening byte for byte', () =>
    inWorld(
      createReal,
      async (db, world) => {
        const values = [1, 2, 3].map((fill) => Buffer.alloc(16 * MiB, Buffer.from([fill, 0, 255, fill + 7, 13])))
        for (const [i, value] of values.entries()) await db.put(`large ${i}`, value)
        let present = db
        for (const bring of [() => db.flush(), () => db.compact(), async () => void (present = await world.reopen())]) {
          await bring()
          for (const [i, value] of values.entries()) expect((await present.get(`large ${i}`))?.equals(value)).toBe(true)
        }
      },
      { limits },
    ))

  test('a transaction as large as may be commits, one byte more is refused and nothing of it is kept', () =>
    inWorld(
      createReal,
      async (db) => {
        await expect(
          db.transact((tx) => {
            for (let i = 0; i < 40; i++) tx.put(keyNumber(i), Buffer.alloc(1 * MiB))
          }),
        ).rejects.toThrow(LimitExceededError)
        expect(await db.count()).toBe(0)
        await db.transact((tx) => {
          for (let i = 0; i < 31; i++) tx.put(keyNumber(i), Buffer.alloc(1 * MiB, i))
        })
        expect(await db.count()).toBe(31)
      },
      { limits },
    ))
})
