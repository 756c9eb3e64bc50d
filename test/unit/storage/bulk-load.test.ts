/**
 * Bulk loads of the LSM engine: what is on disk, who is held up, what closing and failures leave.
 */
import { CorruptionError, DatabaseClosedError } from '../../../src/base/errors'
import { parseFileName } from '../../../src/storage/files/file-names'
import { ENTRY_DELETE, ENTRY_PUT } from '../../../src/storage/engine'
import type { EngineEvent, LoadDoor } from '../../../src/storage/engine'
import type { LsmEngine } from '../../../src/storage/lsm-engine'
import { openLsmEngine } from '../../../src/storage/lsm-engine'
import { readManifest } from '../../../src/storage/manifest/manifest-reader'
import { TINY_LIMITS } from '../../contract/engine/engine-subjects'
import { put } from '../../contract/engine/engine-driver'
import { createMemoryRuntime } from '../../support/memory-runtime/memory-runtime'
import type { MemoryRuntime } from '../../support/memory-runtime/memory-runtime'
import { openTestTable, writeTable } from './table/table-world'
import type { ModelVersion } from './rows/version-model'

const door: LoadDoor = {
  enter: () => Promise.resolve(),
  leave: () => undefined,
  decide: (_sequence, accept) => accept(),
}

interface World {
  readonly runtime: MemoryRuntime
  readonly engine: LsmEngine
  readonly events: EngineEvent[]
}

async function createWorld(runtime = createMemoryRuntime({ seed: 1 })): Promise<World> {
  const events: EngineEvent[] = []
  const onEvent = (event: EngineEvent): void => void events.push(event)
  const engine = await openLsmEngine(runtime, '/db', { limits: TINY_LIMITS, create: true, readOnly: false, ioMode: 'thread', onEvent }) // prettier-ignore
  engine.attach({ onPublished: () => undefined, onPoisoned: () => undefined, liveSnapshots: () => [] })
  return { runtime, engine, events }
}

const rows = (from: number, to: number): [string, Buffer][] =>
  Array.from({ length: to - from }, (_, i) => [
    `m${String(from + i).padStart(5, '0')}`,
    Buffer.alloc(100, 65 + (i % 26)),
  ])

async function load({ engine }: World, pairs: readonly (readonly [string, Buffer])[], through = door): Promise<void> {
  const loading = engine.beginLoad()
  for (const [key, value] of pairs) await loading.add(key, value)
  await loading.commit(through)
}

const version = (key: string, sequence: number): ModelVersion => {
  return { key, sequence, kind: ENTRY_PUT, value: Buffer.from('x') }
}

async function tablesOnDisk(runtime: MemoryRuntime): Promise<number> {
  const names = await runtime.files.list('/db')
  return names.filter((name) => parseFileName(name)?.kind === 'table').length
}

