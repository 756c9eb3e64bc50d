/** Torture: keys and values at the edges of what is allowed, wherever they lie. */
import { InvalidArgumentError, LimitExceededError } from '../../src/index'
import { WORLDS, inEveryState, inWorld, keysOf, rowsOf, textOf } from './torture-world'

const KEY_BYTES_MAX = 4096
const bytes = (...values: number[]): Buffer => Buffer.from(values)
const texts = (keys: readonly Buffer[]): string[] => keys.map((key) => key.latin1Slice())

describe.each(WORLDS)('edge cases, %s', (_name, create) => {
  /** Writes `keys` (in byte order) each with itself as value, and finds exactly them by every kind of read, in every state. */
  const expectKept = (keys: readonly Buffer[]): Promise<void> =>
    inWorld(create, async (db, world) => {
      for (const key of [...keys].reverse()) await db.put(key, key, { durability: 'os' })
      await inEveryState(db, world, async (present) => {
        expect(await keysOf(present)).toEqual(texts(keys))
        expect(await keysOf(present, { reverse: true })).toEqual(texts(keys).reverse())
        for (const [i, key] of keys.entries()) {
          expect((await present.get(key))?.equals(key)).toBe(true)
          expect(await keysOf(present, { gt: key })).toEqual(texts(keys.slice(i + 1)))
          expect(await keysOf(present, { lt: key })).toEqual(texts(keys.slice(0, i)))
        }
      })
    })

  test('the empty key is a key, the first of all', () => expectKept([bytes(), bytes(0), bytes(0, 0), bytes(1)]))

  test('keys of NUL bytes are told apart by their length', () =>
    expectKept(Array.from({ length: 20 }, (_, i) => Buffer.alloc(i))))

  test('keys of 0xff bytes are told apart by their length and come last', () =>
    expectKept([bytes(0xfe, 0xff), ...Array.from({ length: 20 }, (_, i) => Buffer.alloc(i + 1, 0xff))]))

  test('all 256 keys of one byte are ordered by their value', () =>
    expectKept(Array.from({ length: 256 }, (_, i) => bytes(i))))

  test('key1 and key10, key and keykey: a prefix comes before what it begins', () =>
    expectKept(['k', 'key', 'key1', 'key10', 'key100', 'key11', 'key2', 'keykey'].map((key) => Buffer.from(key))))

  test('a chain of 100 keys, each the one before and one byte more', () =>
    expectKept(Array.from({ length: 100 }, (_, i) => Buffer.alloc(i, 'a'))))

  test('the largest keys, told apart by their last byte', () =>
    expectKept([0, 1, 127, 128, 255].map((last) => Buffer.concat([Buffer.alloc(KEY_BYTES_MAX - 1, 'k'), bytes(last)]))))

  test('keys of which one is the immediate successor of the other', () =>
    expectKept([bytes(1), bytes(1, 0), bytes(1, 0, 0), bytes(1, 0, 1), bytes(1, 1), bytes(1, 255), bytes(2)]))

  test('keys with bytes that mean something elsewhere: separators, quotes, line ends, dots', () =>
    expectKept(texts([bytes(10), bytes(13, 10), ...["'", '"', '..', '../x', '/', '//', '=', '\\', '__proto__', 'constructor'].map((key) => Buffer.from(key))]) // prettier-ignore
      .sort().map((key) => Buffer.from(key, 'latin1')))) // prettier-ignore

  test('a text is its UTF-8 bytes: the same key as those bytes', () =>
    inWorld(create, async (db, world) => {
      for (const text of ['ä', 'é', '😀', '\u0000', '日本', '\ufeff']) await db.put(text, text)
      await inEveryState(db, world, async (present) => {
        for (const text of ['ä', 'é', '😀', '\u0000', '日本', '\ufeff']) {
          expect(String(await present.get(Buffer.from(text)))).toBe(text)
        }
        // Composed or not makes another text, and so another key.
        expect(await present.get('a\u0308')).toBeUndefined()
      })
    }))

  test('an empty value is a value: the key is there', () =>
    inWorld(create, async (db, world) => {
      await db.transact((tx) => {
        tx.put('empty', '')
        tx.put('', '')
      })
      await inEveryState(db, world, async (present) => {
        expect(await rowsOf(present)).toEqual(['=', 'empty='])
        expect((await present.get('empty'))?.length).toBe(0)
        expect(await present.begin({ readOnly: true }).has('empty')).toBe(true)
        expect(await present.count()).toBe(2)
      })
    }))

  test('values of every length around the sizes of blocks and large values come back byte for byte', () =>
    inWorld(create, async (db, world) => {
      const lengths = [0, 1, 2, 255, 256, 257, 511, 512, 513, 2047, 2048, 2049, 4095, 4096, 4097, 8191, 8193, 65_535, 65_537] // prettier-ignore
      const valueOf = (length: number): Buffer => Buffer.from(Array.from({ length }, (_, i) => (i * 31 + length) % 256))
      for (const length of lengths) await db.put(`length ${length}`, valueOf(length))
      await inEveryState(db, world, async (present) => {
        for (const length of lengths) {
          expect((await present.get(`length ${length}`))?.equals(valueOf(length))).toBe(true)
        }
      })
    }))

  test('a value may hold each byte, also as a view into a larger buffer that changes afterwards', () =>
    inWorld(create, async (db, world) => {
      const every = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
      const shared = Buffer.concat([Buffer.alloc(100, 'x'), every, Buffer.alloc(100, 'x')])
      const put = db.put(shared.subarray(100, 110), shared.subarray(100, 356))
      shared.fill(0)
      await put
      await inEveryState(db, world, async (present) => {
        expect((await present.get(every.subarray(0, 10)))?.equals(every)).toBe(true)
      })
    }))

  test('what comes back belongs to the caller: changing it changes nothing', () =>
    inWorld(create, async (db, world) => {
      await db.put('one', 'value')
      await inEveryState(db, world, async (present) => {
        ;(await present.get('one'))!.fill(0)
        for await (const [key, value] of present.scan()) {
          key.fill(0)
          value.fill(0)
        }
        expect(await rowsOf(present)).toEqual(['one=value'])
      })
    }))

  test('a key or value beyond its limit is refused, at the limit it is not', () =>
    inWorld(
      create,
      async (db) => {
        await db.put(Buffer.alloc(KEY_BYTES_MAX), Buffer.alloc(1000))
        await expect(db.put(Buffer.alloc(KEY_BYTES_MAX + 1), '')).rejects.toThrow(LimitExceededError)
        await expect(db.put('', Buffer.alloc(1001))).rejects.toThrow(LimitExceededError)
        await expect(db.get(Buffer.alloc(KEY_BYTES_MAX + 1))).rejects.toThrow(LimitExceededError)
        expect(await db.count()).toBe(1)
      },
      { limits: { valueBytesMax: 1000 } },
    ))

  test('a text with half a character is refused as key and as value, and nothing is written', () =>
    inWorld(create, async (db) => {
      await expect(db.put('\ud800', '1')).rejects.toThrow(InvalidArgumentError)
      await expect(db.put('1', 'x\udc00')).rejects.toThrow(InvalidArgumentError)
      expect(await db.count()).toBe(0)
    }))

  test('an empty database has no rows in any range, and can be flushed, merged and reopened', () =>
    inWorld(create, async (db, world) => {
      await inEveryState(db, world, async (present) => {
        for (const range of [{}, { gte: '' }, { lte: '\uffff' }, { prefix: '' }, { gt: 'b', lt: 'a' }]) {
          expect(await rowsOf(present, range)).toEqual([])
          expect(await rowsOf(present, { ...range, reverse: true })).toEqual([])
        }
        expect(await present.get('')).toBeUndefined()
      })
    }))

  test('the empty key can be deleted, by itself and by range', () =>
    inWorld(create, async (db) => {
      for (const remove of [() => db.delete(''), () => db.transact((tx) => tx.deleteRange({ lte: '' }))]) {
        await db.put('', '1')
        await db.put(bytes(0), '2')
        await db.compact()
        await remove()
        expect(await rowsOf(db)).toEqual(['\0=2'])
        await db.compact()
        expect(await rowsOf(db)).toEqual(['\0=2'])
      }
    }))

  test('bounds at the edges: everything above the empty key, everything below the last one', () =>
    inWorld(create, async (db, world) => {
      const last = Buffer.alloc(KEY_BYTES_MAX, 0xff)
      for (const key of [bytes(), bytes(0), Buffer.from('m'), last]) await db.put(key, '')
      await inEveryState(db, world, async (present) => {
        expect(await keysOf(present, { gt: '' })).toEqual(texts([bytes(0), Buffer.from('m'), last]))
        expect(await keysOf(present, { lt: last })).toEqual(texts([bytes(), bytes(0), Buffer.from('m')]))
        expect(await keysOf(present, { gte: last })).toEqual([last.latin1Slice()])
        expect(await keysOf(present, { gt: last })).toEqual([])
        expect(await keysOf(present, { prefix: bytes(0xff, 0xff) })).toEqual([last.latin1Slice()])
        expect(await textOf(present, last)).toBe('')
      })
    }))
})
