/**
 * Who wrote LOCK, seen from this process: its number, host and time, and whether such a process lives here.
 *
 * Pinned by test/unit/runtime/lock-owner.test.ts.
 */
import os from 'node:os'
import type { LockOwner } from '../lock-owner'
import { isAlive } from './directory-lock'
import { decodeLockHolder } from './lock-strategy'

/** The owner that the text of LOCK names; undefined where it names none (empty, torn, of another program). */
export function readLockOwner(text: string): LockOwner | undefined {
  const holder = decodeLockHolder(text)
  if (holder === undefined) return undefined
  const { pid, host, startMs } = holder
  const isThisHost = host === os.hostname()
  return {
    pid,
    host,
    since: new Date(startMs).toISOString(),
    isThisHost,
    isAlive: isThisHost ? isAlive(pid) : undefined,
  }
}
