/**
 * The background thread of an engine on a real directory is killed, or its files fail, at the n-th call of a compaction, for every n.
 *
 * Each time: the four sentinels of four level-0 tables are visible live at once, after the job has started over, and after
 * reopening; no file of the failed attempt is left; nothing is poisoned; and the next attempt, in a new thread where the
 * first was killed, does what the first should have done.
 */
import fs from 'node:fs'
import path from 'node:path'
import { DiskFullError, IoError } from '../../src/base/errors'
import { createLimits } from '../../src/base/limits'
import { createNodeRuntime } from '../../src/runtime/node/node-runtime'
import { WORKER_DIED } from '../../src/runtime/runtime'
import { ENTRY_PUT, batchBytes } from '../../src/storage/engine'
import type { Batch, EngineEvent } from '../../src/storage/engine'
import type { LsmEngine } from '../../src/storage/lsm-engine'
import { openLsmEngine } from '../../src/storage/lsm-engine'
import { compileEntry, createTemporaryDirectory } from '../contract/runtime/world'
import { CRASH_LIMITS } from './engine-scenario'

const root = createTemporaryDirectory()
const compiled = compileEntry('src/worker.ts', root)
afterAll(() => fs.rmSync(root, { recursive: true, force: true }))

const SENTINELS = ['sentinel-a', 'sentinel-b', 'sentinel-c', 'sentinel-d']
// Merges begin only when the test asks for one, and a failed one is not tried again before it asks.
const limits = createLimits({
  ...CRASH_LIMITS,
  levelZeroTablesMax: 64,
  levelZeroTablesStall: 64,
  backoffMsMin: 60_000,
  backoffMsMax: 60_000,
})

/** What the thread does at which of its calls: `skip` of them go well first. */
interface Plan {
  readonly call: 'openSync' | 'readSync' | 'writeSync' | 'fdatasyncSync'
  readonly what: 'kill' | 'EIO' | 'ENOSPC' | 'EMFILE'
  readonly skip: number
}

/** The real entry behind file calls that do what `plan.json` beside it says, once. */
function writeEntry(directory: string): { readonly entry: string; readonly plan: string } {
  const entry = path.join(directory, 'worker.js')
  const plan = path.join(directory, 'plan.json')
  fs.writeFileSync(
    entry,
    `const fs = require('node:fs')
    const plan = ${JSON.stringify(plan)}
    let busy = false
    const due = (name) => {
      busy = true
      try {
        if (!fs.existsSync(plan)) return undefined
        const { call, what, skip } = JSON.parse(fs.readFileSync(plan, 'utf8'))
        if (call !== name) return undefined
        if (skip === 0) fs.rmSync(plan)
        else fs.writeFileSync(plan, JSON.stringify({ call, what, skip: skip - 1 }))
        return skip === 0 ? what : undefined
      } finally {
        busy = false
      }
    }
    const errnos = { EIO: -5, ENOSPC: -28, EMFILE: -24 }
    // The thread that writes the log has the same entry, and is none of these tests' business.
    const isOurs = require('node:worker_threads').workerData.kind === 'merge'
    for (const name of isOurs ? ['openSync', 'readSync', 'writeSync', 'fdatasyncSync'] : []) {
      const real = fs[name]
      fs[name] = (...args) => {
        const what = busy ? undefined : due(name)
        if (what === undefined) return real(...args)
        if (what === 'kill') process.exit(9)
        throw Object.assign(new Error(what + ': injected'), { code: what, errno: errnos[what] })
      }
    }
    require(${JSON.stringify(compiled)})`,
  )
  return { entry, plan }
}

async function open(
  directory: string,
  entry: string,
  onEvent: (event: EngineEvent) => void = () => undefined,
): Promise<LsmEngine> {
  const runtime = createNodeRuntime({ workerFile: entry })
  const options = { limits, create: true, readOnly: false, ioMode: 'inline', backgroundMode: 'thread' } as const
  const engine = await openLsmEngine(runtime, directory, { ...options, onEvent })
  engine.attach({ onPublished: () => undefined, onPoisoned: () => undefined, liveSnapshots: () => [] })
  return engine
}

async function fill(engine: LsmEngine): Promise<void> {
  for (const [i, sentinel] of SENTINELS.entries()) {
    const fillers = Array.from({ length: 40 }, (_, j) => `filler-${String(j * 4 + i).padStart(3, '0')}`)
    const batch: Batch = [...fillers, sentinel].map((key) => {
      return { kind: ENTRY_PUT, key, value: Buffer.alloc(240, key), end: undefined }
    })
    await engine.reserve(batchBytes(batch), false)
    engine.append(batch, batchBytes(batch), i + 1, 'sync')
    await engine.flush()
  }
  expect(engine.stats()).toMatchObject({ worker: 'thread', flushes: 4 })
}

