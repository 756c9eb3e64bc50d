/**
 * Verifies the log: what opening would say of it, and behind the first damage everything else that is wrong.
 *
 * 1. Opening's own judgement comes first (log-reader.ts): checksums, chain, ordinals, promises, sequences, the recorded end.
 * 2. If that finds damage, each segment is walked by itself: every stretch without a frame, before one that is intact, is told.
 * 3. If it does not: what is behind the end of the log is zero, or a torn tail, which a crash leaves. Behind a recorded end it is
 *    damage, though nothing refers to it.
 *
 * Pinned by test/unit/storage/inspect/verify-store.test.ts and test/crash/bit-flip.test.ts.
 */
import type { Sequence } from '../../base/sequence'
import { StrictKvError } from '../../base/errors'
import type { Runtime } from '../../runtime/runtime'
import { FileWindow } from '../files/file-window'
import { toProblem } from '../files/file-problem'
import type { LogEnd } from '../log/log-contract'
import { SEGMENT_HEADER_BYTES, segmentFileName } from '../log/log-format'
import { replayLog } from '../log/log-reader'
import { SegmentScan } from '../log/segment-scan'
import type { ScannedSegment } from '../log/segment-scan'
import type { ManifestState } from '../manifest/manifest-state'
import type { Findings } from './verify-report'

/** What is known of the log. */
export interface CheckedLog {
  readonly directory: string
  readonly state: ManifestState
  readonly databaseMark: number | undefined
}

/** What was found of it. */
export interface LogFindings {
  readonly lastSequence: Sequence
  /** Commits without entries beyond what is in tables: each stands for a bulk load. */
  readonly loads: readonly Sequence[]
}

/** Bytes that are looked at for zeros at a time. */
const ZEROS_EACH_BYTES = 64 * 1024

/** Verifies the log of a store that nobody writes to. */
export async function verifyLog(runtime: Runtime, log: CheckedLog, findings: Findings): Promise<LogFindings> {
  const { directory, state, databaseMark } = log
  const { flushedThrough: afterSequence, segments: numbers } = state
  const cleanEnd = state.clean ? state.logEnd : undefined
  const loads: Sequence[] = []
  try {
    const recovered = await replayLog(
      runtime,
      { directory, numbers },
      { afterSequence, cleanEnd, databaseMark },
      (sequence, entries) => {
        findings.commits++
        if (!entries.next()) loads.push(sequence)
      },
    )
    await verifyRest(runtime, log, { end: recovered.end, isClean: cleanEnd !== undefined }, findings)
    await countSegments(runtime, log, findings)
    return { lastSequence: recovered.lastSequence, loads }
  } catch (error) {
    if (!(error instanceof StrictKvError)) throw error
    const path = 'file' in error ? (error.file as string) : directory
    const offset = 'offset' in error ? (error.offset as number) : 0
    findings.damage(baseName(path, directory), toProblem(error, path, { offset, length: 0 }))
    const lastSequence = await verifySegments(runtime, log, findings)
    return { lastSequence: Math.max(afterSequence, lastSequence), loads: [] }
  }
}

function baseName(path: string, directory: string): string {
  return path.startsWith(directory) ? path.slice(directory.length).replace(/^[/\\]+/, '') : path
}

async function countSegments(runtime: Runtime, { directory, state }: CheckedLog, findings: Findings): Promise<void> {
  for (const number of state.segments) {
    const name = segmentFileName(number)
    const status = await runtime.files.status(runtime.files.join(directory, name))
    findings.file(name, status?.size ?? 0, 'sound')
  }
}

