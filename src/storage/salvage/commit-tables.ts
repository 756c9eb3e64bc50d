/**
 * Commits gathered in memory up to a bound and written as tables: what a salvaged log becomes before it is merged with the rest.
 *
 * Of each key only the newest version of a stretch is kept: nobody reads an older one of a salvaged database.
 * Pinned by test/unit/storage/salvage/salvage.test.ts.
 */
import type { Limits } from '../../base/limits'
import { SEQUENCE_MAX } from '../../base/sequence'
import type { Sequence } from '../../base/sequence'
import type { Runtime } from '../../runtime/runtime'
import { ENTRY_DELETE_RANGE } from '../engine'
import { tableFileName } from '../files/file-names'
import { Memtable } from '../memtable/memtable'
import type { BatchCursor } from '../rows/batch-codec'
import { TableOutput } from '../table/table-output'
import type { SalvagedTable } from './salvaged-table'

/** Where the tables go. */
export interface CommitTablesOptions {
  readonly directory: string
  readonly limits: Limits
  readonly allocateFileNumber: () => number
}

/** Commits on their way to tables. */
export class CommitTables {
  readonly #runtime: Runtime
  readonly #options: CommitTablesOptions
  /** Newest first. */
  readonly #tables: SalvagedTable[] = []
  #memtable = new Memtable()
  /** Full ones are written one after the other. */
  #writing: Promise<void> = Promise.resolve()

  constructor(runtime: Runtime, options: CommitTablesOptions) {
    this.#runtime = runtime
    this.#options = options
  }

  /** Takes over the entries of one commit. A promise where a table has to be written first. REQUIRES: sequences ascend. */
  take(sequence: Sequence, entries: BatchCursor): undefined | Promise<void> {
    const memtable = this.#memtable
    while (entries.next()) {
      const { kind, key, value, end } = entries.entry()
      if (kind !== ENTRY_DELETE_RANGE) memtable.insert(kind, key, value, sequence)
      else if (end === undefined || key < end) memtable.insertRange(key, end, sequence)
    }
    return memtable.bytes < this.#options.limits.memtableBytesMax ? undefined : this.#spill()
  }

  /** Writes what is left. All tables, the newest first. */
  async finish(): Promise<readonly SalvagedTable[]> {
    await this.#spill()
    return this.#tables
  }

  #spill(): Promise<void> {
    const memtable = this.#memtable
    if (memtable.entries > 0) {
      this.#memtable = new Memtable()
      this.#writing = this.#writing.then(() => this.#write(memtable))
    }
    return this.#writing
  }

  async #write(memtable: Memtable): Promise<void> {
    const { directory, limits, allocateFileNumber } = this.#options
    const rangeTombstones = memtable.rangeTombstones?.list() ?? []
    const output = new TableOutput(this.#runtime, {
      ...{ directory, limits, allocateFileNumber, rangeTombstones, cutKeys: [] },
      tableBytesMax: Infinity,
    })
    const cursor = memtable.openCursor(false, SEQUENCE_MAX)
    try {
      for (let more = cursor.seek(undefined) === true; more; more = cursor.next() === true) {
        if (output.writer === undefined) await output.begin()
        output.add(cursor)
        if (output.writer?.needsDrain === true) await output.writer.drain()
      }
      for (const properties of await output.finish()) {
        const { fileNumber: number, bounds, entries, fileBytes, firstSequence: first, lastSequence: last } = properties
        const path = this.#runtime.files.join(directory, tableFileName(number))
        const sequences = { first, last }
        const place = { number, path, bounds, rangeTombstones, sequences, entries, fileBytes }
        this.#tables.unshift({ ...place, loadedAt: undefined, mayBeLoad: false })
      }
    } catch (error) {
      await output.discard()
      throw error
    } finally {
      cursor.close()
    }
  }
}
