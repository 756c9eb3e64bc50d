/**
 * Reads a log back: verifies every frame, tells a torn tail from corruption, and hands over the commits in order.
 *
 *     | frame | frame | bad |  ?  |  ?  |
 *                           ^--- probed every 512 bytes, to the end of all segments
 *
 * 1. A frame counts if it verifies, stands where its own header says, and is chained to the one before.
 * 2. Behind the last one: if any valid frame *promises* that the log was durable past this place, acknowledged data is
 *    damaged: `CorruptionError`, naming file and offset, and nothing is touched. If none does, it is a torn tail, which
 *    every crash may leave: the log ends there, in thought; the file stays as it is.
 * 3. A zero header is an end like any other: only if nothing promises more.
 * 4. With a clean end on record there is no doubt left: whatever differs from it is corruption.
 *
 * Reading twice gives the same. It writes nothing, so that a directory may be opened for reading only.
 * Pinned by test/unit/storage/log/log-torn.test.ts, log-hostile.test.ts, log-crash.test.ts and test/format/log.
 * Spec: WalCommit!Recover.
 */
import { CorruptionError } from '../../base/errors'
import type { Sequence } from '../../base/sequence'
import type { Runtime } from '../../runtime/runtime'
import { BatchCursor } from '../rows/batch-codec'
import type { BatchEntry } from '../engine'
import type { ApplyBatch, LogEnd, LogPosition, RecoveredLog, RecoverOptions, ReplayBatch } from './log-contract'
import { comparePositions, FRAME_HEADER_BYTES, SECTOR_BYTES, SEGMENT_HEADER_BYTES } from './log-format'
import { FrameReader } from './log-frame-reader'
import type { IntactFrame } from './log-frame-reader'

/** Which segments are read: all that the manifest names as needed, ascending. */
export interface LogSource {
  readonly directory: string
  readonly numbers: readonly number[]
}

/**
 * Recovers the log. Throws `CorruptionError` (acknowledged data damaged, a named segment missing or foreign),
 * `UnsupportedFormatError`, `IoError`, and whatever `apply` throws.
 */
export async function recoverLog(
  runtime: Runtime,
  source: LogSource,
  options: RecoverOptions,
  apply: ApplyBatch,
): Promise<RecoveredLog> {
  return replayLog(runtime, source, options, (sequence, entries) => {
    const batch: BatchEntry[] = []
    while (entries.next()) batch.push(entries.entry())
    if (entries.isWhole) apply(sequence, batch)
  })
}

/** As `recoverLog`, for logs of millions of entries. */
export async function replayLog(
  runtime: Runtime,
  source: LogSource,
  options: RecoverOptions,
  apply: ReplayBatch,
): Promise<RecoveredLog> {
  const readers: FrameReader[] = []
  try {
    for (const number of source.numbers) {
      const reader = await FrameReader.open(runtime, source.directory, number)
      readers.push(reader)
      checkMark(reader, options.databaseMark)
    }
    return await new Recovery(readers, options, apply).run()
  } finally {
    for (const reader of readers) await reader.close()
  }
}

class Recovery {
  readonly #readers: readonly FrameReader[]
  readonly #options: RecoverOptions
  readonly #apply: ReplayBatch
  readonly #entries = new BatchCursor()
  #index = 0
  #offset = SEGMENT_HEADER_BYTES
  #ordinal = 0
  /** Of the last frame; undefined before the first one. */
  #checksum: number | undefined
  #sequence: Sequence | undefined
  #frames = 0
  #commits = 0

  constructor(readers: readonly FrameReader[], options: RecoverOptions, apply: ReplayBatch) {
    this.#readers = readers
    this.#options = options
    this.#apply = apply
  }

