/** Opening an LSM engine: what may lie in a directory, who else has it, what is missing from it, and disks without room. */
import {
  CorruptionError, DatabaseLockedError, DiskFullError, InvalidArgumentError, PoisonedError, ReadOnlyError, StalledError,
} from '../../../src/base/errors' // prettier-ignore
import { createLimits } from '../../../src/base/limits'
import type { Limits } from '../../../src/base/limits'
import type { Batch, EngineEvent } from '../../../src/storage/engine'
import { ENTRY_DELETE, ENTRY_PUT, batchBytes } from '../../../src/storage/engine'
import type { LsmEngine } from '../../../src/storage/lsm-engine'
import { openLsmEngine } from '../../../src/storage/lsm-engine'
import { readManifest } from '../../../src/storage/manifest/manifest-reader'
import type { DurableImage } from '../../support/memory-runtime/durable-image'
import type { MemoryRuntime } from '../../support/memory-runtime/memory-runtime'
import { createMemoryRuntime } from '../../support/memory-runtime/memory-runtime'
import { CRASH_LIMITS } from '../../crash/engine-scenario'

interface Options {
  readonly create?: boolean
  readonly readOnly?: boolean
  readonly limits?: Partial<Limits>
  readonly events?: EngineEvent[]
}

async function open(runtime: MemoryRuntime, directory = '/data/db', options: Options = {}): Promise<LsmEngine> {
  const { create = true, readOnly = false, events = [] } = options
  const limits = createLimits({ ...CRASH_LIMITS, ...options.limits })
  const onEvent = (event: EngineEvent): void => void events.push(event)
  const engine = await openLsmEngine(runtime, directory, { limits, create, readOnly, ioMode: 'thread', onEvent })
  engine.attach({ onPublished: () => undefined, onPoisoned: () => undefined, liveSnapshots: () => [] })
  return engine
}

async function put(engine: LsmEngine, sequence: number, key: string, length = 10): Promise<void> {
  const batch: Batch = [{ kind: ENTRY_PUT, key, value: Buffer.alloc(length, 'v'), end: undefined }]
  await engine.reserve(batchBytes(batch), false)
  engine.append(batch, batchBytes(batch), sequence, 'sync')
  await engine.sync()
}

/** A disk with five commits: two in a table, three in the log; cleanly closed or not. */
async function disk(end: 'closed' | 'killed' | 'power cut'): Promise<DurableImage> {
  const runtime = createMemoryRuntime({ seed: 3 })
  const engine = await open(runtime)
  for (let i = 1; i <= 2; i++) await put(engine, i, `k${i}`)
  await engine.flush()
  for (let i = 3; i <= 5; i++) await put(engine, i, `k${i}`)
  if (end === 'closed') await engine.close()
  return runtime.durableImage(end === 'power cut' ? 'synced-only' : 'everything')
}

function without(image: DurableImage, drop: (path: string) => boolean): DurableImage {
  return { ...image, files: new Map([...image.files].filter(([path]) => !drop(path))) }
}

function withFile(image: DurableImage, path: string, bytes: Uint8Array): DurableImage {
  return { ...image, files: new Map([...image.files, [path, bytes]]) }
}

const ENDS = ['closed', 'killed', 'power cut'] as const

