/**
 * A binary heap of the sources of a merge: the one whose position comes first is at the top.
 *
 * A merge keeps the source in front apart and only the others here, so that a source that stays in front costs one comparison a move.
 * When it falls back, it takes the place of the first and sinks: one pass down instead of a removal and an insertion.
 *
 * 1. No source comes before its parent, as long as the positions of those inside do not move.
 *
 * Pinned by test/unit/storage/rows/source-heap.test.ts.
 */
import { assert } from '../../base/assert'

/** What the heap asks of a source. */
export interface PositionedSource<T> {
  /** Whether this position comes before that of `other`. A total order, the same as long as neither moves. */
  isBefore(other: T): boolean
}

/** Sources by their positions. */
export class SourceHeap<T extends PositionedSource<T>> {
  readonly #sources: T[] = []

  /** The source whose position comes first; undefined if there is none. */
  get first(): T | undefined {
    return this.#sources[0]
  }

  push(source: T): void {
    const sources = this.#sources
    let at = sources.length
    sources.push(source)
    while (at > 0) {
      const parent = (at - 1) >>> 1
      if (!source.isBefore(sources[parent]!)) break
      sources[at] = sources[parent]!
      at = parent
    }
    sources[at] = source
  }

  /** Takes the first out; undefined if there is none. */
  pop(): T | undefined {
    const last = this.#sources.pop()
    if (last === undefined || this.#sources.length === 0) return last
    return this.replaceFirst(last)
  }

  /** Takes the first out and puts `source` in. REQUIRES: the heap is not empty. */
  replaceFirst(source: T): T {
    const sources = this.#sources
    const count = sources.length
    assert(count > 0, 'a source takes the place of another')
    const first = sources[0]!
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= count) break
      if (child + 1 < count && sources[child + 1]!.isBefore(sources[child]!)) child++
      if (!sources[child]!.isBefore(source)) break
      sources[at] = sources[child]!
      at = child
    }
    sources[at] = source
    return first
  }

  clear(): void {
    this.#sources.length = 0
  }

  /** What must hold between any two steps. */
  checkInvariants(): void {
    this.#sources.forEach((source, at) => {
      assert(at === 0 || !source.isBefore(this.#sources[(at - 1) >>> 1]!), 'no source comes before its parent')
    })
  }
}
