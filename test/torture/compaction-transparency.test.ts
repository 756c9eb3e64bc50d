/** Torture: flushes and merges show in nothing that anybody reads, whenever they happen. */
import type { Database } from '../../src/index'
import { SeededRandom, testSeed } from '../support/oracle/random'
import { WORLDS, deleteAll, inWorld, keyNumber, keysOf, latin1, putAll, rowsOf, rowsOfMap, textOf } from './torture-world' // prettier-ignore

const KEYS = Array.from({ length: 2000 }, (_, i) => keyNumber(i))

/** Several versions of every key, some of them deleted in between, over tables of several levels. */
async function fill(db: Database, rounds = 4): Promise<Map<string, string>> {
  const model = new Map<string, string>()
  for (let round = 0; round < rounds; round++) {
    const part = KEYS.filter((_, i) => (i + round) % 3 !== 0)
    for (const key of part) model.set(key, `${round} of ${key}`)
    await putAll(db, part.map((key) => [key, `${round} of ${key}`])) // prettier-ignore
    const gone = KEYS.filter((_, i) => (i + round) % 7 === 0)
    for (const key of gone) model.delete(key)
    await deleteAll(db, gone)
    await db.flush()
  }
  return model
}

describe.each(WORLDS)('compaction transparency, %s', (_name, create) => {
  test('everything reads the same before and after a merge', () =>
    inWorld(create, async (db) => {
      const model = await fill(db)
      const before = await rowsOf(db)
      expect(before).toEqual(rowsOfMap(model))
      await db.compact()
      expect(await rowsOf(db)).toEqual(before)
      for (const key of KEYS) expect(await textOf(db, key)).toBe(model.get(key))
    }))

  test('a second merge finds nothing to change', () =>
    inWorld(create, async (db) => {
      const model = await fill(db)
      await db.compact()
      const { compactionBytesWritten } = db.stats().storage
      await db.compact()
      expect(db.stats().storage.compactionBytesWritten).toBe(compactionBytesWritten)
      expect(await rowsOf(db)).toEqual(rowsOfMap(model))
    }))

  test('a flush after each commit shows in nothing', () =>
    inWorld(create, async (db) => {
      for (let i = 0; i < 60; i++) {
        await db.put(keyNumber(i), `value ${i}`)
        await db.flush()
        expect(await keysOf(db)).toEqual(KEYS.slice(0, i + 1))
      }
    }))

  test('12 snapshots of different ages each keep their state through every merge', () =>
    inWorld(create, async (db) => {
      const random = new SeededRandom(testSeed(5))
      const model = new Map<string, string>()
      const held: { readonly rows: string[]; readonly snapshot: Awaited<ReturnType<Database['snapshot']>> }[] = []
      for (let step = 0; step < 120; step++) {
        const puts = Array.from({ length: 20 }, () => [keyNumber(random.below(300)), `${step}`.padEnd(100)] as const)
        const gone = keyNumber(random.below(300))
        await putAll(db, puts)
        await db.delete(gone)
        for (const [key, value] of puts) model.set(key, value)
        model.delete(gone)
        if (step % 10 === 0) held.push({ rows: rowsOfMap(model), snapshot: await db.snapshot() })
        if (step % 30 === 29) await db.compact()
      }
      // Let go of in another order than taken, merging in between.
      while (held.length > 0) {
        for (const { rows, snapshot } of held) expect(await rowsOf(snapshot)).toEqual(rows)
        for (const { snapshot } of held.splice(random.below(held.length), 3)) snapshot.close()
        await db.compact()
      }
      expect(await rowsOf(db)).toEqual(rowsOfMap(model))
    }))

  test.each([false, true])('a scan begun before a merge goes on through it (reverse: %p)', (reverse) =>
    inWorld(create, async (db) => {
      const model = await fill(db)
      const expected = rowsOfMap(model)
      if (reverse) expected.reverse()
      const found: string[] = []
      for await (const [key, value] of db.scan({ reverse })) {
        found.push(`${latin1(key)}=${latin1(value)}`)
        if (found.length === 10) await deleteAll(db, KEYS)
        if (found.length === 20) await db.compact()
        if (found.length === 30) await fill(db, 1)
        if (found.length === 40) await db.compact()
      }
      expect(found).toEqual(expected)
    }),
  )

  test('gets answer right while merges run', () =>
    inWorld(create, async (db) => {
      const model = await fill(db)
      let isMerging = true
      const merging = (async () => {
        for (let i = 0; i < 4; i++) {
          await db.put('other', `${i}`)
          await db.compact()
        }
        isMerging = false
      })()
      let gets = 0
      while (isMerging || gets < KEYS.length) {
        const key = KEYS[gets++ % KEYS.length]!
        expect(await textOf(db, key)).toBe(model.get(key))
      }
      await merging
    }))

  test('a transaction begun before a merge reads its snapshot after it, and commits', () =>
    inWorld(create, async (db) => {
      const model = await fill(db)
      const tx = db.begin()
      const first = [...model.keys()][0]!
      expect(await textOf(tx, first)).toBe(model.get(first))
      await deleteAll(db, KEYS.slice(1000))
      await db.compact()
      expect(await rowsOf(tx)).toEqual(rowsOfMap(model))
      tx.rollback()
      await db.transact(async (own) => {
        own.put('counted', String(await own.count({ prefix: 'key' })))
      })
      expect(await textOf(db, 'counted')).toBe(String([...model.keys()].filter((key) => key < KEYS[1000]!).length))
    }))

  test('a transaction that is open while tables are merged still finds its conflict', () =>
    inWorld(create, async (db) => {
      await fill(db, 1)
      const tx = db.begin()
      await tx.get(KEYS[1]!)
      await db.put(KEYS[1]!, 'overwritten')
      await db.compact()
      await expect((async () => {
        tx.put(KEYS[1]!, 'mine')
        await tx.commit()
      })()).rejects.toMatchObject({ code: 'SERIALIZATION' }) // prettier-ignore
      expect(await textOf(db, KEYS[1]!)).toBe('overwritten')
    }))

  test.each([1, 2, 3])('3,000 random steps with merges and flushes between them do what a map does, run %p', (run) =>
    inWorld(create, async (db, world) => {
      const random = new SeededRandom(testSeed(run * 104_729))
      const model = new Map<string, string>()
      let present = db
      for (let step = 0; step < 3000; step++) {
        const key = keyNumber(random.below(400))
        const kind = random.below(100)
        if (kind < 60) {
          const value = `${step}`.padEnd(random.below(300), '.')
          await present.put(key, value, { durability: 'os' })
          model.set(key, value)
        } else if (kind < 80) {
          await present.delete(key, { durability: 'os' })
          model.delete(key)
        } else if (kind < 98) expect(await textOf(present, key)).toBe(model.get(key))
        else if (random.chance(0.5)) await present.flush()
        else if (random.chance(0.3)) await present.compact()
        else if (random.chance(0.3)) present = await world.reopen()
      }
      expect(await rowsOf(present)).toEqual(rowsOfMap(model))
    }),
  )
})
