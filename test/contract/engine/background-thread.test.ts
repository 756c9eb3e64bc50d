/**
 * An engine on a real directory whose byte work is done by the compiled thread, step by step against the in-memory engine.
 *
 * Random commits, deletions, range deletions, held snapshots, flushes, compactions and reopenings; every answer must agree.
 */
import fs from 'node:fs'
import path from 'node:path'
import { RANGE_ALL } from '../../../src/base/key-range'
import { createNodeRuntime } from '../../../src/runtime/node/node-runtime'
import type { BatchEntry, Engine, EngineListener } from '../../../src/storage/engine'
import { batchBytes } from '../../../src/storage/engine'
import { openLsmEngine } from '../../../src/storage/lsm-engine'
import { createMemoryEngine } from '../../../src/storage/memory/memory-engine'
import { createMemoryRuntime } from '../../support/memory-runtime/memory-runtime'
import { SeededRandom, replayCommand, testSeed } from '../../support/oracle/random'
import { compileEntry, createTemporaryDirectory } from '../runtime/world'
import { del, delRange, put } from './engine-driver'
import { TINY_LIMITS } from './engine-subjects'

const file = 'test/contract/engine/background-thread.test.ts'
const root = createTemporaryDirectory()
const workerFile = compileEntry('src/worker.ts', root)
afterAll(() => fs.rmSync(root, { recursive: true, force: true }))

async function rowsOf(engine: Engine, sequence: number): Promise<string[]> {
  const cursor = engine.openCursor(RANGE_ALL, sequence, false)
  const rows: string[] = []
  while (await cursor.next()) rows.push(`${cursor.key}=${cursor.value().latin1Slice()}`)
  cursor.close()
  return rows
}

function randomBatch(random: SeededRandom): BatchEntry[] {
  const entries = new Map<string, BatchEntry>()
  for (let i = 0; i < 1 + random.below(20); i++) {
    const key = `key${String(random.below(400)).padStart(5, '0')}`
    const entry = random.chance(0.2) ? del(key) : put(key, 'v'.repeat(random.below(120)) + String(random.u32()))
    entries.set(key, entry)
  }
  if (random.chance(0.05)) {
    const start = random.below(400)
    const name = (i: number): string => `key${String(i).padStart(5, '0')}`
    return [delRange(name(start), name(start + 1 + random.below(40)))]
  }
  return [...entries.values()]
}

describe('an engine with a background thread', () => {
  test('answers as the in-memory engine does, whatever is flushed, merged and reopened between', async () => {
    const seed = testSeed(771)
    const random = new SeededRandom(seed)
    const held: number[] = []
    const listener: EngineListener = { onPublished: () => undefined, onPoisoned: () => undefined, liveSnapshots: () => held } // prettier-ignore
    const options = { limits: TINY_LIMITS, create: true, readOnly: false, ioMode: 'inline', backgroundMode: 'thread' } as const // prettier-ignore
    const open = async (): Promise<Engine> => {
      const engine = await openLsmEngine(createNodeRuntime({ workerFile }), path.join(root, 'db'), options)
      engine.attach(listener)
      return engine
    }
    const runtime = createMemoryRuntime({ seed })
    const model = createMemoryEngine({ runtime })
    model.attach(listener)
    let engine = await open()
    let sequence = 0
    let compactions = 0
    try {
      for (let step = 0; step < 600; step++) {
        const batch = randomBatch(random)
        const bytes = batchBytes(batch)
        sequence++
        for (const one of [model, engine]) {
          await one.reserve(bytes, false)
          one.append(batch, bytes, sequence, 'os')
        }
        if (random.chance(0.02)) held.push(sequence)
        if (random.chance(0.05)) await engine.flush()
        if (random.chance(0.02)) await engine.compact()
        if (step % 20 === 19) {
          await engine.sync()
          const at = held.length > 0 && random.chance(0.5) ? random.pick(held) : sequence
          expect(await rowsOf(engine, at)).toEqual(await rowsOf(model, at))
        }
        if (random.chance(0.01)) {
          // A reopened engine knows nothing of the snapshots of an earlier life.
          held.length = 0
          compactions += engine.stats().compactions
          expect(engine.stats().worker).toBe('thread')
          await engine.close()
          engine = await open()
        }
      }
      compactions += engine.stats().compactions
      await engine.compact()
      expect(await rowsOf(engine, sequence)).toEqual(await rowsOf(model, sequence))
    } catch (error) {
      throw new Error(`the engines differ; again with ${replayCommand(seed, file)}`, { cause: error })
    }
    expect(compactions).toBeGreaterThan(10)
    await engine.close()
    await model.close()
  })
})
