/** Writes one table. (Signatures first; the body follows.) */
import type { File } from '../runtime/runtime'
import type { TableProperties } from './table-format'
import type { RangeTombstone, Version } from './version-cursor'

export interface TableWriterOptions {
  /** Bound into every checksum; the number the file has in the manifest. */
  readonly fileNumber: number
  readonly blockBytes: number
  readonly filterBitsPerKey: number
}

/**
 * A table under construction. A failed write leaves it unusable: the file is to be discarded.
 *
 *   for each version: writer.add(version); if (writer.needsDrain) await writer.drain()
 *   for each range tombstone, in any order, at any time before finish: writer.addRangeTombstone(tombstone)
 *   const properties = await writer.finish(); await file.sync(); await file.close()
 *
 * One key's versions belong into one table of a run: begin a new table only where the key changes.
 */
export class TableWriter {
  constructor(_file: File, _options: TableWriterOptions) {
    throw new Error('not built yet')
  }
  /** Copies the version (a cursor is one). REQUIRES: internal order. */
  add(_version: Version): void {
    throw new Error('not built yet')
  }
  addRangeTombstone(_tombstone: RangeTombstone): void {
    throw new Error('not built yet')
  }
  /** Nothing was added. */
  get empty(): boolean {
    throw new Error('not built yet')
  }
  /** Bytes the file would have, index and filter included; for deciding where to begin the next table. */
  get estimatedBytes(): number {
    throw new Error('not built yet')
  }
  /** Enough finished blocks have gathered to be written. */
  get needsDrain(): boolean {
    throw new Error('not built yet')
  }
  /** Writes the finished blocks. */
  async drain(): Promise<void> {
    throw new Error('not built yet')
  }
  /** Writes everything that is left, footer last. Syncs nothing. REQUIRES: not empty. */
  async finish(): Promise<TableProperties> {
    throw new Error('not built yet')
  }
}
