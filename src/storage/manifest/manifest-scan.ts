/**
 * Reads everything of a manifest that can be read, behind damage too, and says what is wrong with the rest.
 *
 *   | header | edit | seal | bad | ? | edit | seal | zeros ...
 *                          ^ damaged if a promise behind it reaches past it; else where the file ends, cleanly or torn
 *
 * Opening (manifest-reader.ts) refuses a damaged manifest; who verifies or saves a database takes from it what there is. Each record
 * verifies by itself, for its checksum binds it to file and place.
 *
 * Pinned by test/unit/storage/manifest/manifest-scan.test.ts.
 */
import type { FileProblem } from '../files/file-problem'
import { corruptFile, toProblem } from '../files/file-problem'
import { checkFormatVersion } from '../files/format-version'
import {
  MANIFEST_BOUNDARY_BYTES, MANIFEST_FORMAT_VERSION, MANIFEST_HEADER_BYTES, decodeEdit, decodeHeader, decodeRecord, nextBoundary,
} from './manifest-format' // prettier-ignore
import type { ManifestEdit, ManifestState, TableRecord } from './manifest-state'
import { applyEdit, createManifestState, editProblem } from './manifest-state'

/** An edit that was found intact. */
export interface ScannedEdit {
  readonly offset: number
  readonly ordinal: number
  readonly edit: ManifestEdit
}

/** What is readable of a manifest. */
export interface ManifestScan {
  /** What the unbroken chain of edits from the first one on says; undefined if there is none. */
  readonly state: ManifestState | undefined
  /** Whether no edit can be missing, but for one at the end that was never sealed. */
  readonly isWhole: boolean
  /** All intact edits in the order of the file, seals included. */
  readonly edits: readonly ScannedEdit[]
  /** Certain damage. */
  readonly problems: readonly FileProblem[]
  /** Where bytes begin behind the last record that are neither a record nor zero; undefined if there are none. */
  readonly tornAt: number | undefined
}

/** Scans the bytes of manifest `number`; `path` is for messages. Never throws for what it finds. */
export function scanManifest(bytes: Buffer, number: number, path: string): ManifestScan {
  const problems: FileProblem[] = []
  const tell = (offset: number, length: number, why: string): void => {
    problems.push({ offset, length, what: why, error: corruptFile(path, offset, why) })
  }
  checkHeader(bytes, number, path, problems)
  checkZeros(bytes, { from: MANIFEST_HEADER_BYTES, to: MANIFEST_BOUNDARY_BYTES }, tell)
  const { edits, holes, promised, end } = readRecords(bytes, number, tell)
  for (const hole of holes) {
    if (hole.from < promised) tell(hole.from, hole.to - hole.from, 'a record is damaged, as a promise behind it shows')
  }
  const { state, folded } = foldEdits(edits, tell)
  if (state === undefined) tell(MANIFEST_BOUNDARY_BYTES, MANIFEST_BOUNDARY_BYTES, 'its first record is damaged')
  const tornAt = firstWritten(bytes, Math.max(end, promised, MANIFEST_BOUNDARY_BYTES))
  const header = decodeHeader(bytes)
  const isLong = header.kind === 'header' && header.fileBytes === bytes.length
  const isWhole =
    state !== undefined && isLong && folded === edits.length && holes.every(({ from }) => from >= promised)
  return { state, isWhole, edits, problems, tornAt: state === undefined ? undefined : tornAt }
}

/** What all intact edits of a manifest say of one table each, and which tables are gone for certain. */
export interface KnownTables {
  /** As it was added last. */
  readonly recordByNumber: ReadonlyMap<number, TableRecord>
  readonly removed: ReadonlySet<number>
}

/** The tables that edits, not all of which need be there, have named. */
export function tablesOfEdits(edits: readonly ScannedEdit[]): KnownTables {
  const recordByNumber = new Map<number, TableRecord>()
  const removed = new Set<number>()
  for (const { edit } of edits) {
    const added = new Set((edit.addTables ?? []).map((table) => table.number))
    for (const table of edit.addTables ?? []) {
      // In the order of their addition, as a state has them.
      recordByNumber.delete(table.number)
      recordByNumber.set(table.number, table)
    }
    // What is added and removed at once has changed its level; a number is never used twice.
    for (const { number: gone } of edit.removeTables ?? []) if (!added.has(gone)) removed.add(gone)
  }
  return { recordByNumber, removed }
}

/**
 * What all intact edits say together, a damaged one among them left out. The same as the state where none is; else a guess that
 * knows of every table and segment that an intact edit has named and none has dropped.
 */
