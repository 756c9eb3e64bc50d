/**
 * Background jobs in a thread of their own: the caller's side.
 *
 * 1. The thread starts with the first job, or ahead of it. Where there is no compiled entry, or it does not come up, jobs run inline from
 *    there on, and `mode` says so.
 * 2. While a job is pending the thread is ref'd, for somebody waits for it; else it is not: an idle database lets the process end.
 * 3. A thread that dies (it ran out of memory, somebody ended it) fails the jobs it had; the next job gets a new one. A job is
 *    told to have failed only when nothing of its thread runs any more, so that its files can be removed.
 * 4. What `onProgress` throws stops the job, and is what the caller gets once the job has cleaned up. What it promises holds the
 *    job up: the thread goes on by no more than some slices (job-thread-entry.ts) until it is told to.
 *
 * Pinned by test/unit/runtime/background-worker.test.ts; why so, is in
 * docs/decisions/0016-background-worker.md.
 */
import { Worker } from 'node:worker_threads'
import { assert } from '../../base/assert'
import { IoError } from '../../base/errors'
import { createInlineWorker } from '../inline-worker'
import { WORKER_DIED } from '../runtime'
import type { BackgroundJob, BackgroundMode, BackgroundWorker, PerformJob, Runtime } from '../runtime'
import { failureToError, jobProtocolVersion } from './job-messages'
import type { FromThread, JobThreadData, ToThread } from './job-messages'

/** JavaScript objects of the thread; blocks and outputs lie outside. Beyond it the thread dies, and only the thread. */
const heapMebibytesMax = 512

interface Pending {
  readonly job: BackgroundJob
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
  /** Ends with the last piece that was asked for. */
  feeding: Promise<void>
  /** What stopped it. */
  stoppedBy: { readonly error: unknown } | undefined
}

/** A thread that is up, and its jobs. */
interface Thread {
  readonly worker: Worker
  readonly pending: Map<number, Pending>
}

/** A worker in a thread, whose compiled entry is `workerFile`; inline if there is none. */
export function openBackgroundWorker(
  options: { readonly runtime: Runtime; readonly mode: BackgroundMode; readonly workerFile: string | undefined },
  perform: PerformJob,
): BackgroundWorker {
  const inline = createInlineWorker(options.runtime, perform)
  if (options.mode === 'inline' || options.workerFile === undefined) return inline
  return new ThreadWorker(options.workerFile, inline)
}

class ThreadWorker implements BackgroundWorker {
  readonly #workerFile: string
  readonly #inline: BackgroundWorker
  #starting: Promise<Thread | undefined> | undefined
  #isInline = false
  #isClosed = false
  #jobs = 0

  constructor(workerFile: string, inline: BackgroundWorker) {
    this.#workerFile = workerFile
    this.#inline = inline
  }

  get mode(): BackgroundMode {
    return this.#isInline ? 'inline' : 'thread'
  }

