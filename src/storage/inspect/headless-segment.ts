/**
 * The frames of a segment whose header is damaged, for who looks inside: each says by itself that it belongs there, and a salvage
 * reads them all the same.
 *
 * Which nonce the segment has, its first frame that verifies says; one with the mark of another database is none of ours.
 * Memory: a window of the file, at most one frame. Pinned by test/unit/storage/inspect/inspect-wal.test.ts and history.test.ts.
 */
import { CorruptionError } from '../../base/errors'
import type { Runtime } from '../../runtime/runtime'
import { frameChecksum } from '../log/log-format'
import type { IntactFrame } from '../log/log-frame-reader'
import { SegmentScan } from '../log/segment-scan'
import type { ScannedSegment } from '../log/segment-scan'

/** Every intact frame, after `error` of opening the segment; none where that is not about what is in the file. Throws `IoError`. */
export async function* framesWithoutHeader(
  runtime: Runtime,
  path: string,
  { segment, error }: { readonly segment: ScannedSegment; readonly error: unknown },
): AsyncGenerator<IntactFrame, void, void> {
  if (!(error instanceof CorruptionError) || (await runtime.files.status(path))?.kind !== 'file') return
  const scan = await SegmentScan.open(runtime, path, segment)
  try {
    for (let frame = await scan.next(); frame !== undefined; frame = await scan.next()) {
      yield { ...frame, checksum: frameChecksum(frame.bytes) }
    }
  } finally {
    await scan.close()
  }
}
