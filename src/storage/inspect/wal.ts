/**
 * A look inside the log: its segments, their frames, on request every commit and entry, and where it ends and why.
 *
 *   store, (segment, (frame, (commit, entry*)*, stretch)*)*, damage*, end
 *
 * Frames are listed wherever they verify, behind damage too; what lies between them is a `stretch`. Those of a segment whose header is
 * damaged follow the damage, without a segment or stretches between them. Whether a stretch is damage, a torn
 * tail or nothing at all is not judged here: the end is what recovery itself says of these files (log-reader.ts), which reads them
 * once more and writes nothing.
 *
 * Memory: a window of the file, at most one frame. Pinned by test/unit/storage/inspect/inspect-wal.test.ts.
 */
import type { Sequence } from '../../base/sequence'
import type { Runtime } from '../../runtime/runtime'
import { ENTRY_DELETE, ENTRY_PUT } from '../engine'
import { parseFileName } from '../files/file-names'
import type { LogPosition } from '../log/log-contract'
import { FRAME_HEADER_BYTES, SECTOR_BYTES, SEGMENT_HEADER_BYTES, segmentFileName } from '../log/log-format'
import type { Nonce } from '../log/log-format'
import { FrameReader } from '../log/log-frame-reader'
import type { IntactFrame } from '../log/log-frame-reader'
import { databaseMarkOf } from '../manifest/database-mark'
import { BatchCursor } from '../rows/batch-codec'
import { framesWithoutHeader } from './headless-segment'
import type { DamageItem, GoneItem, Picture, StoreItem } from './picture'
import { takePicture, toDamageOrGone, toStoreItem } from './picture'
import { judgeLog } from './wal-end'
import type { WalEndItem } from './wal-end'

/** A segment file, or one that should be there. */
export interface SegmentItem {
  readonly kind: 'segment'
  readonly file: string
  readonly number: number
  readonly fileBytes: number
  /** 'named': the manifest needs it; 'orphan': it does not; 'unknown': the manifest cannot be read. */
  readonly standing: 'named' | 'orphan' | 'unknown'
  /** Half of it is the mark of the database; 16 hexadecimal digits. */
  readonly nonce: string
}

/** A frame that verifies: one group of commits, or an empty one that only bears witness. */
export interface FrameItem {
  readonly kind: 'frame'
  readonly segment: number
  readonly offset: number
  readonly ordinal: number
  readonly frameBytes: number
  readonly payloadBytes: number
  readonly commits: number
  readonly firstSequence: Sequence
  readonly lastSequence: Sequence
  /** The log was durable up to here when the frame was written. */
  readonly promise: LogPosition
  /** Whether its ordinal and checksum go on from the frame listed before it. */
  readonly isContinuous: boolean
}

/** A commit of the frame before. */
export interface CommitItem {
  readonly kind: 'commit'
  readonly sequence: Sequence
  readonly entries: number
}

/** An entry of the commit before. */
export interface EntryItem {
  readonly kind: 'entry'
  readonly sequence: Sequence
  readonly entry: 'put' | 'delete' | 'delete range'
  /** The key, or the start of the range. */
  readonly key: Uint8Array
  /** The end of a range, undefined for the other kinds and for one that reaches to the last key. */
  readonly end: Uint8Array | undefined
  /** The length of a put's value. */
  readonly valueBytes: number | undefined
}

/** Bytes of a segment in which no frame verifies. */
export interface StretchItem {
  readonly kind: 'stretch'
  readonly segment: number
  readonly offset: number
  readonly stretchBytes: number
  /** Zeros throughout: written ahead and never used. */
  readonly isBlank: boolean
}

/** What a log consists of. */
export type WalItem = StoreItem | SegmentItem | FrameItem | CommitItem | EntryItem | StretchItem | WalEndItem | DamageItem | GoneItem // prettier-ignore

/** How much is listed. */
export interface WalOptions {
  /** Commits and entries too. False unless given. */
  readonly entries?: boolean | undefined
}

/** Lists the log of a directory. Throws `InvalidArgumentError` if there is no store in it, `IoError`. */
export async function* inspectWal(
  runtime: Runtime,
  directory: string,
  options: WalOptions = {},
): AsyncGenerator<WalItem, void, void> {
  const picture = await takePicture(runtime, directory)
  yield toStoreItem(picture)
  if (picture.damage !== undefined) yield picture.damage
  const walk: Walk = { previous: undefined, entries: options.entries === true }
  const unreadable = new Set<string>()
  for (const number of segmentNumbers(picture)) {
    for await (const item of inspectSegment(runtime, picture, number, walk)) {
      if (item.kind === 'damage' && item.offset === 0) unreadable.add(item.file)
      yield item
    }
  }
  for await (const item of judgeLog(runtime, picture)) {
    // What recovery says of a segment that cannot be opened has been said.
    if (item.kind !== 'damage' || item.offset > 0 || !unreadable.has(item.file)) yield item
  }
}

/** Every segment that is there or should be, ascending. */
export function segmentNumbers(picture: Picture): readonly number[] {
  const numbers = new Set(picture.state?.segments)
  for (const name of picture.names) {
    const file = parseFileName(name)
    if (file?.kind === 'segment') numbers.add(file.number)
  }
  return [...numbers].sort((a, b) => a - b)
}

