/**
 * A bulk load: ascending rows become tables past log and memtable, and part of the store in one step, or never.
 *
 *   rows -> tables, synced, their directory synced             nobody sees them, a crash leaves orphans
 *        -> flushes and merges wait, and so do commits         nothing is decided from here on
 *        -> log synced through the last commit, number S - 1; the range is empty
 *        -> manifest edit {tables, all their rows at S} synced            now a crash keeps the load
 *        -> ATOMIC: decided as commit S, an empty commit S appended to the log, tables swapped in
 *        -> commits go on
 *
 * 1. The tables are written before S is known: on disk their rows have a placeholder, the manifest has S (decision 0013).
 * 2. Everything below S is in the log and synced before the edit is: what recovers is a prefix of the commit order, with S if
 *    the edit is there. That S itself is missing from the log then is made good by recovery.ts.
 * 3. Nothing in memtables shares a key with the range, and the tables are placed above all that do: the first source that has
 *    anything for a key still is the newest.
 * 4. No commit, flush or merge comes between looking at the store and changing it.
 *
 * What it does not do: check what comes in (kv), decide conflicts (mvcc). Pinned by test/unit/storage/bulk-load.test.ts,
 * test/contract/engine/bulk-load.test.ts and test/crash/bulk-load.test.ts.
 */
import { assert, present } from '../base/assert'
import type { Key } from '../base/bytes'
import { escapeKey, keySuccessor } from '../base/bytes'
import {
  CommitOutcomeUnknownError,
  DatabaseClosedError,
  DiskFullError,
  PoisonedError,
  StalledError,
  StrictKvError,
} from '../base/errors'
import type { KeyRange } from '../base/key-range'
import type { Limits } from '../base/limits'
import type { Sequence } from '../base/sequence'
import type { Runtime } from '../runtime/runtime'
import type { Background } from './background'
import type { Engine, EngineLoad, LoadDoor } from './engine'
import { LoadedRow } from './loaded-row'
import { choosePlace, isInMemtables } from './load-place'
import type { Log } from './log/log'
import type { Manifest } from './manifest/manifest'
import type { Memtables } from './memtable/memtables'
import { rangeNotEmpty } from './range-not-empty'
import { TableOutput } from './table/table-output'
import type { TableFile } from './table/table-set'
import type { TableStore } from './table/table-store'
import { propertiesToRecord } from './table/table-store'

/** What a load works on. */
export interface BulkLoadOptions {
  readonly runtime: Runtime
  readonly directory: string
  readonly limits: Limits
  readonly tables: TableStore
  readonly memtables: Memtables
  readonly manifest: Manifest
  readonly log: Log
  readonly background: Background
  readonly engine: Pick<Engine, 'reserve' | 'unreserve' | 'append' | 'flush' | 'openCursor' | 'poisoned'>
  /** Throws if the engine is closed or poisoned. */
  readonly checkWritable: () => void
  /** The directory can no longer be trusted with names. */
  readonly onPoisoned: (cause: Error) => void
}

/** The loads of one engine: any number may gather rows, one commits at a time. */
export class BulkLoads {
  readonly #options: BulkLoadOptions
  readonly #open = new Set<BulkLoad>()
  #tail: Promise<void> = Promise.resolve()

  constructor(options: BulkLoadOptions) {
    this.#options = options
  }

