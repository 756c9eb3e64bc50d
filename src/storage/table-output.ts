/**
 * The tables that one job writes: a run of them, cut where a key changes, complete and synced or gone without a trace.
 *
 *   begin -> add* -> (cut -> begin -> add*)* -> finish:  each table synced and closed
 *
 * Range tombstones are clipped at the cuts, so that no two tables of the run overlap. After any failure the job calls
 * `discard`: files under construction are removed, their numbers never used again. The directory is the caller's to sync
 * before anything refers to the tables: a failure of that is no failure of one table (engine-jobs.ts).
 *
 * Pinned by test/contract/engine and test/crash.
 */
import { assert } from '../base/assert'
import type { Key } from '../base/bytes'
import type { Limits } from '../base/limits'
import type { File, Runtime } from '../runtime/runtime'
import { tableFileName } from './file-names'
import { clipRangeTombstones } from './range-tombstones'
import type { TableProperties } from './table-format'
import { TableWriter } from './table-writer'
import type { RangeTombstone, Version } from './version-cursor'
import { removeQuietly } from './whole-file'

/** Where and how tables are written. */
export interface TableOutputOptions {
  readonly directory: string
  readonly limits: Limits
  readonly allocateFileNumber: () => number
  /** Size at which a new table is begun; Infinity for one table only. */
  readonly tableBytesMax: number
  /** All that the run is to hold. */
  readonly rangeTombstones: readonly RangeTombstone[]
}

/** A run of tables under construction. */
export class TableOutput {
  readonly #runtime: Runtime
  readonly #options: TableOutputOptions
  readonly #paths: string[] = []
  readonly #written: TableProperties[] = []
  #file: File | undefined
  #writer: TableWriter | undefined
  /** Where the table under construction begins: its first key may lie further on. */
  #start: Key = ''

  constructor(runtime: Runtime, options: TableOutputOptions) {
    this.#runtime = runtime
    this.#options = options
  }

  /** The table under construction; undefined: `begin` before the next `add`. */
  get writer(): TableWriter | undefined {
    return this.#writer
  }

  /** The next key should begin a new table. */
  get isFull(): boolean {
    return this.#writer !== undefined && this.#writer.estimatedBytes >= this.#options.tableBytesMax
  }

  /** Creates the next table's file. */
  async begin(): Promise<void> {
    assert(this.#writer === undefined, 'one table is written at a time')
    const fileNumber = this.#options.allocateFileNumber()
    const { blockBytes, filterBitsPerKey } = this.#options.limits
    const path = this.#runtime.files.join(this.#options.directory, tableFileName(fileNumber))
    this.#paths.push(path)
    this.#file = await this.#runtime.files.open(path, 'create')
    this.#writer = new TableWriter(this.#file, { fileNumber, blockBytes, filterBitsPerKey })
  }

  /** Adds a version in internal order. REQUIRES: a table has begun. */
  add(version: Version): void {
    this.#writer!.add(version)
  }

  /** Ends the table under construction; everything from `key` on goes to the next one. */
  async cut(key: Key): Promise<void> {
    await this.#end(key)
    this.#start = key
  }

  /** Ends the last table. Those written, in order, each complete and synced; none if there was nothing to write. */
  async finish(): Promise<readonly TableProperties[]> {
    await this.#end(undefined)
    return this.#written
  }

  /** Removes everything written. Never throws. */
  async discard(): Promise<void> {
    await this.#file?.close()
    this.#file = undefined
    this.#writer = undefined
    for (const path of this.#paths) await removeQuietly(this.#runtime, path)
  }

  async #end(end: Key | undefined): Promise<void> {
    const tombstones = clipRangeTombstones(this.#options.rangeTombstones, { start: this.#start, end })
    if (this.#writer === undefined) {
      if (tombstones.length === 0) return
      await this.begin()
    }
    const [writer, file] = [this.#writer!, this.#file!]
    for (const tombstone of tombstones) writer.addRangeTombstone(tombstone)
    const properties = await writer.finish()
    this.#runtime.faults.reach('table.before-sync')
    await file.sync()
    this.#file = undefined
    this.#writer = undefined
    await file.close()
    this.#written.push(properties)
  }
}
