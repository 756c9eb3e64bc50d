/**
 * A fixed life of one engine (commits, flushes, merges, reopenings) under a world in which one I/O call goes wrong, and the
 * oracle that judges what the live instance and every reboot say.
 *
 * The journal knows each batch by its sequence, and what was published. From it follow the rows that any prefix of the
 * commit order has; the live instance must show those of its last commit, a reboot those of some prefix that
 * holds everything acknowledged.
 */
import { CommitOutcomeUnknownError, StrictKvError } from '../../src/base/errors'
import { createLimits } from '../../src/base/limits'
import { RANGE_ALL } from '../../src/base/key-range'
import type { Batch, BatchEntry, Durability, Engine } from '../../src/storage/engine'
import { ENTRY_DELETE, ENTRY_DELETE_RANGE, ENTRY_PUT, batchBytes } from '../../src/storage/engine'
import { parseFileName } from '../../src/storage/files/file-names'
import type { LsmEngine } from '../../src/storage/lsm-engine'
import { openLsmEngine } from '../../src/storage/lsm-engine'
import { readManifest } from '../../src/storage/manifest/manifest-reader'
import type { DurableImage } from '../support/memory-runtime/durable-image'
import { createMemoryRuntime } from '../support/memory-runtime/memory-runtime'
import type { MemoryRuntime } from '../support/memory-runtime/memory-runtime'

const KiB = 1024

export const CRASH_LIMITS = createLimits({
  transactionBytesMax: 32 * KiB,
  memtableBytesMax: 16 * KiB,
  walBytesMax: 64 * KiB,
  segmentBytesMin: 64 * KiB,
  segmentBytesMax: 64 * KiB,
  blockBytes: 256,
  blockCacheBytesMax: 16 * KiB,
  tableBytesMax: 16 * KiB,
  levelBytesBase: 32 * KiB,
  levelSizeRatio: 2,
  levelZeroTablesMax: 2,
  levelZeroTablesStall: 4,
  reserveBytes: 16 * KiB,
  manifestRoomBytes: 32 * KiB,
  mergeSliceBytes: 2 * KiB,
})

export function openAt(runtime: MemoryRuntime, options: { readOnly?: boolean } = {}): Promise<LsmEngine> {
  const readOnly = options.readOnly ?? false
  return openLsmEngine(runtime, '/data/db', { limits: CRASH_LIMITS, create: !readOnly, readOnly, ioMode: 'thread' })
}

/** What was asked of the store, and what it said. */
export class Journal {
  readonly batches: Batch[] = []
  readonly durabilities: Durability[] = []
  /** Published, and so to survive the death of the process. */
  published = 0
  /** Published under 'sync', and so to survive a power cut. */
  durable = 0
  /** A bulk load under way: it may be on disk as the next commit before anybody is told that it was decided. */
  pending: Batch | undefined

  get last(): number {
    return this.batches.length
  }

  /** The last sequence that may be found on disk. */
  get lastPossible(): number {
    return this.last + (this.pending === undefined ? 0 : 1)
  }

  add(batch: Batch, durability: Durability): number {
    this.batches.push(batch)
    this.durabilities.push(durability)
    return this.batches.length
  }

  publish(sequence: number): void {
    for (let at = this.published + 1; at <= sequence; at++) if (this.durabilities[at - 1] === 'sync') this.durable = at
    this.published = Math.max(this.published, sequence)
  }

  /** A life has ended: the next one goes on from what it found. */
  cut(sequence: number): void {
    if (sequence > this.last && this.pending !== undefined) this.add(this.pending, 'sync')
    this.pending = undefined
    this.batches.length = sequence
    this.durabilities.length = sequence
    this.published = sequence
    this.durable = sequence
  }

  rowsAt(sequence: number): string[] {
    const values = new Map<string, string>()
    const batches = [...this.batches, ...(this.pending === undefined ? [] : [this.pending])]
    for (const batch of batches.slice(0, sequence)) for (const entry of batch) applyEntry(values, entry)
    return [...values].map(([key, value]) => `${key}=${value}`).sort()
  }
}

function applyEntry(values: Map<string, string>, entry: BatchEntry): void {
  if (entry.kind === ENTRY_PUT) values.set(entry.key, Buffer.from(entry.value!).latin1Slice())
  else if (entry.kind === ENTRY_DELETE) values.delete(entry.key)
  else {
    for (const key of [...values.keys()]) {
      if (key >= entry.key && (entry.end === undefined || key < entry.end)) values.delete(key)
    }
  }
}

