/**
 * Opens I/O threads, and is the caller's side of one that really is a thread.
 *
 * Requests queue here in order of submission; the thread has one at a time, in shared memory (io-control.ts). Its answer
 * arrives as the promise of `Atomics.waitAsync`, one armed at a time while anything is pending:
 *
 *     submit -> queue -> [shared memory] -> thread: write, sync -> done++ -> waitAsync -> callback, next request
 *
 * 1. A callback runs once: whoever takes a request off the queue calls it. `drainSync` may empty the queue before an armed
 *    notification arrives; that one then finds nothing, or arms itself again for newer requests.
 * 2. The next request is in the thread's hands before the callback of the last one runs.
 * 3. While anything is pending the worker is ref'd: Node must not exit 0 in the middle of a commit. While nothing is, it is
 *    not: an idle database lets the process end.
 * 4. A thread that died fails what is pending and everything after it with `IoError`; it is not started again, for nobody
 *    knows what its last request did.
 * 5. What may be done at once is done here if nothing is pending (ended-requests.ts), and so before whatever is submitted
 *    afterwards; its caller is told before theirs. While one is to be told the process stays alive, too.
 * 6. Memory shared with the thread is never given back before the thread ends: V8 does not count shared memory, so nothing
 *    would ever collect it there. Hence at most `IO_SHARED_BYTES_MAX` is shared; what is allocated beyond is ordinary memory,
 *    and goes to the thread in pieces through a stage. Whoever reuses what it allocated never copies.
 *
 * Pinned by test/contract/runtime and test/unit/runtime/io-thread.test.ts; why threads, and why woken so, is in
 * docs/decisions/0005-who-syncs.md.
 */
import { Worker } from 'node:worker_threads'
import { assert, present } from '../../base/assert'
import { IoError } from '../../base/errors'
import { IO_SHARED_BYTES_MAX, IO_STAGE_BYTES } from '../runtime'
import type { IoDone, IoRequest, IoThread, IoThreadMode } from '../runtime'
import { createIoControl, ioProtocolVersion, word } from './io-control'
import type { IoControl, IoThreadData, IoThreadMemory, IoThreadReady } from './io-control'
import { ioRequestError, requestEnd } from './io-request'
import { EndedRequests } from './ended-requests'
import { InlineIoThread } from './io-thread-inline'
import { NodeFile } from './node-file'
import { findWorkerFile } from './worker-file'

/** How often a blocked drain looks whether the thread is still there, in milliseconds. */
const drainLookMs = 100

/**
 * Opens an I/O thread, or the inline substitute if `mode` asks for it or no thread can be started: no compiled entry
 * (`workerFile`, found beside the package if left out), or one that does not come up or speaks another version.
 */
export async function openThread(mode: IoThreadMode, workerFile = findWorkerFile()): Promise<IoThread> {
  if (mode === 'inline' || workerFile === undefined) return new InlineIoThread()
  const control = createIoControl()
  const worker = startWorker(workerFile, { kind: 'io', version: ioProtocolVersion, control: control.memory })
  if (worker === undefined) return new InlineIoThread()
  const isReady = await new Promise<boolean>((resolve) => {
    worker.once('message', (message: IoThreadReady) => resolve(message.ready === ioProtocolVersion))
    worker.once('error', () => resolve(false))
    worker.once('exit', () => resolve(false))
  })
  worker.removeAllListeners()
  if (isReady) return new WorkerIoThread(worker, control)
  worker.once('error', () => undefined)
  await worker.terminate()
  return new InlineIoThread()
}

/** The application's loaders and flags (ts-node, jest, --require) are none of the thread's business. */
function startWorker(file: string, data: IoThreadData): Worker | undefined {
  try {
    return new Worker(file, { workerData: data, execArgv: [], env: {}, name: 'strictkv-io' })
  } catch {
    return undefined
  }
}

interface Pending {
  readonly file: NodeFile
  readonly request: IoRequest
  readonly done: IoDone
  /** Bytes that the thread has written of it in earlier pieces, and how long that took. */
  sent: number
  sentMs: number
}

