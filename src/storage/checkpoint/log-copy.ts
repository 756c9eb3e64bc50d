/**
 * Copies a stretch of commits out of the log's segments into segments of another directory, which hold these and no others.
 *
 *     origin:  | 5 6 | 7 8 9 | 10 |        a group ends where it will: the last one wanted may stand in the middle of a frame
 *     wanted 6 to 8
 *     copy:    | 6 7 8 |                   frames of its own, in segments of its own, under a mark of its own
 *
 * 1. Every commit from the first to the last is copied, byte for byte, or it fails: never fewer, never one more.
 * 2. The frames are made anew, for a frame cannot be cut without: its checksum covers all of it. So small groups become one frame,
 *    and the segments carry the mark of the new database: the origin's go on under the old one and never fit here.
 * 3. Each segment is synced when it is complete. Nothing refers to it before everything else is complete too, so each frame can
 *    promise that what stands before it is durable.
 *
 * It reads beside the log's own writes: what is wanted was published, so it is written, and nothing behind it is looked at.
 * Pinned by test/unit/storage/checkpoint/log-copy.test.ts and test/crash/checkpoint.test.ts.
 */
import { assert } from '../../base/assert'
import { CorruptionError } from '../../base/errors'
import type { Sequence } from '../../base/sequence'
import type { File, Runtime } from '../../runtime/runtime'
import type { LogEnd, LogPosition } from '../log/log-contract'
import { FRAME_HEADER_BYTES, PAGE_BYTES, SEGMENT_HEADER_BYTES, alignUp, encodeFrame, encodeSegmentHeader, segmentFileName } from '../log/log-format' // prettier-ignore
import type { Nonce } from '../log/log-format'
import { FrameReader } from '../log/log-frame-reader'
import type { LogSource } from '../log/log-reader'
import type { WantedCommits } from './frame-cut'
import { cutFrame } from './frame-cut'

/** Commits are gathered into frames of up to this many bytes; a larger group stays one frame. */
const FRAME_PAYLOAD_BYTES_MAX = 1024 * 1024

/** Where the copy goes. */
export interface LogCopyTarget {
  readonly directory: string
  /** The number of its first segment. */
  readonly firstSegment: number
  readonly databaseMark: number
  /** The size from which on another segment is begun. */
  readonly segmentBytesMax: number
}

/** What was written. */
export interface LogCopy {
  /** Numbers of segments, ascending; none if no commit was wanted. */
  readonly segments: readonly number[]
  /** Behind the last frame; undefined where there is none. */
  readonly end: LogEnd | undefined
  readonly bytes: number
}

/**
 * Copies `wanted` from the segments of `source`, which may begin earlier and go on further. `mayLack` is a commit that need not be in
 * the log, if it is the last one wanted. `onFile` is told the name of each file before it is created; `checkWanted` may end it all
 * by throwing. Throws `CorruptionError` if a commit is missing, `IoError`, `DiskFullError`.
 */
export async function copyLog(
  runtime: Runtime,
  source: LogSource,
  target: LogCopyTarget,
  options: {
    readonly wanted: WantedCommits
    readonly mayLack: Sequence | undefined
    readonly onFile: (name: string) => void
    readonly checkWanted: () => void
  },
): Promise<LogCopy> {
  const { wanted, mayLack, onFile, checkWanted } = options
  const writer = new CopyWriter(runtime, target, onFile)
  try {
    let next = wanted.first
    for (const number of source.numbers) {
      if (next > wanted.last) break
      const reader = await FrameReader.open(runtime, source.directory, number)
      try {
        next = await copySegment(reader, writer, { wanted: { first: next, last: wanted.last }, checkWanted })
      } finally {
        await reader.close()
      }
    }
    if (next < wanted.last || (next === wanted.last && next !== mayLack)) throw missing(runtime, source, next)
    return await writer.finish()
  } finally {
    await writer.close()
  }
}

/** Copies what one segment has of them; the next commit that is wanted then. */
async function copySegment(
  reader: FrameReader,
  writer: CopyWriter,
  options: { readonly wanted: WantedCommits; readonly checkWanted: () => void },
): Promise<Sequence> {
  const { last } = options.wanted
  let next = options.wanted.first
  let offset = SEGMENT_HEADER_BYTES
  while (next <= last) {
    const frame = await reader.frameAt(offset)
    if (frame === undefined) break
    const cut = cutFrame(frame, { first: next, last })
    if (cut.kind === 'bad') throw damaged(reader.path, offset, cut.why)
    if (cut.kind === 'cut') {
      options.checkWanted()
      await writer.add(frame.bytes.subarray(cut.start, cut.end), cut)
      next = cut.last + 1
    }
    offset += frame.header.frameBytes
  }
  return next
}

interface OpenSegment {
  readonly number: number
  readonly nonce: Nonce
  readonly file: File
  offset: number
  ordinal: number
}

