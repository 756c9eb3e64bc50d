/**
 * The memtable that takes writes, and the frozen ones that wait for their flush.
 *
 * A full memtable is swapped *first* and drained *after*: freezing is one synchronous step, and a frozen memtable stays
 * readable until its table is in the manifest and in the table set. The list of frozen ones is replaced, never changed, so that
 * a cursor can keep the one it began with.
 *
 * Pinned by test/unit/storage/memtable/memtables.test.ts and test/contract/engine.
 * Spec: Compaction!Freeze, Compaction!Flush, Storage!Freeze.
 */
import { assert } from '../../base/assert'
import type { Key } from '../../base/bytes'
import type { Sequence } from '../../base/sequence'
import type { BatchCursor } from '../rows/batch-codec'
import type { Batch } from '../engine'
import { ENTRY_DELETE_RANGE } from '../engine'
import type { KeyHash } from '../table/filter'
import type { Lookup } from '../rows/lookup'
import { Memtable } from './memtable'
import type { RangeTombstoneIndex } from '../rows/range-tombstones'
import type { VersionCursor } from '../rows/version-cursor'

/** A memtable that takes no more writes. */
export interface FrozenMemtable {
  readonly memtable: Memtable
  /** The last sequence appended before it was frozen: once its table is there, the log is needed only beyond. */
  readonly through: Sequence
}

/** All versions that are in no table yet. */
export class Memtables {
  #active = new Memtable()
  /** Newest first. */
  #frozen: readonly FrozenMemtable[] = []
  /** The last sequence appended, and the last one frozen. */
  #appendedSequence: Sequence
  #frozenSequence: Sequence
  #flushedThrough: Sequence
  #isReplaying = false

  /** `through`: everything up to there is in tables. */
  constructor(through: Sequence) {
    this.#appendedSequence = through
    this.#frozenSequence = through
    this.#flushedThrough = through
  }

  /** What is in none of these any more: everything up to here is in tables. */
  get flushedThrough(): Sequence {
    return this.#flushedThrough
  }

  /** The one that takes writes. */
  get active(): Memtable {
    return this.#active
  }

  /** The last sequence inserted. */
  get appendedSequence(): Sequence {
    return this.#appendedSequence
  }

  /** Newest first. */
  get frozen(): readonly FrozenMemtable[] {
    return this.#frozen
  }

  /** The frozen one to be flushed next. */
  get oldestFrozen(): FrozenMemtable | undefined {
    return this.#frozen.at(-1)
  }

  /** Bytes in all of them. */
  get bytes(): number {
    return this.#frozen.reduce((sum, { memtable }) => sum + memtable.bytes, this.#active.bytes)
  }

  /** Versions and range tombstones in all of them. */
  get entries(): number {
    return this.#frozen.reduce((sum, { memtable }) => sum + memtable.entries, this.#active.entries)
  }

  /** ATOMIC: no await. Takes over the writes of one commit. */
  insert(batch: Batch, sequence: Sequence): void {
    assert(!this.#isReplaying, 'commits follow what was replayed')
    const memtable = this.#active
    for (const entry of batch) {
      if (entry.kind !== ENTRY_DELETE_RANGE) memtable.insert(entry.kind, entry.key, entry.value, sequence)
      else if (entry.end === undefined || entry.key < entry.end) memtable.insertRange(entry.key, entry.end, sequence)
    }
    this.#appendedSequence = sequence
  }

  /**
   * The same for a commit as it lies in the log, whose entries are walked. Before anything else is inserted, all of these are
   * frozen: memtables that are filled in this way know their order only once they are full.
   */
  replay(entries: BatchCursor, sequence: Sequence): void {
    if (!this.#isReplaying) {
      assert(this.#active.entries === 0, 'what is in the log precedes what is committed')
      this.#isReplaying = true
      this.#active = new Memtable(true)
    }
    const memtable = this.#active
    while (entries.next()) {
      if (entries.kind !== ENTRY_DELETE_RANGE) {
        memtable.insertFrom(entries, sequence)
        continue
      }
      const { key, end } = entries.entry()
      if (end === undefined || key < end) memtable.insertRange(key, end, sequence)
    }
    this.#appendedSequence = sequence
  }

  /** Freezes what was replayed; commits may be inserted from here on. */
  endReplay(): void {
    this.freeze()
    this.#isReplaying = false
    this.#active = new Memtable()
  }

  /** ATOMIC: no await. Begins a new memtable; false if nothing was appended to the old one. */
  freeze(): boolean {
    if (this.#appendedSequence === this.#frozenSequence) return false
    // One that holds nothing (a commit may delete an empty range) is frozen too, so that its part of the log can go.
    this.#frozen = [{ memtable: this.#active, through: this.#appendedSequence }, ...this.#frozen]
    this.#frozenSequence = this.#appendedSequence
    this.#active = new Memtable(this.#isReplaying)
    return true
  }

  /** Lets go of the oldest frozen one, whose table serves from here on. */
  release(frozen: FrozenMemtable): void {
    assert(frozen === this.oldestFrozen, 'memtables are flushed in the order of their sequences')
    this.#frozen = this.#frozen.slice(0, -1)
    this.#flushedThrough = frozen.through
  }

  /** As `Memtable.get`, newest first. */
  get(key: Key, hash: KeyHash, sequence: Sequence, found: Lookup): boolean {
    if (this.#active.get(key, hash, sequence, found)) return true
    const frozen = this.#frozen
    for (let i = 0; i < frozen.length; i++) if (frozen[i]!.memtable.get(key, hash, sequence, found)) return true
    return false
  }

  /**
   * Adds the sources of a cursor that reads at `sequence`, newest first. They show of each key the newest version at or below it
   * alone: a scan over a key that was overwritten often does not visit every version.
   */
  addSources(
    at: { readonly sequence: Sequence; readonly reverse: boolean },
    sources: VersionCursor[],
    tombstones: RangeTombstoneIndex[],
  ): void {
    for (const memtable of [this.#active, ...this.#frozen.map((frozen) => frozen.memtable)]) {
      if (memtable.entries === 0) continue
      sources.push(memtable.openCursor(at.reverse, at.sequence))
      if (memtable.rangeTombstones !== undefined) tombstones.push(memtable.rangeTombstones)
    }
  }
}
