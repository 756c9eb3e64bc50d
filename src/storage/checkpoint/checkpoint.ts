/**
 * Checkpoints: consistent copies of a store that is in use, each at one sequence, each a database of its own.
 *
 *   pin    tables and segments that hold the state at the sequence, in one step           (nothing else changes in the origin)
 *   write  directory taken -> tables linked or copied -> log's tail copied, synced -> directory synced
 *          -> manifest complete, synced -> directory synced -> CURRENT renamed into place -> directory synced
 *
 *   tables:  | ... flushed through F |                 what is in them is at or below F, and F is at or below the sequence S
 *   log:                             | F+1 ... S | S+1 ...      the tail: copied commit by commit, and no further
 *
 * 1. The copy holds exactly the commits through S. So files are pinned in the step that takes S: later the tables may hold more.
 * 2. Until CURRENT is there the copy is no database, and `open` refuses it; when it is there, everything is durable.
 * 3. The origin is only read. Whatever fails is the checkpoint's failure alone: nothing of the origin is poisoned or removed,
 *    and what background work drops meanwhile is kept until it is let go.
 * 4. From there on the two have nothing in common but the bytes of tables, which never change: another mark, another log.
 *
 * What it does not do: choose S (mvcc, a safe snapshot). Pinned by test/contract/storage/checkpoint.test.ts, test/crash/checkpoint.test.ts
 * and test/unit/storage/checkpoint.
 */
import { assert } from '../../base/assert'
import type { Limits } from '../../base/limits'
import type { Sequence } from '../../base/sequence'
import type { Runtime } from '../../runtime/runtime'
import type { CheckpointFigures, EngineCheckpoint, EngineEvent } from '../engine'
import { CURRENT_FILE, CURRENT_TEMPORARY_FILE, manifestFileName, tableFileName } from '../files/file-names'
import type { Log } from '../log/log'
import type { LogChain } from '../log/log-chain'
import { Manifest } from '../manifest/manifest'
import type { ManifestState } from '../manifest/manifest-state'
import type { RecoveredStore } from '../recovery'
import type { TableSet } from '../table/table-set'
import { checkpointState, isLoadedAt, newestSequence } from './checkpoint-state'
import { CheckpointTarget } from './checkpoint-target'
import type { LogCopy } from './log-copy'
import { copyLog } from './log-copy'
import { linkOrCopy } from './table-copy'

/** What checkpoints are made of. */
export interface CheckpointsOptions {
  readonly runtime: Runtime
  readonly directory: string
  readonly limits: Limits
  readonly store: Pick<RecoveredStore, 'tables' | 'memtables' | 'manifest' | 'state'>
  /** The open log; undefined where the store is only read. */
  readonly log: () => Log | undefined
  readonly onEvent: (event: EngineEvent) => void
}

/** The checkpoints of one engine. */
export class Checkpoints {
  readonly #options: CheckpointsOptions
  readonly #held = new Set<PinnedCheckpoint>()
  readonly #releases = new Set<Promise<void>>()

  constructor(options: CheckpointsOptions) {
    this.#options = options
  }

