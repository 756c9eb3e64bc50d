/**
 * Walks a memtable's tree by batches, so that the tree may grow between moves.
 *
 * A batch of keys and entries is fetched in one descent and grows from scan to scan (a scan of ten rows should not pay for hundreds).
 * Keys inserted after the fetch are missed; they are newer than what the cursor was opened for. Entries change in place when
 * overwritten, so a position holds its own copy of what it shows and finds the next older version by sequence.
 *
 * Pinned by test/unit/storage/memtable.test.ts.
 */
import type BTree from 'sorted-btree'
import type { Key } from '../base/bytes'
import { keySuccessor } from '../base/bytes'
import { SEQUENCE_INFINITY } from '../base/sequence'
import type { Sequence } from '../base/sequence'
import type { Arena } from './arena'
import { ENTRY_DELETE, ENTRY_PUT } from './engine'
import { TOMBSTONE_LENGTH } from './memtable-entry'
import type { MemtableEntry, MemtableVersion } from './memtable-entry'
import type { VersionCursor, VersionKind } from './version-cursor'

const BATCH_ENTRIES_MIN = 16
const BATCH_ENTRIES_MAX = 256
const KEY_BYTES_INITIAL = 64
const NO_BYTES = new Uint8Array(0)

interface MemtableCursorOptions {
  readonly tree: BTree<Key, MemtableEntry>
  readonly arena: Arena
  readonly reverse: boolean
  /** With one, only each key's newest version at or below it is shown. */
  readonly sequence: Sequence | undefined
}

export class MemtableCursor implements VersionCursor {
  readonly #tree: BTree<Key, MemtableEntry>
  readonly #arena: Arena
  readonly #reverse: boolean
  readonly #bound: Sequence | undefined
  readonly #keys: Key[] = []
  readonly #entries: MemtableEntry[] = []
  #row = 0
  #batchMax = BATCH_ENTRIES_MIN
  /** Backward: the entry's versions still to be shown, newest first, popped from the end. */
  readonly #pending: MemtableVersion[] = []
  #keyBytes = Buffer.allocUnsafeSlow(KEY_BYTES_INITIAL)
  #keyBytesWritten = false

  key: Key = ''
  sequence: Sequence = 0
  kind: VersionKind = ENTRY_PUT
  valueBytes: Uint8Array = NO_BYTES
  valueAt = 0
  valueLength = 0

  constructor(options: MemtableCursorOptions) {
    this.#tree = options.tree
    this.#arena = options.arena
    this.#reverse = options.reverse
    this.#bound = options.sequence
  }

  get keyLength(): number {
    return this.key.length
  }

  /** Written on first use: most reads never ask. */
  get keyBytes(): Uint8Array {
    if (!this.#keyBytesWritten) {
      const length = this.key.length
      if (length > this.#keyBytes.length) this.#keyBytes = Buffer.allocUnsafeSlow(2 * length)
      this.#keyBytes.latin1Write(this.key, 0)
      this.#keyBytesWritten = true
    }
    return this.#keyBytes
  }

  seek(key: Key | undefined): boolean {
    this.#batchMax = BATCH_ENTRIES_MIN
    this.#pending.length = 0
    if (this.#reverse) this.#fetchBackward(key)
    else this.#fetchForward(key ?? '')
    return this.#settle()
  }

  next(): boolean {
    if (this.#bound === undefined) {
      const again = this.#reverse ? this.#pending.pop() : this.#olderVersion()
      if (again !== undefined) return this.#show(this.key, again)
    }
    this.#row++
    return this.#settle()
  }

  #olderVersion(): MemtableVersion | undefined {
    const entry = this.#entries[this.#row]
    // The newest version may have been overwritten meanwhile: what follows is found by sequence.
    return entry?.older === undefined ? undefined : entry.newestAt(this.sequence - 1)
  }

  /** Shows the first version of the entry at `#row` or of the next one that has any. */
  #settle(): boolean {
    for (;;) {
      if (this.#row === this.#keys.length && !this.#fetchMore()) return false
      const entry = this.#entries[this.#row]!
      const newest = entry.newestAt(this.#bound ?? SEQUENCE_INFINITY)
      if (newest !== undefined) {
        const first = this.#reverse && this.#bound === undefined ? this.#oldest(newest) : newest
        return this.#show(this.#keys[this.#row]!, first)
      }
      this.#row++
    }
  }

  #oldest(newest: MemtableVersion): MemtableVersion {
    let version = newest
    for (; version.older !== undefined; version = version.older) {
      // The entry object is overwritten in place; what is pending must not change.
      const { sequence, place, length, older } = version
      this.#pending.push({ sequence, place, length, older })
    }
    return version
  }

  #show(key: Key, version: MemtableVersion): true {
    if (key !== this.key) this.#keyBytesWritten = false
    this.key = key
    this.sequence = version.sequence
    if (version.length === TOMBSTONE_LENGTH) {
      this.kind = ENTRY_DELETE
      this.valueBytes = NO_BYTES
      this.valueAt = 0
      this.valueLength = 0
    } else {
      this.kind = ENTRY_PUT
      this.valueBytes = this.#arena.chunkOf(version.place)
      this.valueAt = this.#arena.offsetOf(version.place)
      this.valueLength = version.length
    }
    return true
  }

  #fetchMore(): boolean {
    const last = this.#keys.at(-1)
    if (last === undefined) return false
    this.#batchMax = Math.min(BATCH_ENTRIES_MAX, this.#batchMax * 2)
    if (this.#reverse) this.#fetchBackward(last)
    else this.#fetchForward(keySuccessor(last))
    return this.#keys.length > 0
  }

  #clear(): void {
    this.#keys.length = 0
    this.#entries.length = 0
    this.#row = 0
  }

  #fetchForward(low: Key): void {
    this.#clear()
    const high = this.#tree.maxKey()
    if (high === undefined || high < low) return
    const [keys, entries, max] = [this.#keys, this.#entries, this.#batchMax]
    // The declared type forgets it, but the tree stops where the callback asks for a break.
    const take = (key: Key, entry: MemtableEntry): { break: true } | undefined => {
      keys.push(key)
      entries.push(entry)
      return keys.length === max ? STOP : undefined
    }
    this.#tree.forRange(low, high, true, take)
  }

  /** The keys below `high`, descending. */
  #fetchBackward(high: Key | undefined): void {
    this.#clear()
    if (this.#tree.isEmpty) return
    const pair: (Key | MemtableEntry)[] = []
    const descending = this.#tree.entriesReversed(high, pair, true)
    while (this.#keys.length < this.#batchMax) {
      const step = descending.next()
      if (step.done === true) return
      this.#keys.push(step.value[0])
      this.#entries.push(step.value[1])
    }
  }

  close(): void {
    this.#clear()
    this.#pending.length = 0
    this.valueBytes = NO_BYTES
  }
}

const STOP = { break: true } as const
