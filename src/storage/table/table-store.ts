/**
 * The tables of an open store: the newest set, the files behind it, and the removal of files that nobody holds.
 *
 *   written and synced -> `open` -> manifest edit synced -> `swap` (one synchronous step) -> last holder gone -> file removed
 *
 * Pinned by test/contract/engine and test/crash.
 * Spec: ManifestFlush!Install, ManifestFlush!RemoveFile, Compaction!Install.
 */
import { CorruptionError } from '../../base/errors'
import { LIMITS } from '../../base/limits'
import type { Sequence } from '../../base/sequence'
import type { Runtime } from '../../runtime/runtime'
import type { BlockCache } from './block-cache'
import type { CodecName } from '../files/codec'
import { tableFileName } from '../files/file-names'
import type { IndexMode } from './index-mode'
import type { ManifestState, RunPlace, TableName, TableRecord } from '../manifest/manifest-state'
import { OpenTables } from './open-tables'
import { TableCounters, openTable } from './table'
import type { TableProperties } from './table-format'
import type { PlacedFile } from './table-set'
import { TableFile, TableSet, editTableSet } from './table-set'

/** Tables whose files are opened and read at the same time when a store is opened. */
const OPENED_TOGETHER = 16

/** A change of the newest set. */
export interface TableSwap {
  readonly adds: readonly PlacedFile[]
  readonly removes: readonly TableName[]
}

/** Owns the newest table set. */
export class TableStore {
  readonly counters = new TableCounters()
  readonly cache: BlockCache
  readonly openTables: OpenTables
  readonly indexMode: IndexMode
  /** What tables are written with from now on. */
  readonly codec: CodecName
  readonly #runtime: Runtime
  readonly #directory: string
  readonly #removals = new Set<Promise<void>>()
  /** Tables that the newest set no longer has and somebody still holds. */
  readonly #obsolete = new Set<TableFile>()
  readonly #onRemoveFailed: (error: Error) => void
  #current: TableSet

  constructor(
    runtime: Runtime,
    options: {
      readonly directory: string
      readonly cache: BlockCache
      /** Descriptors of tables; the limit's default unless given. */
      readonly openTablesMax?: number | undefined
      /** How the blocks of tables are found; 'auto' unless given. */
      readonly indexMode?: IndexMode | undefined
      /** 'none' unless given. */
      readonly codec?: CodecName | undefined
      /** Told when a file could not be removed; the next open will. */
      readonly onRemoveFailed: (error: Error) => void
    },
  ) {
    this.#runtime = runtime
    this.#directory = options.directory
    this.cache = options.cache
    const { openTablesMax = LIMITS.openTablesMax.initial } = options
    this.openTables = new OpenTables(runtime, { openTablesMax })
    this.indexMode = options.indexMode ?? 'auto'
    this.codec = options.codec ?? 'none'
    this.#onRemoveFailed = options.onRemoveFailed
    this.#current = new TableSet([], this.#release)
  }

  /** The newest set. Whoever keeps it beyond the present step pins it. */
  get current(): TableSet {
    return this.#current
  }

  /** Tables that the newest set no longer has, held by readers and jobs that began before. */
  get obsolete(): Iterable<TableFile> {
    return this.#obsolete
  }

  /** The path of a table's file. */
  path(number: number): string {
    return this.#runtime.files.join(this.#directory, tableFileName(number))
  }

  /** Opens a table that a job has written; `loadedAt` is the sequence that the manifest gives one of a bulk load. */
  async open(number: number, loadedAt?: Sequence): Promise<TableFile> {
    const { clock } = this.#runtime
    const { cache, counters, indexMode } = this
    const file = await this.openTables.open(this.path(number))
    return new TableFile(await openTable(file, { fileNumber: number, cache, clock, counters, indexMode, loadedAt }))
  }

  /** Opens every table that the manifest names. Throws `CorruptionError` for one that is missing or another than recorded. */
  async openAll(state: ManifestState): Promise<void> {
    const adds: PlacedFile[] = []
    for (let from = 0; from < state.tables.length; from += OPENED_TOGETHER) {
      const records = state.tables.slice(from, from + OPENED_TOGETHER)
      const opened = await Promise.allSettled(records.map((record) => this.#openRecorded(record)))
      for (const [i, outcome] of opened.entries()) {
        const { level, run } = records[i]!
        if (outcome.status === 'fulfilled') adds.push({ level, run, file: outcome.value })
      }
      const failed = opened.find((outcome) => outcome.status === 'rejected')
      if (failed === undefined) continue
      for (const { file } of adds) file.table.unpin()
      throw failed.reason
    }
    this.swap({ adds, removes: [] })
  }

  /** ATOMIC: no await. Makes the next set the newest. REQUIRES: the manifest edit that says the same is synced. */
  swap(change: TableSwap): void {
    const before = this.#current
    this.#current = editTableSet(before, change, this.#release)
    for (const { file } of before.places) if (file.isObsolete) this.#obsolete.add(file)
    before.unpin()
  }

  /** Resolves when the files that nobody held any more when it was called have been removed. Never rejects. */
  async removed(): Promise<void> {
    await Promise.all(this.#removals)
  }

  /** Lets go of the newest set and waits for removals. REQUIRES: no reader will come any more. */
  async close(): Promise<void> {
    this.#current.unpin()
    await Promise.all(this.#removals)
  }

  async #openRecorded(record: TableRecord): Promise<TableFile> {
    const path = this.path(record.number)
    if ((await this.#runtime.files.status(path)) === undefined) {
      throw new CorruptionError(`Cannot open ${path}: the manifest names it, but it is missing`, path, 0)
    }
    const file = await this.open(record.number, record.loadedAt)
    const why = recordProblem(record, file.properties)
    if (why === undefined) return file
    file.table.unpin()
    throw new CorruptionError(`Cannot open ${path}: ${why}`, path, 0)
  }

  /** Called when the last set that has `file` was let go. */
  readonly #release = (file: TableFile): void => {
    file.table.unpin()
    if (!file.isObsolete) return
    this.#obsolete.delete(file)
    const removal = this.#runtime.files
      .remove(this.path(file.number))
      .catch((error: unknown) => this.#onRemoveFailed(error as Error))
      .then(() => void this.#removals.delete(removal))
    this.#removals.add(removal)
  }
}

/** What a manifest records of a table. */
export function propertiesToRecord(properties: TableProperties, place: RunPlace): TableRecord {
  const { fileNumber: number, fileBytes, entries, firstSequence, lastSequence, bounds, loadedAt } = properties
  const { level, run } = place
  const record = { level, run, number, fileBytes, entries, firstSequence, lastSequence, bounds }
  return loadedAt === undefined ? record : { ...record, loadedAt }
}

function recordProblem(record: TableRecord, properties: TableProperties): string | undefined {
  const own = propertiesToRecord(properties, record)
  const isSame =
    own.fileBytes === record.fileBytes &&
    own.entries === record.entries &&
    own.firstSequence === record.firstSequence &&
    own.lastSequence === record.lastSequence &&
    own.bounds.start === record.bounds.start &&
    own.bounds.end === record.bounds.end
  return isSame ? undefined : 'it is not the table that the manifest describes'
}
