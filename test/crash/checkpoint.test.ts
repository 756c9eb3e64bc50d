/**
 * A failure, and a crash, at every I/O call of a checkpoint: the origin is as it was, and the copy is complete or no database.
 *
 * One life is made once to count the calls of its checkpoint, then once for each of them with that call failing. What came of it
 * is judged by a journal of the commits: the copy, if it opens, has those through its sequence and nothing else.
 */
import { StrictKvError } from '../../src/base/errors'
import type { BatchEntry, CheckpointFigures } from '../../src/storage/engine'
import { ENTRY_DELETE, ENTRY_DELETE_RANGE, ENTRY_PUT, batchBytes } from '../../src/storage/engine'
import type { LsmEngine } from '../../src/storage/lsm-engine'
import { openLsmEngine } from '../../src/storage/lsm-engine'
import type { DurableImage } from '../support/memory-runtime/durable-image'
import type { Injection, IoCall } from '../support/memory-runtime/io-calls'
import { createMemoryRuntime } from '../support/memory-runtime/memory-runtime'
import type { MemoryRuntime } from '../support/memory-runtime/memory-runtime'
import { CRASH_LIMITS, Journal, judgeImage, rowsOf, untilDoneOrCrashed } from './engine-scenario'

/** What would merge by itself while the checkpoint is written would make calls of its own. */
const LIMITS_WITHOUT_MERGES = { ...CRASH_LIMITS, levelZeroTablesMax: 8, levelZeroTablesStall: 16 }
const TARGET = '/copies/today/db'
const put = (key: string, text: string, length = 40): BatchEntry => {
  return { kind: ENTRY_PUT, key, value: Buffer.from(text.padEnd(length, '.'), 'latin1'), end: undefined }
}
const del = (key: string): BatchEntry => ({ kind: ENTRY_DELETE, key, value: undefined, end: undefined })
const delRange = (key: string, end: string): BatchEntry => ({ kind: ENTRY_DELETE_RANGE, key, value: undefined, end })

/** A life: commits in tables and in the log, a checkpoint, and commits that must not be in it. */
class Life {
  readonly journal = new Journal()
  readonly runtime: MemoryRuntime
  /** The calls of the disk that the checkpoint stood between. */
  from = 0
  to = 0
  figures: CheckpointFigures | undefined
  failure: unknown
  wasPoisoned = false
  /** What the journal had when the copy was made. */
  expected: string[] = []
  engine!: LsmEngine

  constructor(runtime: MemoryRuntime) {
    this.runtime = runtime
  }

  async run(): Promise<void> {
    this.engine = await openLsmEngine(this.runtime, '/data/db', { limits: LIMITS_WITHOUT_MERGES, create: true, readOnly: false, ioMode: 'thread' }) // prettier-ignore
    const { engine, journal } = this
    engine.attach({
      onPublished: (sequence) => journal.publish(sequence),
      onPoisoned: () => undefined,
      liveSnapshots: () => [],
    })
    await this.#commit(put('a', '1'), put('b', '1'), put('big', '1', 3000))
    await this.#commit(put('c', '2'), del('a'))
    await engine.flush()
    await this.#commit(put('d', '3'), put('b', '3'))
    await engine.flush()
    await this.#commit(delRange('c', 'd'), put('e', '4'))
    // One group of three: a copy at the second of them has to cut it.
    for (const text of ['5', '6', '7']) this.#append(put(`f${text}`, text), put('b', text))
    await engine.sync()
    const at = journal.last - 1
    this.expected = journal.rowsAt(at)
    const checkpoint = engine.pinCheckpoint(at)!
    await this.#commit(put('g', '8'), del('b'))
    await this.#quiet()
    this.from = this.runtime.calls.length
    try {
      this.figures = await checkpoint.write(TARGET, () => undefined)
    } catch (error) {
      this.failure = error
    }
    this.to = this.runtime.calls.length
    this.wasPoisoned = engine.poisoned !== undefined
    checkpoint.release()
  }