  start(): void {
    assert(!this.#isClosed, 'a closed worker is not started')
    if (!this.#isInline) this.#starting ??= this.#start()
  }

  async run(job: BackgroundJob): Promise<unknown> {
    assert(!this.#isClosed, 'a closed worker is given no jobs')
    if (this.#isInline) return this.#inline.run(job)
    const thread = await (this.#starting ??= this.#start())
    if (thread === undefined) {
      this.#isInline = true
      return this.#inline.run(job)
    }
    return new Promise((resolve, reject) => {
      const number = ++this.#jobs
      const entry = { job, resolve, reject, feeding: Promise.resolve(), stoppedBy: undefined }
      thread.pending.set(number, entry)
      thread.worker.ref()
      const { data, isUrgent, isPaced = true, feed } = job
      try {
        post(thread, { type: 'job', job: number, data, isUrgent, isPaced, isFed: feed !== undefined })
      } catch (error) {
        // What is no plain data cannot be sent.
        ended(thread, number)
        throw error
      }
    })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const thread = await this.#starting
    if (thread === undefined) return
    assert(thread.pending.size === 0, 'a worker is closed when its jobs have ended')
    await thread.worker.terminate()
  }

  async #start(): Promise<Thread | undefined> {
    const worker = startWorker(this.#workerFile)
    if (worker === undefined) return undefined
    const thread: Thread = { worker, pending: new Map() }
    // Not made before it is needed: an error keeps whoever was on the stack, here the first job with all that it flushes.
    let death: Error | undefined
    // NB: these listeners stay for good. Where the last one for messages goes, Node stops receiving any.
    worker.on('error', (error) => (death = error))
    const isReady = await new Promise<boolean>((resolve) => {
      worker.on('message', (message: FromThread) => {
        if (message.type === 'ready') resolve(message.version === jobProtocolVersion)
        else received(thread, message)
      })
      worker.on('exit', () => {
        resolve(false)
        this.#died(thread, death ?? new Error('it has ended'))
      })
    })
    if (!isReady) {
      await worker.terminate()
      return undefined
    }
    worker.unref()
    return thread
  }

  #died(thread: Thread, cause: Error): void {
    if (!this.#isInline) this.#starting = undefined
    const message = `Cannot finish a background job: its thread died (${cause.message})`
    // Whatever stopped it, what it left behind is not removed: this is what its caller must know.
    for (const { reject } of thread.pending.values()) reject(new IoError(message, WORKER_DIED, '', cause))
    thread.pending.clear()
  }
}

/** The application's loaders and flags (ts-node, jest, --require) are none of the thread's business. */
function startWorker(file: string): Worker | undefined {
  const workerData: JobThreadData = { kind: 'merge', version: jobProtocolVersion }
  try {
    const resourceLimits = { maxOldGenerationSizeMb: heapMebibytesMax }
    return new Worker(file, { workerData, execArgv: [], env: {}, name: 'strictkv-background', resourceLimits })
  } catch {
    return undefined
  }
}

function post(thread: Thread, message: ToThread): void {
  thread.worker.postMessage(message)
}

function received(thread: Thread, message: Exclude<FromThread, { type: 'ready' }>): void {
  const { job: number } = message
  const entry = thread.pending.get(number)
  if (entry === undefined) return
  if (message.type === 'wants') entry.feeding = entry.feeding.then(() => feed(thread, number, entry))
  else if (message.type === 'progress') progressed(thread, number, { entry, bytes: message.bytes })
  else {
    ended(thread, number)
    if (message.type === 'ended') entry.resolve(message.result)
    else entry.reject(entry.stoppedBy === undefined ? failureToError(message.failure) : entry.stoppedBy.error)
  }
}

function ended(thread: Thread, number: number): void {
  thread.pending.delete(number)
  if (thread.pending.size === 0) thread.worker.unref()
}

async function feed(thread: Thread, number: number, entry: Pending): Promise<void> {
  if (entry.stoppedBy !== undefined) return
  try {
    const piece = await entry.job.feed?.()
    if (thread.pending.has(number)) post(thread, { type: 'piece', job: number, piece })
  } catch (error) {
    stop(thread, number, { entry, error })
  }
}

function progressed(thread: Thread, number: number, { entry, bytes }: { entry: Pending; bytes: number }): void {
  const fail = (error: unknown): void => stop(thread, number, { entry, error })
  const goOn = (): void => {
    if (entry.job.isPaced !== false && thread.pending.has(number)) post(thread, { type: 'go', job: number, bytes })
  }
  try {
    const waited = entry.job.onProgress(bytes)
    if (waited === undefined) goOn()
    else waited.then(goOn, fail)
  } catch (error) {
    fail(error)
  }
}

function stop(thread: Thread, number: number, { entry, error }: { entry: Pending; error: unknown }): void {
  if (entry.stoppedBy !== undefined || !thread.pending.has(number)) return
  entry.stoppedBy = { error }
  post(thread, { type: 'stop', job: number })
}
