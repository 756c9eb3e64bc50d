/**
 * Pitfalls of the isolation page that a golden schedule cannot say: many commits, failing logs, the public interface.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { SerializationError, open } from '../../src/index'
import type { Database } from '../../src/index'
import type { Store, StoreTransaction } from '../../src/mvcc/contract'
import { checkAtRest, createStoreSubject } from '../support/harness/store-subject'
import { Auditor } from '../support/oracle/auditor'
import { createStoreHarness } from '../support/harness/store-harness'

const code = (error: unknown) => (error as { code?: string }).code
const outcomeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'committed',
    (error: unknown) => code(error),
  )

describe('pitfalls', () => {
  test('a long transaction over more than 65,536 commits still misses the first of them, and the state then shrinks to nothing', async () => {
    const subject = createStoreSubject()
    const { store } = subject
    const long = store.begin({ label: 'long' })
    void long.get('first')
    const writer = store.begin()
    void writer.get('second')
    writer.put('first', Buffer.from('1'))
    writer.commit().catch(() => undefined)
    for (let i = 0; i < 66_000; i++) {
      const other = store.begin()
      other.put(`k${i % 100}`, Buffer.from(String(i)))
      other.commit().catch(() => undefined)
      subject.publishThrough(store.stats().decided)
      if (i % 512 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    expect(store.stats().commitsRetained).toBeGreaterThan(65_536)
    long.put('second', Buffer.from('2'))
    await expect(outcomeOf(long.commit())).resolves.toBe('SERIALIZATION')
    checkAtRest(store)
  })

  test('a log that fails after reads were registered and a commit decided: unknown outcome, and nothing is left behind', async () => {
    const subject = createStoreSubject()
    const { store, engine } = subject
    const writer = store.begin()
    const later = store.begin()
    void later.get('k')
    writer.put('k', Buffer.from('1'))
    const decided = outcomeOf(writer.commit())
    const above = store.begin()
    engine.poison(new Error('the disk is gone'))
    await expect(decided).resolves.toBe('COMMIT_OUTCOME_UNKNOWN')
    // Begun above what will never be published: it may not show it, nor commit without writes.
    expect(code(errorOf(() => above.get('k')) ?? (await above.commit().catch((error: unknown) => error)))).toBe(
      'POISONED',
    )
    later.put('j', Buffer.from('1'))
    await expect(outcomeOf(later.commit())).resolves.toBe('POISONED')
    expect(store.begin().snapshot).toBe(0)
    for (const transaction of [...store.open()]) if ('rollback' in transaction) transaction.rollback()
    store.checkInvariants()
  })

  test.each(['in memory', 'reopened'] as const)(
    'the sequence after a reopen exceeds every recovered one, data: %s',
    async (place) => {
      const harness = await createStoreHarness(place)
      const auditor = new Auditor(harness.store)
      for (let i = 0; i < 3; i++) {
        const writer = auditor.begin()
        writer.put('k', String(i))
        void writer.commit()
        harness.publishThrough(auditor.decided)
        auditor.onPublished(auditor.decided)
      }
      auditor.reopened(await harness.settleData())
      const reader = auditor.begin()
      expect(reader.snapshot).toBe(3)
      expect(await reader.get('k')).toBe('done')
      expect(reader.lastShown).toBe('2')
      reader.put('k', '3')
      void reader.commit()
      expect(auditor.decided).toBe(4)
      harness.publishThrough(4)
      auditor.onPublished(4)
      await harness.close()
    },
  )

  test('a second release of one of two snapshots at one sequence does not take the other away', () => {
    const { store, engine } = createStoreSubject()
    const [first, second] = [store.begin({ readOnly: true }), store.begin({ readOnly: true })]
    first.rollback()
    first.rollback()
    write(store, 'k', '1')
    engine.publishThrough(1)
    engine.collectVersions()
    expect(second.get('k')).toBeUndefined()
    second.rollback()
    checkAtRest(store)
  })

  test('begin, read, commit and cleanup interleaved at every await leave no anomaly and nothing behind', async () => {
    for (let delay = 0; delay < 12; delay++) {
      const subject = createStoreSubject({ engine: { asynchronousReads: true, asynchronousReserve: true } })
      const { store } = subject
      const outcomes = Promise.all([skewHalf(store, 'x', 'y', 0), skewHalf(store, 'y', 'x', delay)])
      let isDone = false
      void outcomes.then(() => (isDone = true))
      while (!isDone) {
        await new Promise((resolve) => setImmediate(resolve))
        subject.publishThrough(store.stats().decided)
        store.checkInvariants()
      }
      const [a, b] = await outcomes
      const wereConcurrent = a.snapshot === b.snapshot
      expect([a.outcome, b.outcome].filter((one) => one === 'SERIALIZATION')).toHaveLength(wereConcurrent ? 1 : 0)
      checkAtRest(store)
    }
  })
})

/** Reads one key, writes the other, beginning after some microtasks. */
async function skewHalf(store: Store, reads: string, writes: string, delay: number) {
  for (let i = 0; i < delay; i++) await Promise.resolve()
  if (delay > 6) await new Promise((resolve) => setImmediate(resolve))
  const transaction: StoreTransaction = store.begin()
  const { snapshot } = transaction
  try {
    await transaction.get(reads)
    transaction.put(writes, Buffer.from('1'))
    await transaction.commit()
    return { snapshot, outcome: 'committed' }
  } catch (error) {
    return { snapshot, outcome: code(error) }
  }
}

