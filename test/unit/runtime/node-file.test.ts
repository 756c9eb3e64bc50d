/** What a healthy file system never does: short transfers, interrupted calls, writes without progress; and permissions. */
import fs from 'node:fs'
import path from 'node:path'
import { IoError } from '../../../src/base/errors'
import { ioRequestError, performIoRequest, requestEnd } from '../../../src/runtime/node/io-request'
import { createNodeRuntime } from '../../../src/runtime/node/node-runtime'
import type { File } from '../../../src/runtime/runtime'
import { createTemporaryDirectory } from '../../contract/runtime/world'

const root = createTemporaryDirectory()
const { files } = createNodeRuntime()
let directory: string
let file: File
const content = Buffer.from('abcdefghijklmnopqrstuvwxyz')

beforeEach(async () => {
  directory = fs.mkdtempSync(path.join(root, 'case-'))
  file = await files.open(path.join(directory, 'file'), 'create')
  await file.write(content, 0)
})
afterEach(async () => {
  jest.restoreAllMocks()
  await file.close()
})
afterAll(() => fs.rmSync(root, { recursive: true, force: true }))

type Callback = (error: Error | null, count: number) => void
type Move = (
  fd: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
  position: number,
  callback: Callback,
) => void
const interrupted = (): Error =>
  Object.assign(new Error('EINTR: interrupted system call'), { code: 'EINTR', errno: -4 })
const onDisk = (): string => fs.readFileSync(path.join(directory, 'file'), 'latin1')

/** Every other call is interrupted, every one moves at most three bytes. Returns the number of calls so far. */
function makeAwkward(name: 'read' | 'write'): () => number {
  const real = fs[name] as unknown as Move
  let calls = 0
  const awkward: Move = (fd, bytes, offset, length, position, callback) => {
    if (calls++ % 2 === 0) setImmediate(() => callback(interrupted(), 0))
    else real(fd, bytes, offset, Math.min(3, length), position, callback)
  }
  jest.spyOn(fs, name).mockImplementation(awkward as never)
  return () => calls
}

type MoveSync = (fd: number, bytes: Uint8Array, offset: number, length: number, position: number) => number

function makeAwkwardSync(name: 'readSync' | 'writeSync'): void {
  const real = fs[name] as unknown as MoveSync
  let calls = 0
  const awkward: MoveSync = (fd, bytes, offset, length, position) => {
    if (calls++ % 2 === 0) throw interrupted()
    return real(fd, bytes, offset, Math.min(3, length), position)
  }
  jest.spyOn(fs, name).mockImplementation(awkward as never)
}

test('a read goes on after short and interrupted calls', async () => {
  const calls = makeAwkward('read')
  const target = Buffer.alloc(30, '.')
  expect(await file.read(target, 1, 26, 0)).toBe(26)
  expect(target.toString()).toBe('.abcdefghijklmnopqrstuvwxyz...')
  expect(calls()).toBe(18)
})

test('a synchronous read goes on after short and interrupted calls', () => {
  makeAwkwardSync('readSync')
  const target = Buffer.alloc(30, '.')
  expect(file.readSync(target, 0, 30, 3)).toBe(23)
  expect(target.toString()).toBe('defghijklmnopqrstuvwxyz.......')
})

test('a write goes on after short and interrupted calls', async () => {
  const calls = makeAwkward('write')
  await file.write(Buffer.from('0123456789'), 5)
  expect(onDisk()).toBe('abcde0123456789pqrstuvwxyz')
  expect(calls()).toBe(8)
})

test('a write that makes no progress is an error at the place where it stopped', async () => {
  const real = fs.write as unknown as Move
  jest.spyOn(fs, 'write').mockImplementation(((fd, bytes, offset, length, position, callback) => {
    if (offset === 0) real(fd, bytes, 0, 4, position, callback)
    else setImmediate(() => callback(null, 0))
  }) as Move as never)
  const error: unknown = await file.write(Buffer.alloc(10), 100).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(IoError)
  expect((error as Error).message).toMatch(/^Cannot write ".*" at offset 104: EIO: .* none of the remaining 6 bytes/)
})

