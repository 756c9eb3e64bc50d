/** Who holds a table's file, and when it goes: through the engine, with the directory looked at. */
import { createLimits } from '../../../../src/base/limits'
import type { Batch } from '../../../../src/storage/engine'
import { ENTRY_PUT, batchBytes } from '../../../../src/storage/engine'
import type { LsmEngine } from '../../../../src/storage/lsm-engine'
import { openLsmEngine } from '../../../../src/storage/lsm-engine'
import { createMemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import type { MemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import { CRASH_LIMITS } from '../../../crash/engine-scenario'

async function open(runtime: MemoryRuntime, log: string[] = []): Promise<LsmEngine> {
  const engine = await openLsmEngine(runtime, '/db', {
    limits: createLimits({ ...CRASH_LIMITS, levelZeroTablesMax: 64, levelZeroTablesStall: 64, blockCacheBytesMax: 0 }),
    create: true,
    readOnly: false,
    ioMode: 'thread',
    onEvent: (event) => log.push(event.type),
  })
  engine.attach({ onPublished: () => undefined, onPoisoned: () => undefined, liveSnapshots: () => [] })
  return engine
}

async function commit(engine: LsmEngine, sequence: number, keys: readonly string[]): Promise<void> {
  const batch: Batch = keys.map((key) => ({
    kind: ENTRY_PUT,
    key,
    value: Buffer.alloc(200, `${sequence}`),
    end: undefined,
  }))
  await engine.reserve(batchBytes(batch), false)
  engine.append(batch, batchBytes(batch), sequence, 'sync')
}

const KEYS = Array.from({ length: 50 }, (_, i) => `k${String(i).padStart(2, '0')}`)

async function tables(runtime: MemoryRuntime): Promise<string[]> {
  return (await runtime.files.list('/db')).filter((name) => name.endsWith('.table'))
}

async function settle(): Promise<void> {
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve))
}

describe('the files of tables', () => {
  test('stay while a cursor holds them, and go with it', async () => {
    const runtime = createMemoryRuntime({ seed: 1 })
    const engine = await open(runtime)
    for (const sequence of [1, 2, 3]) {
      await commit(engine, sequence, KEYS)
      await engine.flush()
    }
    const inputs = await tables(runtime)
    expect(inputs).toHaveLength(3)
    const cursor = engine.openCursor({ start: '', end: undefined }, 3, false)
    await cursor.next()
    await engine.compact()
    expect((await tables(runtime)).slice(0, 3)).toEqual(inputs)
    let rows = 1
    while (await cursor.next()) {
      expect(cursor.value().equals(Buffer.alloc(200, '3'))).toBe(true)
      rows++
    }
    expect(rows).toBe(50)
    cursor.close()
    await settle()
    expect((await tables(runtime)).some((name) => inputs.includes(name))).toBe(false)
    expect(await tables(runtime)).toHaveLength(engine.stats().tables)
    await engine.close()
  })

  test('stay while a read in flight holds them', async () => {
    const runtime = createMemoryRuntime({ seed: 1 })
    const engine = await open(runtime)
    await commit(engine, 1, KEYS)
    await engine.flush()
    const reads = KEYS.map((key) => engine.get(key, 1))
    await engine.compact()
    for (const read of reads) expect((await read)?.equals(Buffer.alloc(200, '1'))).toBe(true)
    await engine.close()
  })

  test('are closed and left where they are when the engine is closed with cursors open', async () => {
    const runtime = createMemoryRuntime({ seed: 1 })
    const engine = await open(runtime)
    await commit(engine, 1, KEYS)
    await engine.flush()
    const before = await tables(runtime)
    engine.openCursor({ start: '', end: undefined }, 1, true)
    await engine.close()
    expect(await tables(runtime)).toEqual(before)
    expect(
      runtime.calls.filter(({ operation, path }) => operation === 'close' && path.endsWith('.table')).length,
    ).toBeGreaterThan(0)
    const again = await open(runtime)
    expect(again.getSync('k00', 1)).toBeDefined()
    await again.close()
  })

  test('a file that cannot be removed harms nobody, is reported, and goes at the next open', async () => {
    const runtime = createMemoryRuntime({ seed: 1 })
    const log: string[] = []
    const engine = await open(runtime, log)
    for (const sequence of [1, 2]) {
      await commit(engine, sequence, KEYS)
      await engine.flush()
    }
    runtime.inject = (call) => (call.operation === 'remove' ? 'EIO' : undefined)
    await engine.compact()
    await settle()
    runtime.inject = undefined
    expect(log).toContain('backgroundError')
    expect((await tables(runtime)).length).toBeGreaterThan(engine.stats().tables)
    await engine.close()
    const again = await open(runtime)
    expect(await tables(runtime)).toHaveLength(again.stats().tables)
    await again.close()
  })

  test('a flush goes through while a merge runs', async () => {
    const runtime = createMemoryRuntime({ seed: 1 })
    const log: string[] = []
    const engine = await open(runtime, log)
    for (let sequence = 1; sequence <= 4; sequence++) {
      await commit(engine, sequence, KEYS)
      await engine.flush()
    }
    log.length = 0
    const merging = new Promise<void>((resolve) => {
      runtime.inject = (call) => {
        if (call.operation === 'create' && call.path.endsWith('.table')) resolve()
        return undefined
      }
    })
    const merged = engine.compact()
    await merging
    await commit(engine, 5, KEYS)
    const flushed = engine.flush()
    await Promise.all([merged, flushed])
    expect(log.slice(0, 2)).toEqual(['flush', 'compaction'])
    expect(engine.getSync('k00', 5)?.equals(Buffer.alloc(200, '5'))).toBe(true)
    engine.checkInvariants()
    await engine.close()
  })

  test('outside a range that is compacted stay as they are, and every row with them', async () => {
    const runtime = createMemoryRuntime({ seed: 1 })
    const engine = await open(runtime)
    const [near, far] = [KEYS, KEYS.map((key) => `z${key}`)]
    for (const [i, keys] of [near, far, near].entries()) {
      await commit(engine, i + 1, keys)
      await engine.flush()
    }
    const [first, outside, last] = await tables(runtime)
    await engine.compact({ start: 'k', end: 'l' })
    const after = await tables(runtime)
    expect(after).toContain(outside)
    expect(after).not.toContain(first)
    expect(after).not.toContain(last)
    expect(engine.stats().levels[0]!.tables).toBe(1)
    // The range is there once, and a second time finds nothing to do.
    expect(engine.stats().levels[1]!.entries).toBe(50)
    await engine.compact({ start: 'k', end: 'l' })
    expect(await tables(runtime)).toEqual(after)
    for (const key of near) expect(engine.getSync(key, 3)?.equals(Buffer.alloc(200, '3'))).toBe(true)
    for (const key of far) expect(engine.getSync(key, 3)?.equals(Buffer.alloc(200, '2'))).toBe(true)
    engine.checkInvariants()
    await engine.close()
  })
})
