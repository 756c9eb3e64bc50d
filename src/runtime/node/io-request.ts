/**
 * One write and sync, blocking the calling thread: what an I/O thread does for each request, in whichever thread it runs.
 *
 * The outcome is plain numbers, so that it can cross a thread boundary through shared memory; `ioRequestError` turns it
 * into an error on the side of the caller.
 */
import fs from 'node:fs'
import type { IoTimes } from '../runtime'
import { noProgressError, systemErrorCode, systemErrorOf, wrapSystemError } from './system-errors'

/** Where a request ended. */
export const requestEnd = { ok: 0, writeFailed: 1, writeStuck: 2, syncFailed: 3 } as const

/** How a request ended. */
export interface IoOutcome {
  /** One of `requestEnd`. */
  readonly end: number
  /** The system's error, negative; 0 if there was none. */
  readonly errno: number
  /** Bytes written before the end. */
  readonly written: number
  readonly times: IoTimes
}

/** Writes all of `bytes[offset, offset + length)` at `position`, then syncs if `sync`. Throws nothing. */
export function performIoRequest(
  descriptor: number,
  bytes: Uint8Array,
  place: { readonly offset: number; readonly length: number; readonly position: number; readonly sync: boolean },
): IoOutcome {
  let written = 0
  const startMs = performance.now()
  while (written < place.length) {
    try {
      const wanted = place.length - written
      const count = fs.writeSync(descriptor, bytes, place.offset + written, wanted, place.position + written)
      if (count === 0) return { end: requestEnd.writeStuck, errno: 0, written, times: timesUntil(startMs) }
      written += count
    } catch (error) {
      if (systemErrorCode(error) === 'EINTR') continue
      return { end: requestEnd.writeFailed, errno: errnoOf(error), written, times: timesUntil(startMs) }
    }
  }
  const times = timesUntil(startMs)
  if (!place.sync) return { end: requestEnd.ok, errno: 0, written: 0, times }
  const syncStartMs = performance.now()
  try {
    fs.fdatasyncSync(descriptor)
    return { end: requestEnd.ok, errno: 0, written: 0, times: { ...times, syncMs: performance.now() - syncStartMs } }
  } catch (error) {
    return { end: requestEnd.syncFailed, errno: errnoOf(error), written, times }
  }
}

function timesUntil(startMs: number): IoTimes {
  return { writeMs: performance.now() - startMs, syncMs: 0 }
}

/** The error that an outcome stands for, or undefined if all went well. */
export function ioRequestError(
  outcome: Omit<IoOutcome, 'times'>,
  request: { readonly file: string; readonly position: number; readonly length: number },
): Error | undefined {
  if (outcome.end === requestEnd.ok) return undefined
  const { file } = request
  if (outcome.end === requestEnd.syncFailed) {
    return wrapSystemError({ operation: 'sync', file }, systemErrorOf(outcome.errno))
  }
  const cause =
    outcome.end === requestEnd.writeStuck
      ? noProgressError(request.length - outcome.written)
      : systemErrorOf(outcome.errno)
  return wrapSystemError({ operation: 'write', file, offset: request.position + outcome.written }, cause)
}

/** Node's file errors carry the negative number; an error without one is passed on as an unknown one. */
function errnoOf(error: unknown): number {
  if (typeof error === 'object' && error !== null && 'errno' in error && typeof error.errno === 'number') {
    return error.errno
  }
  return unknownErrno
}

/** No system error has this number: its name reads UNKNOWN. */
const unknownErrno = -1_000_000
