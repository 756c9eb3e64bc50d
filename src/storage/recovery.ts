/**
 * Recovery: from a directory to a store that can serve, whatever an earlier life left.
 *
 *   lock -> manifest read -> tables opened
 *        -> log replayed to tables, synced (the page cache may hold of the log what the disk never got; folder replay)
 *        -> a new manifest in force: {those tables, first segment still needed: the next one}
 *        -> orphans removed                                                          (then lsm-engine.ts opens a new log)
 *
 * 1. Until the new manifest is in force nothing that the old one refers to is changed: a crash at any point recovers again.
 * 2. An old segment is never appended to, and none is removed before the tables that replace it are in the manifest.
 * 3. A segment that the manifest does not name and that still has commits is damage of the manifest, never an orphan.
 * 4. `readOnly` writes nothing: the log is replayed into memtables, which serve. So it goes where the disk has no room to recover.
 * 5. A new database draws a mark, kept in the manifest, that every segment carries in its nonce: another database's log is
 *    refused, however well it verifies.
 *
 * Pinned by test/unit/storage/opening.test.ts, test/contract/engine and test/crash.
 * Spec: Storage!RecoverRead.
 */
import { assert } from '../base/assert'
import { CorruptionError, DiskFullError, ReadOnlyError, StrictKvError } from '../base/errors'
import type { Limits } from '../base/limits'
import type { Sequence } from '../base/sequence'
import type { BackgroundMode, BackgroundWorker, DirectoryLock, Runtime } from '../runtime/runtime'
import { BlockCache } from './table/block-cache'
import { performByteJob } from './compaction/byte-jobs'
import type { CodecName } from './files/codec'
import { codecs } from './files/codec'
import { withCodec } from './files/codec-options'
import { CURRENT_FILE } from './files/file-names'
import type { IndexMode } from './table/index-mode'
import type { LogEnd } from './log/log-contract'
import { segmentFileName } from './log/log-format'
import { replayLog } from './log/log-reader'
import { RESERVE_FILE_NAME } from './log/log-reserve'
import { usedLogBytes } from './log/log-used'
import { databaseMarkOf, withDatabaseMark } from './manifest/database-mark'
import { Manifest } from './manifest/manifest'
import { readManifest } from './manifest/manifest-reader'
import type { ManifestState } from './manifest/manifest-state'
import { createManifestState } from './manifest/manifest-state'
import { Memtables } from './memtable/memtables'
import { replayIntoMemtables, replayIntoTables } from './replay/log-replay'
import type { Replayed, ReplaySource } from './replay/log-replay'
import { ReplayFlush, replayPieceBytes } from './replay/replay-flush'
import {
  checkNewDirectory,
  ensureDirectory,
  orphans,
  removeOrphans,
  syncParents,
  takenNumbers,
} from './manifest/store-directory'
import type { TableFile } from './table/table-set'
import { nextRun } from './table/table-set'
import { TableStore, propertiesToRecord } from './table/table-store'
import { removeQuietly } from './files/whole-file'

/** How a store is opened. */
export interface StoreOptions {
  readonly limits: Limits
  /** Whether a missing database is created. */
  readonly create: boolean
  /** Nothing is written, and other readers may have the directory open too. */
  readonly readOnly: boolean
  /** How the blocks of tables are found; 'auto' unless given. */
  readonly indexMode?: IndexMode | undefined
  /** What tables are compressed with from now on; 'none' unless given. REQUIRES: the runtime has it. */
  readonly codec?: CodecName | undefined
}

/** What recovery needs. */
export interface RecoveryOptions extends StoreOptions {
  /** Where flushes and merges do their byte work; in a thread unless given. */
  readonly backgroundMode?: BackgroundMode | undefined
  readonly onManifestFailed: (cause: Error) => void
  readonly onRemoveFailed: (error: Error) => void
}

/** A store with no log yet. */
export interface RecoveredStore {
  readonly lock: DirectoryLock | undefined
  readonly tables: TableStore
  readonly memtables: Memtables
  readonly lastSequence: Sequence
  /** Undefined where the store is only read; then `refusal` says why. */
  readonly manifest: Manifest | undefined
  /** What the manifest said, with numbers that no file has. */
  readonly state: ManifestState
  readonly refusal: ReadOnlyError | DiskFullError | undefined
  /** For the log that is begun now. */
  readonly firstSegment: number
  readonly logEnd: LogEnd | undefined
  readonly databaseMark: number
  /** Does the byte work of jobs, as it did that of recovery; closed by whoever closes the store. */
  readonly worker: BackgroundWorker
}

/**
 * Recovers the store in `directory`, or creates one. Throws `InvalidArgumentError`, `DatabaseLockedError`,
 * `CorruptionError`, `UnsupportedFormatError`, `IoError`, `DiskFullError` (a new database only).
 */
