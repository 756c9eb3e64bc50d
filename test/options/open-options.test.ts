/** Every option of `open` that is no limit, toggled, and what that changes. */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import threads from 'node:worker_threads'
import path from 'node:path'
import zlib from 'node:zlib'
import { InvalidArgumentError, MisuseError, ReadOnlyError, open } from '../../src/index'
import type { Database, DatabaseEvent } from '../../src/index'
import { findFreshWorkerFile } from '../../src/runtime/node/worker-file'
import { filesOf, refusalOf, turns, withDatabase } from './option-world'

test('create: a missing database is created or refused', () =>
  withDatabase({}, async (_db, directory) => {
    const missing = path.join(directory, '..', 'missing')
    await expect(open(missing, { create: false })).rejects.toThrow(InvalidArgumentError)
    expect(existsSync(missing)).toBe(false)
    const created = await open(missing, { create: true })
    await created.put('a', '1')
    await created.close()
    const found = await open(missing, { create: false })
    expect(String(await found.get('a'))).toBe('1')
    await found.close()
  }))

test('readOnly: everything can be read, nothing can be written, no file changes', () =>
  withDatabase({}, async (db, directory) => {
    await db.put('a', '1')
    await db.close()
    const contents = (): string[] => readdirSync(directory).map((name) => name + readFileSync(path.join(directory, name)).toString('latin1')) // prettier-ignore
    const before = contents()
    const reader = await open(directory, { readOnly: true })
    expect(String(await reader.get('a'))).toBe('1')
    for (const write of [() => reader.put('a', '2'), () => reader.flush(), () => reader.begin().put('a', '2')]) {
      expect(await refusalOf(write)).toBeInstanceOf(ReadOnlyError)
    }
    await reader.close()
    expect(contents()).toEqual(before)
    const writer = await open(directory, { readOnly: false })
    await writer.put('a', '2')
    await writer.close()
  }))

test('upgrade: there is nothing older to rewrite, so it changes nothing, and no reader may ask for it', () =>
  withDatabase({}, async (db, directory) => {
    await db.put('a', '1')
    await db.close()
    for (const upgrade of [true, false]) {
      const opened = await open(directory, { upgrade })
      expect(String(await opened.get('a'))).toBe('1')
      await opened.close()
    }
    await expect(open(directory, { upgrade: true, readOnly: true })).rejects.toThrow(InvalidArgumentError)
  }))

test('durability: commits are acknowledged once synced, or once written', async () => {
  for (const durability of ['sync', 'os'] as const) {
    await withDatabase({ durability, syncIntervalMs: 3_600_000 }, async (db) => {
      const isDurable = durability === 'sync'
      const before = db.stats().storage.logSyncs
      expect((await db.put('a', '1')).durable).toBe(isDurable)
      expect(db.stats().storage.logSyncs - before).toBe(isDurable ? 1 : 0)
      // A single write may ask for the other one.
      expect((await db.put('a', '2', { durability: isDurable ? 'os' : 'sync' })).durable).toBe(!isDurable)
    })
  }
})

test('guards: the wrong handle is noticed across awaits, or up to the first one only', async () => {
  for (const guards of ['standard', 'full'] as const) {
    await withDatabase({ guards }, async (db) => {
      const early = await refusalOf(() => db.transact(() => db.put('a', '1')))
      expect(early).toBeInstanceOf(MisuseError)
      const late = db.transact(async () => {
        await turns(1)
        await db.put('b', '1')
      })
      if (guards === 'full') await expect(late).rejects.toThrow(MisuseError)
      else await late
      expect((await db.get('b')) === undefined).toBe(guards === 'full')
    })
  }
})

test("logMode: 'inline' starts one thread fewer, and keeps what was committed as well", async () => {
  const started: number[] = []
  const { Worker } = threads
  for (const logMode of ['thread', 'inline'] as const) {
    let count = 0
    const construct: ProxyHandler<typeof Worker>['construct'] = (target, given: unknown[], newTarget) => {
      count++
      return Reflect.construct(target, given, newTarget) as object
    }
    threads.Worker = new Proxy(Worker, { construct })
    try {
      await withDatabase({ logMode }, async (db, directory) => {
        await Promise.all(Array.from({ length: 50 }, (_, i) => db.put(`key ${i}`, 'v')))
        await db.close()
        const again = await open(directory, { logMode })
        expect(await again.count()).toBe(50)
        await again.close()
      })
    } finally {
      threads.Worker = Worker
    }
    started.push(count)
  }
  // Opened twice each.
  expect(started[0]! - started[1]!).toBe(2)
})

