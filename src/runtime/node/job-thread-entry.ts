/**
 * The inside of a background thread: does the jobs it is sent, several at a time, slice by slice in turns of its own event loop.
 *
 * Files are read and written blocking: nothing else of this thread is waited for, and the thread pool, which is the
 * application's, is left alone. Between two of its slices a job looks whether it is to stop; unless it is urgent itself,
 * waits while an urgent one runs; and waits where it has gone too far ahead of its caller, who paces it:
 *
 *     told:     |--------- answered ('go') ---------|-- not answered yet, up to `aheadBytesMax` --|  waits
 *
 * Pinned by test/unit/runtime/background-worker.test.ts.
 */
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parentPort } from 'node:worker_threads'
import { assert, present } from '../../base/assert'
import type { PerformJob } from '../runtime'
import { createBlockingRuntime } from './blocking-runtime'
import { errorToFailure, jobProtocolVersion } from './job-messages'
import type { FromThread, JobThreadData, ToThread } from './job-messages'

/** Bytes after which a job says how far it is, and the time after which it does in any case: commits may wait for it. */
const progressBytes = 256 * 1024
const progressMs = 1
/** So many bytes a job may have told and not been answered: what its caller's event loop takes to turn costs it nothing. */
const aheadBytesMax = 512 * 1024
/** Pieces of a feed that are asked for ahead. */
const piecesAhead = 3

/**
 * How much nicer the thread is than its process, in steps of `nice`: a third of its weight. With as few cores as threads commits and the
 * collector's helpers go first; and flushes and merges, which take less than a third of the time of the commits that they are
 * for, keep up with them even where the application leaves no core idle.
 */
const niceness = 5

interface Running {
  readonly isUrgent: boolean
  readonly isPaced: boolean
  readonly pieces: (Uint32Array | undefined)[]
  /** The last piece has been taken. */
  isFedUp: boolean
  onPiece: (() => void) | undefined
  isStopped: boolean
  /** Handled and not told. */
  bytes: number
  /** Told and not answered. */
  aheadBytes: number
  toldMs: number
}

/** Thrown in a job that is to end; the caller knows why. */
class JobStopped extends Error {}

/** Serves jobs, each done by `perform`, until the thread is terminated. */
export function serveJobThread(data: JobThreadData, perform: PerformJob): void {
  const port = present(parentPort ?? undefined, 'a background thread is started as a worker')
  assert(data.version === jobProtocolVersion, 'a background thread speaks as its caller does')
  goBehindCommits()
  const jobs = new RunningJobs(perform, (message) => port.postMessage(message))
  port.on('message', (message: ToThread) => jobs.receive(message))
  port.postMessage({ type: 'ready', version: jobProtocolVersion } satisfies FromThread)
}

/** Lowers the priority of this thread, not of the process, where the system has one for each: on Linux. */
function goBehindCommits(): void {
  if (process.platform !== 'linux') return
  try {
    const thread = Number(path.basename(fs.readlinkSync('/proc/thread-self')))
    os.setPriority(thread, Math.min(os.getPriority(thread) + niceness, os.constants.priority.PRIORITY_LOW))
  } catch {
    // Without /proc or the right to do so the thread stays as it is: this changes only who waits for whom.
  }
}

/** The jobs of this thread. */
class RunningJobs {
  readonly #perform: PerformJob
  readonly #post: (message: FromThread) => void
  readonly #runtime = createBlockingRuntime()
  readonly #jobsByNumber = new Map<number, Running>()
  #urgent = 0
  /** Jobs that wait between two slices: each looks again whenever anything has changed. */
  #waiting: (() => void)[] = []

  constructor(perform: PerformJob, post: (message: FromThread) => void) {
    this.#perform = perform
    this.#post = post
  }

  receive(message: ToThread): void {
    if (message.type === 'job') {
      void this.#run(message)
      return
    }
    // It may have ended meanwhile.
    const job = this.#jobsByNumber.get(message.job)
    if (job === undefined) return
    if (message.type === 'piece') job.pieces.push(message.piece)
    else if (message.type === 'go') job.aheadBytes -= message.bytes
    else job.isStopped = true
    if (message.type !== 'go') job.onPiece?.()
    if (message.type !== 'piece') this.#changed()
  }

  async #run({ job: number, data, isUrgent, isPaced, isFed }: ToThread & { type: 'job' }): Promise<void> {
    const job: Running = {
      ...{ isUrgent, isPaced, pieces: [], isFedUp: !isFed, onPiece: undefined, isStopped: false },
      ...{ bytes: 0, aheadBytes: 0, toldMs: performance.now() },
    }
    this.#jobsByNumber.set(number, job)
    if (isUrgent) this.#urgent++
    for (let i = 0; isFed && i < piecesAhead; i++) this.#post({ type: 'wants', job: number })
    let end: FromThread
    try {
      const hands = {
        between: (bytes: number) => this.#between(number, job, bytes),
        next: () => this.#next(number, job),
      }
      end = { type: 'ended', job: number, result: await this.#perform(this.#runtime, data, hands) }
    } catch (error) {
      end = { type: 'failed', job: number, failure: errorToFailure(error) }
    }
    this.#jobsByNumber.delete(number)
    if (isUrgent) this.#urgent--
    this.#changed()
    if (job.bytes > 0) this.#tell(number, job)
    this.#post(end)
  }

  async #between(number: number, job: Running, bytes: number): Promise<void> {
    job.bytes += bytes
    if (job.bytes >= progressBytes || performance.now() - job.toldMs >= progressMs) this.#tell(number, job)
    while (!job.isStopped && this.#isHeld(job)) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    if (job.isStopped) throw new JobStopped('the job was stopped')
  }

  #tell(number: number, job: Running): void {
    this.#post({ type: 'progress', job: number, bytes: job.bytes })
    if (job.isPaced) job.aheadBytes += job.bytes
    job.bytes = 0
    job.toldMs = performance.now()
  }

  /** Whether a job has to wait before its next slice. */
  #isHeld({ isUrgent, aheadBytes }: Running): boolean {
    return aheadBytes > aheadBytesMax || (this.#urgent > 0 && !isUrgent)
  }

  /** A job may have a reason less to wait. */
  #changed(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  async #next(number: number, job: Running): Promise<unknown> {
    if (job.isFedUp) return undefined
    while (job.pieces.length === 0 && !job.isStopped) await new Promise<void>((resolve) => (job.onPiece = resolve))
    if (job.isStopped) throw new JobStopped('the job was stopped')
    const piece = job.pieces.shift()
    if (piece === undefined) job.isFedUp = true
    else this.#post({ type: 'wants', job: number })
    return piece
  }
}