describe('opening a directory', () => {
  test('creates it with its parents, and finds what was written after a power cut', async () => {
    const runtime = createMemoryRuntime({ seed: 1 })
    const engine = await open(runtime, '/a/b/c/db')
    await put(engine, 1, 'k')
    const again = await open(createMemoryRuntime({ files: runtime.durableImage('synced-only') }), '/a/b/c/db', {
      create: false,
    })
    expect(again.getSync('k', 1)?.length).toBe(10)
    await again.close()
  })

  test('refuses what does not exist, a file, and a directory of something else, and changes none of them', async () => {
    const runtime = createMemoryRuntime({ seed: 1 })
    await expect(open(runtime, '/nowhere/db', { create: false })).rejects.toThrow(InvalidArgumentError)
    await expect(open(runtime, '/nowhere/db', { readOnly: true })).rejects.toThrow(/create: true/)
    await runtime.files.createDirectory('/home')
    const file = await runtime.files.open('/home/notes.txt', 'create')
    await file.close()
    await expect(open(runtime, '/home/notes.txt')).rejects.toThrow(/no directory/)
    await expect(open(runtime, '/home/notes.txt/db')).rejects.toThrow(/no directory/)
    await expect(open(runtime, '/home')).rejects.toThrow(/"notes.txt"/)
    expect(await runtime.files.list('/home')).toEqual(['notes.txt'])
    expect(await runtime.files.status('/nowhere')).toBeUndefined()
  })

  test('leaves foreign files in a store alone', async () => {
    const image = withFile(await disk('killed'), '/data/db/notes.txt', Buffer.from('mine'))
    const runtime = createMemoryRuntime({ files: image })
    const engine = await open(runtime)
    expect(engine.recoveredSequence).toBe(5)
    await engine.close()
    expect(await runtime.files.list('/data/db')).toContain('notes.txt')
  })

  test('refuses a log that is damaged far behind its beginning, and leaves all as it is, though tables were written of what comes before', async () => {
    const limits = { memtableBytesMax: 16 * 1024, walBytesMax: 16 * 1024 * 1024, levelZeroTablesMax: 64 }
    const runtime = createMemoryRuntime({ seed: 3 })
    const engine = await open(runtime, '/data/db', {
      limits: { memtableBytesMax: 1024 * 1024, walBytesMax: 16 * 1024 * 1024 },
    })
    for (let i = 1; i <= 120; i++) await put(engine, i, `k${i}`, 1000)
    const image = runtime.durableImage('everything')
    const segments = [...image.files].filter(([path]) => path.endsWith('.log')).sort(([a], [b]) => (a < b ? -1 : 1))
    const [path, bytes] = segments.find(([, content]) => Buffer.from(content).includes('k60'))!
    const damaged = Buffer.from(bytes)
    damaged[damaged.indexOf('k60')]! ^= 1
    const files = withFile(image, path, damaged)
    const again = createMemoryRuntime({ files })
    await expect(open(again, '/data/db', { limits })).rejects.toThrow(CorruptionError)
    const tables = again.calls.filter((call) => call.operation === 'create' && call.path.endsWith('.table'))
    expect(tables.length).toBeGreaterThan(0)
    expect(again.durableImage('everything').files).toEqual(files.files)
    // Undamaged, it opens.
    const whole = await open(createMemoryRuntime({ files: image }), '/data/db', { limits })
    expect(whole.getSync('k120', 120)?.length).toBe(1000)
    expect(whole.stats().levels[0]!.tables).toBeGreaterThan(4)
    await whole.close()
  })

  test('is refused while another engine has it open, and free after that one is closed', async () => {
    const runtime = createMemoryRuntime({ seed: 1 })
    const first = await open(runtime)
    await expect(open(runtime)).rejects.toThrow(DatabaseLockedError)
    await put(first, 1, 'k')
    await first.close()
    const second = await open(runtime)
    expect(second.recoveredSequence).toBe(1)
    await second.close()
  })

  test('a creation cut short anywhere is begun again', async () => {
    const whole = createMemoryRuntime({ seed: 1 })
    const engine = await open(whole)
    const calls = whole.calls.length
    await engine.close()
    for (let at = 0; at < calls; at++) {
      const runtime = createMemoryRuntime({
        seed: 1,
        inject: (call) => (call.index === at ? 'crash-after' : undefined),
      })
      void open(runtime).catch(() => undefined)
      for (let turns = 0; !runtime.crashed; turns++) await new Promise((resolve) => setImmediate(resolve))
      for (const choice of ['everything', 'synced-only', { seed: at }] as const) {
        const rebooted = await open(createMemoryRuntime({ files: runtime.durableImage(choice) }))
        expect(rebooted.recoveredSequence).toBe(0)
        await rebooted.close()
      }
    }
  })
})

