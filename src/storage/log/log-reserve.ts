/**
 * Disk space kept aside: a file of zeros that is removed when the disk is full, so that deletes can still be committed.
 *
 *     missing --fill--> kept --release--> lost --fill--> kept           a failed fill: lost
 *
 * While it is *lost*, commits that put are refused, whatever room there seems to be: what its removal freed is for commits
 * of deletes, for flush, compaction and opening. It is *missing* only between the first open of a directory and the
 * moment it has been filled in the background.
 *
 * What it does not do: on file systems that store no zeros (compression, thin provisioning) it keeps nothing aside.
 * Pinned by test/unit/storage/log/log-supply.test.ts.
 */
import type { File, Runtime } from '../../runtime/runtime'
import { alignUp, PAGE_BYTES } from './log-format'
import type { SliceWriter } from './log-slices'

/** The name of the file in the database's directory. */
export const RESERVE_FILE_NAME = 'RESERVE'

/** The reserve of one directory. */
export class DiskReserve {
  readonly #runtime: Runtime
  readonly #path: string
  readonly #targetBytes: number
  #state: 'missing' | 'kept' | 'lost'
  #filledBytes: number
  #file: File | undefined

  private constructor(runtime: Runtime, path: string, targetBytes: number, foundBytes: number) {
    this.#runtime = runtime
    this.#path = path
    this.#targetBytes = targetBytes
    this.#filledBytes = Math.min(foundBytes, targetBytes)
    this.#state = this.#filledBytes === targetBytes ? 'kept' : 'missing'
  }

  /** Looks what is there; fills nothing yet. */
  static async open(runtime: Runtime, directory: string, targetBytes: number): Promise<DiskReserve> {
    const path = runtime.files.join(directory, RESERVE_FILE_NAME)
    const status = await runtime.files.status(path)
    return new DiskReserve(runtime, path, targetBytes, status?.size ?? 0)
  }

  /** Whether there is something to release. */
  get isKept(): boolean {
    return this.#state === 'kept' && this.#targetBytes > 0
  }

  /** How large a segment made from its space should be, so that the rest of it serves others. */
  get emergencyBytes(): number {
    return alignUp(this.#targetBytes / 2, PAGE_BYTES)
  }

  get isLost(): boolean {
    return this.#state === 'lost'
  }

  /** Whether `fillSlice` has work to do. */
  get isWanting(): boolean {
    return this.#state !== 'kept'
  }

  /** Writes one slice more. Rejects with `IoError`, or `DiskFullError` and is lost; what was written is removed then. */
  async fillSlice(slices: SliceWriter): Promise<void> {
    try {
      this.#file ??= await this.#openFile()
      this.#filledBytes = await slices.write(this.#file, { from: this.#filledBytes, targetBytes: this.#targetBytes })
    } catch (error) {
      await this.release()
      throw error
    }
    if (this.#filledBytes < this.#targetBytes) return
    await this.#closeFile()
    this.#state = 'kept'
  }

  /** Gives the space back to the disk. */
  async release(): Promise<void> {
    this.#state = 'lost'
    this.#filledBytes = 0
    await this.#closeFile()
    if ((await this.#runtime.files.status(this.#path)) !== undefined) await this.#runtime.files.remove(this.#path)
  }

  /** Closes the file; a half-filled one is completed after the next open. */
  async close(): Promise<void> {
    await this.#closeFile()
  }

  async #openFile(): Promise<File> {
    const exists = (await this.#runtime.files.status(this.#path)) !== undefined
    return this.#runtime.files.open(this.#path, exists ? 'write' : 'create')
  }

  async #closeFile(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.close()
  }
}
