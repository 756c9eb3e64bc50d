/**
 * A look inside the manifest: its header, its edits one by one, and the state that they lead to.
 *
 *   store, header, (record | damage)*, state, end
 *
 * Records are listed wherever they verify, behind damage too. The state is that of the records before the first damage: what later ones
 * would make of a state that nobody knows is not guessed. Where CURRENT cannot be read the newest manifest file is looked at; where it
 * ends and why is what opening says of its bytes (manifest-reader.ts).
 *
 * Memory: the file, which is bounded by `manifestRoomBytes` and the number of tables.
 * Pinned by test/unit/storage/inspect/inspect-manifest.test.ts.
 */
import type { Sequence } from '../../base/sequence'
import { keyToBuffer } from '../../base/bytes'
import { InvalidArgumentError } from '../../base/errors'
import type { Runtime } from '../../runtime/runtime'
import { manifestFileName, parseFileName, tableFileName } from '../files/file-names'
import { readWholeFile } from '../files/whole-file'
import type { LogEnd } from '../log/log-contract'
import {
  MANIFEST_BOUNDARY_BYTES, MANIFEST_FORMAT_VERSION, MANIFEST_HEADER_BYTES, RECORD_HEADER_BYTES,
  decodeEdit, decodeHeader, decodeRecord, nextBoundary,
} from '../manifest/manifest-format' // prettier-ignore
import type { ManifestHeader, ManifestRecord } from '../manifest/manifest-format'
import { parseManifest } from '../manifest/manifest-reader'
import type { ManifestEdit, ManifestState, TableName, TableRecord } from '../manifest/manifest-state'
import { applyEdit, createManifestState, editProblem } from '../manifest/manifest-state'
import type { DamageItem, GoneItem, Picture, StoreItem } from './picture'
import { takePicture, toDamage, toDamageOrGone, toStoreItem } from './picture'

/** The header of a manifest. */
export interface ManifestHeaderItem {
  readonly kind: 'header'
  readonly file: string
  readonly number: number
  readonly formatVersion: number
  readonly fileBytes: number
}

/** A table as the manifest records it. */
export interface ManifestTable {
  readonly level: number
  readonly run: number
  readonly number: number
  readonly file: string
  readonly fileBytes: number
  /** Versions, tombstones included, range tombstones not. */
  readonly entries: number
  readonly firstSequence: Sequence
  readonly lastSequence: Sequence
  /** Every key lies at or behind `start` and before `end`; no `end`: up to the last key. */
  readonly start: Uint8Array
  readonly end: Uint8Array | undefined
  /** The sequence of all rows of a table that a bulk load wrote. */
  readonly loadedAt: Sequence | undefined
}

/** What an edit and a state have in common; what an edit leaves alone is undefined or empty. */
export interface ManifestFields {
  readonly comparator: string | undefined
  readonly options: readonly { readonly name: string; readonly value: string }[]
  readonly nextFileNumber: number | undefined
  readonly nextSegment: number | undefined
  readonly flushedThrough: Sequence | undefined
  readonly firstSegment: number | undefined
  readonly logEnd: (LogEnd & { readonly clean: boolean }) | undefined
}

/** What an edit changes. */
export interface ManifestChange extends ManifestFields {
  readonly addSegments: readonly number[]
  readonly addTables: readonly ManifestTable[]
  readonly removeTables: readonly TableName[]
}

/** A record that verifies. */
export interface ManifestRecordItem {
  readonly kind: 'record'
  readonly offset: number
  readonly ordinal: number
  readonly recordBytes: number
  /** The file was durable up to here when the record was written. */
  readonly promise: number
  /** Without fields: it only bears witness to the record before. */
  readonly isSeal: boolean
  readonly edit: ManifestChange
}

/** What all records before the first damage come to. */
export interface ManifestStateItem extends ManifestFields {
  readonly kind: 'state'
  /** The segments of the log that are needed. */
  readonly segments: readonly number[]
  readonly tables: readonly ManifestTable[]
}

/** Where the manifest ends; the last item of its list. */
export interface ManifestEndItem {
  readonly kind: 'end'
  /** 'whole': nothing follows the last record. 'torn': an edit that nothing relied on was left unfinished. 'damaged': opening refuses it. */
  readonly verdict: 'whole' | 'torn' | 'damaged'
  /** Behind the last record; undefined where there is none. */
  readonly offset: number | undefined
  readonly records: number
  readonly why: string
}

