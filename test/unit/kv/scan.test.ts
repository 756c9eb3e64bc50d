/**
 * Scans: order, limits, pages, early ends, and what counts as read.
 */
import { InvalidArgumentError, MisuseError, SerializationError, TransactionClosedError } from '../../../src/base/errors'
import { ASYNC_DISPOSE, DISPOSE } from '../../../src/kv/dispose'
import type { Database } from '../../../src/kv/database'
import { createFixture, fill, rowsOf, textsOf, unhandledDuring } from './fixture'

const LETTERS = { a: '1', b: '2', c: '3', d: '4', e: '5' }

async function createLetters(asynchronousReads: boolean) {
  const fixture = createFixture({ engine: { asynchronousReads } })
  await fill(fixture.db, LETTERS)
  return fixture
}

async function pagesOf<T>(pages: AsyncIterable<T[]>, print: (item: T) => string): Promise<string[]> {
  const texts: string[] = []
  for await (const page of pages) texts.push(page.map(print).join(','))
  return texts
}

describe.each([false, true])('scans (asynchronous reads: %p)', (asynchronousReads) => {
  test('go in either direction, within bounds, up to a limit', async () => {
    const { db } = await createLetters(asynchronousReads)
    expect(await rowsOf(db.scan())).toEqual(['a=1', 'b=2', 'c=3', 'd=4', 'e=5'])
    expect(await textsOf(db.keys({ gt: 'a', lte: 'd' }))).toEqual(['b', 'c', 'd'])
    expect(await textsOf(db.keys({ gte: 'b', reverse: true, limit: 2 }))).toEqual(['e', 'd'])
    expect(await textsOf(db.values({ limit: 2 }))).toEqual(['1', '2'])
    expect(await textsOf(db.keys({ limit: 0 }))).toEqual([])
    expect(await textsOf(db.keys({ gte: 'd', lt: 'b' }))).toEqual([])
    expect(await db.count({ gte: 'b' })).toBe(4)
    expect(await db.count({ gte: 'b', limit: 2 })).toBe(2)
    expect(await db.count({ gte: 'x', lt: 'b' })).toBe(0)
    await db.close()
  })

  test('pages hold as many items as asked for, the last one what is left', async () => {
    const { db } = await createLetters(asynchronousReads)
    expect(await pagesOf(db.scan().pages(2), ([key, value]) => `${String(key)}${String(value)}`)).toEqual([
      'a1,b2',
      'c3,d4',
      'e5',
    ])
    expect(await pagesOf(db.keys({ reverse: true }).pages(3), String)).toEqual(['e,d,c', 'b,a'])
    expect(await pagesOf(db.values({ limit: 4 }).pages(3), String)).toEqual(['1,2,3', '4'])
    expect(await pagesOf(db.keys({ limit: 4 }).pages(2), String)).toEqual(['a,b', 'c,d'])
    expect(await pagesOf(db.keys().pages(), String)).toEqual(['a,b,c,d,e'])
    expect(await pagesOf(db.keys({ gte: 'x' }).pages(), String)).toEqual([])
  })

  test('several next at once get rows in order', async () => {
    const { db } = await createLetters(asynchronousReads)
    const rows = db.keys({ limit: 3 })[Symbol.asyncIterator]()
    const results = await Promise.all([rows.next(), rows.next(), rows.next(), rows.next(), rows.next()])
    expect(results.map(({ value }) => value?.toString())).toEqual(['a', 'b', 'c', undefined, undefined])
    expect(results.map(({ done }) => done)).toEqual([false, false, false, true, true])
  })

  test('an early break ends the scan, also in the middle of a next', async () => {
    const { db } = await createLetters(asynchronousReads)
    const tx = db.begin()
    const scan = tx.scan()
    for await (const [key] of scan) if (String(key) === 'b') break
    expect(() => scan[Symbol.asyncIterator]()).toThrow(MisuseError)
    const rows = tx.keys()[Symbol.asyncIterator]()
    const [first, ended] = await Promise.all([rows.next(), rows.return!()])
    expect([first.done, ended.done]).toEqual([false, true])
    expect(await rows.next()).toEqual({ done: true, value: undefined })
    await tx.commit()
  })

  test('a closed scan does not look like one that came to its end', async () => {
    const { db } = await createLetters(asynchronousReads)
    const scan = db.keys()
    const rows = scan[Symbol.asyncIterator]()
    await rows.next()
    scan.close()
    scan[DISPOSE]()
    await scan[ASYNC_DISPOSE]()
    await expect(rows.next()).rejects.toThrow(TransactionClosedError)
    const pending = db.keys()
    const items = pending[Symbol.asyncIterator]()
    const next = items.next()
    pending.close()
    if (asynchronousReads) await expect(next).rejects.toThrow(TransactionClosedError)
    else await expect(next).resolves.toMatchObject({ done: false })
    const unused = db.keys()
    unused.close()
    expect(() => unused.pages()).toThrow(MisuseError)
    await db.close()
  })

  test('the end of a transaction ends its scans with an error', async () => {
    const { db } = await createLetters(asynchronousReads)
    const tx = db.begin()
    const rows = tx.scan()[Symbol.asyncIterator]()
    await rows.next()
    tx.rollback()
    await expect(rows.next()).rejects.toThrow(/Cannot scan in transaction \d+: it has been rolled back/)
  })

  test('a lone scan keeps its moment, whatever is committed meanwhile', async () => {
    const { db } = await createLetters(asynchronousReads)
    const seen: string[] = []
    for await (const key of db.keys()) {
      seen.push(String(key))
      await db.put(`${String(key)}x`, 'new')
      await db.delete('e')
    }
    expect(seen).toEqual(['a', 'b', 'c', 'd', 'e'])
  })
})

