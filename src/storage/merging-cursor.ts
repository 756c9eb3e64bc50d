/** Merges any number of version cursors. (Signatures first; the body follows.) */
import type { Key } from '../base/bytes'
import type { Sequence } from '../base/sequence'
import type { Table } from './table'
import type { VersionCursor, VersionKind } from './version-cursor'

/** All versions of all sources in internal order, the newer source first where key and sequence are equal. */
export class MergingCursor implements VersionCursor {
  /** `sources` newest first, all of direction `reverse`; closed with the cursor. */
  constructor(_sources: readonly VersionCursor[], _reverse: boolean) {
    throw new Error('not built yet')
  }
  key!: Key
  keyBytes!: Uint8Array
  keyLength!: number
  sequence!: Sequence
  kind!: VersionKind
  valueBytes!: Uint8Array
  valueAt!: number
  valueLength!: number
  seek(_key: Key | undefined): boolean | Promise<boolean> {
    throw new Error('not built yet')
  }
  next(): boolean | Promise<boolean> {
    throw new Error('not built yet')
  }
  close(): void {
    throw new Error('not built yet')
  }
}

/** One cursor over a run: tables whose bounds do not overlap, ascending. Opens one table's cursor at a time; pins them all. */
export function openRunCursor(
  _tables: readonly Table[],
  _options: { readonly reverse: boolean; readonly bulk?: boolean },
): VersionCursor {
  throw new Error('not built yet')
}