export async function rowsOf(engine: Engine, sequence: number): Promise<string[]> {
  const cursor = engine.openCursor(RANGE_ALL, sequence, false)
  try {
    const rows: string[] = []
    while (await cursor.next()) rows.push(`${cursor.key}=${cursor.value().latin1Slice()}`)
    return rows
  } finally {
    cursor.close()
  }
}

/** One step: a commit, or something done to the engine. */
export type Step =
  /** Puts, ascending, by a bulk load. */
  | { readonly load: Batch }
  | { readonly commit: Batch; readonly durability?: Durability; readonly wait?: boolean }
  | { readonly act: 'flush' | 'compact' | 'reopen' | 'sync' }

const value = (text: string, length = 40): Buffer => Buffer.from(text.padEnd(length, '.'), 'latin1')
const put = (key: string, text: string, length?: number): BatchEntry => {
  return { kind: ENTRY_PUT, key, value: value(text, length), end: undefined }
}
const del = (key: string): BatchEntry => ({ kind: ENTRY_DELETE, key, value: undefined, end: undefined })
const delRange = (key: string, end: string): BatchEntry => ({ kind: ENTRY_DELETE_RANGE, key, value: undefined, end })

/** Small, but every kind of file is created, renamed and removed in it. */
export const STEPS: readonly Step[] = [
  { commit: [put('a', '1'), put('b', '1'), put('c', '1')] },
  { commit: [put('d', '2'), del('a')], durability: 'os' },
  { commit: [put('b', '3'), put('big', '3', 3000)], wait: false },
  { act: 'flush' },
  { commit: [put('a', '4'), del('c')] },
  { commit: [delRange('b', 'c'), put('bb', '5')], durability: 'os', wait: false },
  { commit: [put('e', '6')] },
  { act: 'flush' },
  { commit: [put('f', '7'), put('d', '7')] },
  { act: 'compact' },
  { commit: [put('a', '8'), put('g', '8')] },
  { act: 'reopen' },
  { commit: [del('g'), put('h', '9')] },
  { act: 'flush' },
  { commit: [put('i', '10')], wait: false },
  { act: 'compact' },
  { commit: [put('j', '11'), delRange('e', 'g')] },
  { act: 'sync' },
]

/** Lives through `STEPS`, going on after every typed error as an application would; anything else is a failure. */
export class Scenario {
  readonly runtime: MemoryRuntime
  readonly journal = new Journal()
  readonly errors: StrictKvError[] = []
  readonly #steps: readonly Step[]
  #engine: LsmEngine | undefined

  constructor(runtime: MemoryRuntime, steps: readonly Step[] = STEPS) {
    this.runtime = runtime
    this.#steps = steps
  }

  async run(): Promise<void> {
    for (const step of this.#steps) {
      const engine = await this.#opened()
      await this.#tolerate(() => this.#do(engine, step))
      await this.#checkLive()
    }
    await this.#close()
  }

