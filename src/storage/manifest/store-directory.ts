/**
 * The directory of a store: created with every parent synced, refused where it is something else, and cleared of orphans.
 *
 * Pinned by test/unit/storage/opening.test.ts and test/crash.
 */
import { CorruptionError, InvalidArgumentError, IoError } from '../../base/errors'
import type { FileStatus, Runtime } from '../../runtime/runtime'
import { CURRENT_FILE, parseFileName } from '../files/file-names'
import type { ManifestState } from './manifest-state'
import { removeQuietly } from '../files/whole-file'

/** Numbers that are taken by files in the directory, whether anything refers to them or not. */
export interface TakenNumbers {
  readonly fileMax: number
  readonly segmentMax: number
}

/** Creates the directory and its missing parents if `create`; `syncParents` makes them durable. Throws `InvalidArgumentError`, `IoError`. */
export async function ensureDirectory(runtime: Runtime, directory: string, create: boolean): Promise<void> {
  const missing = await missingDirectories(runtime, directory, `open ${directory}`)
  if (missing.length > 0 && !create) throw noDatabase(directory, 'the directory does not exist')
  for (const part of missing) await runtime.files.createDirectory(part)
}

/**
 * What has to be created for the directory to be there: itself and those above it, from the topmost on. Throws
 * `InvalidArgumentError`, which says that one cannot do `doing`, where something else stands in the way.
 */
export async function missingDirectories(runtime: Runtime, directory: string, doing: string): Promise<string[]> {
  const { files } = runtime
  const missing: string[] = []
  let path = files.resolve(directory)
  let status: FileStatus | undefined
  while ((status = await statusOf(runtime, path)) === undefined) {
    missing.unshift(path)
    const parent = files.parent(path)
    if (parent === path) break
    path = parent
  }
  if (status !== undefined && status.kind !== 'directory') {
    throw new InvalidArgumentError(`Cannot ${doing}: ${path} is no directory; give the path of a directory`)
  }
  return missing
}

/**
 * Makes the names of the directory and of all its parents durable, for a database that is new. All of them: one that is
 * there already may have been created moments ago by an attempt that failed before it was synced.
 * Parents that may not be read belong to somebody else and were not created here: they are left out. After a failed sync
 * of a directory no later one is sure to help: the error says to begin with a new path.
 */
export async function syncParents(runtime: Runtime, directory: string): Promise<void> {
  const { files } = runtime
  let path = files.resolve(directory)
  for (let parent = files.parent(path); parent !== path; parent = files.parent(path)) {
    try {
      await files.syncDirectory(parent)
    } catch (error) {
      if (!isForbidden(error))
        throw new IoError(
          `Cannot create ${directory}: syncing ${parent} failed; remove what was created of the path, or use another one`,
          'sync-directory',
          parent,
          error,
        )
    }
    path = parent
  }
}

/** What stands at a path; nothing does beneath a file. */
async function statusOf(runtime: Runtime, path: string): Promise<FileStatus | undefined> {
  try {
    return await runtime.files.status(path)
  } catch (error) {
    if (systemCode(error) === 'ENOTDIR') return undefined
    throw error
  }
}

function isForbidden(error: unknown): boolean {
  const code = systemCode(error)
  return code === 'EACCES' || code === 'EPERM'
}

/** The operating system's code in an error of the door. */
function systemCode(error: unknown): unknown {
  return ((error as Error).cause as { code?: unknown } | undefined)?.code
}

/**
 * Checks a directory without CURRENT: a new database may begin in it only if it is empty but for what a creation cut short
 * leaves behind. Throws `InvalidArgumentError` for foreign files, `CorruptionError` where a store has lost its CURRENT.
 */
export function checkNewDirectory(
  runtime: Runtime,
  directory: string,
  names: readonly string[],
  create: boolean,
): void {
  for (const name of names) {
    const kind = parseFileName(name)?.kind
    if (kind === 'table' || kind === 'segment') {
      const path = runtime.files.join(directory, CURRENT_FILE)
      throw new CorruptionError(
        `Cannot open ${directory}: ${path} is missing, but ${name} shows that there was a database`,
        path,
        0,
      )
    }
    if (kind !== undefined) continue
    throw new InvalidArgumentError(
      `Cannot open ${directory}: it holds ${JSON.stringify(name)} and no database; give an empty or a new directory`,
    )
  }
  if (!create) throw noDatabase(directory, 'it holds no database')
}

/** The greatest numbers that any file has. */
export function takenNumbers(names: readonly string[]): TakenNumbers {
  let [fileMax, segmentMax] = [0, 0]
  for (const name of names) {
    const file = parseFileName(name)
    if (file === undefined) continue
    if (file.kind === 'segment') segmentMax = Math.max(segmentMax, file.number)
    else fileMax = Math.max(fileMax, file.number)
  }
  return { fileMax, segmentMax }
}

/** The store's files that `state` does not refer to, `manifest` being in force. Foreign files are none of them. */
export function orphans(names: readonly string[], state: ManifestState, manifest: number): readonly string[] {
  const tables = new Set(state.tables.map((table) => table.number))
  const segments = new Set(state.segments)
  return names.filter((name) => {
    const file = parseFileName(name)
    if (file === undefined) return false
    if (file.kind === 'manifest') return file.number !== manifest
    if (file.kind === 'table') return !tables.has(file.number)
    if (file.kind === 'segment') return !segments.has(file.number)
    return file.kind === 'currentTemporary'
  })
}

/** Removes files that nothing refers to; one that cannot be removed stays an orphan. */
export async function removeOrphans(runtime: Runtime, directory: string, names: readonly string[]): Promise<void> {
  for (const name of names) await removeQuietly(runtime, runtime.files.join(directory, name))
}

function noDatabase(directory: string, why: string): InvalidArgumentError {
  return new InvalidArgumentError(`Cannot open ${directory}: ${why}; create the database with create: true`)
}
