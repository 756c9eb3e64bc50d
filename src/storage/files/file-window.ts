/**
 * A file read from front to back through one window, for who checks or saves a whole file: few reads, one buffer.
 *
 * 1. What is given is a view that holds until the next call, and begins at a multiple of 4 of its memory if its offset is one.
 * 2. Where the disk refuses a whole window, the piece that is wanted is tried by itself: one bad sector costs what lies on it.
 *
 * Pinned by test/unit/storage/files/file-window.test.ts.
 */
import { IoError } from '../../base/errors'
import type { File } from '../../runtime/runtime'

const WINDOW_BYTES = 256 * 1024

/** One file's window. */
export class FileWindow {
  readonly file: File
  readonly fileBytes: number
  #memory = Buffer.allocUnsafeSlow(0)
  #start = 0
  #bytes = 0

  constructor(file: File, fileBytes: number) {
    this.file = file
    this.fileBytes = fileBytes
  }

  /** The bytes at `[offset, offset + length)`, fewer only at the end of the file. Throws `IoError`. */
  async bytesAt(offset: number, length: number): Promise<Buffer> {
    return this.loaded(offset, length) ?? this.#load(offset, length)
  }

  /** The same without a read; undefined where one is needed. */
  loaded(offset: number, length: number): Buffer | undefined {
    const wanted = Math.max(0, Math.min(length, this.fileBytes - offset))
    const at = offset - this.#start
    if (at < 0 || at + wanted > this.#bytes) return undefined
    return this.#memory.subarray(at, at + wanted)
  }

  async #load(offset: number, length: number): Promise<Buffer> {
    const wanted = Math.max(0, Math.min(length, this.fileBytes - offset))
    const rest = Math.max(0, this.fileBytes - offset)
    try {
      return (await this.#fill(offset, Math.min(rest, Math.max(wanted, WINDOW_BYTES)))).subarray(0, wanted)
    } catch (error) {
      if (!(error instanceof IoError) || rest <= wanted) throw error
      return await this.#fill(offset, wanted)
    }
  }

  async #fill(offset: number, length: number): Promise<Buffer> {
    this.#bytes = 0
    if (this.#memory.length < length) this.#memory = Buffer.allocUnsafeSlow(length)
    this.#start = offset
    let filled = 0
    while (filled < length) {
      const read = await this.file.read(this.#memory, filled, length - filled, offset + filled)
      if (read === 0) break
      filled += read
    }
    this.#bytes = filled
    return this.#memory.subarray(0, filled)
  }
}
