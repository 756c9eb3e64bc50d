/**
 * Range tombstones of one source, found by key and sequence in polylogarithmic time however they overlap.
 *
 * A log-structured tree over them in order of sequence: each node stands for a stretch of consecutive tombstones and holds the *union*
 * of their ranges as disjoint stretches of keys. The newest one at or below a sequence that covers a key is found by walking nodes
 * from newer to older and descending only where the union covers the key.
 *
 *   sequences  1 ..... 8   9 .... 16  17 ... 24 | 25 26 27      nodes of 8, 16, 32 ...; the rest is scanned
 *              [  union  ] [ union ]  [ union ]
 *              [      union       ]
 *
 * Inserting is amortised O(log n) (two nodes of one size become one), a query O(log^2 n), memory O(n log n) at worst. Keeping disjoint
 * fragments with lists of sequences instead would be quadratic for a queue that deletes ever longer ranges from the same start.
 *
 * Invariants: 1. sequences ascend in order of insertion; 2. stretches of a union are disjoint, ascending, and do not touch.
 * Pinned by test/unit/storage/rows/range-tombstones.test.ts against a naive model.
 */
import { assert } from '../../base/assert'
import type { Key } from '../../base/bytes'
import { compareEnds, isEmptyRange } from '../../base/key-range'
import type { Sequence } from '../../base/sequence'
import { sortRangeTombstones } from './range-tombstone-retention'
import type { RangeTombstone } from './version-cursor'

export { clipRangeTombstones, retainRangeTombstones, sortRangeTombstones } from './range-tombstone-retention'

const LEAF_TOMBSTONES = 8

/** Disjoint ascending stretches; only the last end may be undefined. */
interface Union {
  readonly starts: readonly Key[]
  readonly ends: readonly (Key | undefined)[]
}

/** Tombstones `[from, to)` in order of insertion. A leaf has no children. */
interface Node {
  readonly from: number
  readonly to: number
  readonly union: Union
  readonly older: Node | undefined
  readonly newer: Node | undefined
}

/** An index that grows by ever newer tombstones. */
export class RangeTombstoneIndex {
  readonly #tombstones: RangeTombstone[] = []
  /** Oldest first; sizes descend. */
  readonly #nodes: Node[] = []

  /** Builds the index of any list. */
  static from(list: readonly RangeTombstone[]): RangeTombstoneIndex {
    const index = new RangeTombstoneIndex()
    const sorted = [...list].sort((a, b) => a.sequence - b.sequence)
    for (const { start, end, sequence } of sorted) index.insert(start, end, sequence)
    return index
  }

  get size(): number {
    return this.#tombstones.length
  }

  /** REQUIRES: not below any inserted sequence; the range is not empty. */
  insert(start: Key, end: Key | undefined, sequence: Sequence): void {
    const tombstones = this.#tombstones
    assert(!isEmptyRange({ start, end }), 'a range tombstone deletes something')
    assert(tombstones.length === 0 || tombstones.at(-1)!.sequence <= sequence, 'range tombstones arrive in order')
    tombstones.push({ start, end, sequence })
    if (tombstones.length % LEAF_TOMBSTONES !== 0) return
    const from = tombstones.length - LEAF_TOMBSTONES
    let node: Node = {
      from,
      to: tombstones.length,
      union: unionOf(tombstones.slice(from)),
      older: undefined,
      newer: undefined,
    }
    for (;;) {
      const older = this.#nodes.at(-1)
      if (older === undefined || older.to - older.from !== node.to - node.from) break
      this.#nodes.pop()
      node = { from: older.from, to: node.to, union: mergeUnions(older.union, node.union), older, newer: node }
    }
    this.#nodes.push(node)
  }

  /** The greatest sequence `<= sequence` of a tombstone that covers `key`, or 0. */
  newestCovering(key: Key, sequence: Sequence): Sequence {
    const tombstones = this.#tombstones
    const end = this.#countUpTo(sequence)
    const indexed = tombstones.length - (tombstones.length % LEAF_TOMBSTONES)
    const found = this.#scan(key, Math.min(indexed, end), end)
    if (found !== 0) return found
    for (let i = this.#nodes.length - 1; i >= 0; i--) {
      const inNode = this.#search(this.#nodes[i]!, key, end)
      if (inNode !== 0) return inNode
    }
    return 0
  }

