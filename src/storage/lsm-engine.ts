/**
 * The LSM engine: log, memtables and tables behind the engine contract.
 *
 *   write:  reserve (admission, then log room) -> append (log group, memtable) -> frozen when full -> flush -> compaction
 *   read:   memtable -> frozen, newest first -> level 0, newest first -> one table of each level below
 *
 * 1. A commit is in the log group before it is in the memtable: what the log refuses leaves no trace.
 * 2. The first source that has anything for a key at a sequence decides (table-set.ts).
 * 3. Poisoned, by the log or by the manifest, is for good: nothing is published, flushed or merged from there on. Reads go on.
 *
 * What it does not do: recover (recovery.ts), decide merges (compaction-picker.ts), carry jobs out (engine-jobs.ts).
 * Pinned by test/unit/storage/opening.test.ts, test/contract/engine and test/crash.
 */
import { assert } from '../base/assert'
import type { Key } from '../base/bytes'
import { DatabaseClosedError, DiskFullError } from '../base/errors'
import { RANGE_ALL } from '../base/key-range'
import type { KeyRange } from '../base/key-range'
import type { Sequence } from '../base/sequence'
import type { VerifyOptions, VerifyReport } from '../base/verification'
import type { BackgroundMode, IoThreadMode, Runtime } from '../runtime/runtime'
import { Admission } from './admission'
import type { AdmissionState } from './admission-rule'
import { admissionState } from './admission-rule'
import type { JobKind } from './background'
import { Background } from './background'
import { BulkLoads } from './bulk-load'
import { Checkpoints } from './checkpoint/checkpoint'
import type { Batch, Durability, Engine, EngineCheckpoint, EngineCursor, EngineEvent, EngineListener, EngineLoad, EngineStats } from './engine' // prettier-ignore
import { EngineJobs } from './engine-jobs'
import { engineFigures } from './engine-figures'
import { beginLog } from './engine-log'
import { EngineReader, reportCorruption } from './engine-reader'
import type { Log } from './log/log'
import { endLog } from './log/log-end'
import type { LogListener } from './log/log-contract'
import { verifyOpenStore } from './inspect/verify-open'
import { MemtableRoom } from './memtable/memtable-room'
import { MergeCredit } from './compaction/merge-credit'
import { poisonedError } from './poisoned'
import type { RecoveredStore, StoreOptions } from './recovery'
import { recoverStore } from './recovery'
import { checkStoreInvariants } from './store-invariants'

/** How an LSM engine is opened. */
export interface LsmOptions extends StoreOptions {
  readonly ioMode: IoThreadMode
  /** Where flushes and merges do their byte work; in a thread unless given. */
  readonly backgroundMode?: BackgroundMode
  readonly onEvent?: (event: EngineEvent) => void
}

/**
 * Opens the store in `directory`, or creates one. A store that the disk has no room to recover is opened for reading, as with
 * `readOnly`. Throws `InvalidArgumentError`, `DatabaseLockedError`, `CorruptionError`, `UnsupportedFormatError`,
 * `IoError`, `DiskFullError`.
 */
export function openLsmEngine(runtime: Runtime, directory: string, options: LsmOptions): Promise<LsmEngine> {
  return LsmEngine.open(runtime, directory, options)
}

/** An engine on disk. */
export class LsmEngine implements Engine {
  readonly recoveredSequence: Sequence
  readonly #runtime: Runtime
  readonly #directory: string
  readonly #options: LsmOptions
  readonly #store: RecoveredStore
  readonly #admission: Admission
  readonly #reader: EngineReader
  readonly #credit: MergeCredit
  readonly #room: MemtableRoom
  readonly #checkpoints: Checkpoints
  #log: Log | undefined
  #jobs: EngineJobs | undefined
  #background: Background | undefined
  #loads: BulkLoads | undefined
  #listener: EngineListener | undefined
  #publishedSequence: Sequence
  #poisoned: Error | undefined
  /** Why this engine only reads. */
  #refusal: Error | undefined
  #closing: Promise<void> | undefined

