/**
 * Numbers every I/O call, lets a test decide what becomes of it, and ends the world at a crash.
 *
 * A call is numbered when the disk carries it out, so the numbers are the order in which the disk saw the calls. After a
 * crash nothing is carried out any more: the code under test is a dead process that merely has not noticed.
 */
import { noProgressError, wrapSystemError } from '../../../src/runtime/node/system-errors'
import { systemErrorText } from './system-error-texts'
import type { SystemErrorCode } from './system-error-texts'

/** What the disk was asked to do. The `thread-` ones come from an I/O thread. */
export type IoOperation =
  | 'open' | 'create' | 'close' | 'read' | 'read-sync' | 'write' | 'sync' | 'size' | 'thread-write' | 'thread-sync'
  | 'status' | 'list' | 'create-directory' | 'rename' | 'link' | 'remove' | 'remove-directory'
  | 'sync-directory' | 'free-bytes' | 'lock' // prettier-ignore

/** One call, as tests see it. */
export interface IoCall {
  /** From 0, in the order in which the disk carried the calls out. */
  readonly index: number
  readonly operation: IoOperation
  readonly path: string
  /** In bytes, where the call has one. */
  readonly position?: number
  /** In bytes, where the call has one. */
  readonly length?: number
}

/**
 * What becomes of a call. A code: it fails and did nothing (a failed sync drops its sectors). 'EIO-after': it did all and
 * fails all the same. 'short-write': a prefix is written, then EIO. 'crash-before', 'crash-after': the power goes.
 */
export type Injection = SystemErrorCode | 'EIO-after' | 'crash-before' | 'crash-after' | 'short-write'

/** Thrown by synchronous calls after a crash; asynchronous ones never complete. Not an error of the store. */
export class CrashedError extends Error {
  override readonly name = 'CrashedError'
}

/** What a call does, and what its failures leave behind. */
export interface IoEffect<T> {
  readonly perform: () => T
  /** What a plain failure leaves; nothing if left out. */
  readonly fail?: () => void
  /** The part of a write that a short one does. */
  readonly part?: () => void
}

/** All calls of one runtime. */
export class IoCalls {
  readonly log: IoCall[] = []
  inject: ((call: IoCall) => Injection | undefined) | undefined
  #crashed = false
  readonly #onCrash: () => void

  constructor(onCrash: () => void) {
    this.#onCrash = onCrash
  }

  get crashed(): boolean {
    return this.#crashed
  }

  crash(): void {
    if (this.#crashed) return
    this.#crashed = true
    this.#onCrash()
  }

  /** Throws if the world has ended. */
  requireAlive(what: string): void {
    if (this.#crashed) throw new CrashedError(`${what} after the crash`)
  }

  perform<T>(what: Omit<IoCall, 'index'>, effect: IoEffect<T>): T {
    this.requireAlive(what.operation)
    const call: IoCall = { index: this.log.length, ...what }
    this.log.push(call)
    const injection = this.inject?.(call)
    if (injection === undefined) return effect.perform()
    switch (injection) {
      case 'crash-after':
        tryTo(effect.perform)
        return this.#crashAt(call)
      case 'crash-before':
        return this.#crashAt(call)
      case 'EIO-after':
        effect.perform()
        throw failure(call, systemErrorText('EIO'))
      case 'short-write':
        effect.part?.()
        throw failure(call, noProgressError(call.length ?? 0))
      default:
        effect.fail?.()
        throw failure(call, systemErrorText(injection))
    }
  }

  #crashAt(call: IoCall): never {
    this.crash()
    throw new CrashedError(`crashed at call ${call.index}: ${call.operation} ${call.path}`)
  }
}

/** The error of the door for a failed call. */
export function failure(call: Omit<IoCall, 'index'>, cause: Error): Error {
  const { operation, path: file, position } = call
  return wrapSystemError({ operation, file, ...(position === undefined ? {} : { offset: position }) }, cause)
}

/** A call that fails by itself as the power goes has failed; nobody is left to be told. */
function tryTo(action: () => unknown): void {
  try {
    action()
  } catch {
    // Nothing to do: see above.
  }
}