export async function recoverStore(
  runtime: Runtime,
  directory: string,
  options: RecoveryOptions,
): Promise<RecoveredStore> {
  await ensureDirectory(runtime, directory, options.create && !options.readOnly)
  // Before LOCK is created: a directory that is somebody else's stays as it is. Asked again once it is locked.
  await checkDirectory(runtime, directory, options)
  const lock = await runtime.files.lock(directory, options.readOnly ? 'shared' : 'exclusive')
  try {
    return await new Recovery(runtime, directory, options).run(lock)
  } catch (error) {
    await lock?.release()
    throw error
  }
}

/** The names in the directory, which holds a store or nothing. */
async function checkDirectory(
  runtime: Runtime,
  directory: string,
  options: RecoveryOptions,
): Promise<readonly string[]> {
  const names = await runtime.files.list(directory)
  if (!names.includes(CURRENT_FILE)) checkNewDirectory(runtime, directory, names, options.create && !options.readOnly)
  return names
}

/** Where what was replayed goes: tables, and the manifest that is to name them. */
interface Writing {
  readonly manifest: Manifest
  readonly flush: ReplayFlush
}

class Recovery {
  readonly #runtime: Runtime
  readonly #directory: string
  readonly #options: RecoveryOptions
  readonly #tables: TableStore
  readonly #worker: BackgroundWorker

  constructor(runtime: Runtime, directory: string, options: RecoveryOptions) {
    this.#runtime = runtime
    this.#directory = directory
    this.#options = options
    const cache = new BlockCache({ bytesMax: options.limits.blockCacheBytesMax })
    const { indexMode, codec, onRemoveFailed } = options
    const { openTablesMax } = options.limits
    assert(codec === undefined || codecs.problem(codec) === undefined, 'a store is opened with a codec that there is')
    this.#tables = new TableStore(runtime, { directory, cache, indexMode, codec, openTablesMax, onRemoveFailed })
    this.#worker = runtime.workers.open(options.backgroundMode ?? 'thread', performByteJob)
  }

