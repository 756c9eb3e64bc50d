/** The rows of a range at a sequence, over all sources. (Signatures first; the body follows.) */
import type { Key } from '../base/bytes'
import type { KeyRange } from '../base/key-range'
import type { Sequence } from '../base/sequence'
import type { EngineCursor } from './engine'
import type { RangeTombstoneIndex } from './range-tombstones'
import type { VersionCursor } from './version-cursor'

export interface RowCursorOptions {
  /** Newest first, all of direction `reverse`, not yet positioned; closed with the cursor. */
  readonly sources: readonly VersionCursor[]
  /** Those of every source that may cover a key of the range, in any order. */
  readonly rangeTombstones: readonly RangeTombstoneIndex[]
  readonly range: KeyRange
  readonly sequence: Sequence
  readonly reverse: boolean
  /** Called once, on close. */
  readonly onClose?: () => void
}

export class RowCursor implements EngineCursor {
  constructor(_options: RowCursorOptions) {
    throw new Error('not built yet')
  }
  get key(): Key {
    throw new Error('not built yet')
  }
  next(): boolean | Promise<boolean> {
    throw new Error('not built yet')
  }
  value(): Buffer {
    throw new Error('not built yet')
  }
  close(): void {
    throw new Error('not built yet')
  }
}