  /** Goes on with the origin, which knows nothing of what became of the copy. */
  async goOn(): Promise<void> {
    await this.#commit(put('later', '9'), del('d'))
    await this.engine.compact()
    await this.#commit(put('latest', '10'))
    this.engine.checkInvariants()
    expect(await rowsOf(this.engine, this.journal.last)).toEqual(this.journal.rowsAt(this.journal.last))
  }

  /** What the origin does by itself has ended: every call from here on is the checkpoint's. */
  async #quiet(): Promise<void> {
    for (let idle = 0, calls = 0; idle < 50; idle++) {
      await this.runtime.scheduler.nextTurn()
      if (calls !== this.runtime.calls.length) idle = 0
      calls = this.runtime.calls.length
    }
  }

  #append(...batch: BatchEntry[]): void {
    const bytes = batchBytes(batch)
    if (this.engine.reserve(bytes, false) !== undefined) throw new Error('there is room at once')
    this.engine.append(batch, bytes, this.journal.add(batch, 'sync'), 'sync')
  }

  async #commit(...batch: BatchEntry[]): Promise<void> {
    const bytes = batchBytes(batch)
    await this.engine.reserve(bytes, false)
    this.engine.append(batch, bytes, this.journal.add(batch, 'sync'), 'sync')
    await this.engine.sync()
  }
}

async function lifeOf(
  options: { readonly inject?: (call: IoCall) => Injection | undefined; readonly links?: boolean } = {},
): Promise<Life> {
  const inject = (call: IoCall): Injection | undefined => {
    const injected = options.inject?.(call)
    return injected ?? (options.links === false && call.operation === 'link' ? 'EXDEV' : undefined)
  }
  const life = new Life(createMemoryRuntime({ seed: 5, inject, clockJumps: false }))
  await untilDoneOrCrashed(life.run(), life.runtime)
  return life
}

/** The rows of the copy in an image: undefined if there is no database. Anything but a refusal is a failure of the test. */
async function rowsOfCopy(image: DurableImage): Promise<string[] | undefined> {
  let engine: LsmEngine
  const runtime = createMemoryRuntime({ files: image })
  try {
    engine = await openLsmEngine(runtime, TARGET, { limits: CRASH_LIMITS, create: false, readOnly: false, ioMode: 'thread' }) // prettier-ignore
  } catch (error) {
    if (!(error instanceof StrictKvError)) throw error
    expect(['INVALID_ARGUMENT', 'CORRUPTION']).toContain(error.code)
    return undefined
  }
  const rows = await rowsOf(engine, engine.recoveredSequence)
  engine.checkInvariants()
  await engine.close()
  return rows
}

const namesBelow = (image: DurableImage, path: string): string[] =>
  [...image.directories, ...image.files.keys()].filter((name) => name.startsWith(path))

/** Calls of the checkpoint, as one life without a failure has them. */
async function callsOfCheckpoint(links: boolean): Promise<readonly IoCall[]> {
  const life = await lifeOf({ links })
  expect(life.failure).toBeUndefined()
  expect(life.figures).toMatchObject({ sequence: life.journal.last - 2, tables: 2 })
  expect(await rowsOfCopy(life.runtime.durableImage('synced-only'))).toEqual(life.expected)
  const calls = life.runtime.calls.slice(life.from, life.to)
  for (const { path, operation } of calls) {
    const isCopy = path.startsWith('/copies') || path === '/'
    if (!isCopy) expect(['link', 'open', 'read', 'close', 'size', 'status']).toContain(operation)
  }
  return calls
}

/** The kernel gave the lock, or the descriptor is gone, and the call said otherwise: nobody knows of it until the process ends. */
const isBeyondRepair = (call: IoCall, failure: Injection): boolean =>
  call.operation === 'lock' && failure === 'EIO-after'

/** Only what takes room finds the disk full, and only a write is cut short. */
function canFail({ operation }: IoCall, failure: Injection): boolean {
  if (failure === 'short-write') return operation === 'write'
  return failure !== 'ENOSPC' || ['create', 'create-directory', 'link', 'lock', 'write'].includes(operation)
}

