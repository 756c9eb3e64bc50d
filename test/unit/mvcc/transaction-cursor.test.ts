/**
 * A cursor registers what it hands over, when it hands it over, and nothing else: not its prefetch, not own writes.
 */
import type { StoreCursor, StoreTransaction } from '../../../src/mvcc/contract'
import type { StoreWorld } from './store-world'
import { codeOf, createStoreWorld, keysOf, outcomeOf, prepareDoom } from './store-world'

const ALL = { start: '', end: undefined }

for (const asynchronousReads of [false, true]) {
  describe(`a cursor over ${asynchronousReads ? 'slow' : 'fast'} storage`, () => {
    const createWorld = (...keys: string[]): StoreWorld => {
      const world = createStoreWorld({ engine: { asynchronousReads } })
      world.seed(...keys)
      return world
    }

    /** Which of these keys the transaction has registered a read of: a concurrent write of it is then missed. */
    const registered = (world: StoreWorld, keys: readonly string[]): string[] =>
      keys.filter((key) => {
        const before = world.store.stats().edges
        const { store } = world
        const writer = store.begin()
        writer.put(key, Buffer.from('probe'))
        // Blind, so that the probes themselves stand in no relation: only readers gain an edge.
        void writer.commit()
        return store.stats().edges > before
      })

    /** A transaction that scans, with the world around it. */
    const scan = (
      world: StoreWorld,
      options: { readonly reverse?: boolean; readonly range?: { start: string; end: string | undefined } } = {},
    ): { readonly transaction: StoreTransaction; readonly cursor: StoreCursor } => {
      const transaction = world.store.begin()
      const cursor = transaction.openCursor(options.range ?? ALL, { reverse: options.reverse ?? false })
      return { transaction, cursor }
    }

    const PROBES = ['a', 'b', 'bb', 'c', 'd', 'dd', 'e', 'f']

    test('registers nothing before the first row', () => {
      const world = createWorld('b', 'd', 'e')
      scan(world)
      expect(registered(world, PROBES)).toEqual([])
    })

    test('registers from the start of the range to the row that it stands on', async () => {
      const world = createWorld('b', 'd', 'e')
      const { cursor } = scan(world)
      expect(await keysOf(cursor, 2)).toEqual(['b', 'd'])
      expect(registered(world, PROBES)).toEqual(['a', 'b', 'bb', 'c', 'd'])
    })

    test('reversed, registers from the end of the range down to the row', async () => {
      const world = createWorld('b', 'd', 'e')
      const { cursor } = scan(world, { reverse: true, range: { start: '', end: 'f' } })
      expect(await keysOf(cursor, 2)).toEqual(['e', 'd'])
      expect(registered(world, PROBES)).toEqual(['d', 'dd', 'e'])
    })

    test('registers the whole range at its end, also an empty one', async () => {
      for (const reverse of [false, true]) {
        const world = createWorld('b', 'e')
        const { cursor } = scan(world, { reverse, range: { start: 'bb', end: 'dd' } })
        expect(await keysOf(cursor)).toEqual([])
        expect(registered(world, PROBES)).toEqual(['bb', 'c', 'd'])
      }
    })

    test('registers one interval, however many rows', async () => {
      for (const reverse of [false, true]) {
        const world = createWorld('a', 'b', 'c', 'd', 'e')
        const { transaction, cursor } = scan(world, { reverse })
        await keysOf(cursor)
        expect(world.store.stats()).toMatchObject({ rangeReads: 1, pointReads: 0 })
        transaction.rollback()
        world.expectRest()
      }
    })

    test('does not register the keys where it showed an own write, and those between', async () => {
      const world = createWorld('b', 'd', 'e')
      const transaction = world.store.begin()
      transaction.put('c', Buffer.from('own'))
      transaction.put('d', Buffer.from('own'))
      transaction.delete('b')
      transaction.deleteRange({ start: 'dd', end: 'f' })
      const cursor = transaction.openCursor(ALL, { reverse: false })
      expect(await keysOf(cursor)).toEqual(['c', 'd'])
      expect(registered(world, PROBES)).toEqual(['a', 'bb', 'f'])
    })

    test('shows the writes made before its start; a key written later that it delivers is a read', async () => {
      for (const reverse of [false, true]) {
        const world = createWorld('b', 'd')
        const transaction = world.store.begin()
        transaction.put('a', Buffer.from('own'))
        const cursor = transaction.openCursor(ALL, { reverse })
        transaction.put('c', Buffer.from('later'))
        transaction.put('d', Buffer.from('later'))
        transaction.delete('b')
        const rows: string[] = []
        while (await cursor.next()) rows.push(`${cursor.key}=${cursor.value().toString()}`)
        const expected = ['a=own', 'b=b', 'd=d']
        expect(rows).toEqual(reverse ? expected.reverse() : expected)
        expect(registered(world, ['a', 'd'])).toEqual(['d'])
      }
    })

    test('a page is registered up to its last row', async () => {
      const world = createWorld('a', 'c', 'e')
      const { cursor } = scan(world)
      const page: string[] = []
      expect(await cursor.nextPage(2, (row) => page.push(row.key, row.value().toString()))).toBe(2)
      expect(page).toEqual(['a', 'a', 'c', 'c'])
      expect(registered(world, PROBES)).toEqual(['a', 'b', 'bb', 'c'])
    })

    test('a page shorter than asked for is the end, and registers the rest', async () => {
      const world = createWorld('a', 'c')
      const { cursor } = scan(world, { range: { start: '', end: 'e' } })
      expect(await cursor.nextPage(5, () => undefined)).toBe(2)
      expect(registered(world, PROBES)).toEqual(['a', 'b', 'bb', 'c', 'd', 'dd'])
      expect(await cursor.nextPage(5, () => undefined)).toBe(0)
    })

    test('closed between rows it registers nothing more, and gives no row', async () => {
      const world = createWorld('a', 'c')
      const { cursor } = scan(world)
      await keysOf(cursor, 1)
      cursor.close()
      cursor.close()
      expect(await cursor.next()).toBe(false)
      expect(await cursor.nextPage(3, () => undefined)).toBe(0)
      expect(registered(world, PROBES)).toEqual(['a'])
    })

    test('closed while a row is being fetched it registers nothing more, and gives no row', async () => {
      for (const own of [false, true]) {
        const world = createWorld('a', 'c')
        const transaction = world.store.begin()
        if (own) transaction.put('0', Buffer.from('own'))
        const cursor = transaction.openCursor({ start: 'a', end: undefined }, { reverse: false })
        await keysOf(cursor, 1)
        const next = Promise.resolve(cursor.next())
        cursor.close()
        expect(await next).toBe(!asynchronousReads)
        if (asynchronousReads) expect(registered(world, PROBES)).toEqual(['a'])
      }
    })

    test('closed by what visits a page it registers the rows of the page, and nothing beyond', async () => {
      const world = createWorld('a', 'c', 'e')
      const { cursor } = scan(world)
      let visited = 0
      const page = cursor.nextPage(10, () => {
        if (++visited === 2) cursor.close()
      })
      expect(await page).toBe(2)
      expect(registered(world, PROBES)).toEqual(['a', 'b', 'bb', 'c'])
    })

    test('is closed by the rollback of a savepoint before it, also while a row is being fetched', async () => {
      const world = createWorld('a', 'c')
      const transaction = world.store.begin()
      const savepoint = transaction.savepoint()
      transaction.put('b', Buffer.from('own'))
      const cursor = transaction.openCursor(ALL, { reverse: false })
      const first = Promise.resolve(cursor.next())
      savepoint.rollback()
      expect(await first).toBe(!asynchronousReads)
      expect(await cursor.next()).toBe(false)
      expect(registered(world, ['c', 'd', 'e'])).toEqual([])
      transaction.rollback()
      world.expectRest()
    })

    test('a doomed transaction delivers no row and no page, also one that was being fetched: it throws the report', async () => {
      const world = createWorld('a', 'c')
      const { victim, doom } = prepareDoom(world, 'k')
      const cursors = [victim.openCursor(ALL, { reverse: false }), victim.openCursor(ALL, { reverse: true })] as const
      const [row, page] = asynchronousReads
        ? [Promise.resolve(cursors[0].next()), Promise.resolve(cursors[1].nextPage(2, () => undefined))]
        : [undefined, undefined]
      doom()
      expect(victim.state).toBe('aborted')
      expect(await codeOf(() => row ?? cursors[0].next())).toBe('SERIALIZATION')
      expect(await codeOf(() => page ?? cursors[1].nextPage(2, () => undefined))).toBe('SERIALIZATION')
      world.expectRest()
    })

    test('of a declared reader leaves the floor of what it handed over while an older writer runs', async () => {
      for (const reverse of [false, true]) {
        const world = createWorld('a', 'c', 'e')
        const older = world.store.begin()
        world.seed('x')
        const reader = world.store.begin({ readOnly: true })
        const cursor = reader.openCursor(ALL, { reverse })
        await keysOf(cursor)
        expect(world.store.stats().readerFloors).toBe(1)
        older.rollback()
        reader.rollback()
        world.expectRest()
      }
    })

    test('ends with its transaction and holds nothing back', async () => {
      const world = createWorld('a')
      const { transaction, cursor } = scan(world)
      const commit = transaction.commit()
      world.publishAll()
      expect(await outcomeOf(commit, 3)).toMatchObject({ sequence: 1 })
      expect(await codeOf(() => cursor.next())).toBe('TRANSACTION_CLOSED')
      world.expectRest()
    })
  })
}
