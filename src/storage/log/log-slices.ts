/**
 * Writes zeros ahead, a synced slice at a time, in an I/O thread of its own.
 *
 * Neither the shared thread pool nor the commits' thread waits for it. Pinned by test/unit/storage/log/log-supply.test.ts.
 */
import { assert } from '../../base/assert'
import type { File, IoThread } from '../../runtime/runtime'
import { allocated } from './log-group'

/** One buffer of zeros, written again and again. One write at a time. */
export class SliceWriter {
  readonly #thread: IoThread
  readonly #slice: Buffer
  #isWriting = false
  #bytesWritten = 0

  constructor(thread: IoThread, sliceBytes: number) {
    this.#thread = thread
    this.#slice = allocated(thread, sliceBytes)
  }

  /** Bytes written and synced so far. */
  get bytesWritten(): number {
    return this.#bytesWritten
  }

  /**
   * Writes and syncs the next slice of a file that is to have `targetBytes`, and resolves to the size it then has.
   * `fillHead` may write into the first bytes of the slice. Rejects with `IoError`, `DiskFullError`.
   */
  async write(
    file: File,
    range: { readonly from: number; readonly targetBytes: number },
    fillHead?: (slice: Buffer) => number,
  ): Promise<number> {
    assert(!this.#isWriting, 'one slice is written at a time')
    const length = Math.min(this.#slice.length, range.targetBytes - range.from)
    const headBytes = fillHead?.(this.#slice) ?? 0
    assert(length > 0 && headBytes <= length, 'a slice is not empty and holds its head')
    this.#isWriting = true
    try {
      await submitted(this.#thread, file, this.#slice.subarray(0, length), range.from)
    } finally {
      this.#slice.fill(0, 0, headBytes)
      this.#isWriting = false
    }
    this.#bytesWritten += length
    return range.from + length
  }
}

function submitted(thread: IoThread, file: File, bytes: Buffer, position: number): Promise<void> {
  return new Promise((resolve, reject) => {
    thread.submit({ file, bytes, position, sync: true }, (error) => (error === undefined ? resolve() : reject(error)))
  })
}