/** What lies behind the last frame of each segment: nothing, but where a crash has torn the end of the log. */
async function verifyRest(
  runtime: Runtime,
  { directory, state, databaseMark: mark }: CheckedLog,
  log: { readonly end: LogEnd | undefined; readonly isClean: boolean },
  findings: Findings,
): Promise<void> {
  const { end, isClean } = log
  for (const number of state.segments) {
    if (end === undefined) continue
    const name = segmentFileName(number)
    const path = runtime.files.join(directory, name)
    // A segment is left only when everything in it is durable: behind its last frame nothing was ever written.
    const isLeft = number < end.segment
    const framesEnd =
      number === end.segment ? end.offset : isLeft ? await endOfFrames(runtime, path, { number, mark }) : 0
    const offset = await firstWritten(runtime, path, Math.max(framesEnd, SEGMENT_HEADER_BYTES), findings)
    if (offset === undefined) continue
    if (isClean || isLeft) {
      const what = 'behind the last frame it is not zero; nothing refers to that'
      findings.damage(name, { offset, length: 0, what })
    } else {
      const what = 'a torn tail: what was being written when the database was killed, never acknowledged'
      findings.note(name, { offset, length: 0, what })
    }
  }
}

/** Where the frames of a sound segment end. */
async function endOfFrames(runtime: Runtime, path: string, segment: ScannedSegment): Promise<number> {
  const scan = await SegmentScan.open(runtime, path, segment)
  try {
    let end = SEGMENT_HEADER_BYTES
    for (let frame = await scan.next(); frame !== undefined; frame = await scan.next()) {
      end = frame.header.offset + frame.header.frameBytes
    }
    return end
  } finally {
    await scan.close()
  }
}

/** The first byte of a file from `from` on that is not zero. */
async function firstWritten(
  runtime: Runtime,
  path: string,
  from: number,
  findings: Findings,
): Promise<number | undefined> {
  const file = await runtime.files.open(path, 'read')
  try {
    const window = new FileWindow(file, await file.size())
    for (let at = from; at < window.fileBytes; at += ZEROS_EACH_BYTES) {
      const bytes = await window.bytesAt(at, ZEROS_EACH_BYTES)
      const written = bytes.findIndex((byte) => byte !== 0)
      if (written !== -1) return at + written
      const rest = findings.pace.count(bytes.length)
      if (rest !== undefined) await rest
    }
    return undefined
  } finally {
    await file.close()
  }
}

/** Walks every segment; the last sequence of an intact frame. */
async function verifySegments(
  runtime: Runtime,
  { directory, state, databaseMark }: CheckedLog,
  findings: Findings,
): Promise<Sequence> {
  let lastSequence: Sequence = 0
  for (const number of state.segments) {
    const name = segmentFileName(number)
    const path = runtime.files.join(directory, name)
    const status = await runtime.files.status(path)
    if (status?.kind !== 'file') {
      const what = 'the manifest names it, but it is missing'
      if (!findings.isDamaged(name, 0)) findings.damage(name, { offset: 0, length: 0, what })
      findings.file(name, 0, 'missing')
      continue
    }
    findings.file(name, status.size, 'sound')
    const scan = await SegmentScan.open(runtime, path, { number, mark: databaseMark })
    try {
      if (scan.headerProblem !== undefined) findings.damage(name, scan.headerProblem)
      let end = SEGMENT_HEADER_BYTES
      for (let frame = await scan.next(); frame !== undefined; frame = await scan.next()) {
        const { offset, frameBytes, lastSequence: last } = frame.header
        if (offset > end) findings.damage(name, { offset: end, length: offset - end, what: 'no frame there verifies' })
        end = offset + frameBytes
        lastSequence = Math.max(lastSequence, last)
        const rest = findings.pace.count(frameBytes)
        if (rest !== undefined) await rest
      }
      const written = await firstWritten(runtime, path, end, findings)
      const what = 'behind its last intact frame it is not zero: damaged frames, or a torn tail'
      if (written !== undefined && !findings.isDamaged(name, written)) findings.note(name, { offset: written, length: 0, what }) // prettier-ignore
    } finally {
      await scan.close()
    }
  }
  return lastSequence
}
