/**
 * Every intact frame of one segment, behind damage too, found every 512 bytes; without the segment's header if that is damaged.
 *
 *   | header | frame | frame | bad | ? | frame | zeros ...     each frame says by itself that it belongs here
 *
 * A frame carries the nonce, the number and its offset, under its checksum; so where the header is damaged, the first frame that
 * verifies says what the nonce is. Frames of a file whose nonce has another database's mark are none of ours.
 *
 * What it does not do: judge whether something is missing (log-reader.ts). Pinned by test/unit/storage/log/segment-scan.test.ts.
 */
import type { File, Runtime } from '../../runtime/runtime'
import { checkFormatVersion } from '../files/format-version'
import { corruptFile, toProblem } from '../files/file-problem'
import type { FileProblem } from '../files/file-problem'
import { FileWindow } from '../files/file-window'
import type { FrameHeader, SegmentHeader } from './log-format'
import {
  LOG_FORMAT_VERSION, SECTOR_BYTES, SEGMENT_HEADER_BYTES, decodeFrameHeader, decodeSegmentHeader, FRAME_HEADER_BYTES, isFrameIntact,
} from './log-format' // prettier-ignore

/** Bytes that are looked at for zeros at a time. */
const ZEROS_EACH_BYTES = 64 * 1024

/** An intact frame; `bytes` is the whole of it, valid until the next one is asked for. */
export interface ScannedFrame {
  readonly header: FrameHeader
  readonly bytes: Buffer
}

/** Which segment a file should be. */
export interface ScannedSegment {
  readonly number: number
  /** The database's mark; not looked at if undefined. */
  readonly mark: number | undefined
}

/** One segment, open for a walk. */
export class SegmentScan {
  readonly fileBytes: number
  /** What is wrong with the header. */
  readonly headerProblem: FileProblem | undefined
  readonly #file: File
  readonly #window: FileWindow
  readonly #segment: ScannedSegment
  /** Undefined until a frame has told it, if the header did not. */
  #header: SegmentHeader | undefined
  #at = SEGMENT_HEADER_BYTES

  private constructor(file: File, window: FileWindow, segment: ScannedSegment, found: HeaderFound) {
    this.#file = file
    this.#window = window
    this.#segment = segment
    this.fileBytes = window.fileBytes
    this.#header = found.header
    this.headerProblem = found.problem
  }

  /** Opens a segment. Throws `IoError` if the file cannot be opened. */
  static async open(runtime: Runtime, path: string, segment: ScannedSegment): Promise<SegmentScan> {
    const file = await runtime.files.open(path, 'read')
    try {
      const window = new FileWindow(file, await file.size())
      return new SegmentScan(file, window, segment, await readHeader(window, segment))
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /** The mark in the segment's nonce; undefined while that is not known. */
  get mark(): number | undefined {
    return this.#header?.nonce.high
  }

  /** The next intact frame; undefined behind the last one. A stretch that cannot be read is passed. */
  async next(): Promise<ScannedFrame | undefined> {
    for (; this.#at + FRAME_HEADER_BYTES <= this.fileBytes; this.#at += SECTOR_BYTES) {
      const frame = await this.#frameAt(this.#at)
      if (frame === undefined) continue
      this.#at += frame.header.frameBytes
      return frame
    }
    return undefined
  }

  /** Whether anything from `offset` on is not zero, or cannot be read. */
  async isWrittenBehind(offset: number): Promise<boolean> {
    for (let at = Math.max(offset, SEGMENT_HEADER_BYTES); at < this.fileBytes; at += ZEROS_EACH_BYTES) {
      const bytes = await this.#bytes(at, ZEROS_EACH_BYTES)
      if (bytes?.every((byte) => byte === 0) !== true) return true
    }
    return false
  }

  async close(): Promise<void> {
    await this.#file.close()
  }

  async #frameAt(offset: number): Promise<ScannedFrame | undefined> {
    const head = this.#window.loaded(offset, FRAME_HEADER_BYTES) ?? (await this.#bytes(offset, FRAME_HEADER_BYTES))
    if (head === undefined) return undefined
    const segment = this.#header ?? nonceOf(head, this.#segment)
    if (segment === undefined) return undefined
    const header = decodeFrameHeader(head, { header: segment, offset, fileBytes: this.fileBytes })
    if (header === undefined || header.frameBytes < SECTOR_BYTES) return undefined
    const bytes = await this.#bytes(offset, header.frameBytes)
    if (bytes === undefined || bytes.length < header.frameBytes || !isFrameIntact(bytes, header.frameBytes))
      return undefined
    this.#header = segment
    return { header, bytes }
  }

  async #bytes(offset: number, length: number): Promise<Buffer | undefined> {
    try {
      return await this.#window.bytesAt(offset, length)
    } catch (error) {
      toProblem(error, this.#file.path, { offset, length })
      return undefined
    }
  }
}

interface HeaderFound {
  readonly header: SegmentHeader | undefined
  readonly problem: FileProblem | undefined
}

async function readHeader(window: FileWindow, { number, mark }: ScannedSegment): Promise<HeaderFound> {
  const { path } = window.file
  const place = { offset: 0, length: Math.min(SEGMENT_HEADER_BYTES, window.fileBytes) }
  try {
    const header = decodeSegmentHeader(await window.bytesAt(0, SEGMENT_HEADER_BYTES))
    if (header.kind === 'unsupported') {
      checkFormatVersion(header.version, { name: 'log', current: LOG_FORMAT_VERSION, file: path })
    }
    if (header.kind !== 'valid')
      throw corruptFile(path, 0, header.kind === 'invalid' ? header.why : 'its version is unknown')
    if (header.number !== number) throw corruptFile(path, 0, `it says that it is segment ${header.number}`)
    if (mark === undefined || header.nonce.high === mark) return { header, problem: undefined }
    throw corruptFile(path, 0, 'it belongs to another database')
  } catch (error) {
    return { header: undefined, problem: toProblem(error, path, place) }
  }
}

/** The segment that a frame's header speaks of, if it can be this one. */
function nonceOf(head: Buffer, { number, mark }: ScannedSegment): SegmentHeader | undefined {
  if (head.length < FRAME_HEADER_BYTES) return undefined
  const nonce = { low: head.readUInt32LE(8), high: head.readUInt32LE(12) }
  return mark === undefined || nonce.high === mark ? { number, nonce } : undefined
}
