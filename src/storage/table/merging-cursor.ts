/**
 * Merges any number of version cursors into one, in internal order.
 *
 * The source in front is kept apart from a binary heap of the others: while it stays in front, a move costs one comparison, and none if
 * it is the only one left. Keys are compared as bytes where the sources show them; no object and no string is made per entry.
 *
 *   front: level 1 at "cherry"/9      heap: [memtable "date"/12, level 0 "fig"/8, ...]
 *
 * Where key and sequence are equal, the newer source comes first. Sources that promise are waited for, one after the other.
 *
 * Pinned by test/unit/storage/table/merging-cursor.test.ts against a naive model and test/data/vectors/merge-iterator.json.
 */
import type { Key } from '../../base/bytes'
import type { Sequence } from '../../base/sequence'
import { compareBytes } from '../files/bytes-in-place'
import { SourceHeap } from '../rows/source-heap'
import type { VersionCursor, VersionKind } from '../rows/version-cursor'

/** A source and its place in internal order. */
class RankedSource {
  readonly cursor: VersionCursor
  /** 0 is the newest. */
  readonly #rank: number
  readonly #reverse: boolean

  constructor(cursor: VersionCursor, rank: number, reverse: boolean) {
    this.cursor = cursor
    this.#rank = rank
    this.#reverse = reverse
  }

  isBefore(other: RankedSource): boolean {
    const x = this.cursor
    const y = other.cursor
    const byKey = compareBytes(x.keyBytes, x.keyLength, y.keyBytes, y.keyLength)
    if (byKey !== 0) return this.#reverse ? byKey > 0 : byKey < 0
    const bySequence = y.sequence - x.sequence
    if (bySequence !== 0) return this.#reverse ? bySequence > 0 : bySequence < 0
    return this.#rank < other.#rank
  }
}

/** All versions of all sources in internal order, the newer source first where key and sequence are equal. */
export class MergingCursor implements VersionCursor {
  readonly #sources: readonly RankedSource[]
  /** Positioned sources but the one in front. */
  readonly #heap = new SourceHeap<RankedSource>()
  #front: RankedSource | undefined

  /** `sources` newest first, all of direction `reverse`; closed with the cursor. */
  constructor(sources: readonly VersionCursor[], reverse: boolean) {
    this.#sources = sources.map((cursor, rank) => new RankedSource(cursor, rank, reverse))
  }

  get key(): Key {
    return this.#front!.cursor.key
  }

  get keyBytes(): Uint8Array {
    return this.#front!.cursor.keyBytes
  }

  get keyLength(): number {
    return this.#front!.cursor.keyLength
  }

  get sequence(): Sequence {
    return this.#front!.cursor.sequence
  }

  get kind(): VersionKind {
    return this.#front!.cursor.kind
  }

  get valueBytes(): Uint8Array {
    return this.#front!.cursor.valueBytes
  }

  get valueAt(): number {
    return this.#front!.cursor.valueAt
  }

  get valueLength(): number {
    return this.#front!.cursor.valueLength
  }

  seek(key: Key | undefined): boolean | Promise<boolean> {
    this.#front = undefined
    this.#heap.clear()
    return this.#seekFrom(0, key)
  }

  #seekFrom(first: number, key: Key | undefined): boolean | Promise<boolean> {
    for (let i = first; i < this.#sources.length; i++) {
      const source = this.#sources[i]!
      const moved = source.cursor.seek(key)
      if (typeof moved !== 'boolean') {
        return moved.then((more) => {
          if (more) this.#heap.push(source)
          return this.#seekFrom(i + 1, key)
        })
      }
      if (moved) this.#heap.push(source)
    }
    this.#front = this.#heap.pop()
    return this.#front !== undefined
  }

  next(): boolean | Promise<boolean> {
    const front = this.#front
    if (front === undefined) return false
    const moved = front.cursor.next()
    return typeof moved === 'boolean' ? this.#settle(front, moved) : moved.then((more) => this.#settle(front, more))
  }

  /** Puts the source that moved, and has `more` or not, where it belongs. */
  #settle(moved: RankedSource, more: boolean): boolean {
    if (!more) {
      this.#front = this.#heap.pop()
      return this.#front !== undefined
    }
    if (this.#heap.first?.isBefore(moved) === true) this.#front = this.#heap.replaceFirst(moved)
    return true
  }

  close(): void {
    this.#front = undefined
    this.#heap.clear()
    for (const { cursor } of this.#sources) cursor.close()
  }
}
