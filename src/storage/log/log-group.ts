/**
 * One group of commits as it fills: its payload stands in the very memory that is written.
 *
 * Two groups take turns (log.ts): one fills while the other is in flight. The memory grows by doubling for large commits
 * and is given back after them. Pinned by test/unit/storage/log/log-group.test.ts.
 */
import { assert } from '../../base/assert'
import type { Sequence } from '../../base/sequence'
import type { IoThread } from '../../runtime/runtime'
import { BATCH_HEADER_BYTES, encodeBatch } from '../rows/batch-codec'
import type { Batch, Durability } from '../engine'
import { FRAME_HEADER_BYTES, PAGE_BYTES } from './log-format'

const GROUP_BYTES_INITIAL = 128 * 1024
/** Memory of a group beyond this is given back once it has been written. */
const GROUP_BYTES_KEPT = 2 * 1024 * 1024
/** A frame reaches to the end of the last page that it begins, and may itself begin within a page. */
const PADDING_BYTES_MAX = 2 * PAGE_BYTES

/** The commits of one frame. */
export class LogGroup {
  readonly #thread: IoThread
  #frame: Buffer
  #end = FRAME_HEADER_BYTES
  #commits = 0
  #lastSequence: Sequence = 0
  #wantsSync = false

  constructor(thread: IoThread) {
    this.#thread = thread
    this.#frame = allocated(thread, GROUP_BYTES_INITIAL)
  }

  /** The memory of the frame: room for its header, then the payload. Changes when a commit is added. */
  get frame(): Buffer {
    return this.#frame
  }

  /** Memory that it holds beside what its thread shares. */
  get ownBytes(): number {
    return this.#frame.buffer instanceof SharedArrayBuffer ? 0 : this.#frame.length
  }

  get payloadBytes(): number {
    return this.#end - FRAME_HEADER_BYTES
  }

  get commits(): number {
    return this.#commits
  }

  /** The last sequence in it. REQUIRES: it holds a commit. */
  get lastSequence(): Sequence {
    return this.#lastSequence
  }

  /** Whether one of its commits waits for the sync. */
  get wantsSync(): boolean {
    return this.#wantsSync
  }

  /** ATOMIC: no await. Encodes a commit; `bytes` is what `batchBytes` counts for it. */
  add(batch: Batch, bytes: number, sequence: Sequence, durability: Durability): void {
    const end = this.#end + BATCH_HEADER_BYTES + bytes
    if (end + PADDING_BYTES_MAX > this.#frame.length) this.#grow(end + PADDING_BYTES_MAX)
    this.#end = encodeBatch(batch, this.#frame, this.#end)
    assert(this.#end <= end, 'a batch takes no more bytes than were reserved for it')
    this.#commits++
    this.#lastSequence = sequence
    if (durability === 'sync') this.#wantsSync = true
  }

  /** Makes it ready for other commits. REQUIRES: nobody writes from its memory. */
  clear(): void {
    this.#end = FRAME_HEADER_BYTES
    this.#commits = 0
    this.#wantsSync = false
    if (this.#frame.length > GROUP_BYTES_KEPT) this.#frame = allocated(this.#thread, GROUP_BYTES_INITIAL)
  }

  #grow(bytes: number): void {
    const frame = allocated(this.#thread, Math.max(bytes, this.#frame.length * 2))
    frame.set(this.#frame.subarray(FRAME_HEADER_BYTES, this.#end), FRAME_HEADER_BYTES)
    this.#frame = frame
  }
}

/** Memory that `thread` writes without copying, as a Buffer. */
export function allocated(thread: IoThread, bytes: number): Buffer {
  const memory = thread.allocate(bytes)
  return Buffer.from(memory.buffer, memory.byteOffset, memory.byteLength)
}
