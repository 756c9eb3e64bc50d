/**
 * What works on the directory of a database that is not open: the composition root of looking inside, checking and repairing.
 *
 *   runtime/node -> storage/inspect, storage/salvage
 *
 * The functions take a path and the real machine; what they do lies in storage. The command line and applications use the same ones.
 * Nothing here opens a database, and nothing but salvage writes, and that into a new directory. Pinned by test/unit/open/offline.test.ts.
 */
import { describe } from './base/bytes'
import { InvalidArgumentError } from './base/errors'
import { createNodeRuntime } from './runtime/node/node-runtime'
import { CURRENT_FORMATS, readFormatVersions } from './storage/inspect/format-versions'
import type { FileFormat, FormatName } from './storage/inspect/format-versions'

/** Which format versions a database is of, and whether this program would rewrite any of its files. */
export interface FormatReport {
  /** The version of each format that this program writes, which is the only one that it reads. */
  readonly current: Readonly<Record<FormatName, number>>
  /** The files that are of a version, in the order of their names. */
  readonly files: readonly FileFormat[]
}

/** The format versions of the files in `path`. Rejects with `InvalidArgumentError` for no path, and `IoError`. */
export async function formatVersions(path: string): Promise<FormatReport> {
  checkPath(path, 'tell the formats of')
  return { current: CURRENT_FORMATS, files: await readFormatVersions(createNodeRuntime(), path) }
}

/** Refuses what cannot be a path; `doing` is what the message says could not be done. */
function checkPath(path: unknown, doing: string): void {
  if (typeof path === 'string' && path !== '' && !path.includes('\0')) return
  throw new InvalidArgumentError(`Cannot ${doing} ${describe(path)}: the path must name a directory`)
}