  async #opened(): Promise<LsmEngine> {
    // A poisoned engine, and one that only reads, are opened again, as their errors ask for.
    if (this.#engine?.poisoned !== undefined || this.#engine?.refusal !== undefined) await this.#close()
    for (let attempt = 0; this.#engine === undefined; attempt++) {
      if (attempt > 3) throw new Error('the engine does not open again', { cause: this.errors.at(-1) })
      await this.#tolerate(async () => {
        this.#engine = await openAt(this.runtime)
        this.#attach(this.#engine)
      })
    }
    return this.#engine
  }

  #attach(engine: LsmEngine): void {
    const { journal } = this
    const found = engine.recoveredSequence
    if (found < journal.published) throw new Error(`reopened at ${found}, but ${journal.published} was published`)
    if (found > journal.lastPossible)
      throw new Error(`reopened at ${found}, but only ${journal.last} were ever appended`)
    journal.cut(found)
    engine.attach({
      onPublished: (sequence) => journal.publish(sequence),
      onPoisoned: () => undefined,
      liveSnapshots: () => [],
    })
  }

  async #do(engine: LsmEngine, step: Step): Promise<void> {
    if ('commit' in step) {
      const bytes = batchBytes(step.commit)
      await engine.reserve(bytes, step.commit.every((entry) => entry.kind !== ENTRY_PUT)) // prettier-ignore
      // As the transaction layer does: in the step of the decision nothing can fail any more but for poison.
      if (engine.poisoned !== undefined) return
      const durability = step.durability ?? 'sync'
      const sequence = this.journal.add(step.commit, durability)
      engine.append(step.commit, bytes, sequence, durability)
      if (step.wait !== false) await engine.sync()
      return
    }
    if ('load' in step) return this.#load(engine, step.load)
    if (step.act === 'reopen') await this.#close()
    else await engine[step.act]()
  }

  async #load(engine: LsmEngine, batch: Batch): Promise<void> {
    const { journal } = this
    const load = engine.beginLoad()
    try {
      for (const { key, value } of batch) await load.add(key, value!)
      journal.pending = batch
      await load.commit({
        enter: () => Promise.resolve(),
        leave: () => undefined,
        decide: (sequence, accept) => {
          accept()
          journal.pending = undefined
          expect(journal.add(batch, 'sync')).toBe(sequence)
        },
      })
      await engine.sync()
    } catch (error) {
      // Until the store is opened again nobody knows; any other error says that nothing of it stays.
      if (!(error instanceof CommitOutcomeUnknownError)) journal.pending = undefined
      throw error
    } finally {
      await load.discard()
    }
  }

  /** A read is right, or a typed error; the failure does not stay, so the second read is right. */
  async #checkLive(): Promise<void> {
    const engine = this.#engine
    if (engine === undefined) return
    engine.checkInvariants()
    const { journal } = this
    for (let attempt = 0; attempt < 2; attempt++) {
      let rows: string[] | undefined
      await this.#tolerate(async () => {
        rows = await rowsOf(engine, journal.last)
        for (const key of ['a', 'b', 'bb', 'big', 'c', 'zz']) {
          const row = (await engine.get(key, journal.last))?.latin1Slice()
          if (rows.find((candidate) => candidate.startsWith(`${key}=`))?.slice(key.length + 1) !== row) {
            throw new Error(`get and scan disagree about ${key}`)
          }
        }
      })
      if (rows === undefined) continue
      expect(rows).toEqual(journal.rowsAt(journal.last))
      return
    }
    throw new Error('two reads in a row failed', { cause: this.errors.at(-1) })
  }

  async #close(): Promise<void> {
    const engine = this.#engine
    this.#engine = undefined
    await engine?.close()
  }

  async #tolerate(step: () => Promise<void>): Promise<void> {
    try {
      await step()
    } catch (error) {
      if (!(error instanceof StrictKvError)) throw error
      this.errors.push(error)
    }
  }
}

/** Runs until the end, or until the world ends: then what was asked for never comes. */
export async function untilDoneOrCrashed(run: Promise<void>, runtime: MemoryRuntime): Promise<void> {
  let isDone = false
  let failure: unknown
  run.then(
    () => (isDone = true),
    (error: unknown) => {
      isDone = true
      failure = error
    },
  )
  for (let turns = 0; !isDone && !runtime.crashed; turns++) {
    if (turns > 100_000) throw new Error('neither done nor crashed: something waits for ever')
    await new Promise((resolve) => setImmediate(resolve))
  }
  if (failure !== undefined && !runtime.crashed) throw failure as Error
}

/**
 * Boots from `image` and judges: everything acknowledged is there, the state is a prefix, nothing leaked, nothing is missing, and
 * opening once more changes nothing.
 */
export async function judgeImage(image: DurableImage, journal: Journal, atLeast: number): Promise<void> {
  const runtime = createMemoryRuntime({ files: image })
  const first = await openAt(runtime)
  const { recoveredSequence } = first
  expect(recoveredSequence).toBeGreaterThanOrEqual(atLeast)
  expect(recoveredSequence).toBeLessThanOrEqual(journal.lastPossible)
  const expected = journal.rowsAt(recoveredSequence)
  expect(await rowsOf(first, recoveredSequence)).toEqual(expected)
  first.checkInvariants()
  await first.close()
  await expectNothingLeaked(runtime)
  const second = await openAt(runtime)
  expect(second.recoveredSequence).toBe(recoveredSequence)
  expect(await rowsOf(second, recoveredSequence)).toEqual(expected)
  await second.close()
}

/** Every file of the store is referred to, and what is referred to is there. */
export async function expectNothingLeaked(runtime: MemoryRuntime): Promise<void> {
  const names = (await runtime.files.list('/data/db')).map((name) => ({ name, file: parseFileName(name) }))
  const manifest = await readManifest(runtime, '/data/db')
  const numbersOf = (kind: string): number[] => {
    return names.filter(({ file }) => file?.kind === kind).map(({ file }) => file!.number)
  }
  const state = manifest!.state
  expect(names.filter(({ file }) => file === undefined)).toEqual([])
  expect(numbersOf('manifest')).toEqual([manifest!.number])
  expect(numbersOf('currentTemporary')).toEqual([])
  expect(numbersOf('table')).toEqual(state.tables.map((table) => table.number).sort((a, b) => a - b))
  const segments = numbersOf('segment')
  for (const named of state.segments) expect(segments).toContain(named)
  // The next segment is being prepared: its file is there before the manifest names it.
  expect(segments.filter((number) => !state.segments.includes(number) && number < state.nextSegment)).toEqual([])
}
