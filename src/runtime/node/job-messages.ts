/**
 * What a background thread and its caller say to each other, and how failures cross from one to the other.
 *
 *   caller -> thread:  job (number, data)   piece (of its feed; none: no more)   go (bytes that were told)   stop
 *   thread -> caller:  wants (one more piece)      progress (bytes)                          ended (result or failure)
 *
 * Both sides must be of the same build: jobs carry data of the store's own, which no version promises to keep.
 * Pinned by test/unit/runtime/background-worker.test.ts.
 */
import { InvariantError } from '../../base/assert'
import { CorruptionError, DiskFullError, IoError, UnsupportedFormatError } from '../../base/errors'
import { systemErrorCode } from './system-errors'

/** Raised whenever these messages change. */
export const jobProtocolVersion = 2

/** What a background thread is started with, in `workerData`. */
export interface JobThreadData {
  readonly kind: 'merge'
  readonly version: number
}

/** From the caller. */
export type ToThread =
  | { readonly type: 'job'; readonly job: number; readonly data: unknown; readonly isUrgent: boolean; readonly isPaced: boolean; readonly isFed: boolean } // prettier-ignore
  | { readonly type: 'piece'; readonly job: number; readonly piece: Uint32Array | undefined }
  | { readonly type: 'go'; readonly job: number; readonly bytes: number }
  | { readonly type: 'stop'; readonly job: number }

/** From the thread; `ready` comes once, first. */
export type FromThread =
  | { readonly type: 'ready'; readonly version: number }
  | { readonly type: 'wants'; readonly job: number }
  | { readonly type: 'progress'; readonly job: number; readonly bytes: number }
  | { readonly type: 'ended'; readonly job: number; readonly result: unknown }
  | { readonly type: 'failed'; readonly job: number; readonly failure: Failure }

/** An error as plain data. */
export interface Failure {
  readonly kind: 'io' | 'diskFull' | 'corruption' | 'unsupportedFormat' | 'invariant' | 'other'
  readonly message: string
  readonly stack: string | undefined
  readonly operation: string
  readonly file: string
  readonly offset: number
  readonly cause: { readonly code: string | undefined; readonly message: string } | undefined
}

/** What is left of an error on its way to another thread. */
export function errorToFailure(error: unknown): Failure {
  const plain = { operation: '', file: '', offset: 0, cause: causeOf(error) }
  if (!(error instanceof Error)) return { kind: 'other', message: String(error), stack: undefined, ...plain }
  const base = { message: error.message, stack: error.stack, ...plain }
  if (error instanceof IoError) return { ...base, kind: 'io', operation: error.operation, file: error.file }
  if (error instanceof DiskFullError) return { ...base, kind: 'diskFull' }
  if (error instanceof CorruptionError) return { ...base, kind: 'corruption', file: error.file, offset: error.offset }
  if (error instanceof UnsupportedFormatError) return { ...base, kind: 'unsupportedFormat' }
  return { ...base, kind: error instanceof InvariantError ? 'invariant' : 'other' }
}

/** The error again, of the class that it had if it is one of the store's own. */
export function failureToError(failure: Failure): Error {
  const { kind, message, operation, file, offset } = failure
  const cause = failure.cause === undefined ? undefined : Object.assign(new Error(failure.cause.message), { code: failure.cause.code }) // prettier-ignore
  if (kind === 'io') return new IoError(message, operation, file, cause)
  if (kind === 'diskFull') return new DiskFullError(message, { cause })
  if (kind === 'corruption') return new CorruptionError(message, file, offset)
  if (kind === 'unsupportedFormat') return new UnsupportedFormatError(message)
  const error = kind === 'invariant' ? new InvariantError('') : new Error(message, { cause })
  error.message = message
  // Where it happened says more than where it arrived.
  if (failure.stack !== undefined) error.stack = failure.stack
  return error
}

function causeOf(error: unknown): Failure['cause'] {
  const cause = error instanceof Error ? error.cause : undefined
  if (!(cause instanceof Error)) return undefined
  return { code: systemErrorCode(cause), message: cause.message }
}
