/**
 * An I/O thread of the runtime in memory: the write of a request and its sync are two calls in turns of their own.
 *
 * `inline` carries them out within `submit`; the callback still runs in a later turn.
 */
import { assert } from '../../../src/base/assert'
import type { IoDone, IoRequest, IoThread, IoThreadMode } from '../../../src/runtime/runtime'
import { CrashedError } from './io-calls'
import { MemoryFile } from './memory-file'
import type { MemoryWorld } from './memory-world'

interface Pending {
  readonly file: MemoryFile
  readonly request: IoRequest
  readonly done: IoDone
  /** What is to be done next; 'told' is the callback. */
  step: 'write' | 'sync' | 'told'
  error: Error | undefined
}

/** See the header. */
export class MemoryIoThread implements IoThread {
  readonly mode: IoThreadMode
  /** What it allocates is the caller's. */
  readonly memoryBytes = 0
  readonly #world: MemoryWorld
  readonly #memories = new WeakSet<ArrayBufferLike>()
  readonly #pending: Pending[] = []
  #isScheduled = false
  #isClosed = false
  #onIdle: (() => void)[] = []

  constructor(world: MemoryWorld, mode: IoThreadMode) {
    this.#world = world
    this.mode = mode
  }

  allocate(bytes: number): Uint8Array {
    const memory = new SharedArrayBuffer(bytes)
    this.#memories.add(memory)
    return new Uint8Array(memory)
  }

  submit(request: IoRequest, done: IoDone): void {
    this.#world.calls.requireAlive('submit')
    assert(!this.#isClosed, 'a closed I/O thread is given no requests')
    const { file, bytes } = request
    assert(file instanceof MemoryFile, 'a file belongs to the runtime that opened it')
    assert(bytes.length === 0 || this.#memories.has(bytes.buffer), 'an I/O thread writes from memory that it allocated')
    file.beginRequest()
    const pending: Pending = {
      file,
      request,
      done,
      step: bytes.length > 0 ? 'write' : request.sync ? 'sync' : 'told',
      error: undefined,
    }
    // What was done at once and is not told yet does not stand in the way of more of that.
    const isFree = this.#pending.every(({ step }) => step === 'told')
    this.#pending.push(pending)
    const isAtOnce = this.mode === 'inline' || (request.atOnce === true && !request.sync && isFree)
    try {
      if (isAtOnce) while (pending.step !== 'told') this.#advance(pending)
    } catch (error) {
      // A caller in another thread than the one that writes has not noticed.
      if (!(error instanceof CrashedError) || this.mode === 'inline') throw error
    }
    this.#schedule()
  }

  drainSync(): void {
    this.#world.calls.requireAlive('drainSync')
    while (this.#pending.length > 0) this.#advance(this.#pending[0]!)
  }

  close(): Promise<void> {
    this.#isClosed = true
    return new Promise((resolve) => {
      if (this.#world.calls.crashed) return
      const idle = (): void => this.#world.scheduler.enqueue(resolve)
      if (this.#pending.length === 0) idle()
      else this.#onIdle.push(idle)
    })
  }

  #schedule(): void {
    if (this.#isScheduled || this.#pending.length === 0) return
    this.#isScheduled = true
    this.#world.scheduler.enqueue(() => {
      this.#isScheduled = false
      try {
        // Emptied by a drain in the meantime, perhaps.
        if (this.#pending.length > 0) this.#advance(this.#pending[0]!)
      } catch (error) {
        if (error instanceof CrashedError) return
        throw error
      } finally {
        this.#schedule()
      }
    })
  }

  /** Does the next step of a request: one call of the disk, or the callback. */
  #advance(pending: Pending): void {
    const { file, request } = pending
    if (pending.step === 'told') {
      this.#pending.splice(this.#pending.indexOf(pending), 1)
      const idle = this.#pending.length === 0 ? this.#onIdle : []
      if (idle.length > 0) this.#onIdle = []
      for (const resolve of idle) resolve()
      file.endRequest()
      pending.done(pending.error)
      return
    }
    try {
      if (pending.step === 'write') {
        file.writeNow('thread-write', request.bytes, request.position)
        pending.step = request.sync ? 'sync' : 'told'
      } else {
        file.syncNow('thread-sync')
        pending.step = 'told'
      }
    } catch (error) {
      if (error instanceof CrashedError) throw error
      pending.error = error as Error
      pending.step = 'told'
    }
  }
}
