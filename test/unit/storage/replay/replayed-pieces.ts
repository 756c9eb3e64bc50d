/** Commits as recovery gathers them: frames of batches, encoded, read back and taken over. */
import type { Sequence } from '../../../../src/base/sequence'
import type { Batch } from '../../../../src/storage/engine'
import { BATCH_HEADER_BYTES, BatchCursor, encodeBatch } from '../../../../src/storage/rows/batch-codec'
import { RowGathering } from '../../../../src/storage/replay/replayed-rows'
import type { ReplayedRows } from '../../../../src/storage/replay/replayed-rows'

/** A commit and its sequence. */
export interface NumberedBatch {
  readonly sequence: Sequence
  readonly batch: Batch
}

const ENTRY_OVERHEAD_BYTES = 7
/** What stands before and behind the commits of a frame. */
const MARGIN_BYTES = 24

/** The pieces that these frames are gathered to. The memory they are read from is used again for each. */
export function gathered(frames: readonly (readonly NumberedBatch[])[], pieceBytes = 1024 * 1024): ReplayedRows[] {
  const pieces: ReplayedRows[] = []
  const gathering = new RowGathering(pieceBytes, (rows) => pieces.push(rows))
  const bytes = Buffer.alloc(2 * MARGIN_BYTES + Math.max(0, ...frames.map((frame) => frameBytes(frame))))
  const entries = new BatchCursor()
  for (const frame of frames) {
    bytes.fill(0xee)
    const starts: number[] = []
    let end = MARGIN_BYTES
    for (const { batch } of frame) {
      starts.push(end)
      end = encodeBatch(batch, bytes, end)
    }
    const payload = { bytes, start: MARGIN_BYTES, end }
    for (const [i, { sequence }] of frame.entries()) {
      expect(entries.open(bytes, starts[i]!, end)).toBe(true)
      gathering.take(sequence, entries, payload)
      expect(entries.isWhole).toBe(true)
    }
  }
  gathering.end()
  return pieces
}

function frameBytes(frame: readonly NumberedBatch[]): number {
  let bytes = 0
  for (const { batch } of frame) {
    bytes += BATCH_HEADER_BYTES
    for (const { key, value, end } of batch) {
      bytes += ENTRY_OVERHEAD_BYTES + key.length + (value?.length ?? 0) + (end?.length ?? 0)
    }
  }
  return bytes
}