class WorkerIoThread implements IoThread {
  readonly mode = 'thread'
  readonly #worker: Worker
  readonly #control: IoControl
  readonly #pending: Pending[] = []
  /** Done here, and not told yet: all of them were submitted before what is pending. */
  readonly #doneHere = new EndedRequests()
  /** The identity of what is shared; 0 for what is not. */
  readonly #identities = new WeakMap<ArrayBufferLike, number>()
  #memoriesShared = 0
  #bytesShared = 0
  #stage: Uint8Array | undefined
  /** Bytes of the piece in the thread's hands. */
  #pieceBytes = 0
  /** Value of the `done` counter before the request in the thread's hands ends. */
  #doneBefore = 0
  #isHanded = false
  #isArmed = false
  #death: Error | undefined
  #closing: Promise<void> | undefined
  #onIdle: (() => void) | undefined

  constructor(worker: Worker, control: IoControl) {
    this.#worker = worker
    this.#control = control
    worker.once('error', (error) => this.#died(error))
    worker.once('exit', () => this.#died(new Error('the thread that writes has ended')))
    worker.unref()
  }

  get memoryBytes(): number {
    return this.#bytesShared + (this.#stage?.length ?? 0)
  }

  allocate(bytes: number): Uint8Array {
    if (this.#bytesShared + bytes <= IO_SHARED_BYTES_MAX) {
      this.#bytesShared += bytes
      return this.#share(bytes)
    }
    const memory = new Uint8Array(bytes)
    this.#identities.set(memory.buffer, 0)
    return memory
  }

  submit(request: IoRequest, done: IoDone): void {
    assert(this.#closing === undefined, 'a closed I/O thread is given no requests')
    const { file } = request
    assert(file instanceof NodeFile, 'a file belongs to the runtime that opened it')
    assert(
      request.bytes.length === 0 || this.#identities.has(request.bytes.buffer),
      'an I/O thread writes from memory that it allocated',
    )
    if (request.atOnce === true && !request.sync && this.#pending.length === 0 && this.#death === undefined) {
      this.#doneHere.perform(request, done)
      return
    }
    file.beginRequest()
    if (this.#pending.push({ file, request, done, sent: 0, sentMs: 0 }) === 1) this.#worker.ref()
    if (this.#death !== undefined) {
      setImmediate(() => this.#failPending())
      return
    }
    if (!this.#isHanded) this.#handOver()
    this.#arm()
  }

  drainSync(): void {
    const { words } = this.#control
    this.#doneHere.drain()
    while (this.#pending.length > 0) {
      if (this.#death !== undefined) {
        this.#failPending()
        return
      }
      if (this.#takeEnded()) continue
      if (Atomics.load(words, word.ended) === 1 && Atomics.load(words, word.done) === this.#doneBefore) {
        this.#died(new Error('the thread that writes has ended'))
        return
      }
      Atomics.wait(words, word.done, this.#doneBefore, drainLookMs)
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#doneHere.idle()
    if (this.#pending.length > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve))
    if (this.#death !== undefined) return
    this.#worker.removeAllListeners()
    this.#worker.ref()
    const ended = new Promise<void>((resolve) => {
      this.#worker.once('error', () => resolve())
      this.#worker.once('exit', () => resolve())
    })
    Atomics.store(this.#control.words, word.stop, 1)
    Atomics.add(this.#control.words, word.requested, 1)
    Atomics.notify(this.#control.words, word.requested)
    await ended
  }

  /** Gives the head of the queue to the thread. ATOMIC: no await. REQUIRES: the thread has nothing in hand. */
  #handOver(): void {
    const { file, request, sent } = present(this.#pending[0], 'there is a request to hand over')
    const { words, position } = this.#control
    const piece = this.#shared(request.bytes.subarray(sent))
    words[word.descriptor] = file.descriptor
    words[word.memory] = this.#identities.get(piece.buffer) ?? 0
    words[word.offset] = piece.byteOffset
    words[word.length] = piece.length
    words[word.sync] = request.sync && sent + piece.length === request.bytes.length ? 1 : 0
    position[0] = request.position + sent
    this.#pieceBytes = piece.length
    this.#doneBefore = Atomics.load(words, word.done)
    this.#isHanded = true
    Atomics.add(words, word.requested, 1)
    Atomics.notify(words, word.requested)
  }

  /** The first piece of `bytes` that the thread can write from, copied if it must be. */
  #shared(bytes: Uint8Array): Uint8Array {
    if (bytes.length === 0 || this.#identities.get(bytes.buffer) !== 0) return bytes
    this.#stage ??= this.#share(IO_STAGE_BYTES)
    const piece = this.#stage.subarray(0, Math.min(bytes.length, IO_STAGE_BYTES))
    piece.set(bytes.subarray(0, piece.length))
    return piece
  }

  /** Whether the thread is done with what it has in hand. */
  get #hasEnded(): boolean {
    return this.#isHanded && Atomics.load(this.#control.words, word.done) !== this.#doneBefore
  }

  /** Takes the head off the queue if the thread is done with it, and tells its caller. ATOMIC: no await. */
  #takeEnded(): boolean {
    const { words, times } = this.#control
    // Whoever was done before is told before; that may lead to another call of this.
    if (this.#hasEnded && !this.#doneHere.isEmpty) this.#doneHere.drain()
    if (!this.#hasEnded) return false
    const head = present(this.#pending[0], 'what the thread had in hand is at the head of the queue')
    const { file, request, done, sent } = head
    const outcome = {
      end: words[word.outcomeEnd]!,
      errno: words[word.outcomeErrno]!,
      written: words[word.outcomeWritten]!,
    }
    this.#isHanded = false
    head.sent += this.#pieceBytes
    head.sentMs += times[0]!
    const syncMs = times[1]!
    if (outcome.end === requestEnd.ok && head.sent < request.bytes.length) {
      this.#handOver()
      return true
    }
    this.#pending.shift()
    file.endRequest()
    if (this.#pending.length > 0) this.#handOver()
    else this.#rest()
    const place = { file: file.path, position: request.position + sent, length: request.bytes.length - sent }
    done(ioRequestError(outcome, place), { writeMs: head.sentMs, syncMs })
    return true
  }

  /** Waits for the thread's next answer, unless somebody does already. */
  #arm(): void {
    if (this.#isArmed || !this.#isHanded) return
    this.#isArmed = true
    const woken = (): void => {
      this.#isArmed = false
      try {
        this.#takeEnded()
      } finally {
        this.#arm()
      }
    }
    const waiting = waitAsync(this.#control.words, word.done, this.#doneBefore)
    // Answered before we could wait: the callback still belongs to a later turn.
    if (waiting.async) void waiting.value.then(woken)
    else setImmediate(woken)
  }

  #rest(): void {
    this.#worker.unref()
    this.#onIdle?.()
    this.#onIdle = undefined
  }

  #died(cause: Error): void {
    if (this.#death !== undefined) return
    // What it finished before it ended was finished.
    while (this.#takeEnded());
    this.#death = cause
    this.#failPending()
  }

  #failPending(): void {
    this.#doneHere.drain()
    for (let next = this.#pending.shift(); next !== undefined; next = this.#pending.shift()) {
      const { file } = next
      file.endRequest()
      next.done(new IoError(`Cannot write "${file.path}": the I/O thread died`, 'write', file.path, this.#death))
    }
    this.#rest()
  }

  #share(bytes: number): Uint8Array {
    const mail: IoThreadMemory = { identity: ++this.#memoriesShared, memory: new SharedArrayBuffer(bytes) }
    this.#identities.set(mail.memory, mail.identity)
    this.#worker.postMessage(mail)
    Atomics.add(this.#control.words, word.posted, 1)
    return new Uint8Array(mail.memory)
  }
}

type WaitAsync = (
  words: Int32Array,
  index: number,
  value: number,
) => { readonly async: true; readonly value: Promise<string> } | { readonly async: false; readonly value: string }

/** In Node since 16; TypeScript knows it from a later standard than the one this package is compiled for. */
const waitAsync = (Atomics as unknown as { readonly waitAsync: WaitAsync }).waitAsync
