/** The lock against other processes, their sudden death, and the ways to take it where flock(1) is missing. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { DatabaseLockedError, IoError } from '../../../src/base/errors'
import { lockDirectory, realLockWorld } from '../../../src/runtime/node/directory-lock'
import { encodeLockHolder } from '../../../src/runtime/node/lock-strategy'
import { compileEntry, createTemporaryDirectory } from '../../contract/runtime/world'

const root = createTemporaryDirectory()
const child = compileEntry('test/unit/runtime/children/door-child.ts', root)
let directory: string
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(root, 'case-'))
})
afterAll(() => fs.rmSync(root, { recursive: true, force: true }))

const messageOf = async (promise: Promise<unknown>): Promise<string> => {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(DatabaseLockedError)
  return (error as Error).message
}

/** A process that holds the lock. */
function holder(): Promise<ChildProcess> {
  const started = spawn(process.execPath, [child, 'lock', directory, ''], { stdio: ['ignore', 'pipe', 'inherit'] })
  return new Promise((resolve, reject) => {
    started.stdout.once('data', (said: Buffer) => {
      if (said.toString() === 'locked\n') resolve(started)
      else reject(new Error(said.toString()))
    })
    started.once('exit', () => reject(new Error('the holder ended')))
  })
}

function killed(process: ChildProcess): Promise<void> {
  const ended = new Promise<void>((resolve) => process.once('exit', () => resolve()))
  process.kill('SIGKILL')
  return ended
}

test('another process is refused by name, and kill -9 of the holder leaves nothing behind', async () => {
  const other = await holder()
  const message = await messageOf(lockDirectory(directory, 'exclusive'))
  expect(message).toContain(`: process (pid ${String(other.pid)}, host ${JSON.stringify(os.hostname())}, since 20`)
  await messageOf(lockDirectory(directory, 'shared'))
  await killed(other)
  const lock = await lockDirectory(directory, 'exclusive')
  expect(await messageOf(lockDirectory(directory, 'exclusive'))).toContain(`this process (pid ${process.pid}, `)
  await lock?.release()
})

test('reading and closing LOCK elsewhere does not let go of the lock', async () => {
  const lock = await lockDirectory(directory, 'exclusive')
  const file = path.join(directory, 'LOCK')
  fs.readFileSync(file)
  fs.closeSync(fs.openSync(file, 'r+'))
  await messageOf(lockDirectory(directory, 'exclusive'))
  await lock?.release()
})

test('a name left behind by a killed holder is not taken for that of a reader', async () => {
  const other = await holder()
  await killed(other)
  expect(fs.readFileSync(path.join(directory, 'LOCK'), 'utf8')).toContain(`"pid":${String(other.pid)}`)
  const reader = await lockDirectory(directory, 'shared')
  expect(await messageOf(lockDirectory(directory, 'exclusive'))).toContain('another opener, which left no name')
  await reader?.release()
})

test('a shared lock writes nothing', async () => {
  const file = path.join(directory, 'LOCK')
  fs.writeFileSync(file, 'as it was')
  const reader = await lockDirectory(directory, 'shared')
  await reader?.release()
  expect(fs.readFileSync(file, 'utf8')).toBe('as it was')
})

test('LOCK and what it says are for the owner only', async () => {
  const lock = await lockDirectory(directory, 'exclusive')
  expect(fs.statSync(path.join(directory, 'LOCK')).mode & 0o777).toBe(0o600)
  await lock?.release()
})

test('a LOCK that is a directory, or lies in one that is a file, is an IoError', async () => {
  fs.mkdirSync(path.join(directory, 'LOCK'))
  await expect(lockDirectory(directory, 'exclusive')).rejects.toBeInstanceOf(IoError)
  fs.writeFileSync(path.join(directory, 'file'), '')
  await expect(lockDirectory(path.join(directory, 'file'), 'exclusive')).rejects.toBeInstanceOf(IoError)
})

test('a LOCK removed under its holder is not mistaken for ours', async () => {
  const lock = await lockDirectory(directory, 'exclusive')
  fs.rmSync(path.join(directory, 'LOCK'))
  // Nothing can stop the second opener now, but each must hold the file that the name leads to when it is told so.
  const second = await lockDirectory(directory, 'exclusive')
  await messageOf(lockDirectory(directory, 'exclusive'))
  await second?.release()
  await lock?.release()
})

test('a file that is replaced again and again while it is locked is given up on by name', async () => {
  const file = path.join(directory, 'LOCK')
  const command = path.join(directory, 'replacing-flock')
  fs.writeFileSync(command, `#!/bin/sh\nrm -f '${file}'; : > '${file}'\nexit 0\n`, { mode: 0o700 })
  const world = { ...realLockWorld(), flockCommand: command }
  await expect(lockDirectory(directory, 'exclusive', world)).rejects.toThrow(/LOCK is replaced again and again/)
})

test('a flock command that fails for another reason is an IoError that quotes it', async () => {
  const command = path.join(directory, 'failing-flock')
  fs.writeFileSync(command, '#!/bin/sh\necho "flock: 3: Bad file descriptor" >&2\nexit 65\n', { mode: 0o700 })
  const failure = lockDirectory(directory, 'exclusive', { ...realLockWorld(), flockCommand: command })
  await expect(failure).rejects.toBeInstanceOf(IoError)
  await expect(failure).rejects.toThrow(/status 65: flock: 3: Bad file descriptor/)
})

describe('without flock(1)', () => {
  const world = { platform: 'linux', flockCommand: 'strictkv-no-such-command' }

  test('an abstract socket keeps everybody else out and is gone after release', async () => {
    const lock = await lockDirectory(directory, 'exclusive', world)
    expect(await messageOf(lockDirectory(directory, 'exclusive', world))).toContain('this process (pid ')
    await messageOf(lockDirectory(directory, 'shared', world))
    await lock?.release()
    await (await lockDirectory(directory, 'exclusive', world))?.release()
  })

  test('another path to the same directory leads to the same lock', async () => {
    const link = `${directory}-link`
    fs.symlinkSync(directory, link)
    const lock = await lockDirectory(directory, 'exclusive', world)
    await messageOf(lockDirectory(link, 'exclusive', world))
    await lock?.release()
  })

  test('on a system with no other way the error says what is missing', async () => {
    const elsewhere = { ...world, platform: 'sunos' }
    await expect(lockDirectory(directory, 'exclusive', elsewhere)).rejects.toThrow(
      /has no way to lock a directory; the command "strictkv-no-such-command"/,
    )
  })
})

test('what LOCK said before does not matter to who may lock it', async () => {
  const stale = { pid: process.pid, host: os.hostname(), startMs: 0, token: 'x' }
  fs.writeFileSync(path.join(directory, 'LOCK'), encodeLockHolder(stale).repeat(100))
  const lock = await lockDirectory(directory, 'exclusive')
  expect(fs.readFileSync(path.join(directory, 'LOCK'), 'utf8').split('\n')).toHaveLength(2)
  await lock?.release()
  expect(fs.readFileSync(path.join(directory, 'LOCK'), 'utf8')).toBe('')
})
