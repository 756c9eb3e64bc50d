/**
 * Requests that were carried out on the calling thread and whose callers are told a little later, in order.
 *
 * The callbacks run once the microtasks of the caller have run dry, so that a caller cannot tell by anything but time where its
 * request was carried out. A turn of the event loop for each would cost a lone client a tenth of its rate; but a caller that commits
 * without pause must not starve the application's own I/O, so callbacks wait for a turn once none has come for `TURN_MS_MAX`:
 *
 *     push  push  push ... push    after 1 ms: | turn | push  push ...
 *
 * Pinned by test/contract/runtime and test/unit/runtime/io-thread-inline.test.ts.
 */
import type { IoDone, IoRequest, IoTimes } from '../runtime'
import { assert } from '../../base/assert'
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

/** Those who are to be told, first come, first served. */
export class EndedRequests {
  #ended: Ended[] = []
  #isScheduled = false
  #onIdle: (() => void)[] = []
  /** When the last turn came for which a callback waited, on the clock of `performance.now`. */
  #turnMs = -Infinity
  readonly #afterMicrotasks = createAfterMicrotasks()
  readonly #settle = (): void => {
    this.#isScheduled = false
    this.drain()
  }

  get isEmpty(): boolean {
    return this.#ended.length === 0
  }

  /** Carries a request out at once, blocking, and tells its caller later. */
  perform({ file, bytes, position, sync }: IoRequest, done: IoDone): void {
    assert(file instanceof NodeFile, 'a file belongs to the runtime that opened it')
    const outcome = performIoRequest(file.descriptor, bytes, { offset: 0, length: bytes.length, position, sync })
    file.beginRequest()
    const error = ioRequestError(outcome, { file: file.path, position, length: bytes.length })
    this.#ended.push({ file, done, error, times: outcome.times })
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

  /** Tells everybody now. */
  drain(): void {
    for (let next = this.#ended.shift(); next !== undefined; next = this.#ended.shift()) {
      next.file.endRequest()
      next.done(next.error, next.times)
    }
    const idle = this.#onIdle
    this.#onIdle = []
    for (const resolve of idle) resolve()
  }

  /** Resolves when everybody has been told. */
  idle(): Promise<void> {
    if (this.#ended.length === 0) return Promise.resolve()
    return new Promise((resolve) => this.#onIdle.push(resolve))
  }
}
