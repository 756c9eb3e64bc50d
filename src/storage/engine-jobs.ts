/**
 * The two jobs of an engine, flush and compaction, each from its decision to the removal of what it replaced.
 *
 *   flush:       log synced through the memtable -> table synced, directory synced -> edit synced
 *                -> swapped in memory (one step) -> log segments dropped
 *   compaction:  outputs synced, directory synced -> edit (adds before removes) synced
 *                -> swapped in memory (one step) -> inputs removed once nobody holds them
 *
 * A failure before the directory's sync leaves nothing behind and changes nothing. A failure of that sync poisons: it may have
 * given up names that others had created (a log segment's), and none of them would ever know. So does a failure of the
 * edit: the files written stay, since the manifest may name them. Pinned by test/contract/engine and test/crash.
 * Spec: ManifestFlush!SyncDirectory, Storage!Install.
 */
import { assert } from '../base/assert'
import { DiskFullError, PoisonedError } from '../base/errors'
import type { KeyRange } from '../base/key-range'
import type { Sequence } from '../base/sequence'
import type { BackgroundMode } from '../runtime/runtime'
import type { Background, JobKind } from './background'
import { compact, tableSetToLevels } from './compaction/compaction-job'
import type { CompactionPlan, Levels, RunInputs } from './compaction/compaction-picker'
import { pickCompaction, planDescent } from './compaction/compaction-picker'
import { planRange, planRewriteOf, tablesToRewrite } from './compaction/compaction-range'
import type { Retention } from './compaction/compaction-retention'
import { createRetention } from './compaction/compaction-retention'
import type { EngineEvent } from './engine'
import { writeMemtable } from './compaction/flush-job'
import type { JobContext } from './compaction/job-context'
import type { Log } from './log/log'
import type { SegmentStatus } from './log/log-contract'
import type { Manifest } from './manifest/manifest'
import { LEVELS } from './manifest/manifest-state'
import type { ManifestEdit } from './manifest/manifest-state'
import type { Memtables } from './memtable/memtables'
import type { MergeCredit } from './compaction/merge-credit'
import { MergePace } from './compaction/merge-pace'
import { RestWatch } from './compaction/rest-watch'
import type { TableFile } from './table/table-set'
import { nextRun } from './table/table-set'
import { propertiesToRecord } from './table/table-store'
import { removeQuietly } from './files/whole-file'

/** What the jobs work on. */
export interface JobsOptions extends JobContext {
  readonly manifest: Manifest
  readonly memtables: Memtables
  readonly log: Log
  readonly liveSnapshots: () => Iterable<Sequence>
  readonly publishedSequence: () => Sequence
  readonly onEvent: (event: EngineEvent) => void
  /** The directory can no longer be trusted with names. */
  readonly onPoisoned: (cause: Error) => void
  readonly credit: MergeCredit
  /** Commits wait for work. */
  readonly isAwaited: () => boolean
  /** A slice of a job is done. */
  readonly onSlice: () => void
}

/** Counts since the engine was opened. */
export interface JobFigures {
  flushes: number
  compactions: number
  flushBytesWritten: number
  compactionBytesRead: number
  compactionBytesWritten: number
  /** By level: what merges have read from it; what flushes and merges have written to it. */
  readonly bytesRead: number[]
  readonly bytesWritten: number[]
}

/** A store is flushed when it is closed if its log takes so many times the space of what is flushed. */
const LOG_BYTES_PER_FLUSHED_BYTE = 4

/** The jobs of one engine. */
export class EngineJobs {
  readonly figures: JobFigures = {
    flushes: 0,
    compactions: 0,
    flushBytesWritten: 0,
    compactionBytesRead: 0,
    compactionBytesWritten: 0,
    bytesRead: new Array<number>(LEVELS).fill(0),
    bytesWritten: new Array<number>(LEVELS).fill(0),
  }
  readonly #options: JobsOptions
  #background: Background | undefined
  #pace: MergePace | undefined
  #rest: RestWatch | undefined
  #isEnding = false
  /** Runs that are being merged; memtables that are being written. */
  #inputsRunning = 0
  #outputsRunning = 0

  constructor(options: JobsOptions) {
    this.#options = options
  }

