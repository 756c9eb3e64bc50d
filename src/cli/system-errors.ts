/**
 * Errors of the operating system that the command line meets itself (dumps, pictures, directories), as sentences like all others.
 *
 *   EACCES: permission denied, open 'tree.svg'    ->    Cannot open tree.svg: EACCES: permission denied
 *
 * Those that the store meets come as `IoError` and `DiskFullError`, sentences already. Pinned by test/cli/system-errors.test.ts.
 */

/** What the system was asked to do, where its own word for it is not one for people. */
const VERBS: ReadonlyMap<string, string> = new Map([
  ['scandir', 'list'],
  ['mkdir', 'create directory'],
  ['mkdtemp', 'create directory'],
  ['fsync', 'sync'],
  ['lstat', 'look at'],
  ['stat', 'look at'],
  ['rm', 'remove'],
  ['unlink', 'remove'],
])

interface SystemError extends Error {
  readonly code: string
  readonly syscall: string
  readonly path?: string
}

/** Whether the operating system refused something. */
export function isSystemError(error: unknown): error is SystemError {
  if (typeof error !== 'object' || error === null) return false
  const { code, message, syscall } = error as Partial<SystemError>
  return typeof code === 'string' && typeof message === 'string' && typeof syscall === 'string'
}

/** The whole sentence. */
export function systemErrorText(error: SystemError): string {
  const { syscall, path } = error
  return `Cannot ${VERBS.get(syscall) ?? syscall}${path === undefined ? '' : ` ${path}`}: ${systemErrorReason(error)}`
}

/** Why: the system's message without its words for what it was asked to do, which are behind the last comma. */
export function systemErrorReason(error: unknown): string {
  if (!isSystemError(error)) return error instanceof Error ? error.message : String(error)
  const at = error.message.indexOf(`, ${error.syscall}`)
  return at === -1 ? error.message : error.message.slice(0, at)
}
