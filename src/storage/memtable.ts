/**
 * Versions in memory: a Map for gets, a tree for order, values in an arena, range tombstones beside them.
 *
 * A get through the Map takes 0.2-0.4 us among a million keys, through the tree three times as long; so the tree is touched only by
 * keys new to this memtable and by cursors. Both hold the same `MemtableEntry`, which an overwrite changes in place.
 *
 * Invariants (`checkInvariants`): Map and tree hold the same entries; sequences descend along each chain; all sizes are what the
 * content adds up to. What it does not do: it never shrinks, and knows nothing of snapshots.
 *
 * Pinned by test/unit/storage/memtable.test.ts against a naive model.
 */
import BTree from 'sorted-btree'
import { assert } from '../base/assert'
import type { Key } from '../base/bytes'
import type { Sequence } from '../base/sequence'
import { Arena } from './arena'
import { ENTRY_DELETE } from './engine'
import { LOOKUP_VALUE } from './lookup'
import type { Lookup } from './lookup'
import { MemtableCursor } from './memtable-cursor'
import { MemtableEntry, TOMBSTONE_LENGTH } from './memtable-entry'
import { RangeTombstoneIndex } from './range-tombstones'
import type { VersionCursor, VersionKind } from './version-cursor'

const TREE_NODE_ENTRIES_MAX = 64
/** Map slot, tree slot, entry object and string header of a small entry, measured; see docs/PERFORMANCE.md. */
const ENTRY_OVERHEAD_BYTES = 120

export class Memtable {
  readonly #entriesByKey = new Map<Key, MemtableEntry>()
  readonly #tree = new BTree<Key, MemtableEntry>(undefined, compareKeys, TREE_NODE_ENTRIES_MAX)
  readonly #arena = new Arena()
  #rangeTombstones: RangeTombstoneIndex | undefined = undefined
  #versions = 0
  #keyBytes = 0
  #firstSequence: Sequence = 0
  #lastSequence: Sequence = 0

  /** Copies key and value. REQUIRES: `sequence` is not below any inserted one; at most one insert per key and sequence. */
  insert(kind: VersionKind, key: Key, value: Uint8Array | undefined, sequence: Sequence): void {
    this.#take(sequence)
    const isTombstone = kind === ENTRY_DELETE
    assert(isTombstone === (value === undefined), 'a put has a value and a delete has none')
    const place = value === undefined ? 0 : this.#arena.put(value)
    const length = value === undefined ? TOMBSTONE_LENGTH : value.length
    this.#versions++
    this.#keyBytes += key.length
    const entry = this.#entriesByKey.get(key)
    if (entry !== undefined) {
      entry.overwrite(sequence, place, length)
      return
    }
    const created = new MemtableEntry(sequence, place, length)
    this.#entriesByKey.set(key, created)
    this.#tree.set(key, created)
  }

  /** Deletes `[start, end)` at `sequence`; an insert of the same sequence, before or after, is newer. */
  insertRange(start: Key, end: Key | undefined, sequence: Sequence): void {
    this.#take(sequence)
    this.#rangeTombstones ??= new RangeTombstoneIndex()
    this.#rangeTombstones.insert(start, end, sequence)
    this.#keyBytes += start.length + (end?.length ?? 0)
  }

  #take(sequence: Sequence): void {
    assert(sequence > 0 && sequence >= this.#lastSequence, 'a memtable receives ascending sequences')
    if (this.#firstSequence === 0) this.#firstSequence = sequence
    this.#lastSequence = sequence
  }

  /** Writes into `found` what is newest for `key` at or below `sequence`; false (and LOOKUP_ABSENT) if nothing. Allocates nothing. */
  get(key: Key, sequence: Sequence, found: Lookup): boolean {
    const version = this.#entriesByKey.get(key)?.newestAt(sequence)
    const covered = this.#rangeTombstones === undefined ? 0 : this.#rangeTombstones.newestCovering(key, sequence)
    if (version === undefined) return covered === 0 ? found.setAbsent() : found.setTombstone(covered)
    if (covered > version.sequence) return found.setTombstone(covered)
    if (version.length === TOMBSTONE_LENGTH) return found.setTombstone(version.sequence)
    found.state = LOOKUP_VALUE
    found.sequence = version.sequence
    found.bytes = this.#arena.chunkOf(version.place)
    found.at = this.#arena.offsetOf(version.place)
    found.length = version.length
    return true
  }

  /** Versions and range tombstones held. */
  get entries(): number {
    return this.#versions + (this.#rangeTombstones?.size ?? 0)
  }

  /** Distinct keys with versions. */
  get keys(): number {
    return this.#entriesByKey.size
  }

  /** What the content takes in memory: keys, values, and an overhead for each entry; what `memtableBytesMax` bounds. */
  get bytes(): number {
    return this.#keyBytes + this.#arena.valueBytes + this.entries * ENTRY_OVERHEAD_BYTES
  }

  /** The least and the greatest sequence inserted; 0 if empty. */
  get firstSequence(): Sequence {
    return this.#firstSequence
  }

  get lastSequence(): Sequence {
    return this.#lastSequence
  }

  /** Undefined while there is none. */
  get rangeTombstones(): RangeTombstoneIndex | undefined {
    return this.#rangeTombstones
  }

  /**
   * Never promises. Inserts may go on: what was inserted before the cursor opened is seen, what comes later may be or not,
   * so a cursor on a growing memtable is read at a sequence already appended. With `sequence`, only each key's newest
   * version at or below it is shown.
   */
  openCursor(reverse: boolean, sequence?: Sequence): VersionCursor {
    return new MemtableCursor({ tree: this.#tree, arena: this.#arena, reverse, sequence })
  }

  /** Order of the tree, Map and tree agree, chains descend, places lie in the arena. */
  checkInvariants(): void {
    assert(this.#tree.size === this.#entriesByKey.size, 'Map and tree hold as many keys')
    let before: Key | undefined
    let versions = 0
    let keyBytes = this.#rangeTombstones?.list().reduce((sum, t) => sum + t.start.length + (t.end?.length ?? 0), 0) ?? 0
    let valueBytes = 0
    for (const [key, entry] of this.#tree.entries()) {
      assert(before === undefined || before < key, 'keys ascend')
      before = key
      assert(this.#entriesByKey.get(key) === entry, 'Map and tree hold the same entry')
      versions += entry.versions
      keyBytes += key.length * entry.versions
      valueBytes += this.#checkChain(entry)
    }
    assert(versions === this.#versions && keyBytes === this.#keyBytes, 'the memtable counts what it holds')
    assert(valueBytes === this.#arena.valueBytes, 'the arena holds the values and nothing else')
    this.#rangeTombstones?.checkInvariants()
  }

  #checkChain(entry: MemtableEntry): number {
    let bytes = Math.max(0, entry.length)
    let before = entry.sequence
    for (let older = entry.older; older !== undefined; older = older.older) {
      assert(older.sequence < before, 'versions of a key descend')
      before = older.sequence
      bytes += Math.max(0, older.length)
    }
    return bytes
  }
}

function compareKeys(a: Key, b: Key): number {
  return a < b ? -1 : a > b ? 1 : 0
}