/**
 * What a failure of changes nothing: the close of a file, a link in whose place a copy is made, and the seal of the manifest behind its first
 * record, which was synced before CURRENT named the file.
 */
function isWithoutWeight({ operation, path, index }: IoCall, { runtime }: Life): boolean {
  if (operation === 'close' || operation === 'link') return true
  const isNamed = runtime.calls.some((call) => call.operation === 'rename' && call.index < index && call.path.includes(TARGET)) // prettier-ignore
  return isNamed && path.endsWith('.manifest')
}

async function atEveryCall(
  { links, failure }: { readonly links: boolean; readonly failure: Injection },
  judge: (life: Life, call: IoCall) => Promise<void>,
): Promise<void> {
  const calls = await callsOfCheckpoint(links)
  expect(calls.length).toBeGreaterThan(30)
  for (const call of calls) {
    if (isBeyondRepair(call, failure) || !canFail(call, failure)) continue
    // Where tables are copied, the calls on everything else are those of a checkpoint with links.
    if (!links && !call.path.endsWith('.table')) continue
    try {
      await judge(await lifeOf({ links, inject: ({ index }) => (index === call.index ? failure : undefined) }), call)
    } catch (error) {
      const where = `${failure} at I/O call ${call.index}, ${call.operation} ${call.path}, links ${links}`
      throw new Error(`${where}: ${(error as Error).message}`, { cause: error })
    }
  }
}

const KINDS = [true, false].flatMap((links) => (['EIO', 'EIO-after', 'ENOSPC', 'short-write'] as const).map((failure) => ({ links, failure }))) // prettier-ignore
const CRASHES = [true, false].flatMap((links) => (['crash-before', 'crash-after'] as const).map((failure) => ({ links, failure }))) // prettier-ignore

describe('a failure at every I/O call of a checkpoint', () => {
  test.each(KINDS)('$failure, links $links: nothing is left, and the origin goes on unharmed', async (kind) => {
    await atEveryCall(kind, async (life, call) => {
      const { runtime, journal } = life
      expect(life.wasPoisoned).toBe(false)
      const image = runtime.durableImage('everything')
      if (life.failure === undefined) {
        expect(isWithoutWeight(call, life)).toBe(true)
        expect(await rowsOfCopy(image)).toEqual(life.expected)
      } else {
        expect(life.failure).toBeInstanceOf(StrictKvError)
        const left = namesBelow(image, '/copies')
        // A directory that was not created, it is said, and is there all the same, keeps those above it.
        if (call.operation !== 'create-directory' || kind.failure !== 'EIO-after') expect(left).toEqual([])
        else expect(left.every((name) => call.path.startsWith(name))).toBe(true)
      }
      await life.goOn()
      // What a failed sync of a directory has given up does not come back: the next attempt is made elsewhere.
      const target = call.operation === 'sync-directory' ? '/elsewhere' : `${TARGET}-again`
      const again = life.engine.pinCheckpoint(journal.last)!
      await again.write(target, () => undefined)
      again.release()
      await life.engine.close()
      await judgeImage(runtime.durableImage('synced-only'), journal, journal.last)
    })
  })
})

describe('a crash at every I/O call of a checkpoint', () => {
  test.each(CRASHES)('$failure, links $links: the copy is whole or refused, and the origin is there', async (kind) => {
    await atEveryCall(kind, async (life, call) => {
      const { runtime, journal } = life
      expect(runtime.crashed).toBe(true)
      for (const choice of ['everything', 'synced-only', { seed: call.index }, { seed: call.index + 1000 }] as const) {
        const rows = await rowsOfCopy(runtime.durableImage(choice))
        if (rows !== undefined) expect(rows).toEqual(life.expected)
      }
      await judgeImage(runtime.durableImage('synced-only'), journal, journal.durable)
    })
  })
})
