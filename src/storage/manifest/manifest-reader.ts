/**
 * Reads the manifest in force, and tells an edit that was never finished from damage.
 *
 * An edit is synced before anything relies on it, and then sealed: an empty record is written behind it, unsynced. Each
 * record promises up to where the file was durable when it was written. So when the record at some boundary is bad,
 *   - a valid record behind it whose promise reaches past it is a witness that it was synced: corruption, refused by name;
 *   - with none, it was never synced, and it is cut with what follows: a crash tore the last edit, or lost the last seal but
 *     not the edit after it. (Or a power cut took the seal of the last edit and damage then that edit: what relied on it by then is
 *     missed by name, a table or segment that is gone or one that nobody names, see recovery.ts.)
 * The first record and the file's size are synced before CURRENT names the file: damage there is always corruption.
 *
 * What it does not do: write, or open tables. Pinned by test/unit/storage/manifest/manifest.test.ts.
 */
import { CorruptionError, UnsupportedFormatError } from '../../base/errors'
import type { Runtime } from '../../runtime/runtime'
import { codecProblem } from '../files/codec-options'
import { manifestFileName } from '../files/file-names'
import { corruptFile } from '../files/file-problem'
import { checkFormatVersion } from '../files/format-version'
import { readCurrent } from './manifest-current'
import type { ManifestHeader } from './manifest-format'
import {
  MANIFEST_BOUNDARY_BYTES, MANIFEST_FORMAT_VERSION, MANIFEST_HEADER_BYTES,
  decodeEdit, decodeHeader, decodeRecord, nextBoundary,
} from './manifest-format' // prettier-ignore
import type { ManifestState } from './manifest-state'
import { applyEdit, createManifestState, editProblem } from './manifest-state'
import { readWholeFile } from '../files/whole-file'

/** What the manifest in force says. */
export interface RecoveredManifest {
  readonly number: number
  readonly state: ManifestState
  /** Records read, seals included. */
  readonly records: number
  /** Where an unfinished last edit was cut off; undefined if there was none. */
  readonly tornAt: number | undefined
}

/**
 * Reads the manifest that CURRENT names; undefined where there is no CURRENT.
 * Throws `CorruptionError`, `UnsupportedFormatError`, `IoError`, each naming the file.
 */
export async function readManifest(runtime: Runtime, directory: string): Promise<RecoveredManifest | undefined> {
  const number = await readCurrent(runtime, directory)
  if (number === undefined) return undefined
  const path = runtime.files.join(directory, manifestFileName(number))
  if ((await runtime.files.status(path)) === undefined) {
    throw new CorruptionError(`Cannot open ${path}: CURRENT names it, but it is missing`, path, 0)
  }
  return parseManifest(await readWholeFile(runtime, path), number, path)
}

/** What the bytes of a manifest say; `path` is for messages. */
export function parseManifest(bytes: Buffer, number: number, path: string): RecoveredManifest {
  checkHeader(decodeHeader(bytes), bytes, { number, path })
  let state = createManifestState()
  let offset = nextBoundary(MANIFEST_HEADER_BYTES)
  let ordinal = 0
  for (;;) {
    const record = decodeRecord(bytes, number, offset)
    if (record.kind === 'bad' || record.ordinal !== ordinal) break
    state = readEdit(state, record.payload, { path, offset })
    offset = nextBoundary(record.end)
    ordinal++
  }
  if (ordinal === 0) throw corrupt(path, offset, 'its first record is damaged')
  checkTail(bytes, number, { path, offset })
  checkOptions(state, path)
  return { number, state, records: ordinal, tornAt: isZero(bytes, offset) ? undefined : offset }
}

interface Place {
  readonly path: string
  readonly offset: number
}

function checkHeader(
  header: ManifestHeader,
  bytes: Buffer,
  file: { readonly number: number; readonly path: string },
): void {
  if (header.kind === 'bad') throw corrupt(file.path, 0, header.why)
  checkFormatVersion(header.version, { name: 'manifest', current: MANIFEST_FORMAT_VERSION, file: file.path })
  if (header.fileNumber !== file.number) throw corrupt(file.path, 0, `it says that it is manifest ${header.fileNumber}`)
  if (header.fileBytes === bytes.length) return
  throw corrupt(file.path, bytes.length, `it has ${bytes.length} bytes of ${header.fileBytes}`)
}

function readEdit(state: ManifestState, payload: Buffer, place: Place): ManifestState {
  const decoded = decodeEdit(payload)
  if (decoded.kind === 'bad') {
    if (!decoded.unknownTag) throw corrupt(place.path, place.offset, `of an edit: ${decoded.why}`)
    throw new UnsupportedFormatError(
      `Cannot open ${place.path}: of the edit at byte ${place.offset} ${decoded.why}; open it with the version that wrote it`,
    )
  }
  const problem = editProblem(state, decoded.edit)
  if (problem !== undefined) throw corrupt(place.path, place.offset, `of an edit: ${problem}`)
  return applyEdit(state, decoded.edit)
}

/** Refuses the file if a valid record behind the bad one at `place` promises that it was synced. */
function checkTail(bytes: Buffer, number: number, place: Place): void {
  for (let at = place.offset + MANIFEST_BOUNDARY_BYTES; at < bytes.length; at += MANIFEST_BOUNDARY_BYTES) {
    const record = decodeRecord(bytes, number, at)
    if (record.kind === 'bad' || record.promise <= place.offset) continue
    throw corrupt(place.path, place.offset, `a record is damaged, as the promise of the one at byte ${at} shows`)
  }
}

function checkOptions(state: ManifestState, path: string): void {
  if (state.comparator !== 'bytes') {
    throw new UnsupportedFormatError(
      `Cannot open ${path}: it asks for comparator ${state.comparator}, this version knows bytes`,
    )
  }
  const problem = codecProblem(state.options)
  if (problem !== undefined) throw new UnsupportedFormatError(`Cannot open ${path}: ${problem}`)
}

function isZero(bytes: Buffer, from: number): boolean {
  for (let at = from; at < bytes.length; at++) if (bytes[at] !== 0) return false
  return true
}

function corrupt(path: string, offset: number, why: string): CorruptionError {
  return corruptFile(path, offset, why)
}
