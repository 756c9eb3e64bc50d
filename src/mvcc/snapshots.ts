/**
 * A multiset of the sequences that something reads at, with its minimum at hand.
 *
 * Sequences arrive almost in order, so this is a sorted array used as a queue: adding searches back from the newest end,
 * removing leaves a zero count behind that is skipped when it reaches the front. Two snapshots at one sequence are two:
 * releasing one keeps the other. Pinned by test/unit/mvcc/snapshots.test.ts.
 * Spec: Compaction!TakeSnapshot, Compaction!ReleaseSnapshot.
 */
import { assert } from '../base/assert'
import type { Sequence } from '../base/sequence'
import { SEQUENCE_INFINITY } from '../base/sequence'

const COMPACT_AFTER = 64

/** See the file's header. */
export class SnapshotSet {
  /** Ascending; parallel to `#counts`; everything before `#front` is gone. */
  #sequences: Sequence[] = []
  #counts: number[] = []
  #front = 0
  #size = 0

  /** How many snapshots are held, duplicates counted. */
  get size(): number {
    return this.#size
  }

  /** The least sequence held, or Infinity. */
  get min(): Sequence {
    return this.#sequences[this.#front] ?? SEQUENCE_INFINITY
  }

  add(sequence: Sequence): void {
    this.#size++
    const index = this.#lowerBound(sequence)
    if (this.#sequences[index] === sequence) {
      this.#counts[index] = (this.#counts[index] ?? 0) + 1
    } else if (index === this.#sequences.length) {
      this.#sequences.push(sequence)
      this.#counts.push(1)
    } else {
      this.#sequences.splice(index, 0, sequence)
      this.#counts.splice(index, 0, 1)
    }
  }

  /** REQUIRES: `sequence` was added and not yet removed. */
  remove(sequence: Sequence): void {
    const index = this.#lowerBound(sequence)
    const count = this.#counts[index] ?? 0
    assert(this.#sequences[index] === sequence && count > 0, 'a released snapshot was held')
    this.#counts[index] = count - 1
    this.#size--
    while (this.#front < this.#counts.length && this.#counts[this.#front] === 0) this.#front++
    if (this.#front >= COMPACT_AFTER && this.#front * 2 > this.#sequences.length) this.#compact()
  }

  /** The sequences held, ascending, each once. */
  *values(): IterableIterator<Sequence> {
    for (let i = this.#front; i < this.#sequences.length; i++) {
      const sequence = this.#sequences[i]
      if (sequence !== undefined && (this.#counts[i] ?? 0) > 0) yield sequence
    }
  }

  /** The first index at or after the front whose sequence is >= `sequence`, searched from the newest end. */
  #lowerBound(sequence: Sequence): number {
    let index = this.#sequences.length
    if (index === this.#front || (this.#sequences[index - 1] ?? 0) < sequence) return index
    let low = this.#front
    while (low < index) {
      const middle = (low + index) >>> 1
      if ((this.#sequences[middle] ?? 0) < sequence) low = middle + 1
      else index = middle
    }
    return low
  }

  #compact(): void {
    this.#sequences = this.#sequences.slice(this.#front)
    this.#counts = this.#counts.slice(this.#front)
    this.#front = 0
  }
}
