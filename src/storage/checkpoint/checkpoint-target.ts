/**
 * The directory that a checkpoint is built in: taken empty, locked while it is half done, and given back empty or complete.
 *
 *   missing parents and itself created -> LOCK held -> still empty? -> names of all parents synced
 *     ... files ...                                             no CURRENT: `open` refuses the directory, whatever is in it
 *     CURRENT, last of all (checkpoint.ts)                      complete
 *   -> LOCK let go          or, after a failure: CURRENT removed first, then the other files, LOCK, and what was created
 *
 * 1. Nothing that was there before is touched: a directory that holds anything is refused, and stays as it is.
 * 2. While it is built nobody else can begin a database or a checkpoint there: LOCK is the lock of a store that is open.
 * 3. What is removed after a failure are the names that this checkpoint has given, no others.
 *
 * Built in place and not beside it to be renamed: decision 0019. Pinned by test/unit/storage/checkpoint/checkpoint-target.test.ts and
 * test/crash/checkpoint.test.ts.
 */
import { DatabaseLockedError, InvalidArgumentError } from '../../base/errors'
import type { DirectoryLock, Runtime } from '../../runtime/runtime'
import { LOCK_FILE } from '../files/file-names'
import { removeQuietly } from '../files/whole-file'
import { missingDirectories, syncParents } from '../manifest/store-directory'

/** A target under construction. */
export class CheckpointTarget {
  readonly directory: string
  readonly #runtime: Runtime
  /** Created for it, the topmost first. */
  readonly #created: readonly string[]
  readonly #lock: DirectoryLock | undefined
  /** Given by this checkpoint, in order. */
  readonly #names: string[] = []

  private constructor(
    runtime: Runtime,
    directory: string,
    taken: { readonly created: readonly string[]; readonly lock: DirectoryLock | undefined },
  ) {
    this.#runtime = runtime
    this.directory = directory
    this.#created = taken.created
    this.#lock = taken.lock
  }

  /**
   * Takes `directory`, which must not be there or be empty, for a checkpoint of the store in `origin`. Throws
   * `InvalidArgumentError`, `DatabaseLockedError` (somebody begins a database there), `IoError`, with nothing left behind.
   */
  static async take(runtime: Runtime, directory: string, origin: string): Promise<CheckpointTarget> {
    checkApart(runtime, directory, origin)
    const missing = await missingDirectories(runtime, directory, `write a checkpoint to ${directory}`)
    if (missing.length === 0) await checkEmpty(runtime, directory)
    const created: string[] = []
    let lock: DirectoryLock | undefined
    try {
      for (const part of missing) {
        await runtime.files.createDirectory(part)
        created.push(part)
      }
      lock = await runtime.files.lock(directory, 'exclusive')
      // Whoever was quicker has let it go again by now, or has not been refused before.
      await checkEmpty(runtime, directory)
      await syncParents(runtime, directory)
    } catch (error) {
      // Of a directory that another one has locked, nothing is ours.
      const isTaken = error instanceof DatabaseLockedError || error instanceof InvalidArgumentError
      const target = new CheckpointTarget(runtime, directory, { created, lock })
      if (isTaken) await lock?.release()
      else await target.abandon()
      throw error
    }
    return new CheckpointTarget(runtime, directory, { created, lock })
  }

  /** The path of a file, whose name is given from here on. */
  path(name: string): string {
    this.#names.push(name)
    return this.#runtime.files.join(this.directory, name)
  }

  /** The checkpoint is complete. */
  async complete(): Promise<void> {
    await this.#lock?.release()
  }

  /** Removes everything again, as far as it lets itself be removed; never throws. What stays has no CURRENT. */
  async abandon(): Promise<void> {
    const { files } = this.#runtime
    // LOCK may be there though it was not got: in a directory that is new nobody else has it.
    const hasLockFile = this.#lock !== undefined || this.#created.length > 0
    const names = hasLockFile ? [LOCK_FILE, ...this.#names] : this.#names
    // CURRENT was named last and goes first; LOCK goes last.
    for (const name of [...names].reverse()) await removeQuietly(this.#runtime, files.join(this.directory, name))
    for (const part of [...this.#created].reverse()) await files.removeDirectory(part).catch(() => undefined)
    await this.#lock?.release()
  }
}

/** Inside its origin a checkpoint would go with it, and take names that the origin may want. */
function checkApart(runtime: Runtime, directory: string, origin: string): void {
  const { files } = runtime
  const outer = files.resolve(origin)
  for (let path = files.resolve(directory); ; path = files.parent(path)) {
    if (path === outer) {
      throw new InvalidArgumentError(
        `Cannot write a checkpoint to ${directory}: it is in the directory of the database, ${outer}; give another one`,
      )
    }
    if (path === files.parent(path)) return
  }
}

/** As for a new database, LOCK does not count. */
async function checkEmpty(runtime: Runtime, directory: string): Promise<void> {
  const other = (await runtime.files.list(directory)).find((name) => name !== LOCK_FILE)
  if (other === undefined) return
  throw new InvalidArgumentError(
    `Cannot write a checkpoint to ${directory}: it holds ${JSON.stringify(other)}; give an empty or a new directory`,
  )
}