test('a failed read is an error at the place where it stopped', async () => {
  const real = fs.read as unknown as Move
  jest.spyOn(fs, 'read').mockImplementation(((fd, bytes, offset, length, position, callback) => {
    if (position === 0) real(fd, bytes, offset, 4, position, callback)
    else setImmediate(() => callback(Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' }), 0))
  }) as Move as never)
  await expect(file.read(Buffer.alloc(10), 0, 10, 0)).rejects.toThrow(/^Cannot read ".*" at offset 4: EIO: i\/o error$/)
})

test('a sync is never retried, not even after EINTR', async () => {
  const spy = jest.spyOn(fs, 'fdatasync').mockImplementation((_fd: number, callback: (error: Error) => void) => {
    setImmediate(() => callback(interrupted()))
  })
  await expect(file.sync()).rejects.toThrow(/^Cannot sync ".*": EINTR/)
  expect(spy).toHaveBeenCalledTimes(1)
})

describe('one request of an I/O thread', () => {
  const carryOut = (text: string, position: number, sync: boolean): string => {
    const descriptor = fs.openSync(path.join(directory, 'file'), 'r+')
    const bytes = Buffer.from(text)
    const place = { offset: 0, length: bytes.length, position, sync }
    const outcome = performIoRequest(descriptor, bytes, place)
    fs.closeSync(descriptor)
    const error = ioRequestError(outcome, { file: 'f', position, length: bytes.length })
    return error === undefined ? 'done' : error.message
  }

  test('goes on after short and interrupted writes', () => {
    makeAwkwardSync('writeSync')
    expect(carryOut('0123456789', 5, true)).toBe('done')
    expect(onDisk()).toBe('abcde0123456789pqrstuvwxyz')
  })

  test('a write without progress or with an error names the place, and is not synced', () => {
    const sync = jest.spyOn(fs, 'fdatasyncSync')
    const answers = [4, 0]
    const write = jest.spyOn(fs, 'writeSync').mockImplementation(() => answers.shift() ?? 0)
    expect(carryOut('0123456789', 100, true)).toMatch(/^Cannot write "f" at offset 104: EIO: .* remaining 6 bytes/)
    write.mockImplementation(() => {
      if (answers.push(0) > 1) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC', errno: -28 })
      return 7
    })
    expect(carryOut('0123456789', 100, true)).toBe('Cannot write "f" at offset 107: ENOSPC: no space left on device')
    expect(sync).not.toHaveBeenCalled()
  })

  test('a sync is never retried', () => {
    const sync = jest.spyOn(fs, 'fdatasyncSync').mockImplementation(() => {
      throw interrupted()
    })
    expect(carryOut('x', 0, true)).toBe('Cannot sync "f": EINTR: interrupted system call')
    expect(sync).toHaveBeenCalledTimes(1)
  })

  test('an error that is no system error still is an error', () => {
    jest.spyOn(fs, 'writeSync').mockImplementation(() => {
      throw new TypeError('odd')
    })
    expect(carryOut('x', 0, true)).toMatch(/^Cannot write "f" at offset 0: UNKNOWN: /)
    expect(requestEnd.ok).toBe(0)
  })
})

test('files and directories are for their owner only', async () => {
  const mask = process.umask(0)
  try {
    await files.createDirectory(path.join(directory, 'd'))
    const created = await files.open(path.join(directory, 'd', 'f'), 'create')
    await created.close()
  } finally {
    process.umask(mask)
  }
  expect(fs.statSync(path.join(directory, 'd')).mode & 0o777).toBe(0o700)
  expect(fs.statSync(path.join(directory, 'd', 'f')).mode & 0o777).toBe(0o600)
})
