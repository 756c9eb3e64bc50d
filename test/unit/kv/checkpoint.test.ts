/** `db.checkpoint` at the door: what it is given, what ends its wait, and that a wait which ended holds nothing. */
import {
  AbortedError,
  DatabaseClosedError,
  InvalidArgumentError,
  MisuseError,
  TimeoutError,
} from '../../../src/base/errors'
import type { Database } from '../../../src/kv/database'
import { createMemoryRuntime } from '../../support/memory-runtime/memory-runtime'
import type { MemoryRuntime } from '../../support/memory-runtime/memory-runtime'
import { openLsmDatabase } from '../../support/harness/lsm-database'
import { createFixture, fill, rowsOf, turns, unhandledDuring } from './fixture'

/** A disk in memory takes its time for every sector that is written ahead. */
const LIMITS = {
  reserveBytes: 0,
  segmentBytesMin: 64 * 1024,
  segmentBytesMax: 64 * 1024,
  transactionBytesMax: 16 * 1024,
}

async function openWith(rows: Record<string, string>): Promise<{ runtime: MemoryRuntime; db: Database }> {
  const runtime = createMemoryRuntime({ seed: 1, clockJumps: false })
  const db = await openLsmDatabase(runtime, '/db', { limits: LIMITS })
  await fill(db, rows)
  return { runtime, db }
}

/** W rx wy; U wx c: no snapshot from U's commit on is safe before W has ended. */
async function holdUp(db: Database): Promise<{ end(): void }> {
  const w = db.begin()
  await w.get('x')
  await db.put('x', 'newer')
  w.put('y', 'written by one that has missed x')
  return { end: () => w.rollback() }
}

const at = async (runtime: MemoryRuntime, directory: string): Promise<string[]> => {
  const copy = await openLsmDatabase(runtime, directory, { readOnly: true, limits: LIMITS })
  try {
    return await rowsOf(copy.scan())
  } finally {
    await copy.close()
  }
}

describe('a checkpoint refuses', () => {
  test.each([undefined, null, 7, '', 'with\0nul', {}])('%p as its directory', async (directory) => {
    const { db } = createFixture()
    await expect(db.checkpoint(directory as string)).rejects.toThrow(InvalidArgumentError)
    await db.close()
  })

  test.each([{ timeoutMs: 0 }, { timeoutMs: '1' }, { timeoutMS: 5 }, { signal: 1 }, 7, null])(
    '%p as its options',
    async (options) => {
      const { db, runtime } = createFixture()
      await expect(db.checkpoint('/copy', options as object)).rejects.toThrow(InvalidArgumentError)
      expect(runtime.calls).toEqual([])
      await db.close()
    },
  )

  test('a database that was closed, and one inside a callback, which it would wait for', async () => {
    const { db } = await openWith({ a: '1' })
    await expect(db.transact(() => db.checkpoint('/copy'))).rejects.toThrow(MisuseError)
    await db.close()
    await expect(db.checkpoint('/copy')).rejects.toThrow(DatabaseClosedError)
  })

  test('an engine that has no files, by name', async () => {
    const { db } = createFixture()
    await fill(db, { a: '1' })
    await expect(db.checkpoint('/copy')).rejects.toThrow('this engine keeps nothing in files')
    await expect(db.checkpoint('/copy')).rejects.toThrow(InvalidArgumentError)
    await db.close()
  })
})

