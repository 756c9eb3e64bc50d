/**
 * A file under construction that is synced piece by piece as it grows, so that its end is not one large sync.
 *
 *     write write | sync | write write | sync | ...        no more than `piece` bytes are ever waiting for the disk
 *
 * What is written and not synced goes to the disk at once when somebody syncs, and whoever else syncs meanwhile stands behind
 * it: a table of 20 MiB, synced at its end alone, held up commits for 150 ms and more. Small pieces let them pass in between.
 *
 * It promises no more than the file itself: what is durable is what its own last `sync` says. A piece whose sync fails fails the
 * write that asked for it, and the file is to be discarded as after any failed write.
 *
 * Pinned by test/unit/storage/files/steady-file.test.ts and test/options (tableSyncBytes).
 */
import { assert } from '../../base/assert'
import type { File } from '../../runtime/runtime'

/** A file that syncs itself after every so many bytes. One write at a time, as of any file that is written in order. */
export class SteadyFile implements File {
  readonly #file: File
  readonly #pieceBytes: number
  /** Written since the last sync. */
  #waitingBytes = 0

  constructor(file: File, pieceBytes: number) {
    assert(pieceBytes > 0, 'a piece is not empty')
    this.#file = file
    this.#pieceBytes = pieceBytes
  }

  get path(): string {
    return this.#file.path
  }

  read(target: Uint8Array, offset: number, length: number, position: number): Promise<number> {
    return this.#file.read(target, offset, length, position)
  }

  readSync(target: Uint8Array, offset: number, length: number, position: number): number {
    return this.#file.readSync(target, offset, length, position)
  }

  /** As of the file, in pieces. Rejects with what a sync of one of them rejects with. */
  async write(bytes: Uint8Array, position: number): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const end = Math.min(bytes.length, at + this.#pieceBytes - this.#waitingBytes)
      await this.#file.write(bytes.subarray(at, end), position + at)
      this.#waitingBytes += end - at
      at = end
      if (this.#waitingBytes === this.#pieceBytes) await this.sync()
    }
  }

  async sync(): Promise<void> {
    this.#waitingBytes = 0
    await this.#file.sync()
  }

  size(): Promise<number> {
    return this.#file.size()
  }

  close(): Promise<void> {
    return this.#file.close()
  }

  closeSync(): void {
    this.#file.closeSync()
  }
}