  /** How many tombstones have a sequence `<= sequence`. */
  #countUpTo(sequence: Sequence): number {
    let low = 0
    let high = this.#tombstones.length
    if (high === 0 || this.#tombstones[high - 1]!.sequence <= sequence) return high
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#tombstones[middle]!.sequence <= sequence) low = middle + 1
      else high = middle
    }
    return low
  }

  #search(node: Node, key: Key, end: number): Sequence {
    if (node.from >= end || !covers(node.union, key)) return 0
    if (node.newer === undefined) return this.#scan(key, node.from, Math.min(node.to, end))
    const found = this.#search(node.newer, key, end)
    return found !== 0 ? found : this.#search(node.older!, key, end)
  }

  #scan(key: Key, from: number, to: number): Sequence {
    for (let i = to - 1; i >= from; i--) {
      const tombstone = this.#tombstones[i]!
      if (key >= tombstone.start && (tombstone.end === undefined || key < tombstone.end)) return tombstone.sequence
    }
    return 0
  }

  /** All of them, by start ascending, then sequence descending. */
  list(): RangeTombstone[] {
    return sortRangeTombstones(this.#tombstones)
  }

  checkInvariants(): void {
    for (let i = 1; i < this.#tombstones.length; i++) {
      assert(
        this.#tombstones[i - 1]!.sequence <= this.#tombstones[i]!.sequence,
        'range tombstones stand in order of sequence',
      )
    }
    let from = 0
    for (const node of this.#nodes) {
      assert(node.from === from, 'nodes stand one behind the other')
      from = node.to
      const { starts, ends } = node.union
      for (let i = 1; i < starts.length; i++) {
        assert(ends[i - 1] !== undefined && ends[i - 1]! < starts[i]!, 'stretches of a union neither touch nor overlap')
      }
    }
    assert(this.#tombstones.length - from < LEAF_TOMBSTONES, 'all but the last few range tombstones are indexed')
  }
}

function covers(union: Union, key: Key): boolean {
  const { starts, ends } = union
  let low = 0
  let high = starts.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (starts[middle]! <= key) low = middle + 1
    else high = middle
  }
  if (low === 0) return false
  const end = ends[low - 1]
  return end === undefined || key < end
}

function unionOf(list: readonly RangeTombstone[]): Union {
  const sorted = sortRangeTombstones(list)
  return joined(sorted.map(({ start }) => start), sorted.map(({ end }) => end)) // prettier-ignore
}

function mergeUnions(a: Union, b: Union): Union {
  const starts: Key[] = []
  const ends: (Key | undefined)[] = []
  let i = 0
  let j = 0
  while (i < a.starts.length || j < b.starts.length) {
    if (j === b.starts.length || (i < a.starts.length && a.starts[i]! <= b.starts[j]!)) {
      starts.push(a.starts[i]!)
      ends.push(a.ends[i++])
    } else {
      starts.push(b.starts[j]!)
      ends.push(b.ends[j++])
    }
  }
  return joined(starts, ends)
}

/** Joins stretches that touch or overlap. REQUIRES: starts ascend. */
function joined(starts: readonly Key[], ends: readonly (Key | undefined)[]): Union {
  const union: { starts: Key[]; ends: (Key | undefined)[] } = { starts: [], ends: [] }
  for (let i = 0; i < starts.length; i++) {
    const last = union.starts.length - 1
    const lastEnd = union.ends[last]
    if (last >= 0 && (lastEnd === undefined || starts[i]! <= lastEnd)) {
      if (compareEnds(ends[i], lastEnd) > 0) union.ends[last] = ends[i]
      continue
    }
    union.starts.push(starts[i]!)
    union.ends.push(ends[i])
  }
  return union
}
