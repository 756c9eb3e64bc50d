/**
 * Cuts the commits that are wanted out of a frame of the log: a frame holds a whole group, and a group ends where it will.
 *
 *     frame:   | header | commit 7 | commit 8 | commit 9 | padding |
 *     wanted 8 to 8:               [          )
 *
 * Pure. Pinned by test/unit/storage/checkpoint/frame-cut.test.ts.
 */
import type { Sequence } from '../../base/sequence'
import { FRAME_HEADER_BYTES } from '../log/log-format'
import type { IntactFrame } from '../log/log-frame-reader'
import { BATCH_HEADER_BYTES } from '../rows/batch-codec'

/** The commits wanted, first and last. */
export interface WantedCommits {
  readonly first: Sequence
  readonly last: Sequence
}

/** What a frame has of them: 'none', a stretch of the frame's bytes, or why the frame cannot be what it says. */
export type FrameCut =
  | { readonly kind: 'none' }
  | ({ readonly kind: 'cut'; readonly start: number; readonly end: number } & WantedCommits)
  | { readonly kind: 'bad'; readonly why: string }

/** Cuts `frame`. REQUIRES: everything before `wanted.first` was read before. */
export function cutFrame(frame: Pick<IntactFrame, 'header' | 'bytes'>, wanted: WantedCommits): FrameCut {
  const { firstSequence, lastSequence, commits, payloadBytes } = frame.header
  if (!Number.isSafeInteger(firstSequence) || lastSequence !== firstSequence + commits - 1) {
    return { kind: 'bad', why: `it counts ${commits} commits from ${firstSequence} to ${lastSequence}` }
  }
  if (commits === 0 || lastSequence < wanted.first || firstSequence > wanted.last) return { kind: 'none' }
  if (firstSequence > wanted.first) return { kind: 'bad', why: `commits before ${firstSequence} are missing` }
  const payloadEnd = FRAME_HEADER_BYTES + payloadBytes
  const last = Math.min(lastSequence, wanted.last)
  let [at, start] = [FRAME_HEADER_BYTES, FRAME_HEADER_BYTES]
  for (let sequence = firstSequence; sequence <= last; sequence++) {
    if (sequence === wanted.first) start = at
    const bytes = payloadEnd - at < BATCH_HEADER_BYTES ? 0 : frame.bytes.readUInt32LE(at)
    if (bytes < BATCH_HEADER_BYTES || at + bytes > payloadEnd) {
      return { kind: 'bad', why: `commit ${sequence} in it is malformed` }
    }
    at += bytes
  }
  if (last === lastSequence && at !== payloadEnd) return { kind: 'bad', why: 'it holds more than its commits' }
  return { kind: 'cut', first: wanted.first, last, start, end: at }
}
