/**
 * An I/O thread that is none: each request is carried out at once on the calling thread, which it blocks.
 *
 * The callbacks still run in a later turn of the event loop, in order of submission, so that a caller cannot tell the
 * modes apart by anything but time, and a caller that commits without pause cannot starve the application's own I/O.
 *
 * Pinned by test/contract/runtime.
 */
import { assert } from '../../base/assert'
import type { IoDone, IoRequest, IoThread } from '../runtime'
import { ioRequestError, performIoRequest } from './io-request'
import { NodeFile } from './node-file'

interface Ended {
  readonly file: NodeFile
  readonly done: IoDone
  readonly error: Error | undefined
}

/** The inline mode, also the fallback where no thread can be started. */
export class InlineIoThread implements IoThread {
  readonly mode = 'inline'
  /** Only what it allocated is accepted, as in the other mode, so that a misuse shows in both. */
  readonly #memories = new WeakSet<ArrayBufferLike>()
  #ended: Ended[] = []
  #isOpen = true
  #isScheduled = false
  #onIdle: (() => void)[] = []

  allocate(bytes: number): Uint8Array {
    const memory = new Uint8Array(bytes)
    this.#memories.add(memory.buffer)
    return memory
  }

  submit(request: IoRequest, done: IoDone): void {
    assert(this.#isOpen, 'a closed I/O thread is given no requests')
    const { file, bytes, position, sync } = request
    assert(file instanceof NodeFile, 'a file belongs to the runtime that opened it')
    assert(bytes.length === 0 || this.#memories.has(bytes.buffer), 'an I/O thread writes from memory that it allocated')
    const outcome = performIoRequest(file.descriptor, bytes, { offset: 0, length: bytes.length, position, sync })
    file.beginRequest()
    this.#ended.push({
      file,
      done,
      error: ioRequestError(outcome, { file: file.path, position, length: bytes.length }),
    })
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.drainSync()
    })
  }

  drainSync(): void {
    for (let next = this.#ended.shift(); next !== undefined; next = this.#ended.shift()) {
      next.file.endRequest()
      next.done(next.error)
    }
    const idle = this.#onIdle
    this.#onIdle = []
    for (const resolve of idle) resolve()
  }

  close(): Promise<void> {
    this.#isOpen = false
    if (this.#ended.length === 0) return Promise.resolve()
    return new Promise((resolve) => this.#onIdle.push(resolve))
  }
}