describe.each(ENDS)('a store that was %s', (end) => {
  test('opens with everything, for reading too, and reading writes nothing', async () => {
    const image = await disk(end)
    const runtime = createMemoryRuntime({ files: image })
    const reader = await open(runtime, '/data/db', { readOnly: true })
    expect(reader.recoveredSequence).toBe(5)
    for (let i = 1; i <= 5; i++) expect(reader.getSync(`k${i}`, 5)?.length).toBe(10)
    expect(() => reader.reserve(10, false)).toThrow(ReadOnlyError)
    await expect(reader.flush()).rejects.toThrow(ReadOnlyError)
    await reader.sync()
    reader.publishSync()
    await reader.close()
    const writes = runtime.calls.filter(({ operation }) => /write|create|rename|remove|sync/.test(operation))
    expect(writes.filter(({ operation }) => operation !== 'read-sync')).toEqual([])
    expect(runtime.durableImage('everything').files).toEqual(image.files)
    const writer = await open(runtime)
    expect(writer.recoveredSequence).toBe(5)
    await writer.close()
  })

  test.each(['.table', '.log', '.manifest', 'CURRENT'])(
    'without its %s is refused by name, and left as it is',
    async (suffix) => {
      const whole = await disk(end)
      const named = (path: string): boolean => path.endsWith(suffix) && !isUnnamedSegment(path)
      const state = (await readManifest(createMemoryRuntime({ files: whole }), '/data/db'))!.state
      const isUnnamedSegment = (path: string): boolean =>
        path.endsWith('.log') && !state.segments.includes(Number.parseInt(path.split('/').at(-1)!, 10))
      const image = without(whole, named)
      expect(image.files.size).toBeLessThan(whole.files.size)
      const runtime = createMemoryRuntime({ files: image })
      let error: unknown
      await open(runtime).catch((thrown: unknown) => (error = thrown))
      expect(error).toBeInstanceOf(CorruptionError)
      expect((error as CorruptionError).file.endsWith(suffix)).toBe(true)
      expect(without(runtime.durableImage('everything'), (path) => path.endsWith('LOCK')).files).toEqual(
        without(image, (path) => path.endsWith('LOCK')).files,
      )
    },
  )

  test('with any byte of its manifest flipped never loses a commit silently', async () => {
    const image = await disk(end)
    const [path, bytes] = [...image.files].find(([name]) => name.endsWith('.manifest'))!
    for (let at = 0; at < bytes.length; at++) {
      if (bytes[at] === 0 && at % 4096 !== 0) continue
      const damaged = Uint8Array.from(bytes)
      damaged[at]! ^= 0x10
      const runtime = createMemoryRuntime({ files: withFile(image, path, damaged) })
      let engine: LsmEngine | undefined
      await open(runtime).then(
        (opened) => (engine = opened),
        (error: unknown) => {
          if (!(error instanceof CorruptionError)) throw error
        },
      )
      if (engine === undefined) continue
      expect(engine.recoveredSequence).toBe(5)
      for (let i = 1; i <= 5; i++) expect(engine.getSync(`k${i}`, 5)?.length).toBe(10)
      await engine.close()
    }
  })

  test('has its orphans removed, and their numbers are not used again', async () => {
    const orphans = ['0000000077.table', '0000000078.manifest', 'CURRENT.tmp', '0000000099.log']
    let image = await disk(end)
    for (const name of orphans) image = withFile(image, `/data/db/${name}`, Buffer.alloc(9000))
    const runtime = createMemoryRuntime({ files: image })
    const engine = await open(runtime)
    expect(engine.recoveredSequence).toBe(5)
    for (let i = 1; i <= 5; i++) expect(engine.getSync(`k${i}`, 5)?.length).toBe(10)
    const names = await runtime.files.list('/data/db')
    expect(names.filter((name) => orphans.includes(name))).toEqual([])
    const numbers = names.map((name) => Number.parseInt(name, 10)).filter((number) => number > 78)
    expect(numbers.length).toBeGreaterThanOrEqual(2)
    await engine.close()
  })

  test('on a disk without any room is opened for reading, says why, and is whole once there is room', async () => {
    const runtime = createMemoryRuntime({ files: without(await disk(end), (path) => path.endsWith('RESERVE')) })
    runtime.isDiskFull = true
    const engine = await open(runtime)
    expect(engine.refusal).toBeInstanceOf(DiskFullError)
    expect(() => engine.reserve(10, true)).toThrow(DiskFullError)
    for (let i = 1; i <= 5; i++) expect(engine.getSync(`k${i}`, 5)?.length).toBe(10)
    await engine.close()
    runtime.isDiskFull = false
    const again = await open(runtime)
    expect(again.refusal).toBeUndefined()
    await put(again, 6, 'k6')
    await again.close()
  })
})

describe('the space kept aside', () => {
  test('lets a store recover on a full disk, and commits of deletes go on', async () => {
    const limits = { reserveBytes: 512 * 1024 }
    const first = createMemoryRuntime({ seed: 3 })
    const writer = await open(first, '/data/db', { limits })
    for (let i = 1; i <= 5; i++) await put(writer, i, `k${i}`)
    // The reserve is filled in the background.
    for (let i = 0; i < 2000; i++) await first.scheduler.nextTurn()
    const image = first.durableImage('everything')
    const used = [...image.files.values()].reduce((sum, bytes) => sum + bytes.length, 0)
    const runtime = createMemoryRuntime({ files: image, capacityBytes: used })
    const engine = await open(runtime, '/data/db', { limits })
    expect(engine.refusal).toBeUndefined()
    expect(engine.recoveredSequence).toBe(5)
    const batch: Batch = [{ kind: ENTRY_DELETE, key: 'k1', value: undefined, end: undefined }]
    await engine.reserve(batchBytes(batch), true)
    engine.append(batch, batchBytes(batch), 6, 'sync')
    await engine.sync()
    expect(engine.getSync('k1', 6)).toBeUndefined()
    await engine.close()
  })
})

