/**
 * A place on a real disk for as long as a measurement runs, removed afterwards; and how much the files in a place take.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, statfsSync } from 'node:fs'
import path from 'node:path'
import { note } from './terminal'

/** The magic number of a file system that is memory: its syncs say nothing. */
const TMPFS_MAGIC = 0x01021994
/** What `stat` counts blocks in, whatever the file system's own block is. */
const STAT_BLOCK_BYTES = 512

/** On the disk of the repository, ignored by version control, and not in the system's temporary directory, which may be memory. */
function defaultParent(): string {
  return path.join(path.dirname(path.dirname(__dirname)), 'node_modules', '.cache')
}

/** Runs `fn` with an empty directory below `parent`, and removes it. Throws where the file system is in memory. */
export async function withBenchDirectory<T>(
  parent: string | undefined,
  fn: (directory: string) => Promise<T>,
): Promise<T> {
  const place = parent ?? defaultParent()
  mkdirSync(place, { recursive: true })
  const directory = mkdtempSync(path.join(place, 'strictkv-bench-'))
  const remove = (): void => rmSync(directory, { recursive: true, force: true })
  process.once('SIGINT', () => {
    remove()
    process.exit(130)
  })
  try {
    if (statfsSync(directory).type === TMPFS_MAGIC) throw new Error(`Cannot measure syncs in ${place}: it is in memory`)
    return await fn(directory)
  } finally {
    remove()
    note('')
  }
}

/** Bytes that the files in `directory`, and below it, take on the disk; those alone whose name `accepts`. */
export function diskBytes(directory: string, accepts: (name: string) => boolean = () => true): number {
  let bytes = 0
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || !accepts(entry.name)) continue
    // A running compaction may take a file away in between.
    const status = statSync(path.join(entry.parentPath, entry.name), { throwIfNoEntry: false })
    bytes += (status?.blocks ?? 0) * STAT_BLOCK_BYTES
  }
  return bytes
}