  async run(): Promise<RecoveredLog> {
    const { cleanEnd, afterSequence, throughSequence } = this.#options
    while (!this.#isThrough(throughSequence) && (await this.#readFrame()));
    const end = this.#end()
    if (cleanEnd !== undefined) await this.#checkCleanEnd(cleanEnd, end)
    if (throughSequence !== undefined) this.#checkThrough(throughSequence)
    const isOpenEnded = cleanEnd === undefined && throughSequence === undefined && end !== undefined
    const torn = isOpenEnded ? await this.#judgeTail() : undefined
    return {
      lastSequence: Math.max(afterSequence, this.#sequence ?? 0),
      end,
      torn,
      commits: this.#commits,
      frames: this.#frames,
    }
  }

  #isThrough(sequence: Sequence | undefined): boolean {
    return sequence !== undefined && Math.max(this.#options.afterSequence, this.#sequence ?? 0) >= sequence
  }

  #checkThrough(sequence: Sequence): void {
    const reader = this.#readers[this.#index]
    if (reader === undefined || this.#isThrough(sequence)) return
    throw damaged(
      reader,
      this.#offset,
      `the frame there does not verify, but the log is durable through commit ${sequence}`,
    )
  }

  /** Reads the next frame, here or at the head of the next segment; false if there is none. */
  async #readFrame(): Promise<boolean> {
    const reader = this.#readers[this.#index]
    if (reader === undefined) return false
    const frame = await reader.frameAt(this.#offset)
    if (frame === undefined) return this.#enterNextSegment()
    this.#take(reader, frame)
    return true
  }

  /** The next segment is where the log goes on if its first frame says that the log was durable exactly to here. */
  async #enterNextSegment(): Promise<boolean> {
    const next = this.#readers[this.#index + 1]
    const frame = await next?.frameAt(SEGMENT_HEADER_BYTES)
    if (next === undefined || frame === undefined) return false
    if (comparePositions(frame.header.promise, this.#position()) !== 0) return false
    this.#index++
    this.#offset = SEGMENT_HEADER_BYTES
    this.#ordinal = 0
    this.#take(next, frame)
    return true
  }

  #take(reader: FrameReader, frame: IntactFrame): void {
    const why = this.#whyNotNext(frame)
    if (why !== undefined) throw damaged(reader, this.#offset, why)
    this.#applyFrame(reader, frame)
    this.#offset += frame.header.frameBytes
    this.#ordinal++
    this.#checksum = frame.checksum
    this.#sequence = frame.header.lastSequence
    this.#frames++
  }

  /** Why an intact frame cannot follow what was read; undefined if it does. Pure. */
  #whyNotNext({ header }: IntactFrame): string | undefined {
    const { firstSequence, lastSequence, commits, promise } = header
    if (header.ordinal !== this.#ordinal) return `frame ${header.ordinal} stands where frame ${this.#ordinal} belongs`
    if (this.#checksum !== undefined && header.previousChecksum !== this.#checksum) {
      return 'the frame there does not continue the one before it'
    }
    if (!Number.isSafeInteger(firstSequence) || lastSequence !== firstSequence + commits - 1) {
      return `the frame there counts ${commits} commits from ${firstSequence} to ${lastSequence}`
    }
    const { afterSequence } = this.#options
    const isGap =
      this.#sequence === undefined ? firstSequence > afterSequence + 1 : firstSequence !== this.#sequence + 1
    if (isGap) return `commits before ${firstSequence} are missing`
    if (comparePositions(promise, this.#position()) > 0)
      return 'the frame there promises more than was written before it'
    return undefined
  }

  #applyFrame(reader: FrameReader, { header, bytes }: IntactFrame): void {
    const entries = this.#entries
    const end = FRAME_HEADER_BYTES + header.payloadBytes
    const payload = { bytes, start: FRAME_HEADER_BYTES, end }
    let at = payload.start
    for (let sequence = header.firstSequence; sequence <= header.lastSequence; sequence++) {
      const isBatch = entries.open(bytes, at, end)
      const isNew = sequence > this.#options.afterSequence
      if (isBatch && isNew) this.#apply(sequence, entries, payload)
      while (isBatch && entries.next());
      if (!isBatch || !entries.isWhole)
        throw damaged(reader, this.#offset + at, `commit ${sequence} there is malformed`)
      at = entries.end
      if (isNew) this.#commits++
    }
    if (at !== end) throw damaged(reader, this.#offset + at, 'the frame there holds more than its commits')
  }

  /** REQUIRES: there is a segment. */
  #position(): LogPosition {
    return { segment: this.#readers[this.#index]!.header.number, offset: this.#offset }
  }

  #end(): LogEnd | undefined {
    if (this.#readers.length === 0) return undefined
    const sequence = Math.max(this.#options.afterSequence, this.#sequence ?? 0)
    return { ...this.#position(), sequence, checksum: this.#checksum ?? 0 }
  }

  async #checkCleanEnd(clean: LogEnd, found: LogEnd | undefined): Promise<void> {
    if (found === undefined) return
    const isSame = comparePositions(clean, found) === 0 && clean.checksum === found.checksum
    if (isSame && (this.#sequence === undefined || clean.sequence === this.#sequence)) return
    const { reader, offset } = await this.#placeOfDamage(clean)
    throw damaged(reader, offset, `the log was closed at offset ${clean.offset} of segment ${clean.segment}`)
  }

  /**
   * Which frame is damaged, given that the log was durable up to `durable`. If that lies in a later segment, one that ends
   * in blanks may well have ended there: if then the first frame of the next does not verify, that one is damaged for certain.
   */
  async #placeOfDamage(durable: LogPosition): Promise<{ readonly reader: FrameReader; readonly offset: number }> {
    const reader = this.#readers[this.#index]!
    const next = this.#readers[this.#index + 1]
    const mayEndHere =
      next !== undefined && durable.segment > reader.header.number && (await reader.isBlankAt(this.#offset))
    if (!mayEndHere || (await next.frameAt(SEGMENT_HEADER_BYTES)) !== undefined) return { reader, offset: this.#offset }
    return { reader: next, offset: SEGMENT_HEADER_BYTES }
  }

  /** Looks for a promise past the end that was found. Throws `CorruptionError` if there is one. */
  async #judgeTail(): Promise<RecoveredLog['torn']> {
    const reader = this.#readers[this.#index]!
    const offset = this.#offset
    const here = this.#position()
    let hasLaterFrame = false
    const isWitness = ({ header }: IntactFrame): boolean => {
      hasLaterFrame = true
      return comparePositions(header.promise, here) > 0
    }
    for (const [index, other] of this.#readers.entries()) {
      if (index < this.#index) continue
      const from = index === this.#index ? offset + SECTOR_BYTES : SEGMENT_HEADER_BYTES
      const witness = await other.probe(from, isWitness)
      if (witness === undefined) continue
      const { segment, offset: durable } = witness.header.promise
      const why = `the frame there does not verify, but the log was durable up to offset ${durable} of segment ${segment}`
      const place = await this.#placeOfDamage(witness.header.promise)
      throw damaged(place.reader, place.offset, why)
    }
    const isTorn = hasLaterFrame || !(await reader.isBlankAt(offset))
    return isTorn ? { file: reader.path, offset } : undefined
  }
}

/** A segment of another database verifies as well as ours; only the mark in its nonce tells. */
function checkMark(reader: FrameReader, mark: number | undefined): void {
  if (mark === undefined || reader.header.nonce.high === mark) return
  throw new CorruptionError(
    `Cannot read log segment "${reader.path}": it belongs to another database; put back the one that belongs here`,
    reader.path,
    0,
  )
}

function damaged(reader: FrameReader, offset: number, why: string): CorruptionError {
  return new CorruptionError(
    `Cannot read the log: "${reader.path}" is damaged at offset ${offset}: ${why}`,
    reader.path,
    offset,
  )
}
