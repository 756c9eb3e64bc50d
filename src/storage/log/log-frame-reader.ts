/**
 * Reads one segment file: its header, the frame at a place, and what can be found by probing.
 *
 * The file is read through a window that grows to the frame at hand, never beyond what the file itself has: a hostile
 * length allocates nothing. Nothing is judged here: whether a missing frame is an end, a torn tail or corruption is
 * log-reader.ts. Pinned by test/unit/storage/log/log-hostile.test.ts.
 */
import { assert } from '../../base/assert'
import { CorruptionError } from '../../base/errors'
import type { File, Runtime } from '../../runtime/runtime'
import { checkFormatVersion } from '../files/format-version'
import type { FrameHeader, SegmentHeader } from './log-format'
import {
  LOG_FORMAT_VERSION,
  decodeFrameHeader,
  decodeSegmentHeader,
  FRAME_HEADER_BYTES,
  frameChecksum,
  isFrameIntact,
  SECTOR_BYTES,
  SEGMENT_HEADER_BYTES,
  segmentFileName,
} from './log-format'

const WINDOW_BYTES = 1024 * 1024

/** A frame that matches its checksum. `bytes` is the whole frame, valid until the next call. */
export interface IntactFrame {
  readonly header: FrameHeader
  readonly checksum: number
  readonly bytes: Buffer
}

/** One segment, open for reading. */
export class FrameReader {
  readonly path: string
  readonly header: SegmentHeader
  readonly fileBytes: number
  readonly #file: File
  #window: Buffer
  #windowStart = 0
  #windowBytes = 0

  private constructor(file: File, header: SegmentHeader, fileBytes: number, window: Buffer) {
    this.path = file.path
    this.header = header
    this.fileBytes = fileBytes
    this.#file = file
    this.#window = window
  }

  /**
   * Opens a segment that the manifest names, whose header was therefore durable.
   * Throws `CorruptionError` if it is missing or its header is damaged, `UnsupportedFormatError`, `IoError`.
   */
  static async open(runtime: Runtime, directory: string, number: number): Promise<FrameReader> {
    const path = runtime.files.join(directory, segmentFileName(number))
    const status = await runtime.files.status(path)
    if (status?.kind !== 'file') {
      const why = status === undefined ? 'it is missing' : 'it is no file'
      throw new CorruptionError(`Cannot read log segment "${path}", which the manifest names: ${why}`, path, 0)
    }
    const file = await runtime.files.open(path, 'read')
    try {
      const fileBytes = await file.size()
      const window = Buffer.allocUnsafeSlow(Math.min(WINDOW_BYTES, Math.max(fileBytes, SEGMENT_HEADER_BYTES)))
      const headerBytes = await file.read(window, 0, SEGMENT_HEADER_BYTES, 0)
      const header = checkedHeader(window.subarray(0, headerBytes), path, number)
      return new FrameReader(file, header, fileBytes, window)
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /** The frame at `offset`, if there is one that belongs there and is intact. */
  async frameAt(offset: number): Promise<IntactFrame | undefined> {
    const head = await this.#bytesAt(offset, FRAME_HEADER_BYTES)
    const header = decodeFrameHeader(head, { header: this.header, offset, fileBytes: this.fileBytes })
    if (header === undefined) return undefined
    const bytes = await this.#bytesAt(offset, header.frameBytes)
    if (bytes.length < header.frameBytes || !isFrameIntact(bytes, header.frameBytes)) return undefined
    return { header, checksum: frameChecksum(bytes), bytes }
  }

  /** Whether nothing was ever written at `offset`, as far as one sector tells. */
  async isBlankAt(offset: number): Promise<boolean> {
    const sector = await this.#bytesAt(offset, SECTOR_BYTES)
    return sector.every((byte) => byte === 0)
  }

  /** The first intact frame from `offset` on, wherever it stands, that `wanted` accepts. */
  async probe(offset: number, wanted: (frame: IntactFrame) => boolean): Promise<IntactFrame | undefined> {
    for (let at = offset; at < this.fileBytes; at += SECTOR_BYTES) {
      if (this.#isBlankInWindow(at)) continue
      const frame = await this.frameAt(at)
      if (frame !== undefined && wanted(frame)) return frame
    }
    return undefined
  }

  async close(): Promise<void> {
    await this.#file.close()
  }

  /** Whether the window shows that no frame begins at `offset`: millions of blank sectors are passed without an await. */
  #isBlankInWindow(offset: number): boolean {
    const at = offset - this.#windowStart
    return at >= 0 && at + 8 <= this.#windowBytes && this.#window.readUInt32LE(at + 4) === 0
  }

  /** Up to `length` bytes at `offset`, fewer only at the end of the file. */
  async #bytesAt(offset: number, length: number): Promise<Buffer> {
    const wanted = Math.max(0, Math.min(length, this.fileBytes - offset))
    const at = offset - this.#windowStart
    if (at < 0 || at + wanted > this.#windowBytes) await this.#moveWindow(offset, wanted)
    const start = offset - this.#windowStart
    return this.#window.subarray(start, start + Math.min(wanted, this.#windowBytes - start))
  }

  async #moveWindow(offset: number, wanted: number): Promise<void> {
    if (wanted > this.#window.length) this.#window = Buffer.allocUnsafeSlow(wanted)
    this.#windowBytes = 0
    this.#windowStart = offset
    while (this.#windowBytes < this.#window.length) {
      const room = this.#window.length - this.#windowBytes
      const count = await this.#file.read(this.#window, this.#windowBytes, room, offset + this.#windowBytes)
      if (count === 0) return
      this.#windowBytes += count
    }
  }
}

function checkedHeader(page: Buffer, path: string, number: number): SegmentHeader {
  const header = decodeSegmentHeader(page)
  if (header.kind === 'unsupported') {
    checkFormatVersion(header.version, { name: 'log', current: LOG_FORMAT_VERSION, file: `segment "${path}"` })
    assert(false, 'a version that is ours is supported')
  }
  if (header.kind === 'invalid') throw new CorruptionError(`Cannot read log segment "${path}": ${header.why}`, path, 0)
  if (header.number !== number) {
    throw new CorruptionError(`Cannot read log segment "${path}": it says that it is segment ${header.number}`, path, 0)
  }
  return header
}