  begin(): EngineLoad {
    const load = new BulkLoad(this.#options, {
      inTurn: (step) => this.#inTurn(step),
      ended: () => void this.#open.delete(load),
    })
    this.#open.add(load)
    return load
  }

  /** Bytes of memory in which those under way write their tables. */
  get memoryBytes(): number {
    let bytes = 0
    for (const load of this.#open) bytes += load.memoryBytes
    return bytes
  }

  /** Gives up every load that is not committed. REQUIRES: no background work begins any more. */
  async close(): Promise<void> {
    for (const load of [...this.#open]) await load.discard()
  }

  #inTurn(step: () => Promise<void>): Promise<void> {
    const done = this.#tail.then(step)
    this.#tail = done.catch(() => undefined)
    return done
  }
}

/** What a load needs of the others. */
interface LoadPeers {
  /** Runs `step` when those before it have ended. */
  inTurn(step: () => Promise<void>): Promise<void>
  ended(): void
}

/** So often others may write into the range, to be flushed out of the way, before the load gives up. */
const ATTEMPTS_MAX = 16

/** The empty commit that stands for the load in the log. */
const MARKER_BYTES = 0

/** One load of an engine on disk. */
export class BulkLoad implements EngineLoad {
  readonly #options: BulkLoadOptions
  readonly #peers: LoadPeers
  readonly #output: TableOutput
  readonly #row = new LoadedRow()
  #firstKey: Key | undefined
  #lastKey: Key = ''
  #files: readonly TableFile[] = []
  #state: 'open' | 'committing' | 'committed' | 'unknown' | 'ended' = 'open'
  /** What is being written, or the commit; never rejects. */
  #busy: Promise<void> = Promise.resolve()
  #failure: Error | undefined

  constructor(options: BulkLoadOptions, peers: LoadPeers) {
    this.#options = options
    this.#peers = peers
    const { runtime, directory, limits, manifest, tables } = options
    this.#output = new TableOutput(runtime, {
      ...{ directory, limits, indexMode: tables.indexMode, codec: tables.codec, isLastLevel: true },
      allocateFileNumber: () => manifest.allocateFileNumber(),
      tableBytesMax: limits.tableBytesMax,
      cutKeys: [],
      rangeTombstones: [],
    })
  }

  get memoryBytes(): number {
    const finished = this.#files.reduce((sum, { table }) => sum + table.filterBytes + table.indexBytes, 0)
    return this.#output.memoryBytes + finished
  }

  add(key: Key, value: Uint8Array): undefined | Promise<void> {
    this.#check()
    assert(this.#firstKey === undefined || key > this.#lastKey, 'loaded keys ascend')
    const row = this.#row.set(key, value)
    const output = this.#output
    this.#firstKey ??= key
    this.#lastKey = key
    if (output.writer === undefined || output.shouldCut(row)) return this.#guarded(() => this.#addToNext(key))
    output.add(row)
    return output.writer.needsDrain ? this.#guarded(() => this.#drain()) : undefined
  }

  async #addToNext(key: Key): Promise<void> {
    const output = this.#output
    if (output.writer !== undefined) await output.cut(key)
    await output.begin()
    output.add(this.#row)
  }

  async #drain(): Promise<void> {
    await this.#output.writer?.drain()
  }

  commit(door: LoadDoor): Promise<void> {
    this.#check()
    assert(this.#firstKey !== undefined, 'a load that is committed has a row')
    this.#state = 'committing'
    return this.#guarded(async () => {
      await this.#commit(door)
      this.#peers.ended()
    })
  }

  async discard(): Promise<void> {
    if (this.#state === 'open') this.#state = 'ended'
    await this.#busy
    if (this.#state === 'ended') await this.#clear()
    this.#peers.ended()
  }

  /** Runs a step that takes time: `discard` waits for it, and after its failure nothing of the load stays. */
  #guarded(step: () => Promise<void>): Promise<void> {
    const done = this.#busy.then(step).catch(async (error: unknown) => {
      this.#failure = error as Error
      assert(this.#state !== 'committed', 'nothing fails after the commit')
      // Where the manifest may name the tables, they stay.
      this.#state = error instanceof CommitOutcomeUnknownError ? 'unknown' : 'ended'
      if (this.#state === 'unknown') this.#letGo()
      else await this.#clear()
      this.#peers.ended()
      throw error
    })
    this.#busy = done.catch(() => undefined)
    return done
  }

  #check(): void {
    this.#options.checkWritable()
    if (this.#state === 'open') return
    throw this.#failure ?? new DatabaseClosedError('Cannot go on with the load: it was given up')
  }

  /** Removes all tables. */
  async #clear(): Promise<void> {
    this.#letGo()
    await this.#output.discard()
  }

  #letGo(): void {
    for (const file of this.#files) file.table.unpin()
    this.#files = []
  }

  async #commit(door: LoadDoor): Promise<void> {
    await this.#finishTables()
    const range = { start: present(this.#firstKey, 'there is a first row'), end: keySuccessor(this.#lastKey) }
    try {
      await this.#peers.inTurn(() => this.#commitInTurn(door, range))
    } catch (error) {
      // Background work that is not wanted any more says so in terms of its own.
      if (!(error instanceof StrictKvError)) this.#options.checkWritable()
      throw error
    }
    this.#peers.ended()
  }

  async #commitInTurn(door: LoadDoor, range: KeyRange): Promise<void> {
    const { engine, memtables } = this.#options
    await engine.reserve(MARKER_BYTES, true)
    let isAppended = false
    try {
      for (let attempt = 1; !isAppended; attempt++) {
        if (attempt > ATTEMPTS_MAX) throw stalled(range)
        if (isInMemtables(memtables, range)) await engine.flush()
        isAppended = await this.#undisturbed(() => this.#attemptAndSync(door, range))
      }
    } finally {
      if (!isAppended) engine.unreserve(MARKER_BYTES)
    }
  }

  /** Does `step` while no merge and no flush runs. What it throws is no failure of theirs. */
  async #undisturbed(step: () => Promise<boolean>): Promise<boolean> {
    const { background } = this.#options
    let outcome: Promise<boolean> | undefined
    // Merges first: a running one lets flushes through, and would wait for ever for this one.
    await background.once('compaction', () =>
      background.once('flush', async () => {
        outcome = step()
        await outcome.catch(() => undefined)
      }),
    )
    return present(outcome, 'the step was done')
  }

  /** All tables written, synced and open; nobody knows of them. */
  async #finishTables(): Promise<void> {
    const { runtime, directory, tables, onPoisoned } = this.#options
    const written = await this.#output.finish()
    try {
      await runtime.files.syncDirectory(directory)
    } catch (error) {
      onPoisoned(error as Error)
      throw new PoisonedError(
        'Cannot load: the directory of the new tables could not be synced; reopen the database',
        error,
      )
    }
    for (const { fileNumber } of written) this.#files = [...this.#files, await tables.open(fileNumber)]
  }

  /**
   * As `#attempt`, and the marker is synced: a merge gives the rows their real sequence, which a table on disk must not have before the
   * log does. If the log fails, nothing is merged any more, and the commit fails as any other.
   */
  async #attemptAndSync(door: LoadDoor, range: KeyRange): Promise<boolean> {
    const isAppended = await this.#attempt(door, range)
    if (isAppended) await this.#options.log.sync().catch(() => undefined)
    return isAppended
  }

  /** Commits if nothing stands in the way: true, and the marker is appended; false if others have written meanwhile. */
  async #attempt(door: LoadDoor, range: KeyRange): Promise<boolean> {
    const { log, memtables } = this.#options
    await door.enter()
    try {
      await log.admission.pause(1)
      try {
        await log.sync()
        if (isInMemtables(memtables, range)) return false
        await this.#checkEmpty(range)
        await this.#change(door, range)
        return true
      } finally {
        log.admission.resume()
      }
    } finally {
      door.leave()
    }
  }

  async #checkEmpty(range: KeyRange): Promise<void> {
    const { engine, memtables } = this.#options
    const cursor = engine.openCursor(range, memtables.appendedSequence, false)
    try {
      if (!(await cursor.next())) return
      throw rangeNotEmpty({ start: range.start, last: this.#lastKey }, cursor.key)
    } finally {
      cursor.close()
    }
  }

  /** The change itself. From the edit on there is no way back. */
  async #change(door: LoadDoor, range: KeyRange): Promise<void> {
    const { engine, runtime, manifest, memtables, tables } = this.#options
    const sequence = memtables.appendedSequence + 1
    const place = choosePlace(tables.current, range)
    for (const { table } of this.#files) table.placeAt(sequence)
    runtime.faults.reach('load.before-edit')
    try {
      await manifest.apply({ addTables: this.#files.map(({ properties }) => propertiesToRecord(properties, place)) })
    } catch (error) {
      if (error instanceof DiskFullError) throw error
      throw outcomeUnknown(sequence, error)
    }
    if (engine.poisoned !== undefined) throw outcomeUnknown(sequence, engine.poisoned)
    const adds = this.#files.map((file) => ({ ...place, file }))
    door.decide(sequence, () => {
      engine.append([], MARKER_BYTES, sequence, 'sync')
      tables.swap({ adds, removes: [] })
      this.#files = []
      this.#state = 'committed'
    })
  }
}

function stalled(range: KeyRange): StalledError {
  return new StalledError(
    `Cannot load rows from ${escapeKey(range.start)} on: others keep writing there; load into a range that is not in use`,
    undefined,
  )
}

function outcomeUnknown(sequence: Sequence, cause: unknown): CommitOutcomeUnknownError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new CommitOutcomeUnknownError(
    `Cannot tell whether load ${String(sequence)} is on disk (${why}); reopen the database to see`,
    sequence,
    cause,
  )
}