describe('when background work keeps failing', () => {
  test('commits go on until the bound, then get a typed error with the cause, and go on after it has been mended', async () => {
    const runtime = createMemoryRuntime({ seed: 5 })
    const events: EngineEvent[] = []
    const engine = await open(runtime, '/data/db', {
      events,
      limits: { memtablesFrozenMax: 1, segmentBytesMax: 512 * 1024 },
    })
    runtime.inject = (call) => (call.operation === 'sync' && call.path.endsWith('.table') ? 'EIO' : undefined)
    let sequence = 0
    let refused: unknown
    while (refused === undefined && sequence < 200) {
      await put(engine, sequence + 1, `k${sequence + 1}`, 4000).then(
        () => sequence++,
        (error: unknown) => (refused = error),
      )
    }
    expect(refused).toBeInstanceOf(StalledError)
    expect((refused as StalledError).cause).toBe(engine.stats().backgroundError)
    expect(engine.poisoned).toBeUndefined()
    expect(events.some((event) => event.type === 'backgroundError' && event.job === 'flush')).toBe(true)
    for (let i = 1; i <= sequence; i++) expect(engine.getSync(`k${i}`, sequence)?.length).toBe(4000)
    runtime.inject = undefined
    await engine.flush()
    expect(engine.stats().backgroundError).toBeUndefined()
    await put(engine, sequence + 1, 'more')
    await engine.close()
    const again = await open(createMemoryRuntime({ files: runtime.durableImage('synced-only') }))
    expect(again.recoveredSequence).toBe(sequence + 1)
    await again.close()
  })

  test('a commit that waits is let in by the flush that it waits for, and the wait is counted', async () => {
    const runtime = createMemoryRuntime({ seed: 5 })
    const events: EngineEvent[] = []
    const engine = await open(runtime, '/data/db', {
      events,
      limits: { memtablesFrozenMax: 1, segmentBytesMax: 512 * 1024 },
    })
    for (let sequence = 1; sequence <= 60; sequence++) {
      const batch: Batch = [{ kind: ENTRY_PUT, key: `k${sequence}`, value: Buffer.alloc(4000), end: undefined }]
      await engine.reserve(batchBytes(batch), false)
      engine.append(batch, batchBytes(batch), sequence, 'os')
    }
    const { stalls } = engine.stats()
    expect(stalls.count).toBeGreaterThan(0)
    expect(stalls.longestMs).toBeLessThanOrEqual(stalls.totalMs)
    expect(events.some((event) => event.type === 'stall' && /frozen|level 0/.test(event.cause))).toBe(true)
    await engine.close()
  })

  test('a failed log write poisons: reads go on, writes and jobs are refused, waiters are told', async () => {
    const runtime = createMemoryRuntime({ seed: 5 })
    const events: EngineEvent[] = []
    const engine = await open(runtime, '/data/db', { events })
    await put(engine, 1, 'k1')
    runtime.inject = (call) => (call.operation === 'thread-write' && call.path.endsWith('.log') ? 'EIO' : undefined)
    await expect(put(engine, 2, 'k2')).rejects.toThrow(PoisonedError)
    expect(engine.poisoned).toBeDefined()
    expect(engine.publishedSequence).toBe(1)
    expect(engine.getSync('k1', 1)?.length).toBe(10)
    expect(() => engine.reserve(10, false)).toThrow(PoisonedError)
    expect(() => engine.append([], 0, 3, 'sync')).toThrow(PoisonedError)
    await expect(engine.flush()).rejects.toThrow(PoisonedError)
    await expect(engine.compact()).rejects.toThrow(PoisonedError)
    expect(() => engine.publishSync()).toThrow(PoisonedError)
    expect(events.filter((event) => event.type === 'poisoned')).toHaveLength(1)
    await engine.close()
    runtime.inject = undefined
    const again = await open(runtime)
    expect(again.recoveredSequence).toBeGreaterThanOrEqual(1)
    await again.close()
  })

  test('a failed manifest poisons: nothing that the log still finishes is published', async () => {
    const runtime = createMemoryRuntime({ seed: 5 })
    const engine = await open(runtime)
    await put(engine, 1, 'k1')
    runtime.inject = (call) => (call.operation === 'sync' && call.path.endsWith('.manifest') ? 'EIO' : undefined)
    await expect(engine.flush()).rejects.toThrow(PoisonedError)
    runtime.inject = undefined
    expect(engine.poisoned).toBeDefined()
    expect(() => engine.reserve(10, false)).toThrow(PoisonedError)
    expect(engine.getSync('k1', 1)?.length).toBe(10)
    await engine.close()
    const again = await open(runtime)
    expect(again.getSync('k1', 1)?.length).toBe(10)
    await again.close()
  })
})
