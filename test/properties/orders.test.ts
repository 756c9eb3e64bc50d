/**
 * The orders that durability rests on, each checked on the recorded calls of the disk in memory, with what the engine
 * showed between them: log before acknowledgement, flush, compaction.
 */
import { createLimits } from '../../src/base/limits'
import { ENTRY_PUT } from '../../src/storage/engine'
import type { BatchEntry } from '../../src/storage/engine'
import type { LsmEngine } from '../../src/storage/lsm-engine'
import { openLsmEngine } from '../../src/storage/lsm-engine'
import { encodeEdit } from '../../src/storage/manifest/manifest-format'
import { readManifest } from '../../src/storage/manifest/manifest-reader'
import { EngineDriver } from '../contract/engine/engine-driver'
import { EDITS_BY_FIXTURE } from '../format/manifest/fixtures'
import type { IoCall } from '../support/memory-runtime/io-calls'
import { createMemoryRuntime } from '../support/memory-runtime/memory-runtime'
import type { MemoryRuntime } from '../support/memory-runtime/memory-runtime'

const KiB = 1024

/** Nothing is flushed or merged but by hand; a segment holds a few commits. */
const limits = createLimits({
  memtableBytesMax: 1024 * KiB, walBytesMax: 1024 * KiB, segmentBytesMin: 16 * KiB, segmentBytesMax: 16 * KiB,
  transactionBytesMax: 16 * KiB, tableBytesMax: 16 * KiB, levelZeroTablesMax: 64, levelZeroTablesStall: 128,
  reserveBytes: 0, logIdleMs: 3_600_000,
}) // prettier-ignore

const open = (runtime: MemoryRuntime): Promise<LsmEngine> =>
  openLsmEngine(runtime, '/db', { limits, create: true, readOnly: false, ioMode: 'thread' })

async function start(seed: number): Promise<EngineDriver> {
  const runtime = createMemoryRuntime({ seed, clockJumps: false })
  return new EngineDriver({ runtime, open: () => open(runtime) }, async () => undefined).start()
}

