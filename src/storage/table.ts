/** One open table. (Signatures first; the body follows.) */
import type { Key } from '../base/bytes'
import type { Sequence } from '../base/sequence'
import type { Clock, File } from '../runtime/runtime'
import type { BlockCache } from './block-cache'
import type { KeyHash } from './filter'
import type { Lookup } from './lookup'
import type { RangeTombstoneIndex } from './range-tombstones'
import type { TableProperties } from './table-format'
import type { VersionCursor } from './version-cursor'

/** Counts shared by the tables of one store. */
export class TableCounters {
  blockReads = 0
  filterChecks = 0
  filterNegatives = 0
  filterFalsePositives = 0
}

export interface TableOptions {
  /** The number the file has in the manifest; a file that says otherwise is corrupt. */
  readonly fileNumber: number
  readonly cache: BlockCache
  readonly clock: Clock
  readonly counters: TableCounters
}

/**
 * Opens a table: footer, properties, index, filter and range tombstones are read, verified and kept; `file` is the table's from here
 * on (closed even when opening throws). Throws `CorruptionError`, `UnsupportedFormatError`, `IoError`.
 */
export async function openTable(_file: File, _options: TableOptions): Promise<Table> {
  throw new Error('not built yet')
}

/** An open table, held by whoever opened it until `unpin`. */
export class Table {
  readonly properties!: TableProperties
  /** Undefined if it has none. */
  readonly rangeTombstones: RangeTombstoneIndex | undefined
  /** Resident bytes. */
  readonly indexBytes!: number
  readonly filterBytes!: number

  /** One more holder. */
  pin(): void {
    throw new Error('not built yet')
  }
  /** One holder less; the last one closes the file (reads in flight and cursors are holders too). */
  unpin(): void {
    throw new Error('not built yet')
  }
  /** Whether the filter lets a key pass; false is certain absence of versions (not of range tombstones). */
  mayContain(_hash: KeyHash): boolean {
    throw new Error('not built yet')
  }
  /**
   * What is newest for `key` at or below `sequence`, range tombstones included. At once, written into `found`
   * (true: found something; false: LOOKUP_ABSENT), where bytes are in memory or cheap to read; else a promise of a `Lookup` of its own.
   * `hash` is `hashKey(key)`. Throws or rejects with `CorruptionError`, `IoError`.
   */
  get(_key: Key, _hash: KeyHash, _sequence: Sequence, _found: Lookup): boolean | Promise<Lookup> {
    throw new Error('not built yet')
  }
  /** The same, blocking for a read if it must. */
  getSync(_key: Key, _hash: KeyHash, _sequence: Sequence, _found: Lookup): boolean {
    throw new Error('not built yet')
  }
  /**
   * Pins the table until closed. `bulk` is for merges: reads large stretches ahead, asynchronously, past the block cache.
   */
  openCursor(_options: { readonly reverse: boolean; readonly bulk?: boolean }): VersionCursor {
    throw new Error('not built yet')
  }
  /** Reads the whole file: every checksum, order, bounds, counts, filter and index. Throws `CorruptionError`, `IoError`. */
  async verify(): Promise<void> {
    throw new Error('not built yet')
  }
}
