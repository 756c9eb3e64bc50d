/**
 * How large the next segment of the log is, and how much of it should be written ahead by now: pure decisions.
 *
 * Zeros are written ahead because overwriting inside a sized file syncs in 60 % of the time that growing one takes. They
 * are *paced*, because a fill at full speed shares the disk with commits (p99.9 from 4 to 9 ms, measured): the next
 * segment is complete when three quarters of the current one are used, at twice the rate of the log, a little more while
 * segments still grow:
 *
 *     used of the current segment   0 ......... 1/4 ....................... 3/4 ...... 1
 *     next one, of the same size                |0 --------- rate 2 ---------- all|
 *     next one, twice the size      |0 ----------------- rate 8/3 ------------ all|
 *
 * Pinned by test/unit/storage/log/log-pace.test.ts.
 */
import type { Limits } from '../../base/limits'
import { alignUp, FRAME_HEADER_BYTES, PAGE_BYTES, SEGMENT_HEADER_BYTES } from './log-format'

const RATE_MIN = 2
const COMPLETE_AT = 0.75

/** What of a segment's bytes commits can use: not the header, nor the page kept for the frame that `close` writes. */
export function usableBytes(segmentBytes: number): number {
  return Math.max(0, segmentBytes - SEGMENT_HEADER_BYTES - PAGE_BYTES)
}

/** The room that a group with a payload of `payloadBytes` takes at most, in bytes; none takes none. */
export function groupCost(payloadBytes: number): number {
  return payloadBytes === 0 ? 0 : alignUp(FRAME_HEADER_BYTES + payloadBytes, PAGE_BYTES)
}

/** The size of a segment that has `usableBytes` of at least `bytes`. */
export function bytesToHold(bytes: number): number {
  return alignUp(bytes, PAGE_BYTES) + SEGMENT_HEADER_BYTES + PAGE_BYTES
}

/** The size of the first segment, and of one made in need. */
export function firstSegmentBytes(limits: Limits): number {
  return alignUp(Math.min(limits.segmentBytesMin, limits.segmentBytesMax), PAGE_BYTES)
}

/** The size of the segment behind one of `currentBytes`. */
export function nextSegmentBytes(currentBytes: number, limits: Limits): number {
  return Math.max(firstSegmentBytes(limits), alignUp(Math.min(currentBytes * 2, limits.segmentBytesMax), PAGE_BYTES))
}

/** How many bytes of a next segment of `targetBytes` should be there when `usedBytes` of `segmentBytes` are used. */
export function preparedGoal(
  current: { readonly segmentBytes: number; readonly usedBytes: number },
  targetBytes: number,
): number {
  const completeAt = current.segmentBytes * COMPLETE_AT
  const rate = Math.max(RATE_MIN, targetBytes / completeAt)
  const startAt = completeAt - targetBytes / rate
  return Math.min(targetBytes, Math.max(0, (current.usedBytes - startAt) * rate))
}