describe('a bulk load', () => {
  test('writes tables once, past log and memtable, and the manifest gives them their sequence', async () => {
    const world = await createWorld()
    const before = world.engine.stats()
    await load(world, rows(0, 2000))
    const { memtableEntries, flushes, logBytesWritten, levels } = world.engine.stats()
    expect([memtableEntries, flushes]).toEqual([0, 0])
    expect(logBytesWritten - before.logBytesWritten).toBeLessThan(8192)
    expect(levels[1]).toMatchObject({ runs: 1, entries: 2000 })
    expect(levels[1]!.tables).toBeGreaterThan(5)
    await world.engine.sync()
    await world.engine.close()
    const { tables } = (await readManifest(world.runtime, '/db'))!.state
    expect(new Set(tables.map(({ loadedAt, firstSequence, lastSequence }) => `${loadedAt} ${firstSequence} ${lastSequence}`))).toEqual(new Set(['1 1 1'])) // prettier-ignore
  })

  test('a second one is of its own sequence, after a reopening too, and keeps it when its tables move', async () => {
    const world = await createWorld()
    await load(world, rows(0, 300))
    await load(world, rows(1000, 1300))
    await world.engine.close()
    const again = await createWorld(world.runtime)
    expect(again.engine.recoveredSequence).toBe(2)
    expect(await again.engine.get('m00005', 1)).toBeDefined()
    expect(await again.engine.get('m01005', 1)).toBeUndefined()
    expect(await again.engine.get('m01005', 2)).toBeDefined()
    await again.engine.reserve(1000, false)
    again.engine.append([put('m00005', 'newer')], 1000, 3, 'sync')
    await again.engine.compact()
    expect(String(await again.engine.get('m00005', 3))).toBe('newer')
    expect((await again.engine.get('m01005', 3))?.length).toBe(100)
    again.engine.checkInvariants()
    await again.engine.close()
    const { tables } = (await readManifest(again.runtime, '/db'))!.state
    for (const { loadedAt, firstSequence, lastSequence } of tables) {
      if (loadedAt !== undefined) expect([firstSequence, lastSequence]).toEqual([loadedAt, loadedAt])
    }
  })

  test('refused or given up it leaves no file, and no failure of background work', async () => {
    const world = await createWorld()
    await load(world, rows(500, 501))
    const files = await tablesOnDisk(world.runtime)
    await expect(load(world, rows(0, 1000))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    const loading = world.engine.beginLoad()
    for (const [key, value] of rows(2000, 2500)) await loading.add(key, value)
    expect(await tablesOnDisk(world.runtime)).toBeGreaterThan(files)
    await loading.discard()
    expect(await tablesOnDisk(world.runtime)).toBe(files)
    expect(world.engine.stats().backgroundError).toBeUndefined()
    expect(world.events.filter(({ type }) => type === 'backgroundError')).toEqual([])
    await world.engine.close()
  })

  test('closing gives up what is not committed, and leaves no file of it', async () => {
    const world = await createWorld()
    const loading = world.engine.beginLoad()
    for (const [key, value] of rows(0, 500)) await loading.add(key, value)
    await world.engine.close()
    expect(await tablesOnDisk(world.runtime)).toBe(0)
    expect(() => loading.add('z', Buffer.alloc(1))).toThrow(DatabaseClosedError)
    expect(() => world.engine.beginLoad()).toThrow(DatabaseClosedError)
  })

  test('commits wait only while it changes the store: none is decided then, none is lost', async () => {
    const world = await createWorld()
    const { engine } = world
    let sequence = 0
    let reserved: Promise<void> | undefined
    const through: LoadDoor = {
      enter: () => Promise.resolve(),
      leave: () => undefined,
      decide: (decided, accept) => {
        // Whoever asks now is let in when the change is made.
        reserved = Promise.resolve(engine.reserve(500, false))
        expect(decided).toBe(sequence + 1)
        accept()
        sequence = decided
      },
    }
    await engine.reserve(500, false)
    engine.append([put('a', '1')], 500, ++sequence, 'sync')
    await load(world, rows(0, 50), through)
    await reserved
    engine.append([put('b', '1')], 500, ++sequence, 'sync')
    await engine.sync()
    expect(sequence).toBe(3)
    expect(engine.publishedSequence).toBe(3)
    await engine.close()
  })

  test('gives up where others keep writing into its range', async () => {
    const world = await createWorld()
    const { engine } = world
    let sequence = 0
    const through: LoadDoor = {
      ...door,
      enter: async () => {
        await engine.reserve(500, true)
        engine.append(
          [{ kind: ENTRY_DELETE, key: 'm00001', value: undefined, end: undefined }],
          500,
          ++sequence,
          'sync',
        )
      },
    }
    await expect(load(world, rows(0, 5), through)).rejects.toMatchObject({ code: 'STALLED' })
    expect(await tablesOnDisk(world.runtime)).toBeLessThanOrEqual(sequence)
    await engine.close()
  })

  test('poisoned meanwhile it rejects, and what is on disk stays as it was', async () => {
    const world = await createWorld()
    const loading = world.engine.beginLoad()
    for (const [key, value] of rows(0, 50)) await loading.add(key, value)
    const failing = { ...door, enter: () => Promise.reject(new CorruptionError('of the test', 'x', 0)) }
    await expect(loading.commit(failing)).rejects.toThrow('of the test')
    expect(await tablesOnDisk(world.runtime)).toBe(0)
    await load(world, rows(0, 50))
    await world.engine.close()
  })

  test('a block of a loaded table that has sequences of its own is corrupt', async () => {
    const { file } = await writeTable({ versions: [version('a', 7)], rangeTombstones: [] })
    const { table } = await openTestTable(file, { loadedAt: 9 })
    await expect(table.verify()).rejects.toBeInstanceOf(CorruptionError)
  })

  test('a loaded table verifies, and shows its sequence everywhere', async () => {
    const { file } = await writeTable({ versions: [version('a', 1), version('b', 1)], rangeTombstones: [] })
    const { table } = await openTestTable(file, { loadedAt: 9 })
    await table.verify()
    expect(table.properties).toMatchObject({ firstSequence: 9, lastSequence: 9, loadedAt: 9 })
    const cursor = table.openCursor({ reverse: false })
    expect(await cursor.seek(undefined)).toBe(true)
    expect(cursor.sequence).toBe(9)
    cursor.close()
  })
})
