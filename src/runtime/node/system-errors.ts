/**
 * Turns an error of the operating system into the store's own, once, where it enters.
 *
 * ENOSPC and EDQUOT become `DiskFullError` (a caller can make room), everything else `IoError`. Messages read
 * `Cannot write "/db/000001.wal" at offset 4096: EIO: i/o error`.
 *
 * NB: libuv has no name for some errors, EDQUOT among them: Node calls that one "Unknown system error -122". The number is
 * right, so names come from the number where Node has none.
 *
 * Pinned by test/unit/runtime/system-errors.test.ts and test/contract/runtime.
 */
import os from 'node:os'
import { getSystemErrorMap } from 'node:util'
import { DiskFullError, IoError } from '../../base/errors'

/** What was being done, for the message: `Cannot ${operation} "${file}" at offset ${offset}`. */
export interface Attempt {
  readonly operation: string
  readonly file: string
  /** In bytes; left out where the operation has no position. */
  readonly offset?: number
}

/** The code of a system error (`'EIO'`), or undefined for anything else. */
export function systemErrorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  if (typeof error.code !== 'string') return undefined
  if (!error.code.startsWith(unknownPrefix)) return error.code
  return 'errno' in error && typeof error.errno === 'number' ? (codeByErrno.get(error.errno) ?? error.code) : error.code
}

/** How the code and the message of an error begin that libuv has no name for. */
const unknownPrefix = 'Unknown system error'
/** Names by negative number. Where two names share one, either will do. */
const codeByErrno: ReadonlyMap<number, string> = new Map(
  Object.entries(os.constants.errno).map(([code, number]) => [-number, code]),
)

/** What a system says that cannot give a file a second name in some place, whatever is done about it. */
const linkImpossibleCodes: ReadonlySet<string> = new Set([
  'EXDEV',
  'EPERM',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
  'EMLINK',
])

/** Whether a system error of a link says that the file has to be copied instead. */
export function isLinkImpossible(error: unknown): boolean {
  return linkImpossibleCodes.has(systemErrorCode(error) ?? '')
}

/** Wraps what the operating system said about `attempt`. */
export function wrapSystemError(attempt: Attempt, cause: unknown): IoError | DiskFullError {
  const place = attempt.offset === undefined ? '' : ` at offset ${attempt.offset}`
  const message = `Cannot ${attempt.operation} "${attempt.file}"${place}: ${reasonOf(cause)}`
  const code = systemErrorCode(cause)
  return code === 'ENOSPC' || code === 'EDQUOT'
    ? new DiskFullError(message, { cause })
    : new IoError(message, attempt.operation, attempt.file, cause)
}

/** A system error as Node would have thrown it, from the negative number that crossed a thread boundary. */
export function systemErrorOf(errno: number): Error {
  const known = getSystemErrorMap().get(errno)
  const code = known?.[0] ?? codeByErrno.get(errno) ?? 'UNKNOWN'
  const text = known?.[1] ?? textByCode.get(code) ?? `system error ${errno}`
  return Object.assign(new Error(`${code}: ${text}`), { code, errno })
}

/** Texts for the errors without one that a store is likely to meet. */
const textByCode: ReadonlyMap<string, string> = new Map([['EDQUOT', 'disk quota exceeded']])

/** What a write that moved nothing is reported as: the system named no error, but going on would never end. */
export function noProgressError(wanted: number): Error {
  return Object.assign(new Error(`EIO: the system wrote none of the remaining ${wanted} bytes and named no error`), {
    code: 'EIO',
  })
}

/** Node appends the system call and the path, which the message names already: "EIO: i/o error, write" -> "EIO: i/o error". */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error) && !(typeof cause === 'object' && cause !== null && 'message' in cause)) {
    return String(cause)
  }
  const message = String(cause.message)
  const code = systemErrorCode(cause)
  if (code !== undefined && message.startsWith(unknownPrefix)) return `${code}: ${textByCode.get(code) ?? message}`
  if (code === undefined || !message.startsWith(`${code}: `)) return message
  const comma = message.indexOf(', ')
  return comma < 0 ? message : message.slice(0, comma)
}
