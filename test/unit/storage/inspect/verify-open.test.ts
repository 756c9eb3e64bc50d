import { AbortedError } from '../../../../src/base/errors'
import type { VerifyReport } from '../../../../src/base/verification'
import type { LsmEngine } from '../../../../src/storage/lsm-engine'
import { openLsmEngine } from '../../../../src/storage/lsm-engine'
import { createLimits } from '../../../../src/base/limits'
import { batchBytes, ENTRY_PUT } from '../../../../src/storage/engine'
import type { Batch } from '../../../../src/storage/engine'
import { createMemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import type { MemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import { DAMAGED_LIMITS } from '../../../salvage/damaged-database'

const limits = createLimits(DAMAGED_LIMITS)

interface World {
  readonly runtime: MemoryRuntime
  readonly engine: LsmEngine
  put(key: string, value: string): Promise<void>
}

async function openWorld(runtime = createMemoryRuntime({ seed: 1 }), readOnly = false): Promise<World> {
  const engine = await openLsmEngine(runtime, '/db', { limits, create: !readOnly, readOnly, ioMode: 'thread' })
  let sequence = engine.recoveredSequence
  const waiting = new Map<number, () => void>()
  engine.attach({
    onPublished: (published) => {
      for (const [at, resolve] of waiting) if (at <= published && waiting.delete(at)) resolve()
    },
    onPoisoned: () => undefined,
    liveSnapshots: () => [],
  })
  const put = async (key: string, value: string): Promise<void> => {
    const batch: Batch = [{ kind: ENTRY_PUT, key, value: Buffer.from(value), end: undefined }]
    await engine.reserve(batchBytes(batch), false)
    const published = new Promise<void>((resolve) => waiting.set(sequence + 1, resolve))
    engine.append(batch, batchBytes(batch), ++sequence, 'sync')
    await published
  }
  return { runtime, engine, put }
}

async function fill({ put, engine }: World, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < 20; i++) await put(`key ${i}`, `value ${round} `.repeat(8))
    await engine.flush()
  }
}

/** Changes a file's bytes behind the store's back. */
async function spoil({ runtime }: World, extension: string, at: number): Promise<string> {
  const names = (await runtime.files.list('/db')).filter((name) => name.endsWith(extension))
  const file = await runtime.files.open(`/db/${names.at(-1)!}`, 'write')
  const byte = Buffer.alloc(1)
  await file.read(byte, 0, 1, at)
  byte[0]! ^= 1
  await file.write(byte, at)
  await file.close()
  return names.at(-1)!
}

describe('verification of an open store', () => {
  it('finds nothing in a sound one, and tells what it is made of', async () => {
    const world = await openWorld()
    await fill(world, 3)
    for (let i = 0; i < 5; i++) await world.put(`later ${i}`, 'x')
    const report = await world.engine.verify()
    expect(report).toMatchObject({ ok: true, damages: [], commits: 5, sequence: 65 })
    expect(report.tables).toBe(world.engine.stats().tables)
    expect(report.rows).toBeGreaterThan(19)
    expect(report.files.some(({ file }) => file.endsWith('.manifest'))).toBe(true)
    expect(report.files.some(({ file }) => file.endsWith('.log'))).toBe(true)
    await world.engine.close()
  })

  it('finds nothing while commits, flushes and merges go on under it', async () => {
    const world = await openWorld()
    await fill(world, 2)
    let isWriting = true
    const writing = (async () => {
      for (let round = 0; isWriting; round++) {
        for (let i = 0; i < 10; i++) await world.put(`key ${(round * 7 + i) % 40}`, `again ${round} `.repeat(20))
        if (round % 2 === 0) await world.engine.flush()
        if (round % 5 === 4) await world.engine.compact()
      }
    })()
    for (let i = 0; i < 12; i++) expect((await world.engine.verify()).damages).toEqual([])
    isWriting = false
    await writing
    expect(world.engine.stats().compactions).toBeGreaterThan(1)
    world.engine.checkInvariants()
    await world.engine.close()
  })

  it.each([
    ['.table', 30],
    ['.manifest', 4096 + 40],
    ['.log', 0],
  ] as const)('finds damage to a %s, and goes on reading and writing', async (extension, at) => {
    const world = await openWorld()
    await fill(world, 1)
    for (let i = 0; i < 3; i++) await world.put(`later ${i}`, 'x'.repeat(100))
    const name = extension === '.log' ? await spoilLog(world) : await spoil(world, extension, at)
    const report = await world.engine.verify()
    expect(report.ok).toBe(false)
    expect(report.damages.map(({ file }) => file)).toContain(name)
    await world.put('still', 'writing')
    await world.engine.close()
  })

  it('reads a store that was opened for reading', async () => {
    const world = await openWorld()
    await fill(world, 2)
    await world.engine.close()
    const reader = await openWorld(world.runtime, true)
    expect(await reader.engine.verify()).toMatchObject({ ok: true, sequence: 40 })
    await reader.engine.close()
  })

  it('stops when it is asked to', async () => {
    const world = await openWorld()
    await fill(world, 4)
    const signal = { aborted: false }
    const seen: number[] = []
    const onProgress = ({ bytes }: { bytes: number }): void => {
      seen.push(bytes)
      signal.aborted = true
    }
    await expect(world.engine.verify({ signal, onProgress })).rejects.toThrow(AbortedError)
    expect(seen).toHaveLength(1)
    const report: VerifyReport = await world.engine.verify()
    expect(report.ok).toBe(true)
    await world.engine.close()
  })
})

/** Changes a commit in the log. */
async function spoilLog(world: World): Promise<string> {
  const names = (await world.runtime.files.list('/db')).filter((name) => name.endsWith('.log'))
  for (const name of names) {
    const file = await world.runtime.files.open(`/db/${name}`, 'write')
    const bytes = Buffer.alloc(16 * 1024)
    await file.read(bytes, 0, bytes.length, 0)
    const found = bytes.lastIndexOf('later 1')
    if (found !== -1) await file.write(Buffer.from('LATER'), found)
    await file.close()
    if (found !== -1) return name
  }
  throw new Error('no segment has the commits')
}