test('backgroundMode: the byte work of flushes and merges runs in a thread of its own, or inline, and stats say which', async () => {
  // Run from the sources, a thread is started only from an entry that is not older than they are.
  const thread = findFreshWorkerFile() === undefined ? 'inline' : 'thread'
  for (const [backgroundMode, worker] of [
    ['thread', thread],
    ['inline', 'inline'],
    [undefined, thread],
  ] as const) {
    await withDatabase({ backgroundMode }, async (db) => {
      for (let round = 0; round < 2; round++) {
        await Promise.all(Array.from({ length: 50 }, (_, i) => db.put(`key ${i}`, `value ${round}`)))
        await db.flush()
      }
      await db.compact()
      const { storage } = db.stats()
      expect(storage).toMatchObject({ worker, flushes: 2 })
      expect(storage.compactions).toBeGreaterThan(0)
      expect(await db.count()).toBe(50)
      expect(String(await db.get('key 7'))).toBe('value 1')
    })
  }
})

test('indexMode: every table gets the mode asked for, tables written in another one too, and auto a model where it pays', async () => {
  const keyOf = (i: number): Buffer => Buffer.from([0x6b, i >> 8, i & 255])
  await withDatabase({ blockBytes: 256 }, async (db, directory) => {
    for (let i = 0; i < 20; i++) {
      await db.transact((tx) => {
        for (let j = 0; j < 50; j++) tx.put(keyOf(i * 50 + j), 'v'.repeat(90))
      })
    }
    await db.compact()
    await db.close()
    for (const indexMode of ['auto', undefined, 'binary', 'resident', 'lean'] as const) {
      const again = await open(directory, { indexMode, blockBytes: 256 })
      await again.put(keyOf(5000), '1')
      await again.compact()
      for (let i = 0; i < 1000; i += 37) expect(await again.get(keyOf(i))).toBeDefined()
      const { index, indexBytes, tables } = again.stats().storage
      const byMode = { binary: index.tablesBinary, resident: index.tablesResident, lean: index.tablesLean }
      const isAuto = indexMode === undefined || indexMode === 'auto'
      // A table of a single block has no use for a model.
      if (isAuto) expect([byMode.resident > 0, byMode.lean]).toEqual([true, 0])
      else expect(byMode).toEqual({ binary: 0, resident: 0, lean: 0, [indexMode]: tables })
      expect(index.modelBytes > 0).toBe(indexMode !== 'binary')
      expect(indexBytes).toBeGreaterThan(index.modelBytes)
      expect(index.modelHits > 0).toBe(indexMode !== 'binary')
      expect(index.pageReads > 0).toBe(indexMode === 'lean')
      await again.close()
    }
    await expect(open(directory, { indexMode: 'hash' as never })).rejects.toThrow(InvalidArgumentError)
  })
})

test('codec: tables written from now on are compressed, older ones stay readable, and a runtime without it is told', async () => {
  const hasZstd = 'zstdCompressSync' in zlib
  const bytesOf = (directory: string): number => filesOf(directory, '.table').reduce((sum, { bytes }) => sum + bytes, 0)
  const row = (i: number): string => `a value of row ${i % 7}, much like all the others; `.repeat(4)
  const write = async (db: Database, from: number): Promise<void> => {
    await db.transact((tx) => {
      for (let i = from; i < from + 300; i++) tx.put(`row ${String(i).padStart(5, '0')}`, row(i))
    })
    await db.flush()
  }
  await withDatabase({ codec: 'none' }, async (db, directory) => {
    await write(db, 0)
    const plain = bytesOf(directory)
    await db.close()
    const codecs = hasZstd ? (['deflate', 'zstd', 'none'] as const) : (['deflate', 'none'] as const)
    for (const [i, codec] of codecs.entries()) {
      const again = await open(directory, { codec })
      const before = bytesOf(directory)
      await write(again, 300 * (i + 1))
      expect((bytesOf(directory) - before) / plain > 0.5).toBe(codec === 'none')
      for (let j = 0; j < 300 * (i + 2); j++) expect(String(await again.get(`row ${String(j).padStart(5, '0')}`))).toBe(row(j)) // prettier-ignore
      await again.close()
    }
    const compact = await open(directory, { codec: 'deflate' })
    await compact.compact()
    expect(bytesOf(directory)).toBeLessThan(plain)
    expect(await compact.count()).toBe(300 * (codecs.length + 1))
    await compact.close()
    const other = path.join(directory, 'other')
    if (!hasZstd) {
      const refusal = await refusalOf(() => open(other, { codec: 'zstd' }))
      expect(refusal).toBeInstanceOf(InvalidArgumentError)
      expect(refusal.message).toMatch(/codec 'zstd': this runtime has no zstd; Node has it from 22\.15 on/)
    }
    expect((await refusalOf(() => open(other, { codec: 'brotli' as never }))).message).toContain('codec')
  })
})

test('onEvent: it is told of everything, and what it throws disturbs nothing', async () => {
  const events: DatabaseEvent[] = []
  const onEvent = (event: DatabaseEvent): void => {
    events.push(event)
    throw new Error('not today')
  }
  await withDatabase({ onEvent }, async (db) => {
    await db.put('a', '1')
    await db.flush()
    expect(events.map(({ type }) => type)).toContain('flush')
    expect(db.stats().events.listenerFailures).toBe(events.length)
  })
  await withDatabase({}, async (db) => {
    await db.put('a', '1')
    await db.flush()
    expect(db.stats().events.listenerFailures).toBe(0)
  })
})