/** What goes from segment to segment. */
interface Walk {
  previous: { readonly ordinal: number; readonly checksum: number } | undefined
  readonly entries: boolean
}

async function* inspectSegment(
  runtime: Runtime,
  picture: Picture,
  number: number,
  walk: Walk,
): AsyncGenerator<WalItem, void, void> {
  const { directory, isInUse, state } = picture
  const path = runtime.files.join(directory, segmentFileName(number))
  let reader: FrameReader | undefined
  try {
    reader = await FrameReader.open(runtime, directory, number)
    const standing = state === undefined ? 'unknown' : state.segments.includes(number) ? 'named' : 'orphan'
    const nonce = nonceText(reader.header.nonce)
    yield { kind: 'segment', file: reader.path, number, fileBytes: reader.fileBytes, standing, nonce }
    yield* inspectFrames(reader, walk)
  } catch (error) {
    yield await toDamageOrGone(runtime, error, { file: path, isInUse })
    if (reader === undefined) yield* inspectWithoutHeader(runtime, path, { picture, number, error, walk })
  } finally {
    await reader?.close()
  }
}

async function* inspectWithoutHeader(
  runtime: Runtime,
  path: string,
  what: { readonly picture: Picture; readonly number: number; readonly error: unknown; readonly walk: Walk },
): AsyncGenerator<WalItem, void, void> {
  const { picture, number, error, walk } = what
  const mark = picture.state === undefined ? undefined : databaseMarkOf(picture.state)
  try {
    for await (const frame of framesWithoutHeader(runtime, path, { segment: { number, mark }, error })) {
      yield frameItem(frame, walk)
      if (walk.entries) yield* inspectCommits(path, frame)
    }
  } catch (later) {
    yield await toDamageOrGone(runtime, later, { file: path, isInUse: picture.isInUse })
  }
}

async function* inspectFrames(reader: FrameReader, walk: Walk): AsyncGenerator<WalItem, void, void> {
  const { fileBytes } = reader
  const segment = reader.header.number
  for (let offset = SEGMENT_HEADER_BYTES; offset < fileBytes;) {
    const frame = await reader.frameAt(offset)
    if (frame !== undefined) {
      yield frameItem(frame, walk)
      if (walk.entries) yield* inspectCommits(reader.path, frame)
      offset += frame.header.frameBytes
      continue
    }
    const next = await reader.probe(offset + SECTOR_BYTES, () => true)
    const end = next?.header.offset ?? fileBytes
    yield { kind: 'stretch', segment, offset, stretchBytes: end - offset, isBlank: await isBlank(reader, offset, end) }
    offset = end
  }
}

async function isBlank(reader: FrameReader, from: number, to: number): Promise<boolean> {
  for (let at = from; at < to; at += SECTOR_BYTES) if (!(await reader.isBlankAt(at))) return false
  return true
}

function frameItem({ header, checksum }: IntactFrame, walk: Walk): FrameItem {
  const { segment, offset, ordinal, frameBytes, payloadBytes, commits, firstSequence, lastSequence, promise } = header
  const { previous } = walk
  const isNext = previous === undefined || (header.previousChecksum === previous.checksum && (ordinal === 0 || ordinal === previous.ordinal + 1)) // prettier-ignore
  walk.previous = { ordinal, checksum }
  const numbers = { segment, offset, ordinal, frameBytes, payloadBytes, commits, firstSequence, lastSequence }
  return { kind: 'frame', ...numbers, promise, isContinuous: isNext }
}

/** Walks the commits of a frame; what follows a malformed one cannot be told. */
function* inspectCommits(file: string, frame: IntactFrame): Generator<CommitItem | EntryItem | DamageItem, void, void> {
  const { header, bytes } = frame
  const end = FRAME_HEADER_BYTES + header.payloadBytes
  const cursor = new BatchCursor()
  let at = FRAME_HEADER_BYTES
  for (let i = 0; i < header.commits; i++) {
    const sequence = header.firstSequence + i
    let entries = 0
    if (cursor.open(bytes, at, end)) while (cursor.next()) entries++
    else entries = -1
    if (entries === -1 || !cursor.isWhole) {
      yield {
        kind: 'damage',
        file,
        offset: header.offset + at,
        what: `commit ${sequence} is malformed`,
      }
      return
    }
    yield { kind: 'commit', sequence, entries }
    cursor.open(bytes, at, end)
    while (cursor.next()) yield entryItem(cursor, sequence)
    at = cursor.end
  }
}

function entryItem(cursor: BatchCursor, sequence: Sequence): EntryItem {
  const { bytes, kind, keyAt, keyLength, valueAt, valueLength } = cursor
  const key = Buffer.from(bytes.subarray(keyAt, keyAt + keyLength))
  const base = { kind: 'entry', sequence, key } as const
  if (kind === ENTRY_PUT) return { ...base, entry: 'put', end: undefined, valueBytes: valueLength }
  if (kind === ENTRY_DELETE) return { ...base, entry: 'delete', end: undefined, valueBytes: undefined }
  const end = valueLength < 0 ? undefined : Buffer.from(bytes.subarray(valueAt, valueAt + valueLength))
  return { ...base, entry: 'delete range', end, valueBytes: undefined }
}

function nonceText({ low, high }: Nonce): string {
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0')
}