describe('in a transaction', () => {
  test('a scan shows the writes made before it started, and not those made after', async () => {
    const { db } = await createLetters(false)
    const tx = db.begin()
    tx.put('aa', 'before')
    const rows = tx.keys({ lt: 'c' })[Symbol.asyncIterator]()
    expect(String((await rows.next()).value)).toBe('a')
    tx.put('ab', 'after')
    const rest: string[] = []
    for await (const key of rows) rest.push(String(key))
    expect(rest).toEqual(['aa', 'b'])
    tx.rollback()
  })

  /** Whether a write of `key` by somebody else, after a scan of `tx` that `read` does, dooms a dependent write. */
  async function conflicts(db: Database, key: string, read: (tx: ReturnType<Database['begin']>) => Promise<unknown>) {
    const tx = db.begin()
    await read(tx)
    const other = db.begin()
    await other.get('target')
    other.put(key, 'other')
    await other.commit()
    tx.put('target', 'mine')
    return tx.commit().then(
      () => false,
      (error: unknown) => {
        if (!(error instanceof SerializationError)) throw error
        return true
      },
    )
  }

  test.each<[string, boolean, (tx: ReturnType<Database['begin']>) => Promise<unknown>]>([
    ['e', true, (tx) => rowsOf(tx.scan())],
    ['f', true, (tx) => rowsOf(tx.scan())],
    ['e', false, (tx) => rowsOf(tx.scan({ limit: 2 }))],
    ['aa', true, (tx) => rowsOf(tx.scan({ limit: 2 }))],
    ['a', false, (tx) => rowsOf(tx.scan({ limit: 2, reverse: true }))],
    ['d', true, (tx) => textsOf(tx.keys({ limit: 2, reverse: true }))],
    ['e', true, (tx) => tx.count()],
    ['e', false, (tx) => tx.count({ limit: 2 })],
    ['e', false, (tx) => tx.scan().pages(2).next()],
    ['b', true, (tx) => tx.scan().pages(2).next()],
    ['x', false, (tx) => tx.scan({ gte: 'a', lt: 'f' }).pages(100).next()],
    [
      'c',
      false,
      async (tx) => {
        for await (const _ of tx.scan()) break
      },
    ],
    ['c', false, async (tx) => void tx.scan()],
  ])('a write of %s behind a scan: a conflict is %p (case %#)', async (key, conflict, read) => {
    const { db } = await createLetters(false)
    expect(await conflicts(db, key, read)).toBe(conflict)
  })
})

describe('misuse', () => {
  test('a scan is iterated once', async () => {
    const { db } = await createLetters(false)
    const scan = db.scan()
    await rowsOf(scan)
    expect(() => scan[Symbol.asyncIterator]()).toThrow(/Cannot iterate a scan twice: call scan\(\) again/)
    expect(() => scan.pages()).toThrow(MisuseError)
  })

  test.each([0, -1, 1.5, NaN, Infinity, '2', 65_537])('%p is no number of rows of a page', (rows) => {
    const { db } = createFixture()
    expect(() => db.scan().pages(rows as number)).toThrow(InvalidArgumentError)
  })

  test('bad bounds are refused when the scan is made', () => {
    const { db } = createFixture()
    expect(() => db.scan({ gte: 'a', gt: 'b' })).toThrow(InvalidArgumentError)
    expect(() => db.begin().keys({ limit: -1 })).toThrow(InvalidArgumentError)
  })

  test('an error of the engine ends the scan and comes out of next', async () => {
    const { db, engine } = await createLetters(false)
    const rows = db.scan()[Symbol.asyncIterator]()
    await rows.next()
    await engine.close()
    const unhandled = await unhandledDuring(async () => {
      const other = db.scan()[Symbol.asyncIterator]()
      await expect(other.next()).rejects.toThrow(/closed/)
      expect((await other.next()).done).toBe(true)
    })
    expect(unhandled).toEqual([])
  })
})