  private constructor(runtime: Runtime, directory: string, store: RecoveredStore, options: LsmOptions) {
    this.#runtime = runtime
    this.#directory = directory
    this.#options = options
    this.#store = store
    this.#refusal = store.refusal
    this.recoveredSequence = store.lastSequence
    this.#publishedSequence = store.lastSequence
    this.#admission = new Admission(runtime, { state: this.#admissionState, onEvent: this.#report })
    this.#credit = new MergeCredit(runtime.clock.monotonicMs())
    this.#room = new MemtableRoom(options.limits)
    this.#reader = new EngineReader(store.memtables, store.tables, this.#report)
    this.#checkpoints = new Checkpoints({ runtime, directory, limits: options.limits, store, log: () => this.#log, onEvent: this.#report }) // prettier-ignore
  }

  static async open(runtime: Runtime, directory: string, options: LsmOptions): Promise<LsmEngine> {
    let engine: LsmEngine | undefined
    const store = await recoverStore(runtime, directory, {
      ...options,
      onManifestFailed: (cause) => { if (engine !== undefined) engine.#poison(cause) }, // prettier-ignore
      onRemoveFailed: (error) => options.onEvent?.({ type: 'backgroundError', job: 'compaction', error }),
    })
    const opened = (engine = new LsmEngine(runtime, directory, store, options))
    try {
      await opened.#begin()
    } catch (error) {
      await opened.close()
      throw error
    }
    return opened
  }

  get publishedSequence(): Sequence {
    return this.#publishedSequence
  }

  get poisoned(): Error | undefined {
    return this.#poisoned
  }

  /** Why nothing can be written from the start: `readOnly`, or a disk without room to recover. */
  get refusal(): Error | undefined {
    return this.#refusal
  }

  attach(listener: EngineListener): void {
    assert(this.#listener === undefined, 'an engine has one listener')
    this.#listener = listener
  }

  get(key: Key, sequence: Sequence): Buffer | undefined | Promise<Buffer | undefined> {
    this.#assertOpen()
    return this.#reader.get(key, sequence)
  }

  getSync(key: Key, sequence: Sequence): Buffer | undefined {
    this.#assertOpen()
    return this.#reader.getSync(key, sequence)
  }

  openCursor(range: KeyRange, sequence: Sequence, reverse: boolean): EngineCursor {
    this.#assertOpen()
    return this.#reader.openCursor(range, sequence, reverse)
  }

  reserve(bytes: number, deletesOnly: boolean): undefined | Promise<void> {
    this.#assertWritable()
    const admitted = this.#admission.enter(bytes)
    if (admitted === undefined) return this.#reserveLog(bytes, deletesOnly)
    return admitted.then(() => this.#reserveLog(bytes, deletesOnly))
  }

  unreserve(bytes: number): void {
    this.#admission.leave(bytes)
    this.#log?.unreserve(bytes)
    this.#admission.recheck()
  }

  /** ATOMIC: no await. Throws `PoisonedError` with no effect. */
  append(batch: Batch, bytes: number, sequence: Sequence, durability: Durability): void {
    const { memtables } = this.#store
    const log = this.#assertWritable()
    assert(sequence === memtables.appendedSequence + 1, 'sequences are appended one by one')
    log.append(batch, bytes, sequence, durability)
    this.#admission.leave(bytes)
    this.#credit.commit(bytes)
    memtables.insert(batch, sequence)
    this.#freezeIfFull()
  }

  publishSync(): void {
    if (this.#refusal === undefined) this.#assertWritable().publishSync()
  }

  async sync(): Promise<void> {
    if (this.#refusal === undefined) await this.#assertWritable().sync()
  }

  beginLoad(): EngineLoad {
    this.#assertWritable()
    return this.#loads!.begin()
  }

  pinCheckpoint(sequence: Sequence): EngineCheckpoint | undefined {
    this.#assertOpen()
    return this.#checkpoints.pin(sequence)
  }

  async flush(): Promise<void> {
    if (this.#refusal !== undefined) throw this.#refusal
    this.#assertWritable()
    this.#freeze()
    const { memtables } = this.#store
    const through = memtables.appendedSequence
    await this.#guardJob(async () => this.#background?.run('flush', () => memtables.flushedThrough >= through))
  }

  async compact(range: KeyRange = RANGE_ALL): Promise<void> {
    await this.flush()
    await this.#guardJob(async () => this.#background?.once('compaction', () => this.#jobs!.compactRange(range)))
  }

  history(key: Key, options?: Parameters<Engine['history']>[1]): ReturnType<Engine['history']> {
    this.#assertOpen()
    return this.#reader.history(key, { runtime: this.#runtime, directory: this.#directory, segments: this.#store.manifest?.state.segments ?? [], publishedSequence: this.#publishedSequence }, options) // prettier-ignore
  }

  verify(options?: VerifyOptions): Promise<VerifyReport> {
    this.#assertOpen()
    return verifyOpenStore({ runtime: this.#runtime, directory: this.#directory }, { store: this.#store, log: this.#log }, options) // prettier-ignore
  }

  stats(): EngineStats {
    const { tables, memtables } = this.#store
    const { limits } = this.#options
    return engineFigures({
      ...{ limits, tables, memtables, reader: this.#reader, log: this.#log, jobs: this.#jobs, loads: this.#loads },
      mergeDebtBytes: this.#credit.debtBytes,
      stalls: this.#admission.figures(),
      backgroundError: this.#background?.error,
      poisoned: this.#poisoned,
    })
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  /** What must hold between any two steps. */
  checkInvariants(): void {
    checkStoreInvariants(this.#store, { publishedSequence: this.#publishedSequence, isPoisoned: this.#poisoned !== undefined }) // prettier-ignore
  }

  /** Begins the log of this life, and background work. */
  async #begin(): Promise<void> {
    const { manifest, tables, memtables } = this.#store
    if (manifest === undefined) return
    const { limits, ioMode } = this.#options
    const listener: LogListener = {
      onPublished: (sequence) => this.#publish(sequence),
      onPoisoned: (cause) => this.#poison(cause),
      // As of a table (engine-jobs.ts): a failure of others may have given up its name.
      nameSegment: (number) =>
        this.#poisoned === undefined ? manifest.apply({ addSegments: [number] }) : Promise.reject(poisonedError(this.#poisoned)), // prettier-ignore
    }
    const log = await beginLog(this.#runtime, this.#directory, this.#store, { limits, ioMode, listener })
    if (log instanceof DiskFullError) {
      this.#refusal = log
      return
    }
    this.#log = log
    const onPoisoned = (cause: Error): void => this.#poison(cause)
    const shared = { runtime: this.#runtime, directory: this.#directory, limits, tables, manifest, memtables, log, onPoisoned } // prettier-ignore
    this.#jobs = new EngineJobs({
      ...shared,
      worker: this.#store.worker,
      allocateFileNumber: () => manifest.allocateFileNumber(),
      liveSnapshots: () => this.#listener?.liveSnapshots() ?? [],
      publishedSequence: () => this.#publishedSequence,
      onEvent: this.#report,
      credit: this.#credit,
      isAwaited: () => this.#admission.isWaitedFor,
      onSlice: () => this.#admission.recheck(),
    })
    const jobs = this.#jobs
    this.#background = new Background(this.#runtime, {
      limits,
      step: (kind) => jobs.step(kind),
      isHalted: () => this.#poisoned !== undefined,
      onFailed: (kind, error) => this.#jobFailed(kind, error),
      onDone: (kind) => this.#jobDone(kind),
    })
    jobs.attach(this.#background)
    this.#loads = new BulkLoads({ ...shared, background: this.#background, engine: this, checkWritable: () => void this.#assertWritable() }) // prettier-ignore
    this.#background.wake('compaction')
  }

  async #close(): Promise<void> {
    const { manifest, tables, lock } = this.#store
    this.#admission.refuse(new DatabaseClosedError('Cannot commit: the database was closed'))
    await this.#checkpoints.close()
    await this.#jobs?.flushRemains()
    await this.#background?.close()
    await this.#loads?.close()
    await (this.#jobs?.close() ?? this.#store.worker.close())
    if (this.#log !== undefined && manifest !== undefined) {
      const isAllInTables = this.#jobs?.isAllInTables === true
      await endLog(this.#log, manifest, { isAllInTables, isPoisoned: () => this.#poisoned !== undefined })
    }
    await manifest?.close()
    await this.#reader.close()
    await tables.close()
    await lock?.release()
  }

  /** Room in the log for what admission has let in; if there is none, it leaves again. */
  #reserveLog(bytes: number, deletesOnly: boolean): undefined | Promise<void> {
    const refused = (error: unknown): never => {
      this.#admission.leave(bytes)
      this.#admission.recheck()
      throw error
    }
    try {
      return this.#assertWritable().reserve(bytes, deletesOnly)?.catch(refused)
    } catch (error) {
      return refused(error)
    }
  }

  #publish(sequence: Sequence): void {
    // What the log still finishes after the manifest has failed is durable, but was never promised.
    if (this.#poisoned !== undefined) return
    this.#publishedSequence = sequence
    this.#room.logged(this.#log?.figures().bytesWritten ?? 0)
    this.#freezeIfFull()
    this.#listener?.onPublished(sequence)
  }

  #poison(cause: Error): void {
    if (this.#poisoned !== undefined) return
    this.#poisoned = cause
    this.#admission.refuse(poisonedError(cause))
    this.#listener?.onPoisoned(cause)
    this.#report({ type: 'poisoned', error: cause })
  }

  #isFull(admittedBytes = 0): boolean {
    return this.#room.isFull(this.#store.memtables.active.bytes + admittedBytes)
  }

  /** Swaps a full memtable, unless as many as may wait do: then it grows by what has been reserved already. */
  #freezeIfFull(): void {
    if (this.#isFull() && this.#store.memtables.frozen.length < this.#options.limits.memtablesFrozenMax) this.#freeze()
  }

  #freeze(): void {
    if (!this.#store.memtables.freeze()) return
    this.#room.begin()
    this.#background?.wake('flush')
  }

  readonly #admissionState = (admittedBytes: number): AdmissionState => {
    const { memtables, tables } = this.#store
    const now = {
      memtablesFrozen: memtables.frozen.length,
      isFull: this.#isFull(admittedBytes),
      levelZeroRuns: tables.current.levelZeroRuns,
      mergeDebtBytes: this.#credit.debtBytes,
      isWorking: this.#background?.isWorking === true,
      flushFailure: this.#background?.errorOf('flush'),
      mergeFailure: this.#background?.errorOf('compaction'),
    }
    return admissionState(now, this.#options.limits)
  }

  /** A job that was given up because the engine ended says so in the caller's terms. */
  async #guardJob(job: () => Promise<void>): Promise<void> {
    try {
      await job()
    } catch (error) {
      this.#assertWritable()
      throw error
    }
    this.#assertWritable()
  }

  #jobDone(kind: JobKind): void {
    if (kind === 'flush') {
      this.#freezeIfFull()
      this.#background?.wake('compaction')
    }
    this.#admission.recheck()
  }

  #jobFailed(kind: JobKind, error: Error): void {
    this.#report({ type: 'backgroundError', job: kind, error })
    reportCorruption(error, this.#report)
    // The pause before the next attempt is time enough to give the space kept aside to it.
    if (error instanceof DiskFullError) this.#log?.releaseReserve().catch(() => undefined)
    this.#admission.recheck()
  }

  readonly #report = (event: EngineEvent): void => this.#options.onEvent?.(event)

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new DatabaseClosedError('Cannot use the database: it was closed')
  }

  #assertWritable(): Log {
    this.#assertOpen()
    if (this.#refusal !== undefined) throw this.#refusal
    if (this.#poisoned !== undefined) throw poisonedError(this.#poisoned)
    assert(this.#log !== undefined, 'a writable engine has a log')
    return this.#log
  }
}
