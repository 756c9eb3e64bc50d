/**
 * Writes frames into the current segment, one at a time, and knows how far the log is durable.
 *
 *     position -> | frame | frame | ...     each frame chained to the one before by its checksum
 *     durable  ->   the last position that a sync has covered; the next frame carries it as its promise
 *
 * 1. One frame is in flight; the next is written only after it has ended well. After a failure nothing is written at all.
 * 2. A frame that is synced ends on a page, so that no acknowledged page is ever written again.
 * 3. A segment is left only when everything in it is durable; the first frame of the next one says so.
 *
 * It decides nothing: what is written when is log.ts. Pinned by test/unit/storage/log/log.test.ts and log-crash.test.ts.
 * Spec: WalCommit!WriteGroup, WalCommit!Witness, WalCommit!SwitchSegment.
 */
import { assert } from '../../base/assert'
import type { Sequence } from '../../base/sequence'
import type { IoThread, IoTimes } from '../../runtime/runtime'
import { DurationHistogram } from './duration-histogram'
import type { DurationFigures } from './duration-histogram'
import type { LogEnd, LogPosition, SegmentStatus } from './log-contract'
import { alignUp, comparePositions, encodeFrame, FRAME_HEADER_BYTES, PAGE_BYTES, SECTOR_BYTES, SEGMENT_HEADER_BYTES } from './log-format' // prettier-ignore
import { allocated } from './log-group'
import type { LogGroup } from './log-group'
import { usableBytes } from './log-pace'
import type { Segment } from './log-supply'

/** A frame of up to so many bytes that is not synced is written at once, without waking the thread for it: some microseconds. */
const AT_ONCE_BYTES_MAX = 64 * 1024

/** Told once how a frame ended, after the writer's own state has followed. */
export type WriteDone = (error: Error | undefined) => void

/** How a frame without commits is written. */
interface EmptyFrame {
  readonly endsOn: number
  readonly sync: boolean
}

/** Where the log stood before its first segment. */
export interface WriterStart {
  readonly lastSequence: Sequence
  readonly previous: LogEnd | undefined
}

/** The end of the log. */
export class LogWriter {
  readonly #thread: IoThread
  readonly #emptyFrame: Buffer
  #segment: Segment
  #firstSequence: Sequence
  #lastSequence: Sequence
  #offset = SEGMENT_HEADER_BYTES
  #ordinal = 0
  #checksum: number
  #durable: LogPosition
  #promised: LogPosition
  #isBusy = false
  #hasFailed = false
  #bytesWritten = 0
  #syncs = 0
  readonly #writes = new DurationHistogram()
  readonly #syncTimes = new DurationHistogram()

  constructor(thread: IoThread, segment: Segment, start: WriterStart) {
    this.#thread = thread
    this.#emptyFrame = allocated(thread, PAGE_BYTES)
    this.#segment = segment
    this.#firstSequence = start.lastSequence + 1
    this.#lastSequence = start.lastSequence
    this.#checksum = start.previous?.checksum ?? 0
    this.#durable = start.previous ?? { segment: segment.number, offset: SEGMENT_HEADER_BYTES }
    this.#promised = this.#durable
  }

  /** Whether a frame is in flight. */
  get isBusy(): boolean {
    return this.#isBusy
  }

  /** Whether a sync has covered every frame. */
  get isDurable(): boolean {
    return this.#durable.segment === this.#segment.number ? this.#durable.offset === this.#offset : this.#ordinal === 0
  }

