/**
 * The commits of a log that are in no table, gathered from every frame that verifies.
 *
 * 1. Where opening would read the log, its judgement is taken as it is: what it calls a torn tail was never acknowledged.
 * 2. Where opening would refuse it, every intact frame counts, behind damage too. What is lost is told by commits: those between the
 *    ones before and behind a damaged stretch, or up to the recorded end. Which keys they wrote nobody knows.
 *    The same holds where opening would read it, but the disk fails between that look and the next.
 * 3. Commits ascend, whatever the files say: a frame that goes back is left out, and told.
 *
 * Pinned by test/unit/storage/salvage/salvage.test.ts.
 */
import { StrictKvError } from '../../base/errors'
import type { Sequence } from '../../base/sequence'
import { BatchCursor } from '../rows/batch-codec'
import { toProblem } from '../files/file-problem'
import { FRAME_HEADER_BYTES, SEGMENT_HEADER_BYTES, segmentFileName } from '../log/log-format'
import type { LogEnd } from '../log/log-contract'
import { replayLog } from '../log/log-reader'
import { SegmentScan } from '../log/segment-scan'
import type { ScannedFrame } from '../log/segment-scan'
import type { SalvagePlan } from './salvage-plan'
import type { Loss } from './salvage-report'
import type { SalvageSource } from './salvaged-table'

/** Takes over the entries of one commit, walking all of them. */
export type TakeCommit = (sequence: Sequence, entries: BatchCursor) => undefined | Promise<void>

/** What was read. */
export interface SalvagedLog {
  /** The last commit in it, or up to which tables hold everything. */
  readonly lastSequence: Sequence
  /** Commits without entries: each stands for a bulk load. */
  readonly loads: readonly Sequence[]
}

/** Hands over the commits in order. Throws what `take` throws. */
export async function salvageLog(source: SalvageSource, plan: SalvagePlan, take: TakeCommit): Promise<SalvagedLog> {
  const log = new LogSalvage(source, plan, take)
  const end = plan.standing === 'whole' ? await log.soundEnd() : undefined
  return end === undefined ? log.readAll() : log.readTo(end)
}

class LogSalvage {
  readonly #source: SalvageSource
  readonly #plan: SalvagePlan
  readonly #take: TakeCommit
  readonly #loads: Sequence[] = []
  readonly #entries = new BatchCursor()
  /** Commits up to here were taken, or are in tables. */
  #through: Sequence
  /** Whether something may be missing behind the last frame. */
  #isOpenEnded = false
  /** Where the last intact frame ended, in whichever segment. */
  #behind: { readonly file: string; readonly offset: number } | undefined

  constructor(source: SalvageSource, plan: SalvagePlan, take: TakeCommit) {
    this.#source = source
    this.#plan = plan
    this.#take = take
    this.#through = plan.state.flushedThrough
  }

  /** Where the log ends if opening would read it; undefined if it would refuse. */
  async soundEnd(): Promise<LogEnd | undefined> {
    const { state, databaseMark } = this.#plan
    const { runtime, directory, losses } = this.#source
    const log = { directory, numbers: state.segments }
    const cleanEnd = state.clean ? state.logEnd : undefined
    const options = { afterSequence: state.flushedThrough, cleanEnd, databaseMark }
    try {
      const { end, torn } = await replayLog(runtime, log, options, () => undefined)
      if (torn !== undefined) {
        const file = torn.file.slice(-segmentFileName(1).length)
        const what =
          'the log ends in a group that was being written, or that is damaged: had it been acknowledged, it is lost'
        losses.doubt({ file, offset: torn.offset, what })
      }
      return end ?? { segment: 0, offset: 0, sequence: state.flushedThrough, checksum: 0 }
    } catch (error) {
      if (!(error instanceof StrictKvError)) throw error
      return undefined
    }
  }