export function gatherState(edits: readonly ScannedEdit[]): ManifestState {
  const { recordByNumber, removed } = tablesOfEdits(edits)
  let state = createManifestState()
  const segments = new Set<number>()
  for (const { edit } of edits) {
    for (const number of edit.addSegments ?? []) segments.add(number)
    state = {
      ...state,
      comparator: edit.comparator ?? state.comparator,
      options: edit.options ?? state.options,
      nextFileNumber: Math.max(state.nextFileNumber, edit.nextFileNumber ?? 0),
      nextSegment: Math.max(state.nextSegment, edit.nextSegment ?? 0, ...[...segments].map((number) => number + 1)),
      flushedThrough: Math.max(state.flushedThrough, edit.flushedThrough ?? 0),
      firstSegment: Math.max(state.firstSegment, edit.firstSegment ?? 0),
      logEnd: edit.logEnd?.end ?? state.logEnd,
      clean: edit.logEnd?.clean ?? ((edit.addSegments?.length ?? 0) > 0 ? false : state.clean),
    }
  }
  const needed = [...segments].filter((number) => number >= state.firstSegment).sort((a, b) => a - b)
  const tables = [...recordByNumber.values()].filter(({ number }) => !removed.has(number))
  return { ...state, segments: needed, tables }
}

type Tell = (offset: number, length: number, why: string) => void

interface Stretch {
  readonly from: number
  readonly to: number
}

function checkHeader(bytes: Buffer, number: number, path: string, problems: FileProblem[]): void {
  const place = { offset: 0, length: MANIFEST_HEADER_BYTES }
  const header = decodeHeader(bytes)
  try {
    if (header.kind === 'bad') throw corruptFile(path, 0, header.why)
    checkFormatVersion(header.version, { name: 'manifest', current: MANIFEST_FORMAT_VERSION, file: path })
    if (header.fileNumber !== number) throw corruptFile(path, 0, `it says that it is manifest ${header.fileNumber}`)
    if (header.fileBytes !== bytes.length) {
      throw corruptFile(path, 0, `it has ${bytes.length} bytes of ${header.fileBytes}`)
    }
  } catch (error) {
    problems.push(toProblem(error, path, place))
  }
}

/** All intact records, and what lies between them and is not zero. */
function readRecords(
  bytes: Buffer,
  number: number,
  tell: Tell,
): { edits: ScannedEdit[]; holes: Stretch[]; promised: number; end: number } {
  const edits: ScannedEdit[] = []
  const holes: Stretch[] = []
  let promised = 0
  let end = 0
  for (let at = MANIFEST_BOUNDARY_BYTES; at < bytes.length;) {
    const record = decodeRecord(bytes, number, at)
    if (record.kind === 'bad') {
      const before = holes.at(-1)
      const to = Math.min(bytes.length, at + MANIFEST_BOUNDARY_BYTES)
      if (before?.to === at) holes[holes.length - 1] = { from: before.from, to }
      else holes.push({ from: at, to })
      at += MANIFEST_BOUNDARY_BYTES
      continue
    }
    promised = Math.max(promised, record.promise)
    const decoded = decodeEdit(record.payload)
    if (decoded.kind === 'edit') edits.push({ offset: at, ordinal: record.ordinal, edit: decoded.edit })
    else tell(at, record.end - at, `of an edit: ${decoded.why}`)
    end = nextBoundary(record.end)
    checkZeros(bytes, { from: record.end, to: end }, tell)
    at = end
  }
  return { edits, holes, promised, end }
}

/** The state after the edits from ordinal 0 on, as far as they follow one another. */
function foldEdits(edits: readonly ScannedEdit[], tell: Tell): { state: ManifestState | undefined; folded: number } {
  let state: ManifestState | undefined
  let folded = 0
  for (const [i, { ordinal, offset, edit }] of edits.entries()) {
    if (ordinal !== i) break
    const before = state ?? createManifestState()
    const problem = editProblem(before, edit)
    if (problem !== undefined) {
      tell(offset, MANIFEST_BOUNDARY_BYTES, `of an edit: ${problem}`)
      break
    }
    state = applyEdit(before, edit)
    folded++
  }
  return { state, folded }
}

/** What is never written is zero from the start. */
function checkZeros(bytes: Buffer, { from, to }: Stretch, tell: Tell): void {
  const at = firstWritten(bytes.subarray(0, to), from)
  if (at !== undefined) tell(at, to - at, 'bytes that are never written are not zero; nothing refers to them')
}

/** The first byte from `from` on that is not zero. */
function firstWritten(bytes: Buffer, from: number): number | undefined {
  for (let at = from; at < bytes.length; at++) if (bytes[at] !== 0) return at
  return undefined
}
