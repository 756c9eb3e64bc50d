/**
 * Databases for the tests of options: in a real directory through `open`, and in memory where time or failures are needed.
 *
 * Each test of this folder is named after the option that it toggles, as `<name>: <what it does>`;
 * test/architecture/option-tests.test.ts fails while an option of `open` has none.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Database, OpenOptions } from '../../src/index'
import { open } from '../../src/index'
import type { LsmDatabaseOptions } from '../support/harness/lsm-database'
import { openLsmDatabase } from '../support/harness/lsm-database'
import type { MemoryRuntime, MemoryRuntimeOptions } from '../support/memory-runtime/memory-runtime'
import { createMemoryRuntime } from '../support/memory-runtime/memory-runtime'

export const KiB = 1024
export const MiB = 1024 * KiB

/** What `body` gives on a new database in a directory of its own; the database is closed and removed. */
export async function withDatabase<T>(
  options: OpenOptions,
  body: (db: Database, directory: string) => Promise<T>,
): Promise<T> {
  const parent = mkdtempSync(path.join(tmpdir(), 'strictkv-options-'))
  try {
    const directory = path.join(parent, 'db')
    const db = await open(directory, { reserveBytes: 0, ...options })
    try {
      return await body(db, directory)
    } finally {
      await db.close()
    }
  } finally {
    rmSync(parent, { recursive: true, force: true })
  }
}

/** The same on the disk in memory; `runtime` says what that does. */
export async function withMemory<T>(
  limits: LsmDatabaseOptions['limits'],
  body: (db: Database, runtime: MemoryRuntime) => Promise<T>,
  options: Omit<LsmDatabaseOptions, 'limits'> & { readonly runtime?: MemoryRuntimeOptions } = {},
): Promise<T> {
  const { runtime: world, ...rest } = options
  const runtime = createMemoryRuntime({ seed: 1, ...world })
  const db = await openLsmDatabase(runtime, '/db', { ...rest, limits: { reserveBytes: 0, ...limits } })
  try {
    return await body(db, runtime)
  } finally {
    runtime.inject = undefined
    await db.close()
  }
}

/** Lets `count` turns of the event loop go by. */
export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise<void>((resolve) => setImmediate(resolve))
}

/** Lets turns go by until `isSo`; a test that waits in vain runs into its time limit. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await turns(1)
}

/** Names and sizes of the files whose names end in `ending`, in order of name. */
export function filesOf(directory: string, ending: string): { readonly name: string; readonly bytes: number }[] {
  const names = readdirSync(directory).filter((name) => name.endsWith(ending))
  return names.sort().map((name) => ({ name, bytes: statSync(path.join(directory, name)).size }))
}

/** Writes `count` rows of `bytes` bytes each, 32 in a transaction. */
export async function fill(db: Database, count: number, bytes: number): Promise<void> {
  for (let from = 0; from < count; from += 32) {
    await db.transact((tx) => {
      for (let i = from; i < Math.min(count, from + 32); i++) tx.put(keyNumber(i), Buffer.alloc(bytes, i))
    })
  }
}

/** Keys whose order is that of their numbers. */
export function keyNumber(number: number): string {
  return `key ${String(number).padStart(6, '0')}`
}

/** What `act` was refused with; fails if it was not. */
export async function refusalOf(act: () => unknown): Promise<Error & { readonly code?: string }> {
  try {
    await act()
  } catch (error) {
    return error as Error
  }
  throw new Error('it was not refused')
}
