/**
 * A bulk load among transactions: one commit that reads and writes its whole range.
 */
import { createLimits } from '../../../src/base/limits'
import type { StoreLoad } from '../../../src/mvcc/contract'
import { createTransactionStore } from '../../../src/mvcc/transaction-store'
import type { TransactionStore } from '../../../src/mvcc/transaction-store'
import type { MemoryEngine } from '../../../src/storage/memory/memory-engine'
import { createMemoryEngine } from '../../../src/storage/memory/memory-engine'
import { createMemoryRuntime } from '../../support/memory-runtime/memory-runtime'

function createWorld(): { store: TransactionStore; engine: MemoryEngine; filled: (...keys: string[]) => StoreLoad } {
  const runtime = createMemoryRuntime({ clockJumps: false })
  const engine = createMemoryEngine({ runtime, publishing: 'manual' })
  const store = createTransactionStore(runtime, engine, createLimits({}), { durability: 'sync' })
  const filled = (...keys: string[]): StoreLoad => {
    const load = store.load('nightly')
    for (const key of keys) void load.add(key, Buffer.from(key))
    return load
  }
  return { store, engine, filled }
}

/** Lets everything happen that needs no publishing. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
}

describe('a bulk load', () => {
  test('is decided at once and acknowledged when it is published, in order with others', async () => {
    const { store, engine, filled } = createWorld()
    const order: string[] = []
    const before = store.begin()
    before.put('a', Buffer.from('1'))
    void before.commit().then(() => order.push('before'))
    const loading = filled('m', 'n').commit().then((receipt) => {
      order.push('load')
      return receipt
    }) // prettier-ignore
    await settle()
    expect(store.stats()).toMatchObject({ decided: 2, published: 0 })
    const after = store.begin()
    expect(String(await after.get('m'))).toBe('m')
    expect(store.getSync('zz')).toBeUndefined()
    after.rollback()
    engine.publishSync()
    expect(await loading).toEqual({ sequence: 2, durable: true })
    expect(order).toEqual(['before', 'load'])
    expect(String(await store.get('n'))).toBe('n')
  })

  test('whoever looked into its range before, and writes elsewhere, can still stand before it', async () => {
    const { store, engine, filled } = createWorld()
    const scanner = store.begin({ label: 'scanner' })
    const reader = store.begin()
    expect(await scanner.get('mm')).toBeUndefined()
    await reader.get('z')
    scanner.put('z', Buffer.from('1'))
    const loading = filled('m', 'n').commit()
    await settle()
    // It read the gap before the load and began before it: it can still stand before the load.
    const committing = scanner.commit()
    await settle()
    engine.publishSync()
    await Promise.all([loading, committing])
    reader.rollback()
    store.checkInvariants()
  })

  test('a transaction that read a key of the range and writes into it loses: the load came between', async () => {
    const { store, engine, filled } = createWorld()
    const loser = store.begin()
    expect(await loser.get('mm')).toBeUndefined()
    const loading = filled('m', 'n').commit()
    await settle()
    expect(() => {
      loser.put('mm', Buffer.from('1'))
    }).toThrow('overwrote it')
    engine.publishSync()
    await loading
    const next = store.begin()
    expect(await next.get('mm')).toBeUndefined()
    next.put('mm', Buffer.from('1'))
    const committed = next.commit()
    engine.publishSync()
    await committed
    expect(store.stats()).toMatchObject({ aborts: 1, transactionsActive: 0 })
  })

  test('a scan of the range and a write elsewhere that a later reader of both has seen close a cycle', async () => {
    const { store, engine, filled } = createWorld()
    const scanner = store.begin()
    const cursor = scanner.openCursor({ start: 'm', end: 'o' }, { reverse: false })
    expect(await cursor.next()).toBe(false)
    scanner.put('z', Buffer.from('1'))
    const loading = filled('m', 'n').commit()
    await settle()
    engine.publishSync()
    await loading
    // It sees the load and not the scanner's write: the scanner must not be put behind it any more.
    const witness = store.begin({ readOnly: true })
    expect(String(await witness.get('m'))).toBe('m')
    expect(await witness.get('z')).toBeUndefined()
    await expect(scanner.commit()).rejects.toMatchObject({ code: 'SERIALIZATION' })
    await witness.commit()
  })

  test('beside its range nobody is touched, and its bounds are exact', async () => {
    const { store, engine, filled } = createWorld()
    const beside = store.begin()
    await beside.get('l')
    await beside.get('n\0')
    beside.put('l', Buffer.from('1'))
    beside.put('n\0', Buffer.from('1'))
    const loading = filled('m', 'n').commit()
    await settle()
    const committed = beside.commit()
    engine.publishSync()
    await Promise.all([loading, committed])
    expect(store.stats()).toMatchObject({ aborts: 0, searches: 0 })
  })

  test('waits for whoever was let through to commit alone, and holds the gate itself', async () => {
    const { store, engine, filled } = createWorld()
    const alone = await store.beginUnderGate().result
    await alone.get('m')
    const loading = filled('m', 'n').commit()
    await settle()
    expect(store.stats().decided).toBe(0)
    alone.put('m', Buffer.from('first'))
    const committed = alone.commit()
    engine.publishSync()
    await committed
    await expect(loading).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    store.checkInvariants()
  })

  test('leaves nothing behind at rest, refused or done', async () => {
    const { store, engine, filled } = createWorld()
    await filled('x').discard()
    const loading = filled('m', 'n').commit()
    await settle()
    engine.publishSync()
    await loading
    await expect(filled('a', 'z').commit()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await store.settled()
    expect(store.stats()).toMatchObject({ commits: 1, commitsRetained: 0, rangeReads: 0, rangeDeletes: 0, edges: 0 })
    expect(engine.reservedBytes).toBe(0)
    store.checkInvariants()
  })

  test('whose log fails before it is published has an unknown outcome', async () => {
    const { store, engine, filled } = createWorld()
    const loading = filled('m').commit()
    loading.catch(() => undefined)
    await settle()
    engine.poison(new Error('gone'))
    await expect(loading).rejects.toMatchObject({ code: 'COMMIT_OUTCOME_UNKNOWN', sequence: 1 })
    expect(() => store.load()).toThrow('gone')
  })
})