export type ManifestItem = StoreItem | ManifestHeaderItem | ManifestRecordItem | ManifestStateItem | ManifestEndItem | DamageItem | GoneItem // prettier-ignore

/** Which one. */
export interface ManifestOptions {
  /** The number of a manifest file; the one in force unless given. */
  readonly number?: number | undefined
}

/** Lists a manifest of a directory. Throws `InvalidArgumentError` if there is no store, or none of that number; `IoError`. */
export async function* inspectManifest(
  runtime: Runtime,
  directory: string,
  options: ManifestOptions = {},
): AsyncGenerator<ManifestItem, void, void> {
  const picture = await takePicture(runtime, directory)
  const number = chooseManifest(picture, options.number)
  yield toStoreItem(picture)
  if (picture.damage !== undefined && options.number === undefined) yield picture.damage
  if (number === undefined) {
    yield { kind: 'end', verdict: 'damaged', offset: undefined, records: 0, why: 'there is no manifest file' }
    return
  }
  const path = runtime.files.join(directory, manifestFileName(number))
  let bytes: Buffer
  try {
    bytes = await readWholeFile(runtime, path)
  } catch (error) {
    yield await toDamageOrGone(runtime, error, { file: path, isInUse: picture.isInUse })
    yield { kind: 'end', verdict: 'damaged', offset: undefined, records: 0, why: 'it cannot be read' }
    return
  }
  yield* inspectBytes(bytes, number, path, picture.damage)
}

/** The one asked for, the one in force, or the newest. */
function chooseManifest(picture: Picture, asked: number | undefined): number | undefined {
  const numbers = picture.names.flatMap((name) => {
    const file = parseFileName(name)
    return file?.kind === 'manifest' ? [file.number] : []
  })
  if (asked === undefined) return picture.manifestNumber ?? numbers.sort((a, b) => a - b).at(-1)
  if (numbers.includes(asked)) return asked
  throw new InvalidArgumentError(`Cannot look inside ${picture.directory}: it has no manifest ${asked}`)
}

/** As `inspectManifest`, of the bytes of one; pure. `listed` is damage that has been listed already. */
function* inspectBytes(
  bytes: Buffer,
  number: number,
  path: string,
  listed: DamageItem | undefined,
): Generator<ManifestItem, void, void> {
  const header = decodeHeader(bytes)
  if (header.kind === 'header') {
    yield { kind: 'header', file: path, number: header.fileNumber, formatVersion: header.version, fileBytes: header.fileBytes } // prettier-ignore
  }
  const walk = new RecordWalk(bytes, { number, path }, listed?.file === path ? [listed.offset] : [])
  if (isReadable(header)) yield* walk.items()
  const verdict = judge(bytes, number, path)
  if (verdict.kind === 'damage') {
    if (!walk.isListed(verdict.offset)) yield verdict
    yield* walk.state()
    yield { kind: 'end', verdict: 'damaged', ...walk.end, why: 'opening the database refuses it' }
    return
  }
  yield* walk.state()
  const why = verdict.tornAt === undefined ? 'nothing follows the last record' : 'an edit was left unfinished; nothing relied on it' // prettier-ignore
  yield { kind: 'end', verdict: verdict.tornAt === undefined ? 'whole' : 'torn', ...walk.end, why }
}

/** Another version may lay out its records differently; a header that is merely damaged says nothing of them. */
function isReadable(header: ManifestHeader): boolean {
  return header.kind === 'bad' || header.version === MANIFEST_FORMAT_VERSION
}

function judge(
  bytes: Buffer,
  number: number,
  path: string,
): DamageItem | { readonly kind: 'read'; readonly tornAt: number | undefined } {
  try {
    return { kind: 'read', tornAt: parseManifest(bytes, number, path).tornAt }
  } catch (error) {
    return toDamage(error, path)
  }
}

/** Goes through the records of a manifest, wherever they are. */
class RecordWalk {
  readonly #bytes: Buffer
  readonly #number: number
  readonly #path: string
  #state: ManifestState = createManifestState()
  #isKnown = true
  #records = 0
  #end = 0
  /** Offsets of damage that was listed. */
  readonly #listed: Set<number>

  constructor(bytes: Buffer, file: { readonly number: number; readonly path: string }, listed: readonly number[]) {
    this.#bytes = bytes
    this.#number = file.number
    this.#path = file.path
    this.#listed = new Set(listed)
  }

