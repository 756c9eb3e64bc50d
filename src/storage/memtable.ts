/** Versions in memory: a Map for gets, a tree for order, values in an arena. (Signatures first; the body follows.) */
import type { Key } from '../base/bytes'
import type { Sequence } from '../base/sequence'
import type { Lookup } from './lookup'
import type { RangeTombstoneIndex } from './range-tombstones'
import type { VersionCursor, VersionKind } from './version-cursor'

export class Memtable {
  /** Copies key and value. REQUIRES: `sequence` is not below any inserted one; at most one insert per key and sequence. */
  insert(_kind: VersionKind, _key: Key, _value: Uint8Array | undefined, _sequence: Sequence): void {
    throw new Error('not built yet')
  }
  /** Deletes `[start, end)` at `sequence`; an insert of the same sequence, before or after, is newer. */
  insertRange(_start: Key, _end: Key | undefined, _sequence: Sequence): void {
    throw new Error('not built yet')
  }
  /** Writes into `found` what is newest for `key` at or below `sequence`; false (and LOOKUP_ABSENT) if nothing. Allocates nothing. */
  get(_key: Key, _sequence: Sequence, _found: Lookup): boolean {
    throw new Error('not built yet')
  }
  /** Versions and range tombstones held. */
  get entries(): number {
    throw new Error('not built yet')
  }
  /** Bytes of keys and values held plus a fixed overhead an entry; what `memtableBytesMax` bounds. */
  get bytes(): number {
    throw new Error('not built yet')
  }
  /** The least and the greatest sequence inserted; 0 if empty. */
  get firstSequence(): Sequence {
    throw new Error('not built yet')
  }
  get lastSequence(): Sequence {
    throw new Error('not built yet')
  }
  /** Undefined while there is none. */
  get rangeTombstones(): RangeTombstoneIndex | undefined {
    throw new Error('not built yet')
  }
  /**
   * Never promises. Inserts may go on: what was inserted before the cursor opened is seen, what comes later may be or not,
   * so a cursor on a growing memtable is read at a sequence already appended.
   */
  openCursor(_reverse: boolean): VersionCursor {
    throw new Error('not built yet')
  }
  /** Order of the tree, Map and tree agree, chains descend, places lie in the arena. */
  checkInvariants(): void {
    throw new Error('not built yet')
  }
}