async function expectSentinels(engine: LsmEngine): Promise<void> {
  for (const sentinel of SENTINELS) {
    expect((await engine.get(sentinel, 4))?.latin1Slice()).toBe(Buffer.alloc(240, sentinel).latin1Slice())
  }
}

const tablesIn = (directory: string): string[] => fs.readdirSync(directory).filter((name) => name.endsWith('.table'))

/** One life in which the planned call fails; false if the compaction makes no so many calls. */
async function failAt({ call, what, skip }: Plan): Promise<boolean> {
  const home = fs.mkdtempSync(path.join(root, 'life-'))
  const { entry, plan } = writeEntry(home)
  const directory = path.join(home, 'db')
  let engine = await open(directory, entry)
  await fill(engine)
  const tables = tablesIn(directory)
  fs.writeFileSync(plan, JSON.stringify({ call, what, skip }))
  const result: unknown = await engine.compact().catch((error: unknown) => error)
  const isHit = !fs.existsSync(plan)
  fs.rmSync(plan, { force: true })
  await expectSentinels(engine)
  if (isHit) {
    if (what === 'ENOSPC') expect(result).toBeInstanceOf(DiskFullError)
    else expect(result).toBeInstanceOf(IoError)
    if (what === 'kill') expect((result as IoError).operation).toBe(WORKER_DIED)
    expect(tablesIn(directory)).toEqual(tables)
    expect(engine.poisoned).toBeUndefined()
    engine.checkInvariants()
    await engine.compact()
    expect(engine.stats()).toMatchObject({ worker: 'thread' })
    expect(engine.stats().levels[0]!.tables).toBe(0)
    await expectSentinels(engine)
  } else {
    expect(result).toBeUndefined()
  }
  await engine.close()
  engine = await open(directory, entry)
  expect(engine.recoveredSequence).toBe(4)
  await expectSentinels(engine)
  await engine.close()
  fs.rmSync(home, { recursive: true })
  return isHit
}

describe('sentinels survive a background thread whose', () => {
  test.each([
    ['writeSync', 'kill'],
    ['writeSync', 'EIO'],
    ['writeSync', 'ENOSPC'],
    ['fdatasyncSync', 'kill'],
    ['fdatasyncSync', 'EIO'],
    ['readSync', 'kill'],
    ['readSync', 'EIO'],
    ['openSync', 'kill'],
    ['openSync', 'EMFILE'],
  ] as const)('n-th %s in a compaction ends in %s, for every n', async (call, what) => {
    let skip = 0
    while (await failAt({ call, what, skip })) skip++
    expect(skip).toBeGreaterThanOrEqual(2)
  })

  test('flush fails: the memtable stays readable, and the next attempt writes it', async () => {
    for (const what of ['kill', 'EIO', 'ENOSPC'] as const) {
      const home = fs.mkdtempSync(path.join(root, 'life-'))
      const { entry, plan } = writeEntry(home)
      const directory = path.join(home, 'db')
      const failures: unknown[] = []
      const engine = await open(directory, entry, (event) => {
        if (event.type === 'backgroundError') failures.push(event.error)
      })
      const batch: Batch = SENTINELS.map((key) => ({
        kind: ENTRY_PUT,
        key,
        value: Buffer.alloc(240, key),
        end: undefined,
      }))
      await engine.reserve(batchBytes(batch), false)
      engine.append(batch, batchBytes(batch), 1, 'sync')
      await engine.sync()
      fs.writeFileSync(plan, JSON.stringify({ call: 'writeSync', what, skip: 0 }))
      // The first attempt fails; whoever asked may see the second one succeed.
      await engine.flush().catch((error: unknown) => failures.push(error))
      expect(failures[0]).toBeInstanceOf(what === 'ENOSPC' ? DiskFullError : IoError)
      for (const sentinel of SENTINELS) expect((await engine.get(sentinel, 1))?.length).toBe(240)
      await engine.flush()
      expect(tablesIn(directory)).toHaveLength(1)
      expect(engine.stats()).toMatchObject({ memtablesFrozen: 0, tables: 1, worker: 'thread' })
      for (const sentinel of SENTINELS) expect((await engine.get(sentinel, 1))?.length).toBe(240)
      await engine.close()
      fs.rmSync(home, { recursive: true })
    }
  })
})
