/**
 * A look at who holds a directory: whether its lock is held for writing, and whom LOCK names.
 *
 * The kernel knows whether the lock is held; the file LOCK only says who took it last: a process that was killed stays named in it, and
 * readers, which share the lock, never write their names. So both are shown, and what they come to.
 *
 * Pinned by test/unit/storage/inspect/inspect-locks.test.ts.
 */
import type { LockOwner, ReadLockOwner } from '../../runtime/lock-owner'
import type { Runtime } from '../../runtime/runtime'
import { LOCK_FILE } from '../files/file-names'
import { readWholeFile } from '../files/whole-file'
import { takePicture, toStoreItem } from './picture'
import type { StoreItem } from './picture'

/** What is known of the lock. */
export interface LocksReport {
  readonly store: StoreItem
  /** The path of LOCK; undefined if there is none (then nobody ever opened the database for writing here). */
  readonly file: string | undefined
  /** Whether a process holds the lock for writing. */
  readonly isHeld: boolean
  /** Whom LOCK names. */
  readonly owner: LockOwner | undefined
  /** What that comes to, for people. */
  readonly what: string
}

/** LOCK holds one line; whatever is longer was not written by a store. */
const LOCK_BYTES_MAX = 64 * 1024

/** Looks at the lock of a directory. Throws `InvalidArgumentError` if there is no store in it, `IoError`. */
export async function inspectLocks(
  runtime: Runtime,
  directory: string,
  readOwner: ReadLockOwner,
): Promise<LocksReport> {
  const store = toStoreItem(await takePicture(runtime, directory))
  const file = runtime.files.join(directory, LOCK_FILE)
  const status = await runtime.files.status(file)
  if (status?.kind !== 'file') {
    const what = 'there is no LOCK: no process has the database open for writing'
    return { store, file: undefined, isHeld: false, owner: undefined, what }
  }
  const text = status.size > LOCK_BYTES_MAX ? '' : (await readWholeFile(runtime, file)).toString('utf8')
  const owner = readOwner(text)
  return { store, file, isHeld: store.isInUse, owner, what: describeLock(store.isInUse, owner) }
}

function describeLock(isHeld: boolean, owner: LockOwner | undefined): string {
  const who = owner === undefined ? undefined : `process ${owner.pid} on ${owner.host}, since ${owner.since}`
  if (isHeld) return `held for writing by ${who ?? 'a process that left no name in LOCK'}`
  if (who === undefined) return 'not held for writing; readers share the lock and leave no name'
  return `not held for writing; LOCK still names ${who}: it ended without closing the database`
}
