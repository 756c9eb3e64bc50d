/**
 * One cursor over a run: tables whose bounds do not overlap, ascending. It opens one table's cursor at a time and pins all tables.
 *
 * A seek finds its table by bounds; a table whose versions all lie on the wrong side of the key (its bounds include range tombstones)
 * is passed over. Pinned by test/unit/storage/table/merging-cursor.test.ts.
 */
import type { Key } from '../../base/bytes'
import type { Sequence } from '../../base/sequence'
import type { Table } from './table'
import type { VersionCursor, VersionKind } from '../rows/version-cursor'

interface RunCursorOptions {
  readonly reverse: boolean
  readonly bulk?: boolean
}

/** A cursor over all versions of a run. */
export function openRunCursor(tables: readonly Table[], options: RunCursorOptions): VersionCursor {
  if (tables.length === 1) return tables[0]!.openCursor(options)
  return new RunCursor(tables, options)
}

class RunCursor implements VersionCursor {
  readonly #tables: readonly Table[]
  readonly #options: RunCursorOptions
  #ordinal = -1
  #cursor: VersionCursor | undefined
  #closed = false

  constructor(tables: readonly Table[], options: RunCursorOptions) {
    this.#tables = [...tables]
    this.#options = options
    for (const table of this.#tables) table.pin()
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
    return this.#options.reverse ? this.#tables.length - 1 : 0
  }

  /** The first table in the cursor's direction whose bounds reach the wanted side of `key`. */
  #find(key: Key): number {
    const tables = this.#tables
    let low = 0
    let high = tables.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const { bounds } = tables[middle]!.properties
      const isBehind = this.#options.reverse ? bounds.start >= key : bounds.end === undefined || bounds.end > key
      if (isBehind) high = middle
      else low = middle + 1
    }
    return this.#options.reverse ? low - 1 : low
  }

  next(): boolean | Promise<boolean> {
    if (this.#cursor === undefined) return false
    return this.#orNextTable(this.#cursor.next())
  }

  /** Opens table `ordinal` and seeks `key` in it. */
  #moveTo(ordinal: number, key: Key | undefined): boolean | Promise<boolean> {
    const table = this.#tables[ordinal]
    if (this.#ordinal !== ordinal || this.#cursor === undefined) {
      this.#cursor?.close()
      this.#cursor = this.#closed ? undefined : table?.openCursor(this.#options)
    }
    this.#ordinal = ordinal
    if (this.#cursor === undefined) return false
    return this.#orNextTable(this.#cursor.seek(key))
  }

  #orNextTable(moved: boolean | Promise<boolean>): boolean | Promise<boolean> {
    if (moved === true) return true
    if (moved === false) return this.#moveTo(this.#ordinal + (this.#options.reverse ? -1 : 1), undefined)
    return moved.then((more) => this.#orNextTable(more))
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#cursor?.close()
    this.#cursor = undefined
    for (const table of this.#tables) table.unpin()
  }
}
