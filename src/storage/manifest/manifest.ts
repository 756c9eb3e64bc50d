/**
 * The manifest of a running store: makes edits durable one after the other, and begins a new file when the old is full.
 *
 *   apply(edit): record written -> synced -> in force -> sealed by an empty record behind it (unsynced, see manifest-reader.ts)
 *
 * 1. An edit is in force exactly when `apply` has resolved; the caller changes memory then, and deletes files after that.
 * 2. A failed write or sync of a file that CURRENT may name poisons: what it says on disk is unknown until it is read again.
 * 3. A new manifest that cannot be completed for want of space is discarded, with no effect: `DiskFullError`.
 * 4. File numbers are handed out here, and every edit records the next one: none is used twice.
 *
 * Pinned by test/unit/storage/manifest/manifest.test.ts and test/crash.
 * Spec: ManifestFlush!WriteEdit, ManifestFlush!SyncManifest, ManifestFlush!BeginManifest, Storage!WriteEdit.
 */
import { assert, present } from '../../base/assert'
import { DiskFullError, PoisonedError } from '../../base/errors'
import type { Limits } from '../../base/limits'
import type { File, Runtime } from '../../runtime/runtime'
import { manifestFileName } from '../files/file-names'
import { switchCurrent } from './manifest-current'
import { MANIFEST_BOUNDARY_BYTES, MANIFEST_HEADER_BYTES, encodeEdit, encodeHeader, encodeRecord, nextBoundary } from './manifest-format' // prettier-ignore
import type { RecordPlace } from './manifest-format'
import type { ManifestEdit, ManifestState } from './manifest-state'
import { applyEdit, stateToEdit } from './manifest-state'
import { removeQuietly } from '../files/whole-file'

/** What a manifest needs besides its state. */
export interface ManifestOptions {
  readonly directory: string
  readonly limits: Limits
  /** Called once if what the manifest says on disk has become unknown. */
  readonly onFailed: (cause: Error) => void
}

interface ManifestFile {
  readonly number: number
  readonly file: File
  readonly bytes: number
  /** Of the next record. */
  offset: number
  ordinal: number
  /** Everything before this offset is durable: what the next record promises. */
  synced: number
}

const SEAL: ManifestEdit = {}

/** An open manifest. */
export class Manifest {
  readonly #runtime: Runtime
  readonly #options: ManifestOptions
  #state: ManifestState
  #nextFileNumber: number
  #file: ManifestFile | undefined
  #failed: Error | undefined
  /** Ends with the last edit asked for: edits are applied one at a time, in order. */
  #tail: Promise<void> = Promise.resolve()
  #closed = false

  private constructor(runtime: Runtime, state: ManifestState, options: ManifestOptions) {
    this.#runtime = runtime
    this.#options = options
    this.#state = state
    this.#nextFileNumber = state.nextFileNumber
  }

  /**
   * A handle on `state`, which some older manifest (or none, for a new database) says; nothing is written before `begin`,
   * so that files can be numbered first.
   */
  static prepare(runtime: Runtime, state: ManifestState, options: ManifestOptions): Manifest {
    return new Manifest(runtime, state, options)
  }

  /** Everything in force. */
  get state(): ManifestState {
    return this.#state
  }

  /** The number of the file in force. */
  get fileNumber(): number {
    return present(this.#file, 'a manifest has begun').number
  }

  /** Why no edit will be made any more. */
  get failed(): Error | undefined {
    return this.#failed
  }

  /** A number that no file has had. */
  allocateFileNumber(): number {
    return this.#nextFileNumber++
  }

  /**
   * Begins a new file with the state after `edit` and puts it in force. Throws `DiskFullError` with no effect; after any
   * other failure the store must not be written to.
   */
  async begin(edit: ManifestEdit): Promise<void> {
    assert(this.#file === undefined, 'a manifest begins once')
    await this.#enqueue(() => this.#switchTo(applyEdit(this.#state, edit)))
  }

  /**
   * Makes an edit durable. Throws `PoisonedError` (it is unknown whether the edit is in force), or `DiskFullError` with
   * no effect.
   */
  async apply(edit: ManifestEdit): Promise<void> {
    await this.#enqueue(() => this.#write(edit))
  }

  /** Does `step` while no edit is written: what it reads of the file is whole. */
  async undisturbed<T>(step: () => Promise<T>): Promise<T> {
    let outcome: Promise<T> | undefined
    await this.#enqueue(async () => {
      outcome = step()
      await outcome.catch(() => undefined)
    })
    return present(outcome, 'the step was done')
  }