  isListed(offset: number): boolean {
    return this.#listed.has(offset)
  }

  get end(): { readonly offset: number | undefined; readonly records: number } {
    return { offset: this.#records === 0 ? undefined : this.#end, records: this.#records }
  }

  *items(): Generator<ManifestRecordItem | DamageItem, void, void> {
    const bytes = this.#bytes
    let ordinal = 0
    for (let at = nextBoundary(MANIFEST_HEADER_BYTES); at + RECORD_HEADER_BYTES <= bytes.length;) {
      const record = decodeRecord(bytes, this.#number, at)
      if (record.kind === 'record') {
        if (record.ordinal !== ordinal) yield* this.#damage(at, `record ${record.ordinal} stands where record ${ordinal} belongs`) // prettier-ignore
        yield* this.#take(record, at)
        ordinal = record.ordinal + 1
        at = nextBoundary(record.end)
        continue
      }
      const next = this.#nextRecord(at)
      if (next === undefined) return
      yield* this.#damage(at, `no record verifies from here to byte ${next}`)
      at = next
    }
  }

  *#take(
    record: ManifestRecord & { readonly kind: 'record' },
    offset: number,
  ): Generator<ManifestRecordItem | DamageItem, void, void> {
    const decoded = decodeEdit(record.payload)
    const edit = decoded.kind === 'edit' ? decoded.edit : {}
    const problem = decoded.kind === 'bad' ? decoded.why : this.#isKnown ? editProblem(this.#state, edit) : undefined
    if (problem !== undefined) yield* this.#damage(offset, `of an edit: ${problem}`)
    if (this.#isKnown) this.#state = applyEdit(this.#state, edit)
    this.#records++
    this.#end = nextBoundary(record.end)
    const { ordinal, promise, payload, end } = record
    const isSeal = payload.length === 0
    yield { kind: 'record', offset, ordinal, recordBytes: end - offset, promise, isSeal, edit: toChange(edit) }
  }

  *state(): Generator<ManifestStateItem, void, void> {
    if (this.#records === 0) return
    const { segments, tables, logEnd, clean } = this.#state
    const end = logEnd === undefined ? undefined : { end: logEnd, clean }
    yield { kind: 'state', ...toFields(this.#state, end), segments, tables: tables.map(toTable) }
  }

  #nextRecord(from: number): number | undefined {
    const bytes = this.#bytes
    for (let at = from + MANIFEST_BOUNDARY_BYTES; at < bytes.length; at += MANIFEST_BOUNDARY_BYTES) {
      if (decodeRecord(bytes, this.#number, at).kind === 'record') return at
    }
    return undefined
  }

  *#damage(offset: number, why: string): Generator<DamageItem, void, void> {
    this.#isKnown = false
    if (this.#listed.has(offset)) return
    this.#listed.add(offset)
    yield { kind: 'damage', file: this.#path, offset, what: why }
  }
}

type FieldsOfBoth = Pick<ManifestEdit, 'comparator' | 'options' | 'nextFileNumber' | 'nextSegment' | 'flushedThrough' | 'firstSegment'> // prettier-ignore

function toFields(from: FieldsOfBoth, logEnd: ManifestEdit['logEnd']): ManifestFields {
  const { comparator, nextFileNumber, nextSegment, flushedThrough, firstSegment } = from
  return {
    comparator,
    options: [...(from.options ?? [])].map(([name, value]) => ({ name, value })),
    nextFileNumber,
    nextSegment,
    flushedThrough,
    firstSegment,
    logEnd: logEnd === undefined ? undefined : { ...logEnd.end, clean: logEnd.clean },
  }
}

function toChange(edit: ManifestEdit): ManifestChange {
  return {
    ...toFields(edit, edit.logEnd),
    addSegments: edit.addSegments ?? [],
    addTables: (edit.addTables ?? []).map(toTable),
    removeTables: edit.removeTables ?? [],
  }
}

function toTable(record: TableRecord): ManifestTable {
  const { level, run, number, fileBytes, entries, firstSequence, lastSequence, bounds, loadedAt } = record
  return {
    level,
    run,
    number,
    file: tableFileName(number),
    fileBytes,
    entries,
    firstSequence,
    lastSequence,
    start: keyToBuffer(bounds.start),
    end: bounds.end === undefined ? undefined : keyToBuffer(bounds.end),
    loadedAt,
  }
}
