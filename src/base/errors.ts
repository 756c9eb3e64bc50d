/**
 * The error family: one base class with a stable `code` and `retryable`; a class exists only if a caller can react to it.
 *
 * Messages read "Cannot <do> <what>: <why>". Errors are wrapped once, at the boundary where the operating system's error
 * enters. `retryable` means: the same operations, begun again at once, can succeed.
 */
import type { Sequence } from './sequence'
import type { SerializationReport } from './serialization-report'

/** The stable codes, one a class. */
export type StrictKvErrorCode =
  | 'SERIALIZATION' | 'DEADLOCK' | 'RETRIES_EXHAUSTED' | 'TIMEOUT' | 'ABORTED' | 'TRANSACTION_CLOSED' | 'MISUSE'
  | 'READ_ONLY' | 'INVALID_ARGUMENT' | 'LIMIT_EXCEEDED' | 'DATABASE_CLOSED' | 'DATABASE_LOCKED' | 'UNSUPPORTED_FORMAT'
  | 'CORRUPTION' | 'IO' | 'DISK_FULL' | 'STALLED' | 'POISONED' | 'COMMIT_OUTCOME_UNKNOWN' // prettier-ignore

/** Base of every error that StrictKV gives to its callers. */
export abstract class StrictKvError extends Error {
  abstract readonly code: StrictKvErrorCode
  /** Whether beginning the same transaction again can succeed. */
  abstract readonly retryable: boolean

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
  }
}

/** No strict serial order allows this transaction. Begin again: a retry that does the same commits. */
export class SerializationError extends StrictKvError {
  readonly code = 'SERIALIZATION'
  readonly retryable = true

  constructor(
    message: string,
    readonly report: SerializationReport,
  ) {
    super(message)
  }
}

/** Waiting for this key (or for the commit gate) would never have ended. Begin again. */
export class DeadlockError extends StrictKvError {
  readonly code = 'DEADLOCK'
  readonly retryable = true
}

/** `transact` lost `attempts` times in a row; `cause` is the last loss. */
export class RetriesExhaustedError extends StrictKvError {
  readonly code = 'RETRIES_EXHAUSTED'
  readonly retryable = false

  constructor(
    message: string,
    readonly attempts: number,
    cause: unknown,
  ) {
    super(message, { cause })
  }
}

/** The time given for an operation is over. */
export class TimeoutError extends StrictKvError {
  readonly code = 'TIMEOUT'
  readonly retryable = false
}

/** The caller's AbortSignal fired; `cause` is its reason. */
export class AbortedError extends StrictKvError {
  readonly code = 'ABORTED'
  readonly retryable = false
}

/** The transaction, cursor or snapshot has ended already. */
export class TransactionClosedError extends StrictKvError {
  readonly code = 'TRANSACTION_CLOSED'
  readonly retryable = false
}

/** A guard caught a use that cannot be meant (the wrong handle, an operation nobody awaited). */
export class MisuseError extends StrictKvError {
  readonly code = 'MISUSE'
  readonly retryable = false
}

/** A write through something that only reads. */
export class ReadOnlyError extends StrictKvError {
  readonly code = 'READ_ONLY'
  readonly retryable = false
}

/** An argument or option of the wrong type or form. */
export class InvalidArgumentError extends StrictKvError {
  readonly code = 'INVALID_ARGUMENT'
  readonly retryable = false
}

/** A named limit would be exceeded; nothing was done. */
export class LimitExceededError extends StrictKvError {
  readonly code = 'LIMIT_EXCEEDED'
  readonly retryable = false
}

/** The database was closed. */
export class DatabaseClosedError extends StrictKvError {
  readonly code = 'DATABASE_CLOSED'
  readonly retryable = false
}

/** Another opener holds the directory; the message names it. */
export class DatabaseLockedError extends StrictKvError {
  readonly code = 'DATABASE_LOCKED'
  readonly retryable = false
}

/** A file is of a format that this version does not know, or knows only with `upgrade: true`. */
export class UnsupportedFormatError extends StrictKvError {
  readonly code = 'UNSUPPORTED_FORMAT'
  readonly retryable = false
}

/** What every error about damage advises. */
export const DAMAGE_ADVICE =
  '"strictkv verify" lists all damage; restore a backup, or have "strictkv salvage" copy what is readable to a new directory'

/** Stored bytes are not what was written. Nothing was changed. The message ends in what can be done (`DAMAGE_ADVICE`). */
export class CorruptionError extends StrictKvError {
  readonly code = 'CORRUPTION'
  readonly retryable = false

  constructor(
    message: string,
    readonly file: string,
    /** In bytes from the start of the file. */
    readonly offset: number,
  ) {
    // One that comes back from a thread has the advice already.
    super(message.endsWith(DAMAGE_ADVICE) ? message : `${message}; ${DAMAGE_ADVICE}`)
  }
}

/** The operating system refused an operation on a file; `cause` is its error. */
export class IoError extends StrictKvError {
  readonly code = 'IO'
  readonly retryable = false

  constructor(
    message: string,
    readonly operation: string,
    readonly file: string,
    cause: unknown,
  ) {
    super(message, { cause })
  }
}

/** There is no room for this write; what was committed is safe, deletes and reads go on. */
export class DiskFullError extends StrictKvError {
  readonly code = 'DISK_FULL'
  readonly retryable = false
}

/** Background work cannot keep up, or keeps failing; `cause` says why. Nothing was written. */
export class StalledError extends StrictKvError {
  readonly code = 'STALLED'
  readonly retryable = false

  constructor(message: string, cause: unknown) {
    super(message, { cause })
  }
}

/** A write or sync of the log failed earlier (`cause`): reads go on, writes need a reopen. */
export class PoisonedError extends StrictKvError {
  readonly code = 'POISONED'
  readonly retryable = false

  constructor(message: string, cause: unknown) {
    super(message, { cause })
  }
}

/** The log failed while this commit was in flight: a reopen shows whether it is there. Never retried by `transact`. */
export class CommitOutcomeUnknownError extends StrictKvError {
  readonly code = 'COMMIT_OUTCOME_UNKNOWN'
  readonly retryable = false

  constructor(
    message: string,
    readonly sequence: Sequence,
    cause: unknown,
  ) {
    super(message, { cause })
  }
}
