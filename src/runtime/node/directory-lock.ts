/**
 * Takes the one lock of a directory, held by the kernel and dropped by it when this process dies, however it dies.
 *
 * Linux, the tested way: open LOCK and let a short child `flock -n 3` lock the *open file description* it inherits. The
 * child ends, the description stays open here, and with it the lock. Any other description is refused: a second opener in
 * this process, another process, another network namespace. `kill -9` closes the description, so nothing is left behind.
 *
 *     this process                     child
 *     open LOCK  -> description D
 *     spawn with D as descriptor 3 --> flock(3, LOCK_EX | LOCK_NB), exit 0
 *     D still open: locked
 *
 * 1. LOCK is never removed: a second opener could lock the new file while the first holds the old one. Should somebody
 *    else remove it during the acquisition, we notice (inode) and begin again.
 * 2. What LOCK says is for people. It is written best effort: a full disk must not keep a database from opening.
 * 3. An abstract socket (where flock(1) is missing) binds a name in the network namespace only, and cannot be shared:
 *    readers exclude each other there.
 *
 * Pinned by test/contract/runtime and test/unit/runtime/directory-lock.test.ts.
 */
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import fs from 'node:fs/promises'
import { constants } from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { DatabaseLockedError, IoError } from '../../base/errors'
import type { DirectoryLock } from '../runtime'
import { decodeLockHolder, describeLockHolder, encodeLockHolder, flockAnswer, lockStrategies } from './lock-strategy'
import type { LockStrategy } from './lock-strategy'
import { systemErrorCode, wrapSystemError } from './system-errors'

/** How a lock is wanted. */
export type LockMode = 'exclusive' | 'shared'

/** The parts of the world that tests vary. */
export interface LockWorld {
  readonly platform: string
  /** The command that locks an inherited descriptor. */
  readonly flockCommand: string
}

/** The machine this runs on. */
export function realLockWorld(): LockWorld {
  return { platform: process.platform, flockCommand: 'flock' }
}

/** The name of the lock's file in its directory. */
export const lockFileName = 'LOCK'

const acquisitionAttemptsMax = 10

/** What a way of locking came to: held (with a way to let go), refused, or this way does not exist here. */
type Attempt =
  | { readonly result: 'held'; readonly letGo: () => Promise<void> }
  | { readonly result: 'refused' }
  | { readonly result: 'unavailable' }

/** Takes the lock of `directory`; undefined if it is wanted shared and there is no LOCK. See `Files.lock`. */
export async function lockDirectory(
  directory: string,
  mode: LockMode,
  world: LockWorld = realLockWorld(),
): Promise<DirectoryLock | undefined> {
  const file = path.join(directory, lockFileName)
  for (let attempt = 0; attempt < acquisitionAttemptsMax; attempt++) {
    const outcome = await acquireOnce(directory, file, mode, world)
    if (outcome !== 'file-replaced') return outcome
  }
  throw new IoError(`Cannot lock "${directory}": LOCK is replaced again and again`, 'lock', file, undefined)
}

async function acquireOnce(
  directory: string,
  file: string,
  mode: LockMode,
  world: LockWorld,
): Promise<DirectoryLock | undefined | 'file-replaced'> {
  for (const strategy of lockStrategies(world.platform)) {
    const handle = await openLockFile(file, mode, strategy)
    if (handle === 'absent') return undefined
    if (handle === 'refused') throw await lockedError(directory, file)
    let kept = false
    try {
      const attempt = await tryStrategy(strategy, handle, directory, mode, world)
      if (attempt.result === 'unavailable') continue
      if (attempt.result === 'refused') throw await lockedError(directory, file)
      if (!(await isStillNamed(handle, file))) {
        await attempt.letGo()
        return 'file-replaced'
      }
      if (mode === 'exclusive') await writeHolder(handle)
      kept = true
      return heldLock(handle, mode, attempt.letGo)
    } finally {
      if (!kept) await closeQuietly(handle)
    }
  }
  throw new IoError(
    `Cannot lock "${directory}": this system (${world.platform}) has no way to lock a directory; the command "${world.flockCommand}" of util-linux would do`,
    'lock',
    file,
    undefined,
  )
}

function heldLock(handle: fs.FileHandle, mode: LockMode, letGo: () => Promise<void>): DirectoryLock {
  let released: Promise<void> | undefined
  const release = async (): Promise<void> => {
    // Nobody holds it from here on, so LOCK should name nobody; a reader's refusal would name us otherwise.
    if (mode === 'exclusive') await handle.truncate(0).catch(ignore)
    await letGo()
    await closeQuietly(handle)
  }
  return { release: () => (released ??= release()) }
}

