/** Segments written by hand for the tests of copies: groups of commits as frames, in as many segments as asked for. */
import { LIMITS } from '../../../../src/base/limits'
import type { Batch } from '../../../../src/storage/engine'
import { ENTRY_PUT, batchBytes } from '../../../../src/storage/engine'
import { FRAME_HEADER_BYTES, PAGE_BYTES, SEGMENT_HEADER_BYTES, alignUp, encodeFrame, encodeSegmentHeader, segmentFileName } from '../../../../src/storage/log/log-format' // prettier-ignore
import { recoverLog } from '../../../../src/storage/log/log-reader'
import { BATCH_HEADER_BYTES, encodeBatch } from '../../../../src/storage/rows/batch-codec'
import type { MemoryRuntime } from '../../../support/memory-runtime/memory-runtime'

/** The commit of a sequence. */
export function commitOf(sequence: number, valueBytes = 20): Batch {
  return [{ kind: ENTRY_PUT, key: `key ${sequence}`, value: Buffer.alloc(valueBytes, sequence & 255), end: undefined }]
}

/** How many commits each frame of a segment has; 0 is an empty frame. */
export type Groups = readonly number[]

/** Writes segments 1, 2, ... of the mark 7 into `directory`; the commits count from `first`. */
export async function writeSegments(
  runtime: MemoryRuntime,
  directory: string,
  segments: readonly Groups[],
  options: { readonly first?: number; readonly valueBytes?: number } = {},
): Promise<void> {
  let sequence = options.first ?? 1
  let checksum = 0
  for (const [index, groups] of segments.entries()) {
    const header = { number: index + 1, nonce: { low: 100 + index, high: 7 } }
    const path = runtime.files.join(directory, segmentFileName(header.number))
    const file = await runtime.files.open(path, 'create')
    const page = Buffer.alloc(SEGMENT_HEADER_BYTES)
    encodeSegmentHeader(header, page)
    await file.write(page, 0)
    let offset = SEGMENT_HEADER_BYTES
    for (const [ordinal, commits] of groups.entries()) {
      const batches = Array.from({ length: commits }, (_, i) => commitOf(sequence + i, options.valueBytes))
      const bytes = batches.reduce((sum, batch) => sum + BATCH_HEADER_BYTES + batchBytes(batch), 0)
      const frame = Buffer.alloc(alignUp(FRAME_HEADER_BYTES + bytes, PAGE_BYTES))
      let end = FRAME_HEADER_BYTES
      for (const batch of batches) end = encodeBatch(batch, frame, end)
      const frameBytes = alignUp(end, PAGE_BYTES)
      checksum = encodeFrame(
        {
          ...{ nonce: header.nonce, segment: header.number, ordinal, offset, frameBytes, commits },
          payloadBytes: end - FRAME_HEADER_BYTES,
          firstSequence: sequence,
          lastSequence: sequence + commits - 1,
          previousChecksum: checksum,
          promise: { segment: header.number, offset },
        },
        frame,
      )
      await file.write(frame.subarray(0, frameBytes), offset)
      offset += frameBytes
      sequence += commits
    }
    // Zeros written ahead, as a log that is open has them.
    await file.write(Buffer.alloc(2 * PAGE_BYTES), offset)
    await file.close()
  }
}

/** The sequences of a log, each with the value that its commit must have; read as a recovery reads them. */
export async function sequencesOf(
  runtime: MemoryRuntime,
  source: { readonly directory: string; readonly numbers: readonly number[] },
  options: Parameters<typeof recoverLog>[2],
): Promise<number[]> {
  const sequences: number[] = []
  await recoverLog(runtime, source, options, (sequence, [entry]) => {
    if (entry?.key !== `key ${sequence}` || entry.value?.[0] !== (sequence & 255))
      throw new Error(`${sequence} is wrong`)
    sequences.push(sequence)
  })
  return sequences
}

/** As large as segments grow unless told otherwise. */
export const SEGMENT_BYTES_MAX = LIMITS.segmentBytesMax.initial
