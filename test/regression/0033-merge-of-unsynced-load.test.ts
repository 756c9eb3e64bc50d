/**
 * A merge could rewrite the tables of a load before the load's commit was synced in the log. After a power cut then, the tables would have
 * held a sequence that recovery did not know of, and gave again: what had been loaded and what came later looked the same age.
 */
import type { IoDone, IoRequest, IoThread, Runtime } from '../../src/runtime/runtime'
import { ENTRY_DELETE_RANGE } from '../../src/storage/engine'
import type { LsmEngine } from '../../src/storage/lsm-engine'
import { openLsmEngine } from '../../src/storage/lsm-engine'
import { CRASH_LIMITS } from '../crash/engine-scenario'
import type { MemoryRuntime } from '../support/memory-runtime/memory-runtime'
import { createMemoryRuntime } from '../support/memory-runtime/memory-runtime'

/** A runtime whose I/O threads keep what has a sync until `release`. */
function holdSyncs(runtime: MemoryRuntime): { readonly held: Runtime; hold(): void; release(): void } {
  let isHeld = false
  const waiting: (() => void)[] = []
  const holding = (inner: IoThread): IoThread => ({
    mode: inner.mode,
    memoryBytes: inner.memoryBytes,
    allocate: (bytes) => inner.allocate(bytes),
    submit: (request: IoRequest, done: IoDone) => {
      if (isHeld && (request.sync || waiting.length > 0)) waiting.push(() => inner.submit(request, done))
      else inner.submit(request, done)
    },
    drainSync: () => inner.drainSync(),
    close: () => inner.close(),
  })
  const files = Object.create(runtime.files) as Runtime['files']
  files.openIoThread = async (mode) => holding(await runtime.files.openIoThread(mode))
  return {
    held: { ...runtime, files },
    hold: () => (isHeld = true),
    release: () => {
      isHeld = false
      for (const submit of waiting.splice(0)) submit()
    },
  }
}

async function loadRows(engine: LsmEngine, onDecide: () => void): Promise<void> {
  const load = engine.beginLoad()
  for (let i = 0; i < 300; i++) await load.add(`key${String(i).padStart(3, '0')}`, Buffer.alloc(500, i))
  await load.commit({
    enter: () => Promise.resolve(),
    leave: () => undefined,
    decide: (_sequence, accept) => {
      onDecide()
      accept()
    },
  })
}

test('a load is not merged before its commit is synced', async () => {
  const runtime = createMemoryRuntime({ seed: 1 })
  const { held, hold, release } = holdSyncs(runtime)
  const engine = await openLsmEngine(held, '/db', { limits: CRASH_LIMITS, create: true, readOnly: false, ioMode: 'thread' }) // prettier-ignore
  engine.attach({ onPublished: () => undefined, onPoisoned: () => undefined, liveSnapshots: () => [] })
  await loadRows(engine, () => undefined)
  await engine.compact()
  await engine.reserve(100, true)
  engine.append([{ kind: ENTRY_DELETE_RANGE, key: 'key', value: undefined, end: 'kez' }], 100, 2, 'sync')
  await engine.flush()
  const before = engine.stats().compactions

  // More than its level takes, above what was there before: the picker wants a merge at once.
  const loading = loadRows(engine, hold)
  for (let i = 0; i < 5000; i++) await runtime.scheduler.nextTurn()
  expect([engine.publishedSequence, engine.stats().compactions - before]).toEqual([2, 0])
  release()
  await loading
  await engine.compact()
  expect(engine.publishedSequence).toBe(3)
  expect(engine.stats().compactions).toBeGreaterThan(before)
  await engine.close()
})
