/**
 * An I/O thread that is none: each request is carried out at once on the calling thread, which it blocks.
 *
 * The callbacks still run later, once the microtasks of the caller have run dry, in order of submission, so that a caller
 * cannot tell the modes apart by anything but time. A turn of the event loop for each would cost a lone client a tenth of
 * its rate; but a caller that commits without pause must not starve the application's own I/O, so callbacks wait for a
 * turn once none has come for `TURN_MS_MAX`:
 *
 *     submit  submit  submit ... submit    after 1 ms: | turn | submit  submit ...
 *
 * Pinned by test/contract/runtime and test/unit/runtime/io-thread-inline.test.ts.
 */
import { assert } from '../../base/assert'
import type { IoDone, IoRequest, IoThread, IoTimes } from '../runtime'
import { ioRequestError, performIoRequest } from './io-request'
import { NodeFile } from './node-file'
import { createAfterMicrotasks } from './node-scheduler'

interface Ended {
  readonly file: NodeFile
  readonly done: IoDone
  readonly error: Error | undefined
  readonly times: IoTimes
}

/** So long callbacks may follow each other within one turn of the event loop, in milliseconds. */
const TURN_MS_MAX = 1

/** The inline mode, also the fallback where no thread can be started. */
export class InlineIoThread implements IoThread {
  readonly mode = 'inline'
  /** What it allocates is the caller's. */
  readonly memoryBytes = 0
  /** Only what it allocated is accepted, as in the other mode, so that a misuse shows in both. */
  readonly #memories = new WeakSet<ArrayBufferLike>()
  #ended: Ended[] = []
  #isOpen = true
  #isScheduled = false
  #onIdle: (() => void)[] = []
  /** When the last turn came for which a callback waited, on the clock of `performance.now`. */
  #turnMs = -Infinity
  readonly #afterMicrotasks = createAfterMicrotasks()
  readonly #settle = (): void => {
    this.#isScheduled = false
    this.drainSync()
  }

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
      times: outcome.times,
    })
    if (this.#isScheduled) return
    this.#isScheduled = true
    if (performance.now() - this.#turnMs < TURN_MS_MAX) {
      this.#afterMicrotasks(this.#settle)
      return
    }
    setImmediate(() => {
      this.#turnMs = performance.now()
      this.#settle()
    })
  }

  drainSync(): void {
    for (let next = this.#ended.shift(); next !== undefined; next = this.#ended.shift()) {
      next.file.endRequest()
      next.done(next.error, next.times)
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