  /** ATOMIC: no await. As `Engine.pinCheckpoint`. */
  pin(sequence: Sequence): EngineCheckpoint | undefined {
    const { store, log } = this.#options
    const set = store.tables.current
    const { flushedThrough } = store.memtables
    if (flushedThrough > sequence || newestSequence(set) > sequence) return undefined
    set.pin()
    const chain = log()?.chain
    const state = store.manifest?.state ?? store.state
    const segments = chain
      ?.pin()
      .filter(({ firstSequence, lastSequence }) => lastSequence > flushedThrough && firstSequence <= sequence)
    const pinned: PinnedCheckpoint = new PinnedCheckpoint(this.#options, {
      sequence,
      set,
      flushedThrough,
      state,
      segments: segments?.map(({ number }) => number) ?? state.segments,
      onReleased: () => {
        this.#held.delete(pinned)
        set.unpin()
        if (chain !== undefined) this.#unpin(chain)
      },
    })
    this.#held.add(pinned)
    return pinned
  }

  /** Lets go of everything that is held, and waits for what is removed then. REQUIRES: no checkpoint is being written. */
  async close(): Promise<void> {
    for (const pinned of [...this.#held]) pinned.release()
    await Promise.all(this.#releases)
  }

  /** A segment that was kept, and cannot be removed now, is an orphan for the next open. */
  #unpin(chain: LogChain): void {
    const released = chain
      .unpin()
      .catch((error: unknown) => this.#options.onEvent({ type: 'backgroundError', job: 'log', error: error as Error }))
      .then(() => void this.#releases.delete(released))
    this.#releases.add(released)
  }
}

/** What was pinned, in one step. */
interface Pinned {
  readonly sequence: Sequence
  readonly set: TableSet
  /** All of the set's rows are at or below this, but for those of bulk loads. */
  readonly flushedThrough: Sequence
  readonly state: ManifestState
  /** They have every commit from there through `sequence`. */
  readonly segments: readonly number[]
  readonly onReleased: () => void
}

class PinnedCheckpoint implements EngineCheckpoint {
  readonly sequence: Sequence
  readonly #options: CheckpointsOptions
  readonly #pinned: Pinned
  #isReleased = false
  #isBusy = false

  constructor(options: CheckpointsOptions, pinned: Pinned) {
    this.#options = options
    this.#pinned = pinned
    this.sequence = pinned.sequence
  }

  async write(directory: string, checkWanted: () => void): Promise<CheckpointFigures> {
    assert(!this.#isReleased && !this.#isBusy, 'one copy at a time is made of files that are held')
    this.#isBusy = true
    const { runtime, directory: origin } = this.#options
    try {
      checkWanted()
      const target = await CheckpointTarget.take(runtime, directory, origin)
      try {
        const figures = await this.#fill(target, checkWanted)
        await target.complete()
        return figures
      } catch (error) {
        await target.abandon()
        throw error
      }
    } finally {
      this.#isBusy = false
    }
  }

  release(): void {
    if (this.#isReleased) return
    assert(!this.#isBusy, 'files are held while they are copied')
    this.#isReleased = true
    this.#pinned.onReleased()
  }

  async #fill(target: CheckpointTarget, checkWanted: () => void): Promise<CheckpointFigures> {
    const { runtime } = this.#options
    const { sequence, set } = this.#pinned
    const tables = await this.#copyTables(target, checkWanted)
    const databaseMark = runtime.random.u32()
    const log = await this.#copyLog(target, databaseMark, checkWanted)
    // So that whatever a crash leaves beside the manifest shows that there was to be more than an empty database.
    if (set.count > 0 || log.segments.length > 0) await runtime.files.syncDirectory(target.directory)
    checkWanted()
    await this.#beginManifest(target, { log, databaseMark })
    return { sequence, tables: set.count, ...tables, bytesCopied: tables.bytesCopied + log.bytes }
  }

  async #copyTables(
    target: CheckpointTarget,
    checkWanted: () => void,
  ): Promise<{ readonly bytesLinked: number; readonly bytesCopied: number }> {
    const { runtime, store } = this.#options
    let [bytesLinked, bytesCopied] = [0, 0]
    for (const { file } of this.#pinned.set.places) {
      checkWanted()
      const paths = {
        from: store.tables.path(file.number),
        to: target.path(tableFileName(file.number)),
        bytes: file.properties.fileBytes,
      }
      const { bytes, isLinked } = await linkOrCopy(runtime, paths, checkWanted)
      if (isLinked) bytesLinked += bytes
      else bytesCopied += bytes
    }
    return { bytesLinked, bytesCopied }
  }

  #copyLog(target: CheckpointTarget, databaseMark: number, checkWanted: () => void): Promise<LogCopy> {
    const { runtime, directory, limits } = this.#options
    const { sequence, set, flushedThrough, state, segments } = this.#pinned
    return copyLog(
      runtime,
      { directory, numbers: segments },
      {
        directory: target.directory,
        firstSegment: state.nextSegment,
        databaseMark,
        segmentBytesMax: limits.segmentBytesMax,
      },
      {
        wanted: { first: flushedThrough + 1, last: sequence },
        mayLack: isLoadedAt(set, sequence) ? sequence : undefined,
        onFile: (name) => void target.path(name),
        checkWanted,
      },
    )
  }

  /** The last step: the directory becomes a database. */
  async #beginManifest(
    target: CheckpointTarget,
    parts: { readonly log: LogCopy; readonly databaseMark: number },
  ): Promise<void> {
    const { runtime, limits } = this.#options
    const { set, flushedThrough, state } = this.#pinned
    const next = checkpointState(state, { places: set.places, flushedThrough, ...parts })
    let failure: Error | undefined
    const onFailed = (cause: Error): void => void (failure = cause)
    const manifest = Manifest.prepare(runtime, next, { directory: target.directory, limits, onFailed })
    for (const name of [manifestFileName(next.nextFileNumber), CURRENT_TEMPORARY_FILE, CURRENT_FILE]) target.path(name)
    runtime.faults.reach('checkpoint.before-manifest')
    try {
      await manifest.begin({})
    } catch (error) {
      // Nobody has a database there that would have to be opened again: what counts is what failed.
      throw failure ?? error
    } finally {
      await manifest.close()
    }
  }
}
