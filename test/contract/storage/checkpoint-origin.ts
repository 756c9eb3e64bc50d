/** An engine with a journal of its commits, and copies of it compared with that journal. */
import type { Batch, BatchEntry } from '../../../src/storage/engine'
import { batchBytes } from '../../../src/storage/engine'
import type { LsmEngine, LsmOptions } from '../../../src/storage/lsm-engine'
import { openLsmEngine } from '../../../src/storage/lsm-engine'
import { CRASH_LIMITS, Journal, rowsOf } from '../../crash/engine-scenario'
import { createMemoryRuntime } from '../../support/memory-runtime/memory-runtime'
import type { MemoryRuntime } from '../../support/memory-runtime/memory-runtime'
import { put } from '../engine/engine-driver'

/** Where an origin lies. */
export const ORIGIN = '/data/db'
/** Nothing ends the copy. */
export const wanted = (): void => undefined

/** An engine with a journal of what was committed to it. */
export class Origin {
  readonly journal = new Journal()
  readonly runtime: MemoryRuntime
  readonly engine: LsmEngine

  private constructor(runtime: MemoryRuntime, engine: LsmEngine) {
    this.runtime = runtime
    this.engine = engine
    const { journal } = this
    engine.attach({
      onPublished: (sequence) => journal.publish(sequence),
      onPoisoned: () => undefined,
      liveSnapshots: () => [],
    })
  }

  static async open(options: Partial<LsmOptions> = {}, runtime = createMemoryRuntime({ seed: 3 })): Promise<Origin> {
    return new Origin(runtime, await openAt(runtime, ORIGIN, options))
  }

  get published(): number {
    return this.journal.published
  }

  /** Commits without waiting for the log: those of one turn are one group. */
  append(...batch: BatchEntry[]): number {
    const bytes = batchBytes(batch)
    if (this.engine.reserve(bytes, false) !== undefined) throw new Error('room was expected at once')
    const sequence = this.journal.add(batch, 'sync')
    this.engine.append(batch, bytes, sequence, 'sync')
    return sequence
  }

  async commit(...batch: BatchEntry[]): Promise<number> {
    await this.engine.reserve(batchBytes(batch), false)
    const sequence = this.journal.add(batch, 'sync')
    this.engine.append(batch, batchBytes(batch), sequence, 'sync')
    await this.engine.sync()
    return sequence
  }

  /** Rows of `keys` beginning with `prefix`. */
  async load(prefix: string, keys: number, onDecided: () => void = () => undefined): Promise<void> {
    const batch: Batch = Array.from({ length: keys }, (_, i) => put(`${prefix}${String(i).padStart(4, '0')}`, `loaded ${i}`)) // prettier-ignore
    const load = this.engine.beginLoad()
    for (const { key, value } of batch) await load.add(key, value!)
    await load.commit({
      enter: () => Promise.resolve(),
      leave: () => undefined,
      decide: (_, accept) => {
        accept()
        this.journal.add(batch, 'sync')
        onDecided()
      },
    })
  }

  /** Copies the state at `sequence` and compares the copy with the journal. */
  async copyAt(sequence: number, directory: string): Promise<void> {
    const checkpoint = this.engine.pinCheckpoint(sequence)
    if (checkpoint === undefined) throw new Error(`${sequence} cannot be had`)
    const figures = await checkpoint.write(directory, wanted)
    checkpoint.release()
    expect(figures.sequence).toBe(sequence)
    await expectCopy(this.runtime, directory, { sequence, rows: this.journal.rowsAt(sequence) })
  }
}

/** Opens the store in `directory`, or creates one. */
export function openAt(
  runtime: MemoryRuntime,
  directory: string,
  options: Partial<LsmOptions> = {},
): Promise<LsmEngine> {
  return openLsmEngine(runtime, directory, { limits: CRASH_LIMITS, create: true, readOnly: false, ioMode: 'thread', ...options }) // prettier-ignore
}

/** The copy in `directory`, opened as it is, and as it is on disk. */
export async function expectCopy(
  runtime: MemoryRuntime,
  directory: string,
  expected: { readonly sequence: number; readonly rows: readonly string[] },
): Promise<void> {
  for (const choice of ['everything', 'synced-only'] as const) {
    const copy = await openAt(createMemoryRuntime({ files: runtime.durableImage(choice) }), directory, {
      create: false,
    })
    expect(copy.recoveredSequence).toBe(expected.sequence)
    expect(short(await rowsOf(copy, expected.sequence))).toEqual(short(expected.rows))
    copy.checkInvariants()
    await copy.close()
  }
}

/** Rows as a message shows them. */
export const short = (rows: readonly string[]): string[] => rows.map((row) => `${row.slice(0, 30)} (${row.length})`)
