/**
 * `load`: what it takes, what it refuses, what it says, and that whatever ends it leaves nothing.
 */
import type { LoadPair, LoadProgress } from '../../../src/kv/load'
import { createFixture, fill, rowsOf, turns } from './fixture'

const numbered = (count: number): LoadPair[] =>
  Array.from({ length: count }, (_, i) => [`k${String(i).padStart(6, '0')}`, `v${i}`] as const)

/** What of an iterator was used. */
function watched(pairs: readonly LoadPair[]): {
  iterable: Iterable<LoadPair>
  taken: () => number
  isEnded: () => boolean
} {
  let taken = 0
  let isEnded = false
  function* give(): Generator<LoadPair> {
    try {
      for (const pair of pairs) {
        taken++
        yield pair
      }
    } finally {
      isEnded = true
    }
  }
  return { iterable: give(), taken: () => taken, isEnded: () => isEnded }
}

describe('a load', () => {
  test('takes arrays, maps, generators and asynchronous ones, text and bytes', async () => {
    const { db } = createFixture()
    expect(await db.load([['a', '1'], [Buffer.from('b'), Uint8Array.of(50)]])).toEqual({ sequence: 1, durable: true, rows: 2, bytes: 4 }) // prettier-ignore
    expect(await db.load(new Map([['c', '3']]))).toMatchObject({ sequence: 2, rows: 1 })
    async function* later(): AsyncGenerator<LoadPair> {
      for (const pair of [['d', '4'], ['e', '']] as const) yield await Promise.resolve(pair) // prettier-ignore
    }
    expect(await db.load(later(), { label: 'nightly' })).toMatchObject({ sequence: 3, rows: 2, bytes: 3 })
    expect(await rowsOf(db.scan())).toEqual(['a=1', 'b=2', 'c=3', 'd=4', 'e='])
  })

  test('of nothing does nothing', async () => {
    const { db, store } = createFixture()
    await db.put('a', '1')
    expect(await db.load([])).toEqual({ sequence: 1, durable: true, rows: 0, bytes: 0 })
    expect(store.stats()).toMatchObject({ decided: 1, commits: 1 })
  })

  test('tells how far it is, and at the end; a listener that throws disturbs nothing', async () => {
    const { db, events } = createFixture()
    const seen: LoadProgress[] = []
    const onProgress = (progress: LoadProgress): void => {
      seen.push(progress)
      throw new Error('of the application')
    }
    const { rows, bytes } = await db.load(numbered(40_000), { onProgress })
    expect(seen.map((progress) => progress.rows)).toEqual([16_384, 32_768, 40_000])
    expect(seen.at(-1)).toEqual({ rows, bytes })
    expect(events.filter((event) => event.type === 'backgroundError')).toHaveLength(3)
  })

  test('lets others have their turns', async () => {
    const { db } = createFixture()
    let others = 0
    let isOver = false
    const loading = db.load(numbered(20_000)).then(() => (isOver = true))
    while (!isOver) {
      await turns(1)
      others++
    }
    await loading
    expect(others).toBeGreaterThan(2)
  })
})

describe('a load is refused, with nothing changed and the iterator ended', () => {
  const limits = { keyBytesMax: 8, valueBytesMax: 8 }
  test.each([
    [
      'a key before the last',
      [
        ['b', '1'],
        ['a', '1'],
      ],
      'INVALID_ARGUMENT',
      'it comes after',
    ],
    [
      'a key twice',
      [
        ['b', '1'],
        ['b', '2'],
      ],
      'INVALID_ARGUMENT',
      'it came before',
    ],
    [
      'text order that is not byte order',
      [
        ['\u{1f600}', '1'],
        ['\uff5e', '1'],
      ],
      'INVALID_ARGUMENT',
      'byte by byte',
    ],
    [
      'a key that is too long',
      [
        ['a', '1'],
        ['b'.repeat(9), '1'],
      ],
      'LIMIT_EXCEEDED',
      '9',
    ],
    [
      'a value that is too long',
      [
        ['a', '1'],
        ['b', '1'.repeat(9)],
      ],
      'LIMIT_EXCEEDED',
      '9',
    ],
    [
      'a key of another type',
      [
        ['a', '1'],
        [7, '1'],
      ],
      'INVALID_ARGUMENT',
      '7',
    ],
    [
      'a value of another type',
      [
        ['a', '1'],
        ['b', undefined],
      ],
      'INVALID_ARGUMENT',
      'undefined',
    ],
    [
      'ill-formed text',
      [
        ['a', '1'],
        ['\ud800', '1'],
      ],
      'INVALID_ARGUMENT',
      '',
    ],
    ['something that is no pair', [['a', '1'], 'bc'], 'INVALID_ARGUMENT', 'pair 2'],
    [
      'a pair of three',
      [
        ['a', '1'],
        ['b', '1', '2'],
      ],
      'INVALID_ARGUMENT',
      'pair 2',
    ],
    [
      'rows that are there already',
      [
        ['a', '1'],
        ['z', '1'],
      ],
      'INVALID_ARGUMENT',
      'has a value',
    ],
  ] as const)('%s', async (_name, pairs, code, message) => {
    const { db, store } = createFixture({ limits })
    await fill(db, { m: 'here' })
    const { iterable, taken, isEnded } = watched(pairs as unknown as LoadPair[])
    const refused = expect(db.load(iterable)).rejects
    await refused.toMatchObject({ code })
    await expect(db.load(pairs as unknown as LoadPair[])).rejects.toThrow(message)
    expect([taken(), isEnded()]).toEqual([2, true])
    expect(await rowsOf(db.scan())).toEqual(['m=here'])
    expect(store.stats()).toMatchObject({ decided: 1, transactionsActive: 0, keyRecords: 0 })
  })

  test('what cannot be iterated, unknown options, wrong options', async () => {
    const { db } = createFixture()
    for (const pairs of [undefined, null, 'text', 7, {}]) {
      await expect(db.load(pairs as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    }
    for (const options of [{ onProgress: 7 }, { label: 7 }, { rows: 1 }]) {
      await expect(db.load([], options as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    }
  })

  test('an iterator that throws: its own error comes out', async () => {
    const { db } = createFixture()
    const broken = new Error('the source is gone')
    function* give(): Generator<LoadPair> {
      yield ['a', '1']
      throw broken
    }
    await expect(db.load(give())).rejects.toBe(broken)
    expect(await rowsOf(db.scan())).toEqual([])
  })

  test('inside a transact callback, in a read-only database, and once it is closed', async () => {
    const { db } = createFixture()
    await expect(db.transact(() => db.load([['a', '1']]))).rejects.toMatchObject({ code: 'MISUSE' })
    const readOnly = createFixture({ readOnly: true }).db
    await expect(readOnly.load([['a', '1']])).rejects.toMatchObject({ code: 'READ_ONLY' })
    async function* closing(): AsyncGenerator<LoadPair> {
      yield ['a', '1']
      await db.close()
      for (const pair of numbered(100)) yield pair
    }
    await expect(db.load(closing())).rejects.toMatchObject({ code: 'DATABASE_CLOSED' })
    await expect(db.load([['a', '1']])).rejects.toMatchObject({ code: 'DATABASE_CLOSED' })
  })
})
