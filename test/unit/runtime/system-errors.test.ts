/** How the operating system's errors become the store's. */
import os from 'node:os'
import { DiskFullError, IoError } from '../../../src/base/errors'
import {
  isLinkImpossible,
  noProgressError,
  systemErrorCode,
  systemErrorOf,
  wrapSystemError,
} from '../../../src/runtime/node/system-errors'

test('EIO at an offset reads as a sentence and keeps its cause', () => {
  const cause = Object.assign(new Error('EIO: i/o error, write'), { code: 'EIO' })
  const error = wrapSystemError({ operation: 'write', file: '/db/000001.wal', offset: 4096 }, cause)
  expect(error).toBeInstanceOf(IoError)
  expect(error.message).toBe('Cannot write "/db/000001.wal" at offset 4096: EIO: i/o error')
  expect(error).toMatchObject({ operation: 'write', file: '/db/000001.wal', cause, code: 'IO', retryable: false })
})

test('a message that names the path already is cut before it', () => {
  const cause = Object.assign(new Error("ENOENT: no such file or directory, open '/a, b'"), { code: 'ENOENT' })
  expect(wrapSystemError({ operation: 'open', file: '/a, b' }, cause).message).toBe(
    'Cannot open "/a, b": ENOENT: no such file or directory',
  )
})

test('a full disk and an exhausted quota are DiskFullError, nothing else is', () => {
  const { errno } = os.constants
  for (const [code, number] of Object.entries(errno)) {
    const error = wrapSystemError({ operation: 'write', file: 'f' }, systemErrorOf(-number))
    expect(error instanceof DiskFullError).toBe(number === errno.ENOSPC || number === errno.EDQUOT)
    expect(error instanceof IoError || error instanceof DiskFullError).toBe(true)
    expect(`${code} ${error.message}`).toMatch(/^[A-Z0-9]+ Cannot write "f": [A-Z0-9]+: ./)
  }
})

test('a link is impossible for what no other attempt could change, and failed for everything else', () => {
  const { errno } = os.constants
  const impossible = Object.entries(errno).filter(([, number]) => isLinkImpossible(systemErrorOf(-number)))
  const codes = impossible.map(([code]) => code).sort()
  // Two names of one number on Linux.
  expect(codes.filter((code) => code !== 'EOPNOTSUPP')).toEqual(['EMLINK', 'ENOSYS', 'ENOTSUP', 'EPERM', 'EXDEV'])
  for (const other of [undefined, new Error('no code'), { code: 'EEXIST' }]) expect(isLinkImpossible(other)).toBe(false)
})

test('an exhausted quota, for which Node has no name, is a full disk all the same', () => {
  const errno = -os.constants.errno.EDQUOT
  const unnamed = `Unknown system error ${errno}`
  const cause = Object.assign(new Error(`${unnamed}: ${unnamed}, write`), { code: unnamed, errno })
  const error = wrapSystemError({ operation: 'write', file: 'f' }, cause)
  expect(error).toBeInstanceOf(DiskFullError)
  expect(error.message).toBe('Cannot write "f": EDQUOT: disk quota exceeded')
})

test('a number that no system error has is unknown, and says which', () => {
  expect(systemErrorOf(-999_999)).toMatchObject({
    code: 'UNKNOWN',
    message: expect.stringContaining('-999999') as string,
  })
})

test('whatever is thrown can be wrapped', () => {
  for (const cause of [undefined, null, 7, 'text', {}, { message: 'odd' }, new Error('plain, with a comma')]) {
    const error = wrapSystemError({ operation: 'read', file: 'f' }, cause)
    expect(error).toBeInstanceOf(IoError)
    expect(error.cause).toBe(cause)
  }
  expect(wrapSystemError({ operation: 'read', file: 'f' }, new Error('plain, with a comma')).message).toBe(
    'Cannot read "f": plain, with a comma',
  )
  expect(systemErrorCode({ code: 7 })).toBeUndefined()
  expect(systemErrorCode('EIO')).toBeUndefined()
})

test('a write without progress has a code of its own accord', () => {
  expect(systemErrorCode(noProgressError(12))).toBe('EIO')
  expect(noProgressError(12).message).toContain('12 bytes')
})