  /** Connects the background work that these jobs yield to. */
  attach(background: Background): void {
    const { runtime, limits, memtables, credit, onSlice } = this.#options
    this.#background = background
    this.#pace = new MergePace(runtime, {
      credit,
      isPressed: (kind) => this.#isPressed(kind),
      onSlice,
      yieldToFlushes: () => background.yieldToFlushes(),
      checkWanted: () => background.checkWanted(),
    })
    this.#rest = new RestWatch(runtime, {
      restMs: limits.restMs,
      appendedSequence: () => memtables.appendedSequence,
      onRest: () => {
        background.wake('compaction')
        this.#shrinkLogLater()
      },
    })
  }

  /**
   * Whether jobs of a kind should not wait for credit: commits or a caller wait, as many memtables are frozen as may be, level 0 is
   * half on its way from where it is merged to where it stops commits.
   */
  #isPressed(kind: JobKind): boolean {
    const { limits, memtables, tables, isAwaited } = this.#options
    if (isAwaited() || this.#background?.isAwaited(kind) === true) return true
    const { memtablesFrozenMax, levelZeroTablesMax, levelZeroTablesStall } = limits
    if (kind === 'flush') return memtables.frozen.length >= memtablesFrozenMax
    return 2 * tables.current.levelZeroRuns > levelZeroTablesMax + Math.max(levelZeroTablesMax, levelZeroTablesStall)
  }

  /** Where the byte work is done. */
  get workerMode(): BackgroundMode {
    return this.#options.worker.mode
  }

  /** What is under way: runs that a merge reads, and tables under construction. */
  get running(): { readonly inputs: number; readonly outputs: number } {
    return { inputs: this.#inputsRunning, outputs: this.#outputsRunning }
  }

  /**
   * Before the end: flushes what little is not in tables if that lets large files of the log go. What fails here is in the log,
   * and has been reported.
   */
  async flushRemains(): Promise<void> {
    const { log, memtables } = this.#options
    this.#rest?.close()
    this.#isEnding = true
    const isWorthIt = log.chain.isLarge && memtables.bytes * LOG_BYTES_PER_FLUSHED_BYTE < log.chain.bytesOnDisk
    if (this.isAllInTables || !isWorthIt || log.poisoned !== undefined) return
    memtables.freeze()
    await this.#background?.run('flush').catch(() => undefined)
  }

  /** Lets go of the worker. REQUIRES: no job runs. */
  async close(): Promise<void> {
    this.#rest?.close()
    await this.#options.worker.close()
  }

  /** Does one job of a kind, if there is one: true if there was. */
  async step(kind: JobKind): Promise<boolean> {
    if (kind === 'flush') return this.#flush()
    const retention = this.#retention()
    const { tables, limits, memtables, credit } = this.#options
    const atRest = this.#rest?.isAtRest === true
    const plan = pickCompaction(tableSetToLevels(tables.current), limits, { retention, atRest })
    if (plan !== undefined) {
      await this.#compact(plan, { retention, isAwaited: false })
      return true
    }
    if (memtables.oldestFrozen === undefined) credit.settle()
    if (!this.#isEnding) this.#rest?.arm()
    return false
  }

  /** Merges what overlaps `range` and is in tables by now into the last level, one plan after the other. */
  async compactRange(range: KeyRange): Promise<void> {
    const { tables, limits, memtables } = this.#options
    const levels = (): Levels => tableSetToLevels(tables.current)
    const through = memtables.appendedSequence
    for (;;) {
      const plan = planRange(levels(), { range, through }, limits) ?? planDescent(levels(), limits)
      if (plan === undefined) break
      await this.#compact(plan, { retention: this.#retention(), isAwaited: true })
      this.#background?.checkWanted()
    }
    for (const number of tablesToRewrite(levels(), range)) {
      const plan = planRewriteOf(levels(), number, limits)
      if (plan !== undefined) await this.#compact(plan, { retention: this.#retention(), isAwaited: true })
      this.#background?.checkWanted()
    }
    // Who asks for this asks for the space.
    await tables.removed()
  }

  async #flush(): Promise<boolean> {
    const { runtime, tables, memtables, log, manifest } = this.#options
    const frozen = memtables.oldestFrozen
    if (frozen === undefined) return false
    const startedMs = runtime.clock.monotonicMs()
    if (log.syncedSequence < frozen.through) await log.sync()
    assert(log.syncedSequence >= frozen.through, 'a memtable is flushed only when its log is synced')
    const hasOlder = tables.current.count > 0
    const options = {
      retention: this.#retention(),
      hasOlder,
      onProgress: (bytes: number) => this.#pace?.flushed(bytes),
    }
    const output = await this.#running(0, () => writeMemtable(this.#options, frozen.memtable, options))
    const files = output.file === undefined ? [] : [output.file]
    // Only flushes add to level 0, one at a time, so that this number is still free when the edit is synced.
    const place = { level: 0, run: nextRun(tables.current, 0) }
    const firstSegment = firstSegmentNeeded(log.chain.statuses(), frozen.through)
    await this.#record(
      {
        addTables: files.map((file) => propertiesToRecord(file.properties, place)),
        flushedThrough: frozen.through,
        firstSegment: Math.max(firstSegment, manifest.state.firstSegment),
      },
      files,
    )
    tables.swap({ adds: files.map((file) => ({ ...place, file })), removes: [] })
    memtables.release(frozen)
    this.figures.flushes++
    this.figures.flushBytesWritten += output.bytes
    this.figures.bytesWritten[0]! += output.bytes
    const ms = runtime.clock.monotonicMs() - startedMs
    this.#options.onEvent({ type: 'flush', bytes: output.bytes, entries: output.entries, ms })
    runtime.faults.reach('flush.before-drop')
    await this.#dropLog(firstSegment)
    if (this.#isEnding) return true
    if (this.#rest?.isAtRest === true) this.#shrinkLogLater()
    else this.#rest?.arm()
    return true
  }

  /** Gives back what the log's files take once everything is in tables; writes go on meanwhile. */
  async shrinkLog(): Promise<void> {
    const { log, manifest } = this.#options
    if (!this.isAllInTables || !log.chain.isLarge) return
    await log.startOver()
    const firstSegment = firstSegmentNeeded(log.chain.statuses(), manifest.state.flushedThrough)
    if (firstSegment <= manifest.state.firstSegment) return
    await this.#record({ firstSegment }, [])
    await this.#dropLog(firstSegment)
  }

  /** Whether the log holds nothing that is not in a table. */
  get isAllInTables(): boolean {
    const { memtables, manifest } = this.#options
    return memtables.appendedSequence === manifest.state.flushedThrough
  }

  /** A failure has been reported; the files go at the next rest, or when the store is closed. */
  #shrinkLogLater(): void {
    this.#background?.once('flush', () => this.shrinkLog()).catch(() => undefined)
  }

  /** A segment that cannot be removed is an orphan for the next open: the flush is done all the same. */
  async #dropLog(firstSegment: number): Promise<void> {
    try {
      await this.#options.log.chain.dropBefore(firstSegment)
    } catch (error) {
      this.#options.onEvent({ type: 'backgroundError', job: 'log', error: error as Error })
    }
  }

  /** `isAwaited`: a caller waits for it. */
  async #compact(
    plan: CompactionPlan,
    { retention, isAwaited }: { readonly retention: Retention; readonly isAwaited: boolean },
  ): Promise<void> {
    const { runtime, tables } = this.#options
    const startedMs = runtime.clock.monotonicMs()
    const set = tables.current
    const onProgress = (bytes: number): void | Promise<void> => this.#pace?.merged(bytes, { isAwaited })
    const job = { plan, set, retention, onProgress }
    const output = await this.#running(plan.isMove ? 0 : plan.inputs.length, () => compact(this.#options, job))
    const { swap, bytesRead, bytesWritten } = output
    const addTables = swap.adds.map(({ file, ...place }) => propertiesToRecord(file.properties, place))
    const written = plan.isMove ? [] : swap.adds.map(({ file }) => file)
    await this.#record({ addTables, removeTables: swap.removes }, written)
    tables.swap(swap)
    this.figures.compactions++
    this.figures.compactionBytesRead += bytesRead
    this.figures.compactionBytesWritten += bytesWritten
    this.figures.bytesWritten[plan.outputLevel]! += bytesWritten
    if (!plan.isMove) for (const input of plan.inputs) this.figures.bytesRead[input.level]! += runBytes(input)
    const ms = runtime.clock.monotonicMs() - startedMs
    this.#options.onEvent({ type: 'compaction', level: plan.outputLevel, bytesRead, bytesWritten, ms })
  }

  /** Does a job's byte work, and shows meanwhile that it does. */
  async #running<T>(inputs: number, work: () => Promise<T>): Promise<T> {
    this.#inputsRunning += inputs
    this.#outputsRunning++
    try {
      return await work()
    } finally {
      this.#inputsRunning -= inputs
      this.#outputsRunning--
    }
  }

  /** Makes an edit durable; `files`, just written, are let go of if that fails, and removed unless it may name them. */
  async #record(edit: ManifestEdit, files: readonly TableFile[]): Promise<void> {
    const { manifest, runtime, tables } = this.#options
    let mayBeNamed = false
    try {
      if (files.length > 0) await this.#syncDirectory()
      // A sync of the directory that failed for somebody else meanwhile may have given up these names.
      this.#background?.checkWanted()
      mayBeNamed = true
      await manifest.apply(edit)
    } catch (error) {
      for (const file of files) file.table.unpin()
      if (!mayBeNamed || error instanceof DiskFullError) {
        for (const file of files) await removeQuietly(runtime, tables.path(file.number))
      }
      throw error
    }
  }

  async #syncDirectory(): Promise<void> {
    const { runtime, directory, onPoisoned } = this.#options
    try {
      await runtime.files.syncDirectory(directory)
    } catch (error) {
      onPoisoned(error as Error)
      throw new PoisonedError(`Cannot keep a new table: its directory could not be synced; reopen the database`, error)
    }
  }

  #retention(): Retention {
    return createRetention(this.#options.liveSnapshots(), this.#options.publishedSequence())
  }
}

function runBytes({ tables }: RunInputs): number {
  return tables.reduce((sum, { fileBytes }) => sum + fileBytes, 0)
}

/** The first segment that holds anything beyond `through`, or the one being written. */
function firstSegmentNeeded(segments: readonly SegmentStatus[], through: Sequence): number {
  const needed = segments.find((segment) => segment.lastSequence > through) ?? segments.at(-1)
  assert(needed !== undefined, 'a log has a segment')
  return needed.number
}
