/**
 * Drives one engine as the transaction layer would: reserves, appends in sequence, listens, holds snapshots.
 *
 * `disturb` does between two steps whatever its subject stands for (nothing, flush, compact, reopen): what a test expects
 * must hold all the same. A snapshot held through `hold` keeps its sequence readable; others may read as of the last one only.
 */
import type { Batch, BatchEntry, Durability, Engine, EngineListener } from '../../../src/storage/engine'
import { ENTRY_DELETE, ENTRY_DELETE_RANGE, ENTRY_PUT, batchBytes } from '../../../src/storage/engine'
import type { KeyRange } from '../../../src/base/key-range'
import { RANGE_ALL } from '../../../src/base/key-range'
import type { MemoryRuntime } from '../../support/memory-runtime/memory-runtime'

/** What stands between two steps of a test. */
export type Disturbance = (driver: EngineDriver) => Promise<void>

/** An engine that can be opened again. */
export interface Openable {
  readonly runtime: MemoryRuntime
  open(): Promise<Engine>
}

export function put(key: string, value: string | Uint8Array): BatchEntry {
  return { kind: ENTRY_PUT, key, value: Buffer.from(value as string, 'latin1'), end: undefined }
}

export function del(key: string): BatchEntry {
  return { kind: ENTRY_DELETE, key, value: undefined, end: undefined }
}

export function delRange(start: string, end: string | undefined): BatchEntry {
  return { kind: ENTRY_DELETE_RANGE, key: start, value: undefined, end }
}

export class EngineDriver implements EngineListener {
  readonly openable: Openable
  readonly published: number[] = []
  readonly poisonings: Error[] = []
  readonly #disturbance: Disturbance
  readonly #held: number[] = []
  engine!: Engine
  sequence = 0

  constructor(openable: Openable, disturbance: Disturbance) {
    this.openable = openable
    this.#disturbance = disturbance
  }

  get runtime(): MemoryRuntime {
    return this.openable.runtime
  }

  async start(): Promise<this> {
    this.engine = await this.openable.open()
    this.engine.attach(this)
    this.sequence = this.engine.recoveredSequence
    return this
  }

  async reopen(): Promise<void> {
    await this.engine.close()
    await this.start()
  }

  onPublished(sequence: number): void {
    this.published.push(sequence)
  }

  onPoisoned(cause: Error): void {
    this.poisonings.push(cause)
  }

  liveSnapshots(): Iterable<number> {
    return this.#held
  }

  get holdsSnapshots(): boolean {
    return this.#held.length > 0
  }

  /** Keeps the present sequence readable until `release`. */
  hold(): number {
    this.#held.push(this.sequence)
    return this.sequence
  }

  release(sequence: number): void {
    this.#held.splice(this.#held.indexOf(sequence), 1)
  }

  /** Commits at once if there is room, without waiting for the log. */
  commitNow(batch: Batch, durability: Durability = 'sync'): number {
    const bytes = batchBytes(batch)
    const reserved = this.engine.reserve(bytes, false)
    if (reserved !== undefined) throw new Error('a reservation was expected to be possible at once')
    this.engine.append(batch, bytes, ++this.sequence, durability)
    return this.sequence
  }

  /** Commits as soon as there is room, without waiting for the log. */
  async append(batch: Batch, durability: Durability = 'sync'): Promise<number> {
    const bytes = batchBytes(batch)
    await this.engine.reserve(
      bytes,
      batch.every((entry) => entry.kind !== ENTRY_PUT),
    )
    this.engine.append(batch, bytes, ++this.sequence, durability)
    return this.sequence
  }

  /** Commits durably. */
  async commit(...batch: BatchEntry[]): Promise<number> {
    const sequence = await this.append(batch)
    await this.engine.sync()
    return sequence
  }

  async disturb(): Promise<void> {
    await this.#disturbance(this)
  }

  /** The value as text, or undefined. Asks both ways, which must agree. */
  async get(key: string, sequence = this.sequence): Promise<string | undefined> {
    const value = await this.engine.get(key, sequence)
    const again = this.engine.getSync(key, sequence)
    if (value === undefined ? again !== undefined : again?.equals(value) !== true) {
      throw new Error(`get and getSync disagree about ${JSON.stringify(key)} at ${sequence}`)
    }
    return value?.latin1Slice()
  }

  /** The rows of a range, as 'key=value'. */
  async rows(range: KeyRange = RANGE_ALL, options: { sequence?: number; reverse?: boolean } = {}): Promise<string[]> {
    const cursor = this.engine.openCursor(range, options.sequence ?? this.sequence, options.reverse ?? false)
    const rows: string[] = []
    while (await cursor.next()) rows.push(`${cursor.key}=${cursor.value().latin1Slice()}`)
    cursor.close()
    return rows
  }
}