/** Writes the frames of the copy. */
class CopyWriter {
  readonly #runtime: Runtime
  readonly #target: LogCopyTarget
  readonly #onFile: (name: string) => void
  readonly #segments: number[] = []
  #segment: OpenSegment | undefined
  /** Room for a frame's header, then what is gathered, then its padding. */
  #frame = Buffer.alloc(FRAME_HEADER_BYTES + FRAME_PAYLOAD_BYTES_MAX + PAGE_BYTES)
  #frameEnd = FRAME_HEADER_BYTES
  #gathered: WantedCommits | undefined
  #end: LogEnd | undefined
  #bytes = 0

  constructor(runtime: Runtime, target: LogCopyTarget, onFile: (name: string) => void) {
    this.#runtime = runtime
    this.#target = target
    this.#onFile = onFile
  }

  /** More commits; their bytes are copied. */
  async add(bytes: Buffer, { first, last }: WantedCommits): Promise<void> {
    const payloadBytes = this.#frameEnd - FRAME_HEADER_BYTES
    if (payloadBytes + bytes.length > FRAME_PAYLOAD_BYTES_MAX) await this.#writeFrame()
    const end = this.#frameEnd + bytes.length
    if (end + PAGE_BYTES > this.#frame.length) {
      assert(this.#gathered === undefined, 'only one large group by itself takes more than there is room for')
      this.#frame = Buffer.alloc(end + PAGE_BYTES)
    }
    this.#frame.set(bytes, this.#frameEnd)
    this.#frameEnd = end
    this.#gathered = { first: this.#gathered?.first ?? first, last }
  }

  /** Everything is synced when this resolves. */
  async finish(): Promise<LogCopy> {
    await this.#writeFrame()
    await this.#endSegment()
    return { segments: this.#segments, end: this.#end, bytes: this.#bytes }
  }

  /** Lets go of the file, wherever it ended. */
  async close(): Promise<void> {
    const segment = this.#segment
    this.#segment = undefined
    await segment?.file.close()
  }

  async #writeFrame(): Promise<void> {
    const commits = this.#gathered
    if (commits === undefined) return
    const frameBytes = alignUp(this.#frameEnd, PAGE_BYTES)
    const segment = await this.#segmentFor(frameBytes)
    const { number, nonce, offset, ordinal } = segment
    const checksum = encodeFrame(
      {
        nonce,
        segment: number,
        ordinal,
        offset,
        frameBytes,
        payloadBytes: this.#frameEnd - FRAME_HEADER_BYTES,
        commits: commits.last - commits.first + 1,
        firstSequence: commits.first,
        lastSequence: commits.last,
        previousChecksum: this.#end?.checksum ?? 0,
        promise: this.#promise(segment),
      },
      this.#frame,
    )
    await segment.file.write(this.#frame.subarray(0, frameBytes), offset)
    segment.offset += frameBytes
    segment.ordinal++
    this.#bytes += frameBytes
    this.#end = { segment: number, offset: segment.offset, sequence: commits.last, checksum }
    this.#frameEnd = FRAME_HEADER_BYTES
    this.#gathered = undefined
  }

  /** Where this frame begins; for the first one of a later segment, where the segment before it ended (log-format.ts). */
  #promise(segment: OpenSegment): LogPosition {
    const isLater = segment.ordinal === 0 && this.#end !== undefined
    return isLater ? this.#end! : { segment: segment.number, offset: segment.offset }
  }

  async #segmentFor(frameBytes: number): Promise<OpenSegment> {
    const current = this.#segment
    const isFull = current !== undefined && current.offset + frameBytes > this.#target.segmentBytesMax
    if (current !== undefined && (!isFull || current.ordinal === 0)) return current
    await this.#endSegment()
    return this.#beginSegment()
  }

  async #beginSegment(): Promise<OpenSegment> {
    const { files, random } = this.#runtime
    const { directory, firstSegment, databaseMark } = this.#target
    const number = firstSegment + this.#segments.length
    const name = segmentFileName(number)
    this.#onFile(name)
    const file = await files.open(files.join(directory, name), 'create')
    const segment = { number, nonce: { low: random.u32(), high: databaseMark }, file, offset: SEGMENT_HEADER_BYTES, ordinal: 0 } // prettier-ignore
    this.#segment = segment
    this.#segments.push(number)
    const header = Buffer.alloc(SEGMENT_HEADER_BYTES)
    encodeSegmentHeader(segment, header)
    await file.write(header, 0)
    this.#bytes += header.length
    return segment
  }

  async #endSegment(): Promise<void> {
    await this.#segment?.file.sync()
    await this.close()
  }
}

function damaged(path: string, offset: number, why: string): CorruptionError {
  return new CorruptionError(`Cannot copy the log: "${path}" is damaged at offset ${offset}: ${why}`, path, offset)
}

function missing(runtime: Runtime, source: LogSource, sequence: Sequence): CorruptionError {
  const last = source.numbers.at(-1)
  const path = last === undefined ? source.directory : runtime.files.join(source.directory, segmentFileName(last))
  return new CorruptionError(`Cannot copy the log: commit ${sequence} is not to be found up to the end of "${path}"`, path, 0) // prettier-ignore
}