describe('a checkpoint', () => {
  test('says what it has, and opens as a database of its own', async () => {
    const { runtime, db } = await openWith({ a: '1', b: '2' })
    await db.flush()
    await db.put('c', '3')
    const receipt = await db.checkpoint('/copy')
    expect(receipt).toMatchObject({ sequence: 2, tables: 1 })
    expect(receipt.bytesLinked).toBe(db.stats().storage.levels[0]!.bytes)
    expect(receipt.bytesCopied).toBe(8192)
    await db.put('d', '4')
    expect(await at(runtime, '/copy')).toEqual(['a=1', 'b=2', 'c=3'])
    await db.close()
  })

  test('waits for a safe snapshot, and is given up after its time with nothing left behind', async () => {
    const { runtime, db } = await openWith({ x: '1' })
    const held = await holdUp(db)
    const waiting = db.checkpoint('/copy', { timeoutMs: 50 })
    const outcome = waiting.catch((error: unknown) => error)
    await turns(20)
    runtime.advance(60)
    expect(await outcome).toBeInstanceOf(TimeoutError)
    expect(await runtime.files.status('/copy')).toBeUndefined()
    const later = db.checkpoint('/copy')
    await turns(20)
    held.end()
    expect((await later).sequence).toBe(2)
    expect(await at(runtime, '/copy')).toEqual(['x=newer'])
    await db.close()
  })

  test('is given up too when the time ends while it copies', async () => {
    const { runtime, db } = await openWith({ x: '1' })
    await db.flush()
    runtime.inject = ({ operation }) => {
      if (operation === 'link') runtime.advance(60)
      return operation === 'link' ? 'EXDEV' : undefined
    }
    await expect(db.checkpoint('/copy', { timeoutMs: 50 })).rejects.toThrow(TimeoutError)
    runtime.inject = undefined
    expect(await runtime.files.status('/copy')).toBeUndefined()
    expect((await db.checkpoint('/copy', { timeoutMs: 50 })).tables).toBe(1)
    await db.close()
  })

  test('ends when its signal fires, before it begins, while it waits, and while it copies', async () => {
    const { runtime, db } = await openWith({ x: '1' })
    await db.flush()
    await expect(db.checkpoint('/copy', { signal: AbortSignal.abort() })).rejects.toThrow(AbortedError)
    const held = await holdUp(db)
    const [waiting, copying] = [new AbortController(), new AbortController()]
    const outcome = db.checkpoint('/copy', { signal: waiting.signal }).catch((error: unknown) => error)
    await turns(20)
    waiting.abort()
    expect(await outcome).toBeInstanceOf(AbortedError)
    held.end()
    runtime.inject = ({ operation }) => {
      if (operation === 'link') copying.abort()
      return undefined
    }
    await expect(db.checkpoint('/copy', { signal: copying.signal })).rejects.toThrow(AbortedError)
    runtime.inject = undefined
    expect(await runtime.files.status('/copy')).toBeUndefined()
    await db.close()
  })

  test('that waits when the database is closed is given up; one that copies is waited for', async () => {
    const { runtime, db } = await openWith({ x: '1' })
    const copying = db.checkpoint('/first')
    while (!runtime.calls.some(({ path }) => path.startsWith('/first/'))) await runtime.scheduler.nextTurn()
    const held = await holdUp(db)
    const waiting = db.checkpoint('/second')
    const unhandled = await unhandledDuring(async () => {
      const outcome = waiting.catch((error: unknown) => error)
      await db.close()
      expect(await outcome).toBeInstanceOf(DatabaseClosedError)
    })
    expect(unhandled).toEqual([])
    held.end()
    expect((await copying).sequence).toBe(1)
    expect(await at(runtime, '/first')).toEqual(['x=1'])
    expect(await runtime.files.status('/second')).toBeUndefined()
  })

  test('of a database opened for reading has what its log holds, too', async () => {
    const { runtime, db } = await openWith({ a: '1' })
    await db.flush()
    await db.put('b', '2')
    const image = runtime.durableImage('everything')
    await db.close()
    const rebooted = createMemoryRuntime({ files: image })
    const reader = await openLsmDatabase(rebooted, '/db', { readOnly: true, limits: LIMITS })
    const before = rebooted.durableImage('everything').files
    expect(await reader.checkpoint('/copy')).toMatchObject({ sequence: 2, tables: 1 })
    const after = rebooted.durableImage('everything').files
    for (const [path, bytes] of before) expect({ path, bytes: after.get(path) }).toEqual({ path, bytes })
    await reader.close()
    expect(await at(rebooted, '/copy')).toEqual(['a=1', 'b=2'])
  })
})
