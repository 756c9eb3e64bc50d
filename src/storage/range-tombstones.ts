/** Range tombstones of one source, found by key and sequence. (Signatures first; the body follows.) */
import type { Key } from '../base/bytes'
import type { KeyRange } from '../base/key-range'
import type { Sequence } from '../base/sequence'
import type { RangeTombstone } from './version-cursor'

export class RangeTombstoneIndex {
  /** Builds the index of any list. */
  static from(_list: readonly RangeTombstone[]): RangeTombstoneIndex {
    throw new Error('not built yet')
  }
  get size(): number {
    throw new Error('not built yet')
  }
  /** REQUIRES: not below any inserted sequence; the range is not empty. */
  insert(_start: Key, _end: Key | undefined, _sequence: Sequence): void {
    throw new Error('not built yet')
  }
  /** The greatest sequence `<= sequence` of a tombstone that covers `key`, or 0. */
  newestCovering(_key: Key, _sequence: Sequence): Sequence {
    throw new Error('not built yet')
  }
  /** All of them, by start ascending, then sequence descending. */
  list(): RangeTombstone[] {
    throw new Error('not built yet')
  }
}

/**
 * Fragments a list (a merge's inputs) into tombstones whose ranges are equal or disjoint and keeps, per fragment, the newest
 * one at or below each of `snapshots` (any order; the published sequence is one) and those above the greatest of them.
 * By start ascending, then sequence descending.
 */
export function retainRangeTombstones(
  _list: readonly RangeTombstone[],
  _snapshots: Iterable<Sequence>,
): RangeTombstone[] {
  throw new Error('not built yet')
}

/** The parts of tombstones that lie in `range`. */
export function clipRangeTombstones(_list: readonly RangeTombstone[], _range: KeyRange): RangeTombstone[] {
  throw new Error('not built yet')
}