async function openLockFile(
  file: string,
  mode: LockMode,
  strategy: LockStrategy,
): Promise<fs.FileHandle | 'absent' | 'refused'> {
  const flags =
    mode === 'exclusive'
      ? constants.O_RDWR | constants.O_CREAT | (strategy.way === 'open-flag' ? strategy.exclusiveFlag : 0)
      : constants.O_RDONLY | (strategy.way === 'open-flag' ? strategy.sharedFlag : 0)
  try {
    return await fs.open(file, flags, 0o600)
  } catch (error) {
    const code = systemErrorCode(error)
    if (mode === 'shared' && code === 'ENOENT') return 'absent'
    if (strategy.way === 'open-flag' && (code === 'EAGAIN' || code === 'EWOULDBLOCK' || code === 'EBUSY')) {
      return 'refused'
    }
    throw wrapSystemError({ operation: 'lock', file }, error)
  }
}

function tryStrategy(
  strategy: LockStrategy,
  handle: fs.FileHandle,
  directory: string,
  mode: LockMode,
  world: LockWorld,
): Promise<Attempt> {
  switch (strategy.way) {
    case 'flock-command':
      return runFlock(handle, directory, mode, world.flockCommand)
    case 'abstract-socket':
      return bindAbstractSocket(directory)
    case 'open-flag':
      return Promise.resolve({ result: 'held', letGo: () => Promise.resolve() })
  }
}

function runFlock(handle: fs.FileHandle, directory: string, mode: LockMode, command: string): Promise<Attempt> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, ['-n', mode === 'exclusive' ? '-x' : '-s', '3'], {
      stdio: ['ignore', 'ignore', 'pipe', handle.fd],
    })
    let said = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    child.once('error', (error) => {
      const code = systemErrorCode(error)
      if (code === 'ENOENT' || code === 'EACCES') resolve({ result: 'unavailable' })
      else reject(wrapSystemError({ operation: 'lock', file: directory }, error))
    })
    child.once('close', (status, signal) => {
      const answer = flockAnswer(status, said)
      if (answer === 'locked') resolve({ result: 'held', letGo: () => Promise.resolve() })
      else if (answer === 'held-by-another') resolve({ result: 'refused' })
      else {
        const cause = new Error(`${command} ended with ${signal ?? `status ${String(status)}`}: ${said.trim()}`)
        reject(wrapSystemError({ operation: 'lock', file: directory }, cause))
      }
    })
  })
}

/** The name is the directory's identity, not its path: links and bind mounts lead to the same lock. */
async function bindAbstractSocket(directory: string): Promise<Attempt> {
  const { dev, ino } = await fs.stat(directory, { bigint: true }).catch((error: unknown) => {
    throw wrapSystemError({ operation: 'lock', file: directory }, error)
  })
  const server = net.createServer((socket) => socket.destroy())
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      if (systemErrorCode(error) === 'EADDRINUSE') resolve({ result: 'refused' })
      else reject(wrapSystemError({ operation: 'lock', file: directory }, error))
    })
    server.listen({ path: `\0strictkv-${String(dev)}-${String(ino)}` }, () => {
      // An idle database holds nothing that keeps the process alive.
      server.unref()
      const letGo = (): Promise<void> =>
        new Promise((closed) => {
          server.close(() => closed())
        })
      resolve({ result: 'held', letGo })
    })
  })
}

async function isStillNamed(handle: fs.FileHandle, file: string): Promise<boolean> {
  const ours = await handle.stat({ bigint: true })
  const named = await fs.stat(file, { bigint: true }).catch(() => undefined)
  return named !== undefined && named.ino === ours.ino && named.dev === ours.dev
}

async function writeHolder(handle: fs.FileHandle): Promise<void> {
  const holder = { pid: process.pid, host: os.hostname(), startMs: Date.now(), token: randomUUID() }
  const text = Buffer.from(encodeLockHolder(holder))
  await handle
    .truncate(0)
    .then(() => handle.write(text, 0, text.length, 0))
    .catch(ignore)
}

async function lockedError(directory: string, file: string): Promise<DatabaseLockedError> {
  const text = await fs.readFile(file, 'utf8').catch(() => '')
  const here = { pid: process.pid, host: os.hostname(), isAlive }
  return new DatabaseLockedError(
    `Cannot lock "${directory}": ${describeLockHolder(decodeLockHolder(text), here)} holds it`,
  )
}

/** Whether a process of this number lives on this machine, whosever it is. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return systemErrorCode(error) === 'EPERM'
  }
}

function closeQuietly(handle: fs.FileHandle): Promise<void> {
  return handle.close().catch(ignore)
}

function ignore(): void {
  // Best effort by design; each use says why nothing is lost.
}
