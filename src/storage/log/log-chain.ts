/**
 * The segments that an open log holds: those kept for the flush, the one being written, and the change from one to the next.
 *
 *     retained | retained | current | next (log-supply.ts)
 *
 * Segments grow with the load and stay as large when it ends. `startOver` gives the space back once everything is in tables:
 * it goes on in the least segment, and the large ones become droppable. A segment of the chain is never skipped: one that
 * the manifest names gets a frame before it is left, for recovery follows the promise of each first frame to the end before.
 *
 * Whoever reads segments beside the log pins them: what is dropped meanwhile keeps its file until the last pin is let go.
 *
 * Pinned by test/unit/storage/log/log-at-rest.test.ts, log-crash.test.ts and log.test.ts.
 */
import { assert } from '../../base/assert'
import type { Limits } from '../../base/limits'
import type { Files } from '../../runtime/runtime'
import type { RetainedSegment, SegmentStatus } from './log-contract'
import { firstSegmentBytes } from './log-pace'
import type { SegmentSupply } from './log-supply'
import type { LogWriter } from './log-writer'

/** So many of the least segments may stay on disk when nothing in them is needed. */
const SEGMENTS_AT_REST_MAX = 4

/** What a log's chain is made of. */
interface ChainParts {
  readonly files: Files
  readonly limits: Limits
  readonly supply: SegmentSupply
  readonly writer: LogWriter
}

/** What starting over asks of the log. */
export interface LogAtRest {
  /** Whether nothing is in flight, not durable or reserved, and the log has not failed. */
  isQuiet(): boolean
  /** Writes and syncs a frame without commits. Resolves also if that failed. */
  conclude(): Promise<void>
}

/** The segments of one log, oldest first. */
export class LogChain {
  readonly #parts: ChainParts
  #retained: RetainedSegment[] = []
  #pins = 0
  /** Files of dropped segments that somebody may still read. */
  #dropped: string[] = []

  constructor(parts: ChainParts) {
    this.#parts = parts
  }

  /** The segments still held, oldest first; the last one is being written. */
  statuses(): SegmentStatus[] {
    const held = this.#retained.map(({ number, bytes, firstSequence, lastSequence }) => ({ number, bytes, firstSequence, lastSequence })) // prettier-ignore
    return [...held, this.#parts.writer.status]
  }

  /** Bytes of all files, the prepared part of the next one included. */
  get bytesOnDisk(): number {
    return this.statuses().reduce((sum, { bytes }) => sum + bytes, this.#parts.supply.nextBytes)
  }

  /** Whether the files are larger than a log without load has them. */
  get isLarge(): boolean {
    return this.bytesOnDisk > SEGMENTS_AT_REST_MAX * firstSegmentBytes(this.#parts.limits)
  }

  /** Goes on in the next segment. REQUIRES: there is one that is ready, and everything written is durable. */
  advance(): void {
    const { writer, supply } = this.#parts
    this.#retained.push({ ...writer.status, path: writer.path })
    writer.switchTo(supply.take())
  }

  /** Removes the files of segments below `number`. REQUIRES: the manifest edit that drops them is synced. Throws `IoError`. */
  async dropBefore(number: number): Promise<void> {
    const { writer } = this.#parts
    assert(number <= writer.status.number, 'the segment that is being written is not dropped')
    const dropped = this.#retained.filter((segment) => segment.number < number)
    this.#retained = this.#retained.filter((segment) => segment.number >= number)
    await this.#remove(dropped.map(({ path }) => path))
  }

  /** Removes the files of all segments. REQUIRES: the log is closed, the edit that drops them is synced. Throws `IoError`. */
  async dropAll(): Promise<void> {
    const { writer, supply } = this.#parts
    const paths = [...this.#retained.map(({ path }) => path), writer.path, supply.nextPath]
    this.#retained = []
    await this.#remove(paths.filter((path) => path !== undefined))
  }

  /** The segments held now, oldest first, whose files stay until `unpin`. */
  pin(): SegmentStatus[] {
    this.#pins++
    return this.statuses()
  }

  /** Lets go of the files that one `pin` kept. Throws `IoError` if one could not be removed. */
  async unpin(): Promise<void> {
    assert(this.#pins > 0, 'segments are let go once per pin')
    this.#pins--
    await this.#remove([])
  }

  /** Removes files, and those that were kept for somebody, unless somebody reads them still. */
  async #remove(paths: readonly string[]): Promise<void> {
    this.#dropped.push(...paths)
    if (this.#pins > 0) return
    const removed = this.#dropped
    this.#dropped = []
    for (const path of removed) await this.#parts.files.remove(path)
  }

  /**
   * Goes on in the least segment, if the files are large. Wherever a segment would be left while it is not quiet, or has failed,
   * everything stays as it is by then.
   */
  async startOver(log: LogAtRest): Promise<void> {
    const { supply } = this.#parts
    if (!this.isLarge || !log.isQuiet()) return
    if (supply.roomBytes > 0) {
      this.advance()
      await log.conclude()
    }
    await supply.startOver()
    if (log.isQuiet() && supply.roomBytes > 0) this.advance()
  }
}