  /** Whether some frame bears witness to everything that is durable. */
  get isWitnessed(): boolean {
    return comparePositions(this.#promised, this.#durable) >= 0
  }

  /** Room for groups in the current segment, in bytes of whole pages. */
  get roomBytes(): number {
    return SEGMENT_HEADER_BYTES + usableBytes(this.#segment.bytes) - alignUp(this.#offset, PAGE_BYTES)
  }

  /** How far the current segment is used. */
  get usage(): { readonly segmentBytes: number; readonly usedBytes: number } {
    return { segmentBytes: this.#segment.bytes, usedBytes: this.#offset }
  }

  get status(): SegmentStatus {
    const { number, bytes } = this.#segment
    return { number, bytes, firstSequence: this.#firstSequence, lastSequence: this.#lastSequence }
  }

  /** The file of the current segment. */
  get path(): string {
    return this.#segment.path
  }

  /** Where the log ends. */
  get end(): LogEnd {
    const checksum = this.#ordinal === 0 ? 0 : this.#checksum
    return { segment: this.#segment.number, offset: this.#offset, sequence: this.#lastSequence, checksum }
  }

  get bytesWritten(): number {
    return this.#bytesWritten
  }

  get syncs(): number {
    return this.#syncs
  }

  /** What writing frames took, and syncing them. */
  get times(): { readonly writes: DurationFigures; readonly syncTimes: DurationFigures } {
    return { writes: this.#writes.figures(), syncTimes: this.#syncTimes.figures() }
  }

  /** Writes a group's frame. REQUIRES: not busy, `roomBytes` suffices, the group holds a commit and stays as it is. */
  writeGroup(group: LogGroup, sync: boolean, done: WriteDone): void {
    const { frame, payloadBytes, commits, lastSequence } = group
    const end = alignUp(this.#offset + FRAME_HEADER_BYTES + payloadBytes, sync ? PAGE_BYTES : SECTOR_BYTES)
    this.#submit(frame, { payloadBytes, commits, lastSequence, end, sync }, done)
  }

  /** Makes everything written durable: behind an unfinished page with an empty frame that finishes it. REQUIRES: not busy. */
  seal(done: WriteDone): void {
    if (this.#offset % PAGE_BYTES === 0) this.#submitSync(done)
    else this.#submitEmpty({ endsOn: PAGE_BYTES, sync: true }, done)
  }

  /** Bears witness to what is durable, without a sync. REQUIRES: not busy, room for a page. */
  witness(done: WriteDone): void {
    this.#submitEmpty({ endsOn: SECTOR_BYTES, sync: false }, done)
  }

  /** The last frame of all: bears witness, is synced, and has its room kept in every segment. REQUIRES: not busy. */
  conclude(done: WriteDone): void {
    this.#submitEmpty({ endsOn: PAGE_BYTES, sync: true }, done)
  }

  /** Goes on in `segment`; the old one's file is closed. REQUIRES: not busy, everything durable (invariant 3). */
  switchTo(segment: Segment): void {
    assert(!this.#isBusy && this.isDurable, 'a segment is left only when everything in it is durable')
    assert(segment.number > this.#segment.number, 'numbers of segments ascend')
    this.#durable = { segment: this.#segment.number, offset: this.#offset }
    void this.#segment.file.close()
    this.#segment = segment
    this.#firstSequence = this.#lastSequence + 1
    this.#offset = SEGMENT_HEADER_BYTES
    this.#ordinal = 0
  }

  async close(): Promise<void> {
    await this.#segment.file.close()
  }

  #submitEmpty(frame: EmptyFrame, done: WriteDone): void {
    const end = alignUp(this.#offset + FRAME_HEADER_BYTES, frame.endsOn)
    const lastSequence = this.#lastSequence
    this.#submit(this.#emptyFrame, { payloadBytes: 0, commits: 0, lastSequence, end, sync: frame.sync }, done)
  }

  /** ATOMIC: no await. Completes the frame in `memory` and hands it to the thread. */
  #submit(
    memory: Buffer,
    frame: { payloadBytes: number; commits: number; lastSequence: Sequence; end: number; sync: boolean },
    done: WriteDone,
  ): void {
    this.#begin()
    const { payloadBytes, commits, lastSequence, end, sync } = frame
    assert(end <= this.#segment.bytes, 'a frame stays within what was written ahead')
    assert(lastSequence === this.#lastSequence + commits, 'sequences are consecutive')
    const offset = this.#offset
    const frameBytes = end - offset
    const promise = this.#durable
    this.#checksum = encodeFrame(
      {
        nonce: this.#segment.nonce,
        segment: this.#segment.number,
        ordinal: this.#ordinal,
        offset,
        frameBytes,
        payloadBytes,
        commits,
        firstSequence: this.#lastSequence + 1,
        lastSequence,
        previousChecksum: this.#checksum,
        promise,
      },
      memory,
    )
    this.#ordinal++
    this.#offset = end
    this.#lastSequence = lastSequence
    this.#bytesWritten += frameBytes
    const bytes = memory.subarray(0, frameBytes)
    const atOnce = !sync && frameBytes <= AT_ONCE_BYTES_MAX
    this.#thread.submit({ file: this.#segment.file, bytes, position: offset, sync, atOnce }, (error, times) => {
      if (error === undefined) this.#promised = promise
      if (error === undefined && times !== undefined) this.#writes.record(times.writeMs)
      this.#ended(error, { sync, times }, done)
    })
  }

  #submitSync(done: WriteDone): void {
    this.#begin()
    const bytes = this.#emptyFrame.subarray(0, 0)
    this.#thread.submit({ file: this.#segment.file, bytes, position: this.#offset, sync: true }, (error, times) =>
      this.#ended(error, { sync: true, times }, done),
    )
  }

  #begin(): void {
    assert(!this.#isBusy, 'one frame is in flight')
    assert(!this.#hasFailed, 'nothing is written after a failure')
    this.#isBusy = true
  }

  #ended(
    error: Error | undefined,
    { sync, times }: { readonly sync: boolean; readonly times: IoTimes | undefined },
    done: WriteDone,
  ): void {
    if (error === undefined && sync && times !== undefined) this.#syncTimes.record(times.syncMs)
    this.#isBusy = false
    this.#hasFailed = error !== undefined
    if (error === undefined && sync) {
      this.#syncs++
      this.#durable = { segment: this.#segment.number, offset: this.#offset }
    }
    done(error)
  }
}
