/** Descriptors of tables: bounded, never closed under a read, and of the same file when opened again. */
import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { CorruptionError, IoError } from '../../../../src/base/errors'
import { open } from '../../../../src/index'
import type { File } from '../../../../src/runtime/runtime'
import { createNodeRuntime } from '../../../../src/runtime/node/node-runtime'
import { OpenTables } from '../../../../src/storage/table/open-tables'
import { openLsmDatabase } from '../../../support/harness/lsm-database'
import { createMemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import type { MemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import { SeededRandom, replayCommand, testSeed } from '../../../support/oracle/random'

const file = 'test/unit/storage/table/open-tables.test.ts'
const FILE_BYTES = 1000

/** Descriptors of the disk in memory, counted by its own calls: those opened and not closed, of names that end in .table. */
function countedDescriptors(runtime: MemoryRuntime): () => { now: number; most: number } {
  let [seen, now, most] = [0, 0, 0]
  return () => {
    for (; seen < runtime.calls.length; seen++) {
      const call = runtime.calls[seen]!
      if (!call.path.endsWith('.table')) continue
      if (call.operation === 'open' || call.operation === 'create') now++
      if (call.operation === 'close') now--
      most = Math.max(most, now)
    }
    return { now, most }
  }
}

/** Files of FILE_BYTES bytes, each full of its number. */
async function createFiles(runtime: MemoryRuntime, count: number): Promise<string[]> {
  const paths: string[] = []
  for (let i = 0; i < count; i++) {
    const name = `/${String(i).padStart(10, '0')}.table`
    const created = await runtime.files.open(name, 'create')
    await created.write(Buffer.alloc(FILE_BYTES, i), 0)
    await created.close()
    paths.push(name)
  }
  return paths
}

async function firstByte(handle: File): Promise<number> {
  const target = Buffer.alloc(10)
  expect(await handle.read(target, 0, 10, 100)).toBe(10)
  return target[9]!
}

describe('open tables', () => {
  test('are no more than allowed, whatever is read at once, and every read gets its own bytes', async () => {
    const seed = testSeed(77)
    for (let round = 0; round < 10; round++) {
      const random = new SeededRandom(seed + round)
      const runtime = createMemoryRuntime({ seed: seed + round })
      const paths = await createFiles(runtime, 50)
      const descriptors = countedDescriptors(runtime)
      const max = 1 + random.below(4)
      const tables = new OpenTables(runtime, { openTablesMax: max })
      const handles: File[] = []
      for (const name of paths) handles.push(await tables.open(name))
      expect(tables.count).toBe(max)
      const reads: Promise<void>[] = []
      for (let i = 0; i < 400; i++) {
        const at = random.below(50)
        if (random.chance(0.3)) {
          const target = Buffer.alloc(4)
          expect(handles[at]!.readSync(target, 0, 4, random.below(900))).toBe(4)
          expect(target[0]).toBe(at)
        } else {
          reads.push(firstByte(handles[at]!).then((byte) => expect(byte).toBe(at)))
        }
        if (random.chance(0.2)) await runtime.scheduler.nextTurn()
        tables.checkInvariants()
      }
      await Promise.all(reads)
      tables.checkInvariants()
      // One more for a synchronous read where all are busy.
      expect({ replay: replayCommand(seed, file), ...descriptors() }).toMatchObject({ now: max })
      expect(descriptors().most).toBeLessThanOrEqual(max + 1)
      expect(tables.reopens).toBeGreaterThan(100)
      for (const handle of handles) await handle.close()
      expect([tables.count, descriptors().now]).toEqual([0, 0])
    }
  })

  test('that are read are not closed: the last read of an evicted one does that', async () => {
    const runtime = createMemoryRuntime({ seed: 5 })
    const [first, second] = await createFiles(runtime, 2)
    const tables = new OpenTables(runtime, { openTablesMax: 1 })
    const [a, b] = [await tables.open(first!), await tables.open(second!)]
    const order: string[] = []
    const reads = [firstByte(a), firstByte(a), firstByte(b), firstByte(a)].map((read, i) =>
      read.then((byte) => order.push(`${i}: ${byte}`)),
    )
    await Promise.all(reads)
    expect([...order].sort()).toEqual(['0: 0', '1: 0', '2: 1', '3: 0'])
    const calls = runtime.calls.filter(({ operation }) => ['open', 'read', 'close'].includes(operation))
    // Between the close of a file and its next open nothing is read of it.
    const openPaths = new Set<string>()
    for (const { operation, path: name } of calls) {
      if (operation === 'open') openPaths.add(name)
      if (operation === 'read') expect(openPaths.has(name)).toBe(true)
      if (operation === 'close') openPaths.delete(name)
      expect(openPaths.size).toBeLessThanOrEqual(1)
    }
  })

  test.each([
    ['longer', Buffer.alloc(FILE_BYTES + 1, 0)],
    ['shorter', Buffer.alloc(FILE_BYTES - 1, 0)],
    ['of another footer', Buffer.concat([Buffer.alloc(FILE_BYTES - 1, 0), Buffer.of(1)])],
  ])('opened again as a file that is %s are corrupt, sooner than read', async (_, bytes) => {
    const runtime = createMemoryRuntime({ seed: 6 })
    const [first, second] = await createFiles(runtime, 2)
    const tables = new OpenTables(runtime, { openTablesMax: 1 })
    const a = await tables.open(first!)
    const b = await tables.open(second!)
    await runtime.files.remove(first!)
    const other = await runtime.files.open(first!, 'create')
    await other.write(bytes, 0)
    await other.close()
    const target = Buffer.alloc(10)
    for (const read of [() => a.read(target, 0, 10, 0), async () => a.readSync(target, 0, 10, 0)]) {
      const failure: unknown = await read().catch((error: unknown) => error)
      expect(failure).toBeInstanceOf(CorruptionError)
      expect(failure).toMatchObject({ file: first, offset: FILE_BYTES - 192 })
    }
    expect(await firstByte(b)).toBe(1)
    tables.checkInvariants()
    await runtime.files.remove(first!)
    await expect(firstByte(a)).rejects.toThrow(IoError)
    expect(() => a.readSync(target, 0, 10, 0)).toThrow(IoError)
    expect(await firstByte(b)).toBe(1)
    expect(tables.count).toBe(1)
  })
})

/** 50 tables that nothing merges, and rows to know them by. */
const manyTables = { levelZeroTablesMax: 64, levelZeroTablesStall: 1000, memtableBytesMax: 16 * 1024, blockCacheBytesMax: 0, reserveBytes: 0, openTablesMax: 2 } // prettier-ignore

test('a database of 50 tables reads, scans and compacts with two descriptors', async () => {
  const runtime = createMemoryRuntime({ seed: 9 })
  const descriptors = countedDescriptors(runtime)
  const db = await openLsmDatabase(runtime, '/db', { limits: manyTables })
  const random = new SeededRandom(testSeed(501))
  const rows = new Map<string, string>()
  for (let table = 0; table < 50; table++) {
    await db.transact((tx) => {
      for (let i = 0; i < 10; i++) {
        const key = `key ${random.below(200)}`
        rows.set(key, `value ${table} ${i}`)
        tx.put(key, rows.get(key)!)
      }
    })
    await db.flush()
  }
  expect(db.stats().storage.tables).toBe(50)
  expect(db.stats().storage.openTables).toBeLessThanOrEqual(2)
  const keys = [...rows.keys()].sort()
  const check = async (): Promise<void> => {
    const scans = Array.from({ length: 3 }, async () => {
      const found: string[] = []
      for await (const [key, value] of db.scan()) found.push(`${String(key)}=${String(value)}`)
      expect(found).toEqual(keys.map((key) => `${key}=${rows.get(key)}`))
    })
    const gets = Array.from({ length: 100 }, async () => {
      const key = random.pick(keys)
      expect(String(await db.get(key))).toBe(rows.get(key))
      expect(String(db.getSync(key))).toBe(rows.get(key))
    })
    await Promise.all([...scans, ...gets])
  }
  await check()
  // One beyond the two for a synchronous read.
  expect(descriptors().most).toBeLessThanOrEqual(2 + 1)
  const reopens = db.stats().storage.tableReopens
  expect(reopens).toBeGreaterThan(100)
  await Promise.all([db.compact(), check(), check()])
  await check()
  expect(db.stats().storage.tables).toBeLessThan(50)
  // While a merge runs it has one file of each run beside, and the one that it writes.
  expect(descriptors().most).toBeLessThanOrEqual(2 + 1 + 50 + 1)
  await db.close()
  expect(descriptors().now).toBe(0)
})

test('openTablesMax is what the process has of tables', async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'strictkv-descriptors-'))
  try {
    const db = await open(path.join(directory, 'db'), { ...manyTables, backgroundMode: 'inline' })
    for (let i = 0; i < 50; i++) {
      await db.put(`key ${i}`, `value ${i}`)
      await db.flush()
    }
    const openNow = (): number =>
      readdirSync('/proc/self/fd').filter((fd) => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`).startsWith(directory) && readlinkSync(`/proc/self/fd/${fd}`).endsWith('.table') // prettier-ignore
        } catch {
          return false
        }
      }).length
    for (let round = 0; round < 3; round++) {
      const gets = Array.from({ length: 50 }, async (_, i) => {
        expect(String(await db.get(`key ${i}`))).toBe(`value ${i}`)
        expect(openNow()).toBeLessThanOrEqual(2)
        expect(String(db.getSync(`key ${i}`))).toBe(`value ${i}`)
      })
      await Promise.all(gets)
      expect(openNow()).toBe(2)
    }
    expect(db.stats().storage).toMatchObject({ tables: 50, openTables: 2 })
    await db.close()
    expect(openNow()).toBe(0)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})

test('a table replaced on disk while it is closed is found by the database that reads it', async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'strictkv-replaced-'))
  try {
    const runtime = createNodeRuntime()
    const tables = new OpenTables(runtime, { openTablesMax: 1 })
    const [a, b] = ['a.table', 'b.table'].map((name) => path.join(directory, name))
    writeFileSync(a!, Buffer.alloc(500, 1))
    writeFileSync(b!, Buffer.alloc(500, 2))
    const first = await tables.open(a!)
    const second = await tables.open(b!)
    writeFileSync(a!, Buffer.alloc(500, 3))
    expect(() => first.readSync(Buffer.alloc(1), 0, 1, 0)).toThrow(CorruptionError)
    await first.close()
    await second.close()
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})
