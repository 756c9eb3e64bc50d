/**
 * The versions of one key in the segments of a log, in every frame that verifies.
 *
 * A segment that another process writes to or removes meanwhile is read as far as it goes: a group on its way does not verify yet.
 * Frames behind a stretch that does not verify are read too, and those of a segment whose header does not; the stretch is named as damage only where no process is writing and
 * something other than zeros lies in it, because versions may have been there.
 *
 * Memory: a window of the file, at most one frame. Pinned by test/unit/storage/inspect/history.test.ts.
 */
import { keyToBuffer } from '../../base/bytes'
import type { Runtime } from '../../runtime/runtime'
import { ENTRY_DELETE_RANGE, ENTRY_PUT } from '../engine'
import { FRAME_HEADER_BYTES, SECTOR_BYTES, SEGMENT_HEADER_BYTES, segmentFileName } from '../log/log-format'
import { FrameReader } from '../log/log-frame-reader'
import type { IntactFrame } from '../log/log-frame-reader'
import { BatchCursor } from '../rows/batch-codec'
import { framesWithoutHeader } from './headless-segment'
import type { HistoryGathering } from './history-gathering'
import { toDamageOrGone } from './picture'

/** Which segments, and whether somebody writes to them. */
export interface LogSegments {
  readonly directory: string
  readonly numbers: readonly number[]
  readonly isInUse: boolean
  /** The database's mark; undefined where it is not known. */
  readonly mark?: number | undefined
}

/** Adds what the segments have of the key. Throws what is neither damage nor an `IoError`. */
export async function gatherFromLog(runtime: Runtime, log: LogSegments, gathering: HistoryGathering): Promise<void> {
  for (const number of log.numbers) {
    const file = runtime.files.join(log.directory, segmentFileName(number))
    const trouble = async (error: unknown): Promise<void> => {
      const item = await toDamageOrGone(runtime, error, { file, isInUse: log.isInUse })
      if (item.kind === 'damage') gathering.damage({ ...item, what: `${item.what}; versions in it may be missing` })
    }
    let reader: FrameReader | undefined
    try {
      reader = await FrameReader.open(runtime, log.directory, number)
      await gatherFromSegment(reader, log.isInUse, gathering)
    } catch (error) {
      await trouble(error)
      if (reader === undefined) await gatherWithoutHeader(runtime, file, { number, log, error }, gathering).catch(trouble) // prettier-ignore
    } finally {
      await reader?.close()
    }
  }
}

async function gatherWithoutHeader(
  runtime: Runtime,
  path: string,
  { number, log, error }: { readonly number: number; readonly log: LogSegments; readonly error: unknown },
  gathering: HistoryGathering,
): Promise<void> {
  const walk = new FrameWalk(gathering)
  const segment = { number, mark: log.mark }
  for await (const frame of framesWithoutHeader(runtime, path, { segment, error })) walk.frame(frame, path)
}

async function gatherFromSegment(reader: FrameReader, isInUse: boolean, gathering: HistoryGathering): Promise<void> {
  const walk = new FrameWalk(gathering)
  for (let offset = SEGMENT_HEADER_BYTES; offset < reader.fileBytes;) {
    const frame = await reader.frameAt(offset)
    if (frame !== undefined) {
      walk.frame(frame, reader.path)
      offset += frame.header.frameBytes
      continue
    }
    const isBlank = await reader.isBlankAt(offset)
    const next = await reader.probe(offset + SECTOR_BYTES, () => true)
    if (!isInUse && !(isBlank && next === undefined)) {
      const what = 'no frame verifies there; versions may have been in it'
      gathering.damage({ file: reader.path, offset, what })
    }
    if (next === undefined) return
    offset = next.header.offset
  }
}

/** Looks through frames for one key. */
class FrameWalk {
  readonly #gathering: HistoryGathering
  readonly #key: Buffer
  readonly #cursor = new BatchCursor()

  constructor(gathering: HistoryGathering) {
    this.#gathering = gathering
    this.#key = keyToBuffer(gathering.key)
  }

  frame({ header, bytes }: IntactFrame, file: string): void {
    const cursor = this.#cursor
    const end = FRAME_HEADER_BYTES + header.payloadBytes
    const place = { in: 'log', file, offset: header.offset } as const
    let at = FRAME_HEADER_BYTES
    for (let i = 0; i < header.commits; i++) {
      const sequence = header.firstSequence + i
      if (!cursor.open(bytes, at, end)) return
      while (cursor.next()) {
        if (cursor.kind === ENTRY_DELETE_RANGE) {
          const { key: start, end: rangeEnd } = cursor.entry()
          this.#gathering.deleteRange(sequence, { start, end: rangeEnd }, place)
        } else if (this.#isKey(cursor)) {
          const value = { bytes: cursor.bytes, at: cursor.valueAt, length: cursor.valueLength }
          if (cursor.kind === ENTRY_PUT) this.#gathering.put(sequence, value, place)
          else this.#gathering.delete(sequence, place)
        }
      }
      at = cursor.end
    }
  }

  #isKey({ bytes, keyAt, keyLength }: BatchCursor): boolean {
    if (keyLength !== this.#key.length) return false
    return keyLength === 0 || this.#key.compare(bytes, keyAt, keyAt + keyLength) === 0
  }
}
