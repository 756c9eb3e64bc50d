/**
 * Who wrote the file LOCK of a directory, for people who ask who has a database open.
 *
 * A value and how to get one: what knows processes and hosts is runtime/node/lock-owner.ts. Whether the lock is *held* is a question
 * for the kernel (`Files.lock`); a process that was killed stays named in LOCK.
 */

/** Who LOCK names. */
export interface LockOwner {
  readonly pid: number
  readonly host: string
  /** When it took the lock, as in '2026-03-01T12:00:00.000Z'. */
  readonly since: string
  /** Whether that is this machine, by its name. */
  readonly isThisHost: boolean
  /** Whether a process of that number lives; undefined for another host. */
  readonly isAlive: boolean | undefined
}

/** Reads the text of LOCK; undefined where it names nobody. */
export type ReadLockOwner = (text: string) => LockOwner | undefined