  /** Every frame up to the end of a sound log. */
  async readTo(end: LogEnd): Promise<SalvagedLog> {
    for (const number of this.#plan.segments) {
      if (number <= end.segment) await this.#segment(number, { mark: this.#plan.databaseMark, end })
    }
    if (end.sequence > this.#through) {
      const what = `the log ends with commit ${end.sequence}, but could be read through ${this.#through} alone`
      this.#loseThrough(end.sequence, { file: segmentFileName(end.segment), what })
    }
    return { lastSequence: Math.max(end.sequence, this.#through), loads: this.#loads }
  }

  /** Every intact frame of every segment. */
  async readAll(): Promise<SalvagedLog> {
    const { segments, state, standing } = this.#plan
    for (const number of state.segments) if (!segments.includes(number)) this.#missing(number)
    const mark = this.#plan.databaseMark ?? (await this.#usualMark())
    for (const number of segments) await this.#segment(number, { mark, end: undefined })
    const known = state.clean ? (state.logEnd?.sequence ?? 0) : 0
    if (known > this.#through) {
      const what = `the log was closed with commit ${known}, but ends with ${this.#through}`
      this.#loseThrough(known, { file: this.#lastFile(), what })
    } else if (this.#isOpenEnded && !state.clean && standing !== 'lost') {
      const what = `commits behind ${this.#through} may be lost: the log cannot be read to its end`
      this.#source.losses.doubt({ file: this.#lastFile(), what })
    }
    return { lastSequence: Math.max(known, this.#through), loads: this.#loads }
  }

  /** The commits behind the last one that was read. */
  #loseThrough(last: Sequence, { file, what }: Pick<Loss, 'file' | 'what'>): void {
    this.#source.losses.lose({ file, what, sequences: { first: this.#through + 1, last } })
  }

  #lastFile(): string {
    const last = this.#plan.segments.at(-1) ?? this.#plan.state.segments.at(-1)
    return last === undefined ? 'the log' : segmentFileName(last)
  }

  #missing(number: number): void {
    this.#isOpenEnded = true
    this.#source.losses.note(segmentFileName(number), 'the manifest names this segment of the log, but it is missing')
  }

  /** The mark that most segments carry: without a manifest nothing else tells whose they are. */
  async #usualMark(): Promise<number | undefined> {
    const counts = new Map<number, number>()
    for (const number of this.#plan.segments) {
      const scan = await this.#open(number, undefined)
      await scan?.next()
      const mark = scan?.mark
      await scan?.close()
      if (mark !== undefined) counts.set(mark, (counts.get(mark) ?? 0) + 1)
    }
    return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0]
  }

  async #open(number: number, mark: number | undefined): Promise<SegmentScan | undefined> {
    const { runtime, directory, losses } = this.#source
    const path = runtime.files.join(directory, segmentFileName(number))
    try {
      return await SegmentScan.open(runtime, path, { number, mark })
    } catch (error) {
      losses.note(segmentFileName(number), toProblem(error, path, { offset: 0, length: 0 }).what)
      this.#isOpenEnded = true
      return undefined
    }
  }

  async #segment(
    number: number,
    { mark, end }: { readonly mark: number | undefined; readonly end: LogEnd | undefined },
  ): Promise<void> {
    const scan = await this.#open(number, mark)
    if (scan === undefined) return
    const name = segmentFileName(number)
    if (scan.headerProblem !== undefined) this.#source.losses.note(name, scan.headerProblem.what)
    try {
      for (let frame = await scan.next(); frame !== undefined; frame = await scan.next()) {
        const { offset, frameBytes } = frame.header
        if (end?.segment === number && offset >= end.offset) return
        await this.#frame(name, frame)
        this.#behind = { file: name, offset: offset + frameBytes }
        const rest = this.#source.count(frameBytes)
        if (rest !== undefined) await rest
      }
      const behind = this.#behind?.file === name ? this.#behind.offset : 0
      if (end === undefined && (await scan.isWrittenBehind(behind))) this.#isOpenEnded = true
    } finally {
      await scan.close()
    }
  }

  async #frame(file: string, { header, bytes }: ScannedFrame): Promise<void> {
    const { offset, frameBytes, payloadBytes, firstSequence, lastSequence, commits } = header
    const { losses } = this.#source
    if (commits === 0 || lastSequence <= this.#through) return
    if (!Number.isSafeInteger(lastSequence) || lastSequence !== firstSequence + commits - 1) {
      losses.lose({ file, offset, length: frameBytes, what: 'the frame there counts its commits wrongly' })
      return
    }
    // Without a manifest the log may begin anywhere: what is before it is in tables, or is missed as the doubt about them says.
    const isFirst = this.#through === 0 && this.#plan.standing === 'lost'
    if (firstSequence > this.#through + 1 && !isFirst) {
      const [first, last] = [this.#through + 1, firstSequence - 1]
      const what = first === last ? `commit ${first} cannot be read` : `commits ${first} to ${last} cannot be read`
      losses.lose({ ...this.#gapBefore(file, offset), what, sequences: { first, last } })
    }
    let at = FRAME_HEADER_BYTES
    const limit = FRAME_HEADER_BYTES + payloadBytes
    for (let sequence = firstSequence; sequence <= lastSequence; sequence++) {
      const isBatch = this.#isWholeBatch(bytes, at, limit)
      if (!isBatch) {
        const sequences = { first: sequence, last: lastSequence }
        losses.lose({ file, offset: offset + at, length: limit - at, what: 'commits there are malformed', sequences })
        break
      }
      this.#entries.open(bytes, at, limit)
      at = this.#entries.end
      if (sequence <= this.#through) continue
      if (this.#entries.isWhole) this.#loads.push(sequence)
      else await this.#take(sequence, this.#entries)
    }
    this.#through = lastSequence
  }

  /** The stretch before a frame in which others were: in its own segment, or else behind the last frame of an earlier one. */
  #gapBefore(file: string, offset: number): Pick<Loss, 'file' | 'offset' | 'length'> {
    const before = this.#behind
    const from = before?.file === file ? before.offset : SEGMENT_HEADER_BYTES
    if (offset > from || before === undefined) return { file, offset: from, length: offset - from }
    return { ...before, length: undefined }
  }

  /** Nothing of a commit is taken over before all of it is known to be well formed. */
  #isWholeBatch(bytes: Buffer, at: number, limit: number): boolean {
    if (!this.#entries.open(bytes, at, limit)) return false
    while (this.#entries.next());
    return this.#entries.isWhole
  }
}