function rows(from: number, count: number): BatchEntry[] {
  return Array.from({ length: count }, (_, i) => {
    return { kind: ENTRY_PUT, key: `key ${String(from + i).padStart(4, '0')}`, value: Buffer.alloc(500, from + i), end: undefined }
  }) // prettier-ignore
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** A call, and what the engine showed right before it was carried out. */
interface Seen extends IoCall {
  readonly tables: number
  readonly frozen: number
}

/** The calls that `act` leads to. */
async function callsOf({ runtime, engine }: EngineDriver, act: () => Promise<void>): Promise<Seen[]> {
  // The log prepares its next segment in the background, and names it in the manifest: that comes first.
  await turns(200)
  const seen: Seen[] = []
  runtime.inject = (call) => {
    const { tables, memtablesFrozen } = engine.stats()
    seen.push({ ...call, tables, frozen: memtablesFrozen })
    return undefined
  }
  await act()
  runtime.inject = undefined
  return seen
}

const isOn = (ending: string, ...operations: readonly IoCall['operation'][]) => {
  return (call: IoCall): boolean => call.path.endsWith(ending) && operations.includes(call.operation)
}
const isTableWrite = isOn('.table', 'create', 'write', 'thread-write')
const isTableSync = isOn('.table', 'sync', 'thread-sync')
const isTableRemoval = isOn('.table', 'remove')
const isManifestWrite = isOn('.manifest', 'write', 'thread-write')
const isManifestSync = isOn('.manifest', 'sync', 'thread-sync')
const isSegmentRemoval = isOn('.log', 'remove')
const isDirectorySync = isOn('/db', 'sync-directory')

/** Where the first (or last) such call stands; fails if there is none. */
function firstOf(calls: readonly Seen[], is: (call: Seen) => boolean): number {
  const at = calls.findIndex(is)
  expect(at).toBeGreaterThanOrEqual(0)
  return at
}

function lastOf(calls: readonly Seen[], is: (call: Seen) => boolean): number {
  return calls.length - 1 - firstOf([...calls].reverse(), is)
}

/**
 * Every table that was written is complete and synced before the directory is, and that before the manifest is touched. Gives where
 * the manifest's edit is synced.
 */
function expectTablesBeforeEdit(calls: readonly Seen[]): number {
  const written = new Set(calls.filter(isTableWrite).map(({ path }) => path))
  expect(written.size).toBeGreaterThan(0)
  const directorySynced = lastOf(calls, isDirectorySync)
  for (const path of written) {
    const synced = lastOf(calls, (call) => isTableSync(call) && call.path === path)
    expect(lastOf(calls, (call) => isTableWrite(call) && call.path === path)).toBeLessThan(synced)
    expect(synced).toBeLessThan(directorySynced)
  }
  const edit = firstOf(calls, isManifestWrite)
  expect(directorySynced).toBeLessThan(edit)
  // What is written behind the edit once it is synced only bears witness to it.
  const editSynced = calls.findIndex((call, at) => at > edit && isManifestSync(call))
  expect(editSynced).toBeGreaterThan(edit)
  return editSynced
}

describe.each([1, 2, 3, 4, 5])('in the order of events of seed %p', (seed) => {
  test('a commit is durable in the log before it is acknowledged', async () => {
    const driver = await start(seed)
    const { runtime } = driver
    const appendedAt = new Map<number, number>()
    const images: { readonly sequence: number; readonly calls: number; readonly image: ReturnType<MemoryRuntime['durableImage']> }[] = [] // prettier-ignore
    driver.onPublished = (sequence) => {
      images.push({ sequence, calls: runtime.calls.length, image: runtime.durableImage('synced-only') })
    }
    for (let i = 0; i < 40; i++) {
      appendedAt.set(await driver.append(rows(i, 1)), runtime.calls.length)
      if (i % 3 === 0) await turns(1)
    }
    await driver.engine.sync()
    expect(images.at(-1)?.sequence).toBe(40)
    for (const { sequence, calls, image } of images) {
      const since = runtime.calls.slice(appendedAt.get(sequence), calls)
      const written = since.findIndex(isOn('.log', 'thread-write'))
      expect(written).toBeGreaterThanOrEqual(0)
      expect(since.slice(written + 1).some(isOn('.log', 'thread-sync'))).toBe(true)
      // What a power cut at this very moment would leave has the commit.
      const rebooted = await open(createMemoryRuntime({ files: image }))
      expect(rebooted.recoveredSequence).toBeGreaterThanOrEqual(sequence)
      await rebooted.close()
    }
    await driver.engine.close()
  })

  test('a flush syncs its table, then the edit, then lets the memtable go, then drops the log', async () => {
    const driver = await start(seed)
    for (let i = 0; i < 8; i++) await driver.commit(...rows(i * 10, 10))
    const calls = await callsOf(driver, () => driver.engine.flush())
    const editSynced = expectTablesBeforeEdit(calls)
    // Until the edit is synced the rows are the memtable's, from then on the table's.
    for (const call of calls.slice(0, editSynced + 1)) expect(call.tables).toBe(0)
    for (const call of calls.slice(firstOf(calls, isTableWrite), editSynced + 1)) expect(call.frozen).toBe(1)
    const dropped = firstOf(calls, isSegmentRemoval)
    expect(dropped).toBeGreaterThan(editSynced)
    for (const call of calls.slice(dropped)) expect([call.tables, call.frozen]).toEqual([1, 0])
    // What is dropped, the manifest on disk does not need.
    const manifest = await readManifest(driver.runtime, '/db')
    const removed = calls.filter(isSegmentRemoval).map(({ path }) => Number(/(\d+)\.log$/.exec(path)![1]))
    for (const segment of removed) expect(segment).toBeLessThan(manifest!.state.firstSegment)
    await driver.engine.close()
  })

  test('a flush waits for the log that its memtable came through', async () => {
    const driver = await start(seed)
    await driver.append(rows(0, 20), 'os')
    const calls = await callsOf(driver, () => driver.engine.flush())
    expect(firstOf(calls, isOn('.log', 'thread-sync'))).toBeLessThan(firstOf(calls, isTableWrite))
    await driver.engine.close()
  })

  test('a compaction syncs its outputs, then the edit, then swaps them in, then deletes its inputs', async () => {
    const driver = await start(seed)
    for (let table = 0; table < 3; table++) {
      await driver.commit(...rows(table, 25))
      await driver.commit(...rows(table + 50, 25))
      await driver.engine.flush()
    }
    const inputs = new Set((await readManifest(driver.runtime, '/db'))!.state.tables.map(({ number }) => number))
    expect(inputs.size).toBe(3)
    const calls = await callsOf(driver, async () => {
      await driver.engine.compact()
      await turns(50)
    })
    const editSynced = expectTablesBeforeEdit(calls)
    const removed = calls.filter(isTableRemoval).map(({ path }) => Number(/(\d+)\.table$/.exec(path)![1]))
    expect(new Set(removed)).toEqual(inputs)
    expect(firstOf(calls, isTableRemoval)).toBeGreaterThan(editSynced)
    const outputs = (await readManifest(driver.runtime, '/db'))!.state.tables
    expect(outputs.length).toBeGreaterThan(1)
    for (const call of calls.slice(0, editSynced + 1)) expect(call.tables).toBe(3)
    for (const call of calls.slice(firstOf(calls, isTableRemoval))) expect(call.tables).toBe(outputs.length)
    expect(outputs.some(({ number }) => inputs.has(number))).toBe(false)
    await driver.engine.close()
  })

  test('inputs that a cursor still reads are deleted when it is closed, not before', async () => {
    const driver = await start(seed)
    for (let table = 0; table < 3; table++) {
      await driver.commit(...rows(table, 30))
      await driver.engine.flush()
    }
    const cursor = driver.engine.openCursor({ start: '', end: undefined }, driver.sequence, false)
    expect(await cursor.next()).toBe(true)
    const during = await callsOf(driver, async () => {
      await driver.engine.compact()
      await turns(50)
    })
    expect(during.filter(isTableRemoval)).toEqual([])
    const after = await callsOf(driver, async () => {
      let count = 1
      while (await cursor.next()) count++
      expect(count).toBe(32)
      cursor.close()
      await turns(50)
    })
    expect(after.filter(isTableRemoval)).toHaveLength(3)
    await driver.engine.close()
  })
})

test('an edit says what it adds before what it removes', () => {
  const edits = [...EDITS_BY_FIXTURE.values()].flat().filter(({ addTables, removeTables }) => addTables !== undefined && removeTables !== undefined) // prettier-ignore
  expect(edits.length).toBeGreaterThan(0)
  for (const { addTables, removeTables } of edits) {
    const [adds, removes] = [encodeEdit({ addTables: addTables! }), encodeEdit({ removeTables: removeTables! })]
    expect(encodeEdit({ addTables: addTables!, removeTables: removeTables! })).toEqual(Buffer.concat([adds, removes]))
  }
})
