/**
 * One cursor over a stretch of a run: tables whose bounds do not overlap, ascending. It opens one table's cursor at a time.
 *
 * It takes the run's list of tables as it is and holds none of them but the one it stands in, so that opening it costs the same
 * however many tables a run has: whoever opens it holds the set of tables until it is closed.
 *
 * A seek finds its table by bounds; a table whose versions all lie on the wrong side of the key (its bounds include range tombstones)
 * is passed over. Pinned by test/unit/storage/table/merging-cursor.test.ts.
 */
import { assert } from '../../base/assert'
import type { Key } from '../../base/bytes'
import type { Sequence } from '../../base/sequence'
import type { Table } from './table'
import type { VersionCursor, VersionKind } from '../rows/version-cursor'

/** The tables `[first, end)` of a run, and the direction. */
interface RunStretch {
  readonly first: number
  readonly end: number
  readonly reverse: boolean
}

/** A cursor over all versions of a stretch of a run. REQUIRES: it is not empty; the tables are pinned until the cursor is closed. */
export function openRunCursor(tables: readonly Table[], stretch: RunStretch): VersionCursor {
  assert(stretch.first < stretch.end && stretch.end <= tables.length, 'a cursor has tables to walk')
  if (stretch.first + 1 === stretch.end) return tables[stretch.first]!.openCursor(stretch)
  return new RunCursor(tables, stretch)
}

class RunCursor implements VersionCursor {
  readonly #tables: readonly Table[]
  readonly #stretch: RunStretch
  #ordinal = -1
  #cursor: VersionCursor | undefined
  #closed = false

  constructor(tables: readonly Table[], stretch: RunStretch) {
    this.#tables = tables
    this.#stretch = stretch
  }

  get key(): Key {
    return this.#cursor!.key
  }

  get keyBytes(): Uint8Array {
    return this.#cursor!.keyBytes
  }

  get keyLength(): number {
    return this.#cursor!.keyLength
  }

  get sequence(): Sequence {
    return this.#cursor!.sequence
  }

  get kind(): VersionKind {
    return this.#cursor!.kind
  }

  get valueBytes(): Uint8Array {
    return this.#cursor!.valueBytes
  }

  get valueAt(): number {
    return this.#cursor!.valueAt
  }

  get valueLength(): number {
    return this.#cursor!.valueLength
  }

  seek(key: Key | undefined): boolean | Promise<boolean> {
    return this.#moveTo(key === undefined ? this.#nearEnd() : this.#find(key), key)
  }

  #nearEnd(): number {
    return this.#stretch.reverse ? this.#stretch.end - 1 : this.#stretch.first
  }

  /** The first table in the cursor's direction whose bounds reach the wanted side of `key`. */
  #find(key: Key): number {
    const tables = this.#tables
    let low = this.#stretch.first
    let high = this.#stretch.end
    while (low < high) {
      const middle = (low + high) >>> 1
      const { bounds } = tables[middle]!.properties
      const isBehind = this.#stretch.reverse ? bounds.start >= key : bounds.end === undefined || bounds.end > key
      if (isBehind) high = middle
      else low = middle + 1
    }
    return this.#stretch.reverse ? low - 1 : low
  }

  next(): boolean | Promise<boolean> {
    if (this.#cursor === undefined) return false
    return this.#orNextTable(this.#cursor.next())
  }

  /** Opens table `ordinal` and seeks `key` in it. */
  #moveTo(ordinal: number, key: Key | undefined): boolean | Promise<boolean> {
    const { first, end } = this.#stretch
    const table = ordinal >= first && ordinal < end ? this.#tables[ordinal] : undefined
    if (this.#ordinal !== ordinal || this.#cursor === undefined) {
      this.#cursor?.close()
      this.#cursor = this.#closed ? undefined : table?.openCursor(this.#stretch)
    }
    this.#ordinal = ordinal
    if (this.#cursor === undefined) return false
    return this.#orNextTable(this.#cursor.seek(key))
  }

  #orNextTable(moved: boolean | Promise<boolean>): boolean | Promise<boolean> {
    if (moved === true) return true
    if (moved === false) return this.#moveTo(this.#ordinal + (this.#stretch.reverse ? -1 : 1), undefined)
    return moved.then((more) => this.#orNextTable(more))
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#cursor?.close()
    this.#cursor = undefined
  }
}