function write(store: Store, key: string, value: string): void {
  const writer = store.begin()
  writer.put(key, Buffer.from(value))
  writer.commit().catch(() => undefined)
}

function errorOf(act: () => unknown): unknown {
  try {
    act()
    return undefined
  } catch (error) {
    return error
  }
}

describe('pitfalls through the public interface', () => {
  let directory = ''
  let database: Database

  beforeEach(async () => {
    directory = mkdtempSync(path.join(os.tmpdir(), 'strictkv-pitfalls-'))
    database = await open(path.join(directory, 'data'), { durability: 'os' })
    await database.put('x', '0')
    await database.put('y', '0')
  })
  afterEach(async () => {
    await database.close()
    rmSync(directory, { recursive: true, force: true })
  })

  type Read = (tx: ReturnType<Database['begin']>, key: string) => Promise<unknown>
  const reads: readonly (readonly [string, Read])[] = [
    ['get', (tx, key) => tx.get(key)],
    ['getSync', async (tx, key) => tx.getSync(key)],
    ['getMany', (tx, key) => tx.getMany([key, 'other'])],
    ['has', (tx, key) => tx.has(key)],
    ['count', (tx, key) => tx.count({ gte: key, lte: key })],
    ['keys', (tx, key) => consume(tx.keys({ gte: key, lte: key }))],
    ['values', (tx, key) => consume(tx.values({ gte: key, lte: key }))],
    ['pages', (tx, key) => consume(tx.scan({ gte: key, lte: key }).pages(2))],
    ['a prefix scan', (tx, key) => consume(tx.scan({ prefix: key }))],
    [
      'a scan with exclusive bounds',
      (tx, key) => consume(tx.scan({ gt: key.charAt(0) === 'x' ? 'w' : 'xx', lt: `${key}z` })),
    ],
    ['a reverse scan', (tx, key) => consume(tx.scan({ gte: key, lte: key, reverse: true }))],
    ['a limited scan', (tx, key) => consume(tx.scan({ gte: key, limit: 1 }))],
  ]

  test.each(reads)('%s counts as a read: write skew is refused', async (_, read) => {
    const [a, b] = [database.begin(), database.begin()]
    await read(a, 'x')
    await read(b, 'y')
    a.put('y', '1')
    b.put('x', '1')
    await a.commit()
    await expect(b.commit()).rejects.toThrow(SerializationError)
  })

  test.each(reads)('%s late, after the other has committed, counts too', async (_, read) => {
    const [a, b] = [database.begin(), database.begin()]
    await read(a, 'x')
    a.put('y', '1')
    await a.commit()
    b.put('x', '1')
    await expect(read(b, 'y').then(() => b.commit())).rejects.toThrow(SerializationError)
  })

  const writes: readonly (readonly [string, (key: string) => Promise<unknown>])[] = [
    ['db.put', (key) => database.put(key, '1')],
    ['db.delete', (key) => database.delete(key)],
    ['a range delete', (key) => database.transact(async (tx) => tx.deleteRange({ gte: key, lte: key }))],
  ]
  test.each(writes)('%s goes through the same conflict index', async (_, write) => {
    const tx = database.begin()
    await tx.get('x')
    await write('x')
    expect(() => tx.put('x', '2')).toThrow(SerializationError)
  })
})

async function consume(rows: AsyncIterable<unknown>): Promise<number> {
  let count = 0
  for await (const row of rows) count += row === undefined ? 0 : 1
  return count
}
