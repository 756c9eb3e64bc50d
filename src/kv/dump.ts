/**
 * `dump`: a database or a part of it as portable text, read at one snapshot, a chunk at a time.
 *
 * Memory does not grow with the database: one row and one chunk are held. The format is dump-format.ts.
 * Pinned by test/unit/kv/dump.test.ts and test/properties/dump.test.ts.
 */
import type { Bytes } from './bytes-type'
import type { Database } from './database'
import { DumpChecksum, encodeDumpEnd, encodeDumpHeader, encodeDumpRow } from './dump-format'
import type { LoadProgress } from './load'
import { checkFunction, checkOptions } from './options'
import type { RangeBounds } from './range-options'
import { Snapshot } from './snapshot'

/** What to dump, and who is told how far it is. */
export interface DumpOptions extends RangeBounds {
  /** Called with every chunk; what it throws ends the dump. */
  readonly onProgress?: ((progress: LoadProgress) => unknown) | undefined
}

/** A chunk is given out when it has grown to so many characters. */
const CHUNK_CHARS = 64 * 1024
const NAMES = ['gte', 'gt', 'lt', 'lte', 'prefix', 'onProgress'] as const

/**
 * The rows of `source` within the bounds (every row, if there are none) as chunks of text in UTF-8. Of a database: at a safe
 * snapshot of its own, held while chunks are taken. Throws `InvalidArgumentError`; what reading throws comes out of the iteration.
 */
export function dump(source: Database | Snapshot, options: DumpOptions = {}): AsyncIterableIterator<Bytes> {
  checkOptions(options, NAMES, 'dump')
  if (options.onProgress !== undefined) checkFunction(options.onProgress, 'onProgress', 'dump')
  return source instanceof Snapshot ? chunksOf(source, options) : chunksOfDatabase(source, options)
}

async function* chunksOfDatabase(db: Database, options: DumpOptions): AsyncGenerator<Bytes, undefined> {
  const snapshot = await db.snapshot({ label: 'dump' })
  try {
    yield* chunksOf(snapshot, options)
  } finally {
    snapshot.close()
  }
  return undefined
}

async function* chunksOf(snapshot: Snapshot, options: DumpOptions): AsyncGenerator<Bytes, undefined> {
  const { onProgress, ...bounds } = options
  const checksum = new DumpChecksum()
  let [rows, bytes] = [0, 0]
  let chunk = `${encodeDumpHeader(snapshot.sequence)}\n`
  for await (const [key, value] of snapshot.scan(bounds)) {
    checksum.add(key, value)
    rows++
    bytes += key.length + value.length
    chunk += `${encodeDumpRow(key, value)}\n`
    if (chunk.length < CHUNK_CHARS) continue
    yield Buffer.from(chunk)
    onProgress?.({ rows, bytes })
    chunk = ''
  }
  yield Buffer.from(`${chunk}${encodeDumpEnd({ rows, checksum: checksum.digest() })}\n`)
  onProgress?.({ rows, bytes })
  return undefined
}