  async run(lock: DirectoryLock | undefined): Promise<RecoveredStore> {
    const names = await checkDirectory(this.#runtime, this.#directory, this.#options)
    const found = await readManifest(this.#runtime, this.#directory)
    if (found === undefined) await syncParents(this.#runtime, this.#directory)
    const taken = takenNumbers(names)
    const old = found?.state ?? createManifestState()
    // Numbers of orphans count as used: whatever refers to one must never meet another file under it.
    const databaseMark = databaseMarkOf(old) ?? this.#runtime.random.u32()
    const state = {
      ...old,
      options: withCodec(withDatabaseMark(old.options, databaseMark), this.#tables.codec),
      nextFileNumber: Math.max(old.nextFileNumber, taken.fileMax + 1),
      nextSegment: Math.max(old.nextSegment, taken.segmentMax + 1),
    }
    const source = { directory: this.#directory, state, databaseMark: databaseMarkOf(old) }
    const pieceBytes = this.#options.readOnly ? 0 : await this.#preparePieces(state)
    await this.#openTables(state)
    try {
      await this.#checkUnnamedSegments(names, state)
      const [tables, worker] = [this.#tables, this.#worker]
      const base = { lock, tables, worker, state, firstSegment: state.nextSegment, databaseMark }
      if (pieceBytes === 0) return { ...base, ...(await this.#readOnly(source)), refusal: readOnly(this.#directory) }
      try {
        const written = await this.#writeSomehow(source, { pieceBytes, names })
        return { ...base, ...written, memtables: new Memtables(written.lastSequence), refusal: undefined }
      } catch (error) {
        if (!(error instanceof DiskFullError) || found === undefined) throw error
        // What was gathered has gone with the tables that could not be written.
        return { ...base, ...(await this.#readOnly(source)), refusal: noRoomToRecover(this.#directory, error) }
      }
    } catch (error) {
      await this.#worker.close()
      await this.#tables.close()
      throw error
    }
  }

  /** The size of the pieces that the log is replayed in. The thread that writes them is started if there will be several. */
  async #preparePieces({ segments: numbers }: ManifestState): Promise<number> {
    const logBytes = await usedLogBytes(this.#runtime, { directory: this.#directory, numbers })
    const pieceBytes = replayPieceBytes(logBytes, this.#options.limits)
    if (logBytes > pieceBytes) this.#worker.start()
    // Memory is taken for a whole piece at once.
    return Math.max(1, Math.min(pieceBytes, logBytes))
  }

  async #openTables(state: ManifestState): Promise<void> {
    try {
      await this.#tables.openAll(state)
    } catch (error) {
      await this.#worker.close()
      throw error
    }
  }

  /** Invariant 3: an edit that was lost to damage must not take a segment's commits with it. */
  async #checkUnnamedSegments(names: readonly string[], state: ManifestState): Promise<void> {
    const unnamed = orphans(names, state, 0)
      .map((name) => takenNumbers([name]).segmentMax)
      .filter((number) => number >= Math.max(1, state.firstSegment))
    for (const number of unnamed) {
      if (!(await this.#hasCommits(number))) continue
      const path = this.#runtime.files.join(this.#directory, segmentFileName(number))
      throw new CorruptionError(
        `Cannot open ${this.#directory}: ${path} has commits, but the manifest does not name it`,
        path,
        0,
      )
    }
  }

  async #hasCommits(segment: number): Promise<boolean> {
    let isFound = false
    try {
      const source = { directory: this.#directory, numbers: [segment] }
      await replayLog(this.#runtime, source, { afterSequence: 0 }, () => (isFound = true))
    } catch (error) {
      // A segment whose preparation was cut short is no segment yet. What cannot be read at all is told to the caller.
      if (!(error instanceof StrictKvError) || error.code !== 'CORRUPTION') throw error
    }
    return isFound
  }

  /** What was replayed serves from memory. */
  async #readOnly(
    source: ReplaySource,
  ): Promise<Replayed & { readonly memtables: Memtables; readonly manifest: undefined }> {
    return { ...(await replayIntoMemtables(this.#runtime, source, this.#options.limits)), manifest: undefined }
  }

  /** On a full disk the space kept aside is for this too. */
  async #writeSomehow(
    source: ReplaySource,
    { pieceBytes, names }: { readonly pieceBytes: number; readonly names: readonly string[] },
  ): Promise<Replayed & { readonly manifest: Manifest }> {
    try {
      return await this.#write(source, pieceBytes)
    } catch (error) {
      if (!(error instanceof DiskFullError) || !names.includes(RESERVE_FILE_NAME)) throw error
      await this.#runtime.files.remove(this.#runtime.files.join(this.#directory, RESERVE_FILE_NAME))
      return this.#write({ ...source, state: await this.#withFreshNumbers(source.state) }, pieceBytes)
    }
  }

  /** The first attempt has used numbers: those of files that it could not remove must not be met again. */
  async #withFreshNumbers(state: ManifestState): Promise<ManifestState> {
    const { fileMax } = takenNumbers(await this.#runtime.files.list(this.#directory))
    return { ...state, nextFileNumber: Math.max(state.nextFileNumber, fileMax + 1) }
  }

  #beginWriting(state: ManifestState): Writing {
    const [runtime, directory, tables] = [this.#runtime, this.#directory, this.#tables]
    const { limits, onManifestFailed: onFailed } = this.#options
    const manifest = Manifest.prepare(runtime, state, { directory, limits, onFailed })
    const allocateFileNumber = (): number => manifest.allocateFileNumber()
    const context = { runtime, directory, limits, tables, worker: this.#worker, allocateFileNumber }
    return { manifest, flush: new ReplayFlush(context, runtime.workers.open('inline', performByteJob)) }
  }

  /** Replays the log to tables, and begins a new manifest that needs nothing of it. */
  async #write(source: ReplaySource, pieceBytes: number): Promise<Replayed & { readonly manifest: Manifest }> {
    const { state } = source
    const { manifest, flush } = this.#beginWriting(state)
    const { files, lastSequence, logEnd } = await replayIntoTables(this.#runtime, source, { flush, pieceBytes })
    const firstRun = nextRun(this.#tables.current, 0)
    const placed = files.map((file, i) => ({ level: 0, run: firstRun + i, file }))
    try {
      await manifest.begin({
        addTables: placed.map(({ file, ...place }) => propertiesToRecord(file.properties, place)),
        flushedThrough: lastSequence,
        firstSegment: state.nextSegment,
        nextSegment: state.nextSegment,
        ...(logEnd === undefined ? {} : { logEnd: { end: logEnd, clean: false } }),
      })
    } catch (error) {
      await manifest.close()
      for (const file of files) file.table.unpin()
      // Only an error with no effect leaves it certain that nothing names these files.
      if (error instanceof DiskFullError) await this.#removeFiles(files)
      throw error
    }
    this.#tables.swap({ adds: placed, removes: [] })
    await this.#removeGarbage(manifest)
    return { manifest, lastSequence, logEnd }
  }

  async #removeFiles(files: readonly TableFile[]): Promise<void> {
    for (const file of files) await removeQuietly(this.#runtime, this.#tables.path(file.number))
  }

  /** The new manifest is in force already: what cannot be removed now stays an orphan for the next open. */
  async #removeGarbage(manifest: Manifest): Promise<void> {
    try {
      const names = await this.#runtime.files.list(this.#directory)
      await removeOrphans(this.#runtime, this.#directory, orphans(names, manifest.state, manifest.fileNumber))
    } catch (error) {
      this.#options.onRemoveFailed(error as Error)
    }
  }
}

function readOnly(directory: string): ReadOnlyError {
  return new ReadOnlyError(`Cannot write to ${directory}: it was opened with readOnly`)
}

/** What writes get where the disk had no room to recover the store or to begin a log. */
export function noRoomToRecover(directory: string, cause: Error): DiskFullError {
  return new DiskFullError(
    `Cannot write to ${directory}: the disk had no room for recovery, so it was opened for reading; make room and open it again`,
    { cause },
  )
}
