/**
 * Where `strictkv bench DIR` makes its temporary directory: beside DIR, on the same disk.
 *
 * A disk is often mounted at DIR itself; then what is beside it is another disk, and the directory is made inside, unless that holds a
 * database, into which nobody puts files. Pinned by test/cli/bench.test.ts.
 */
import { existsSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { UsageError } from '../cli-errors'

/** The directory in which to make a temporary one. Throws `UsageError`. */
export function benchParent(directory: string): string {
  const target = path.resolve(directory)
  const parent = path.dirname(target)
  if (!existsSync(target)) return checkedDirectory(parent)
  checkedDirectory(target)
  if (parent !== target && statSync(parent).dev === statSync(target).dev) return parent
  if (!readdirSync(target).includes('CURRENT')) return target
  throw new UsageError(
    `Cannot measure beside ${directory}: a disk is mounted there and holds a database; name another directory on it`,
  )
}

function checkedDirectory(directory: string): string {
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true) return directory
  throw new UsageError(`Cannot measure in ${directory}: there is no such directory`)
}
