/**
 * Opens the database that a command names, hands it over, and closes it whatever happens.
 *
 * A directory without a database is bad input, said before anything is touched: commands never create one by a slip of the pen.
 * On Ctrl-C the work rejects with the signal's reason and the database is closed, unless that takes long (a merge that nobody
 * waits for): the process ends then as in a crash, which a database survives.
 * Pinned by test/cli/main.test.ts and test/cli/process.test.ts.
 */
import { readdirSync } from 'node:fs'
import type { Database, OpenOptions } from '../index'
import { open } from '../open'
import { UsageError } from './cli-errors'
import type { Invocation } from './command'

/** Time that the work may take to end after Ctrl-C, and closing after it. */
const END_MS_MAX = 1000

/**
 * Runs `use` on the database in `directory`. Rejects with `UsageError` where there is none (unless `options.create` is true), as
 * `open` does, as `use` does, and with the signal's reason.
 */
export async function withDatabase<T>(
  invocation: Invocation,
  options: OpenOptions & { readonly directory: string; readonly missing?: string },
  use: (db: Database) => Promise<T>,
): Promise<T> {
  const { directory, missing: _, ...openOptions } = options
  const { signal } = invocation.terminal
  if (options.create !== true) checkDatabase(directory, options.missing)
  signal.throwIfAborted()
  const db = await open(directory, { create: false, ...openOptions })
  const work = use(db)
  const result = await untilAborted(signal, work).catch(async (error: unknown) => {
    // What heeds the signal removes what it has begun; what does not is left behind.
    if (signal.aborted) await inTime(work)
    await (signal.aborted ? inTime(db.close()) : db.close().catch(() => undefined))
    throw error
  })
  await db.close()
  return result
}

/** Throws `UsageError` unless `directory` is one that holds files of a database. `missing` says what to do where there is none. */
export function checkDatabase(directory: string, missing?: string): void {
  const advice = missing === undefined ? '' : `; ${missing}`
  let names: string[]
  try {
    names = readdirSync(directory)
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === 'ENOENT') throw new UsageError(`Cannot open ${directory}: there is no such directory${advice}`)
    if (code === 'ENOTDIR') throw new UsageError(`Cannot open ${directory}: it is no directory`)
    throw error
  }
  if (names.some((name) => name === 'CURRENT' || /^\d{10}\.(log|table|manifest)$/.test(name))) return
  throw new UsageError(`Cannot open ${directory}: it holds no database${names.length === 0 ? advice : ''}`)
}

/** Settles as `promise` does, or rejects with the signal's reason if that is aborted first. */
export function untilAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error)
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) abort()
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

/** Resolves when `promise` settles, but after `END_MS_MAX` in any case. */
function inTime(promise: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, END_MS_MAX)
    const end = (): void => {
      clearTimeout(timer)
      resolve()
    }
    promise.then(end, end)
  })
}
