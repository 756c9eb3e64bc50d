/**
 * An I/O thread that is none: each request is carried out at once on the calling thread, which it blocks.
 *
 * Its callers are told later, in order (ended-requests.ts).
 *
 * Pinned by test/contract/runtime and test/unit/runtime/io-thread-inline.test.ts.
 */
import { assert } from '../../base/assert'
import type { IoDone, IoRequest, IoThread } from '../runtime'
import { EndedRequests } from './ended-requests'

/** The inline mode, also the fallback where no thread can be started. */
export class InlineIoThread implements IoThread {
  readonly mode = 'inline'
  /** What it allocates is the caller's. */
  readonly memoryBytes = 0
  /** Only what it allocated is accepted, as in the other mode, so that a misuse shows in both. */
  readonly #memories = new WeakSet<ArrayBufferLike>()
  readonly #ended = new EndedRequests()
  #isOpen = true

  allocate(bytes: number): Uint8Array {
    const memory = new Uint8Array(bytes)
    this.#memories.add(memory.buffer)
    return memory
  }

  submit(request: IoRequest, done: IoDone): void {
    assert(this.#isOpen, 'a closed I/O thread is given no requests')
    const { bytes } = request
    assert(bytes.length === 0 || this.#memories.has(bytes.buffer), 'an I/O thread writes from memory that it allocated')
    this.#ended.perform(request, done)
  }

  drainSync(): void {
    this.#ended.drain()
  }

  close(): Promise<void> {
    this.#isOpen = false
    return this.#ended.idle()
  }
}