  /** Syncs the last seal and lets go of the file. Idempotent, never throws. */
  async close(): Promise<void> {
    await this.#tail
    const current = this.#file
    if (current === undefined || this.#closed) return
    this.#closed = true
    try {
      if (this.#failed === undefined) await current.file.sync()
    } catch {
      // Only the last seal was not synced before: it is a witness, and nothing relies on it.
    }
    await current.file.close()
  }

  #enqueue(step: () => Promise<void>): Promise<void> {
    const done = this.#tail.then(step)
    this.#tail = done.catch(() => undefined)
    return done
  }

  async #write(edit: ManifestEdit): Promise<void> {
    const current = this.#file
    assert(current !== undefined && !this.#closed, 'edits are applied to an open manifest')
    if (this.#failed !== undefined) throw poisoned(this.#failed)
    const payload = encodeEdit({ ...edit, nextFileNumber: this.#nextFileNumber })
    const next = applyEdit(this.#state, { ...edit, nextFileNumber: this.#nextFileNumber })
    const record = encodeRecord(payload, placeOfNext(current))
    const roomBytes = nextBoundary(record.length) + MANIFEST_BOUNDARY_BYTES
    if (current.offset + roomBytes > current.bytes) return this.#switchTo(next)
    try {
      this.#runtime.faults.reach('manifest.before-edit')
      await this.#append(current, record)
      await current.file.sync()
      current.synced = current.offset
      this.#runtime.faults.reach('manifest.after-edit')
    } catch (error) {
      throw this.#fail(error)
    }
    this.#state = next
    await this.#seal(current)
  }

  /** The edit before it is in force already, so that a failure here only ends the edits to come. */
  async #seal(current: ManifestFile): Promise<void> {
    try {
      await this.#append(current, encodeRecord(encodeEdit(SEAL), placeOfNext(current)))
    } catch (error) {
      this.#fail(error)
    }
  }

  async #append(current: ManifestFile, record: Buffer): Promise<void> {
    await current.file.write(record, current.offset)
    current.offset += nextBoundary(record.length)
    current.ordinal++
  }

  /** Writes `next` as the beginning of a new file and puts that in force. */
  async #switchTo(next: ManifestState): Promise<void> {
    if (this.#failed !== undefined) throw poisoned(this.#failed)
    const number = this.allocateFileNumber()
    const state = { ...next, nextFileNumber: this.#nextFileNumber }
    const path = this.#runtime.files.join(this.#options.directory, manifestFileName(number))
    let created: ManifestFile | undefined
    let isDiscardable = true
    try {
      created = await this.#create(path, number, state)
      await switchCurrent(this.#runtime, this.#options.directory, {
        number,
        onUncertain: () => (isDiscardable = false),
      })
    } catch (error) {
      await created?.file.close()
      if (!isDiscardable || !(error instanceof DiskFullError)) throw this.#fail(error)
      await removeQuietly(this.#runtime, path)
      throw error
    }
    const old = this.#file
    this.#file = created
    this.#state = state
    await this.#seal(created)
    if (old === undefined) return
    await old.file.close()
    await removeQuietly(this.#runtime, this.#runtime.files.join(this.#options.directory, manifestFileName(old.number)))
  }

  async #create(path: string, number: number, state: ManifestState): Promise<ManifestFile> {
    const offset = nextBoundary(MANIFEST_HEADER_BYTES)
    const record = encodeRecord(encodeEdit(stateToEdit(state)), { fileNumber: number, offset, ordinal: 0, promise: 0 })
    const end = nextBoundary(offset + record.length)
    const bytes = Buffer.alloc(end + nextBoundary(this.#options.limits.manifestRoomBytes))
    bytes.set(encodeHeader(number, bytes.length), 0)
    bytes.set(record, offset)
    const file = await this.#runtime.files.open(path, 'create')
    try {
      await file.write(bytes, 0)
      await file.sync()
    } catch (error) {
      await file.close()
      throw error
    }
    return { number, file, bytes: bytes.length, offset: end, ordinal: 1, synced: end }
  }

  #fail(error: unknown): PoisonedError {
    const cause = error instanceof Error ? error : new Error(String(error))
    if (this.#failed === undefined) {
      this.#failed = cause
      this.#options.onFailed(cause)
    }
    return poisoned(this.#failed)
  }
}

function placeOfNext(current: ManifestFile): RecordPlace {
  return { fileNumber: current.number, offset: current.offset, ordinal: current.ordinal, promise: current.synced }
}

function poisoned(cause: Error): PoisonedError {
  return new PoisonedError(
    `Cannot record a change in the manifest: it failed earlier (${cause.message}); reopen the database`,
    cause,
  )
}
