/** What a commit waits for when background work is slower than commits: a slice of it, never a whole job. */
import { createLimits } from '../../../src/base/limits'
import type { Batch, EngineEvent } from '../../../src/storage/engine'
import { ENTRY_PUT, batchBytes } from '../../../src/storage/engine'
import { openLsmEngine } from '../../../src/storage/lsm-engine'
import type { LsmEngine } from '../../../src/storage/lsm-engine'
import { createMemoryRuntime } from '../../support/memory-runtime/memory-runtime'
import type { MemoryRuntime } from '../../support/memory-runtime/memory-runtime'
import { SeededRandom } from '../../support/oracle/random'

const KiB = 1024

/** Merges in tiny slices, and no hard stop anywhere near. */
const LIMITS = createLimits({
  transactionBytesMax: 32 * KiB,
  memtableBytesMax: 32 * KiB,
  memtablesFrozenMax: 64,
  blockBytes: 1 * KiB,
  tableBytesMin: 64 * KiB,
  levelBytesBase: 64 * 1024 * KiB,
  levelZeroTablesMax: 2,
  levelZeroTablesStall: 1_024,
  mergeSliceBytes: 1 * KiB,
  mergeDebtBytesMax: 0,
  reserveBytes: 0,
})

interface Run {
  readonly engine: LsmEngine
  /** How long each commit waited to be let in, and each job took, in virtual milliseconds. */
  readonly waitsMs: number[]
  readonly mergesMs: number[]
}

async function commitFast(runtime: MemoryRuntime, commits: number): Promise<Run> {
  const mergesMs: number[] = []
  const onEvent = (event: EngineEvent): void => {
    if (event.type === 'compaction') mergesMs.push(event.ms)
  }
  const engine = await openLsmEngine(runtime, '/db', { limits: LIMITS, create: true, readOnly: false, ioMode: 'inline', onEvent }) // prettier-ignore
  engine.attach({ onPublished: () => undefined, onPoisoned: () => undefined, liveSnapshots: () => [] })
  const random = new SeededRandom(5)
  const waitsMs: number[] = []
  for (let sequence = 1; sequence <= commits; sequence++) {
    const key = random.below(1_000_000).toString().padStart(8, '0')
    const batch: Batch = [{ kind: ENTRY_PUT, key, value: Buffer.alloc(200, sequence), end: undefined }]
    const sinceMs = runtime.clock.monotonicMs()
    await engine.reserve(batchBytes(batch), false)
    waitsMs.push(runtime.clock.monotonicMs() - sinceMs)
    engine.append(batch, batchBytes(batch), sequence, 'os')
    // A turn now and then: what the application does between two commits.
    if (sequence % 8 === 0) await runtime.scheduler.nextTurn()
  }
  return { engine, waitsMs, mergesMs }
}

describe('commits that come faster than they can be merged', () => {
  test('wait for slices: none for as long as a job takes, and all are let in', async () => {
    const { engine, waitsMs, mergesMs } = await commitFast(createMemoryRuntime({ seed: 3 }), 6000)
    const { stalls, mergeDebtBytes } = engine.stats()
    expect(stalls.countByKind.mergeDebt).toBeGreaterThan(500)
    expect(stalls.countByKind).toMatchObject({ memtables: 0, levelZero: 0 })
    // A commit of 224 bytes grants 1,344: two slices pay for it.
    const longestJobMs = Math.max(...mergesMs)
    expect(longestJobMs).toBeGreaterThan(5)
    expect(Math.max(...waitsMs)).toBeLessThan(longestJobMs / 10)
    expect(mergeDebtBytes).toBeLessThan(1024 * KiB)
    await engine.close()
  })

  test('go on once a job fails for good: what cannot be done is not waited for', async () => {
    const runtime = createMemoryRuntime({ seed: 3 })
    const { engine } = await commitFast(runtime, 500)
    runtime.inject = (call) => (call.operation === 'create' && call.path.endsWith('.table') ? 'EIO' : undefined)
    for (let sequence = 501; sequence <= 1500; sequence++) {
      const batch: Batch = [{ kind: ENTRY_PUT, key: String(sequence), value: Buffer.alloc(200), end: undefined }]
      await engine.reserve(batchBytes(batch), false)
      engine.append(batch, batchBytes(batch), sequence, 'os')
    }
    expect(engine.stats().backgroundError).toBeDefined()
    runtime.inject = undefined
    await engine.close()
  })
})
