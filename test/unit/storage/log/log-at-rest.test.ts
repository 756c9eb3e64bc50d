/** What the log leaves on disk when nothing is written, and when its store is closed: no large files that nobody needs. */
import { createLimits } from '../../../../src/base/limits'
import { batchBytes, ENTRY_PUT } from '../../../../src/storage/engine'
import type { Batch } from '../../../../src/storage/engine'
import { openLsmEngine } from '../../../../src/storage/lsm-engine'
import type { LsmEngine } from '../../../../src/storage/lsm-engine'
import type { DurableImage } from '../../../support/memory-runtime/durable-image'
import { createMemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import type { MemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import { CRASH_LIMITS } from '../../../crash/engine-scenario'

const KiB = 1024
const SEGMENT_BYTES_MIN = 16 * KiB
const limits = createLimits({
  ...CRASH_LIMITS,
  memtableBytesMax: 1024 * KiB,
  walBytesMax: 1024 * KiB,
  segmentBytesMin: SEGMENT_BYTES_MIN,
  segmentBytesMax: 256 * KiB,
})

async function open(runtime: MemoryRuntime): Promise<LsmEngine> {
  const engine = await openLsmEngine(runtime, '/db', { limits, create: true, readOnly: false, ioMode: 'thread' })
  engine.attach({ onPublished: () => undefined, onPoisoned: () => undefined, liveSnapshots: () => [] })
  return engine
}

/** Commits one key after the other, each durable before the next. */
async function write(engine: LsmEngine, range: { after: number; count: number; valueBytes?: number }): Promise<number> {
  for (let sequence = range.after + 1; sequence <= range.after + range.count; sequence++) {
    const value = Buffer.alloc(range.valueBytes ?? 4000, sequence & 255)
    const batch: Batch = [{ kind: ENTRY_PUT, key: `k${sequence}`, value, end: undefined }]
    await engine.reserve(batchBytes(batch), false)
    engine.append(batch, batchBytes(batch), sequence, 'sync')
    await engine.sync()
  }
  return range.after + range.count
}

function logBytes(image: DurableImage): number {
  let bytes = 0
  for (const [path, file] of image.files) if (path.endsWith('.log')) bytes += file.length
  return bytes
}

/** Reopens `image`: everything through `sequence` is there, nothing beyond `appended`, and the store goes on. */
async function expectAll(image: DurableImage, sequence: number, appended = sequence): Promise<void> {
  const engine = await open(createMemoryRuntime({ files: image }))
  const last = engine.recoveredSequence
  expect(last).toBeGreaterThanOrEqual(sequence)
  expect(last).toBeLessThanOrEqual(appended)
  for (let i = 1; i <= appended; i++) {
    const value = await engine.get(`k${i}`, last)
    if ((value === undefined) !== i > last) throw new Error(`k${i} is wrong, ${last} commits were recovered`)
  }
  await write(engine, { after: last, count: 1 })
  await engine.close()
}

async function turnsUntil(runtime: MemoryRuntime, isDone: () => boolean): Promise<void> {
  for (let turn = 0; turn < 5000 && !isDone(); turn++) await runtime.scheduler.nextTurn()
  expect(isDone()).toBe(true)
}

describe('the log at rest', () => {
  test('a store that is closed with everything in tables leaves no log behind', async () => {
    const runtime = createMemoryRuntime({ seed: 1, clockJumps: false })
    const engine = await open(runtime)
    const last = await write(engine, { after: 0, count: 120 })
    await engine.flush()
    expect(logBytes(runtime.durableImage('everything'))).toBeGreaterThanOrEqual(256 * KiB)
    await engine.close()
    for (const choice of ['everything', 'synced-only'] as const) {
      const image = runtime.durableImage(choice)
      if (choice === 'everything') expect(logBytes(image)).toBe(0)
      await expectAll(image, last)
    }
  })

  test('closing flushes what little is in no table, rather than keep a large log', async () => {
    const runtime = createMemoryRuntime({ seed: 2, clockJumps: false })
    const engine = await open(runtime)
    await write(engine, { after: 0, count: 120 })
    await engine.flush()
    const last = await write(engine, { after: 120, count: 2 })
    await engine.close()
    expect(logBytes(runtime.durableImage('everything'))).toBe(0)
    await expectAll(runtime.durableImage('synced-only'), last)
  })

  test('closing leaves a log that is small, or full, as it is', async () => {
    for (const [count, leastBytes] of [
      [2, SEGMENT_BYTES_MIN],
      [100, 400 * KiB],
    ] as const) {
      const runtime = createMemoryRuntime({ seed: 3, clockJumps: false })
      const engine = await open(runtime)
      const last = await write(engine, { after: 0, count })
      await engine.close()
      expect(engine.stats().flushes).toBe(0)
      expect(logBytes(runtime.durableImage('everything'))).toBeGreaterThanOrEqual(leastBytes)
      await expectAll(runtime.durableImage('synced-only'), last)
    }
  })

  test('a while after a flush the log goes on in the least segments, which grow again under load', async () => {
    const runtime = createMemoryRuntime({ seed: 4, clockJumps: false })
    const engine = await open(runtime)
    let last = await write(engine, { after: 0, count: 120 })
    await engine.flush()
    const bytes = (): number => logBytes(runtime.durableImage('everything'))
    expect(bytes()).toBeGreaterThanOrEqual(256 * KiB)
    runtime.advance(limits.restMs + 1)
    await turnsUntil(runtime, () => bytes() <= 4 * SEGMENT_BYTES_MIN)
    await expectAll(runtime.durableImage('synced-only'), last)
    last = await write(engine, { after: last, count: 120 })
    expect(bytes()).toBeGreaterThanOrEqual(256 * KiB)
    await expectAll(runtime.durableImage('synced-only'), last)
    await engine.close()
  })

  test('commits meanwhile, and a crash at one call in three, lose nothing', async () => {
    const calls = await lifeUntil(Infinity)
    for (let crashAt = calls.flushed; crashAt <= calls.end; crashAt += 3) {
      const { runtime, acknowledged, appended } = await lifeUntil(crashAt)
      for (const choice of ['everything', 'synced-only', { seed: crashAt }] as const) {
        await expectAll(runtime.durableImage(choice), acknowledged, appended)
      }
    }
  })
})

/** Fills, flushes, rests, with commits while it does, closes; until the call `crashAt`. */
async function lifeUntil(
  crashAt: number,
): Promise<{ runtime: MemoryRuntime; acknowledged: number; appended: number; flushed: number; end: number }> {
  const runtime = createMemoryRuntime({
    seed: 5,
    clockJumps: false,
    inject: ({ index }) => (index === crashAt ? (crashAt % 2 === 0 ? 'crash-before' : 'crash-after') : undefined),
  })
  const facts = { acknowledged: 0, appended: 0, flushed: 0 }
  const life = async (): Promise<void> => {
    const engine = await open(runtime)
    const put = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        facts.appended++
        await write(engine, { after: facts.appended - 1, count: 1, valueBytes: 3000 })
        facts.acknowledged = facts.appended
      }
    }
    await put(120)
    await engine.flush()
    facts.flushed = runtime.calls.length
    runtime.advance(limits.restMs + 1)
    await runtime.scheduler.nextTurn()
    // Into the middle of the change from one segment to the next.
    for (let turn = 0; turn < 500 && !runtime.calls.slice(facts.flushed).some(({ operation }) => operation === 'create' || operation === 'open'); turn++) await runtime.scheduler.nextTurn() // prettier-ignore
    await put(3)
    await engine.close()
  }
  let isOver = false
  const over = (): void => void (isOver = true)
  life().then(over, over)
  while (!isOver && !runtime.crashed) await new Promise((resolve) => setImmediate(resolve))
  return { runtime, ...facts, end: runtime.calls.length }
}
