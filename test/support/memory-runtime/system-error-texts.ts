/** System errors as Node throws them, for the disk in memory. */

const texts = {
  EIO: 'i/o error',
  ENOSPC: 'no space left on device',
  EDQUOT: 'disk quota exceeded',
  EMFILE: 'too many open files',
  EACCES: 'permission denied',
  ENOENT: 'no such file or directory',
  EEXIST: 'file already exists',
  ENOTDIR: 'not a directory',
  EISDIR: 'illegal operation on a directory',
  ENOTEMPTY: 'directory not empty',
  EBADF: 'bad file descriptor',
  EXDEV: 'cross-device link not permitted',
  EPERM: 'operation not permitted',
  ENOTSUP: 'operation not supported on socket',
  EMLINK: 'too many links',
} as const

/** The codes that the disk in memory knows. */
export type SystemErrorCode = keyof typeof texts

/** The error with its code and text. */
export function systemErrorText(code: SystemErrorCode): Error {
  return Object.assign(new Error(`${code}: ${texts[code]}`), { code })
}
