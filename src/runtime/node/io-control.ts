/**
 * The shared memory through which an I/O thread is given its requests and answers them.
 *
 * One request is in it at a time. The caller fills the fields and raises `requested`; the thread carries it out, fills
 * the outcome and raises `done`. The two counters are the only fields touched atomically, and order all others:
 *
 *     caller: fields, requested++, notify   ->   thread: wait(requested), fields
 *     caller: outcome, wait(done)           <-   thread: outcome, done++, notify
 *
 * Memory reaches the thread by message before the first request that uses it; `posted` counts those messages, so that
 * the thread looks into its mailbox only when there is something in it.
 */

/** Both sides must speak the same version: a stale compiled thread is refused, not trusted. */
export const ioProtocolVersion = 2

/** What the thread is started with, in `workerData`. */
export interface IoThreadData {
  readonly kind: 'io'
  readonly version: number
  readonly control: SharedArrayBuffer
}

/** What the thread says once it listens. */
export interface IoThreadReady {
  readonly ready: number
}

/** Mail to the thread: memory it may be asked to write from, for good. */
export interface IoThreadMemory {
  readonly identity: number
  readonly memory: SharedArrayBuffer
}

/** Places of the 32-bit fields. */
export const word = {
  requested: 0,
  done: 1,
  /** 1 once the thread is to end after the request in hand. */
  stop: 2,
  /** 1 once the thread has ended, in order or not. */
  ended: 3,
  posted: 4,
  descriptor: 5,
  memory: 6,
  offset: 7,
  length: 8,
  sync: 9,
  outcomeEnd: 10,
  outcomeErrno: 11,
  outcomeWritten: 12,
} as const

/** Place of the position in the file, as a 64-bit float: files are larger than 32 bits. */
const positionByte = 64
/** Place of the times of the request, two 64-bit floats in milliseconds: the write's, the sync's. */
const timesByte = 72

/** Views of the shared memory. */
export interface IoControl {
  readonly memory: SharedArrayBuffer
  readonly words: Int32Array
  readonly position: Float64Array
  readonly times: Float64Array
}

/** Fresh shared memory, or views of what the other side made. */
export function createIoControl(memory = new SharedArrayBuffer(128)): IoControl {
  const position = new Float64Array(memory, positionByte, 1)
  return { memory, words: new Int32Array(memory), position, times: new Float64Array(memory, timesByte, 2) }
}
