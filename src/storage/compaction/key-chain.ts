/**
 * Follows the versions of one key after the other through a merge, and decides of each whether it is needed.
 *
 * For each key, newest version first:
 *   1. not needed by any retained sequence (compaction-retention.ts; a covering range tombstone replaces it too): dropped;
 *   2. a tombstone at or below the oldest retained sequence, with nothing of its key left outside the inputs: dropped
 *      (what it hid inside them has gone by rule 1);
 *   3. everything else is written.
 * From this follows the short cut of merges: without range tombstones a put that is the newest version of its key is
 * always written, whatever is retained.
 *
 * Pinned by test/unit/storage/compaction/compaction-merge.test.ts.
 */
import { assert } from '../../base/assert'
import type { Key } from '../../base/bytes'
import type { KeyRange } from '../../base/key-range'
import { pointRange } from '../../base/key-range'
import type { Sequence } from '../../base/sequence'
import { copyInto, copyWords, equalBytes } from '../files/bytes-in-place'
import type { Retention } from './compaction-retention'
import { isVersionNeeded } from './compaction-retention'
import { ENTRY_DELETE } from '../engine'
import { RangeTombstoneIndex } from '../rows/range-tombstones'
import type { RangeTombstone, Version } from '../rows/version-cursor'

const KEY_BYTES_INITIAL = 256

/** What decides over versions. */
export interface ChainRules {
  readonly retention: Retention
  /** All range tombstones of the inputs. */
  readonly rangeTombstones: readonly RangeTombstone[]
  /** Whether anything older than the inputs may lie in a range, outside them. */
  readonly olderMayHold: (range: KeyRange) => boolean
}

/** The key at hand, and what has been seen and written of it. */
export class KeyChain {
  readonly #retention: Retention
  readonly #olderMayHold: (range: KeyRange) => boolean
  readonly #tombstones: RangeTombstoneIndex | undefined
  /** The bytes of the current key. */
  #keyBytes = Buffer.allocUnsafeSlow(KEY_BYTES_INITIAL)
  #keyView = new DataView(this.#keyBytes.buffer)
  #keyLength = -1
  /** The sequence of the version before, of the same key. */
  #newerSequence: Sequence = Infinity
  #writtenOfKey = 0

  constructor(rules: ChainRules) {
    this.#retention = rules.retention
    this.#olderMayHold = rules.olderMayHold
    if (rules.rangeTombstones.length > 0) this.#tombstones = RangeTombstoneIndex.from(rules.rangeTombstones)
  }

  /** The newest version of a key is written if it is a put, whatever else there is. */
  get writesAllNewestPuts(): boolean {
    return this.#tombstones === undefined
  }

  /** The version just found needed is the first of its key. */
  get isFirstWritten(): boolean {
    return this.#writtenOfKey === 1
  }

  /** Whether the version is to be written. REQUIRES: versions come in internal order. */
  isNeeded(version: Version): boolean {
    const { keyBytes, keyLength } = version
    if (!this.isAt(keyBytes, keyLength)) {
      this.#startKey(keyLength)
      copyInto(this.#keyBytes, 0, keyBytes, 0, keyLength)
    }
    const { sequence } = version
    assert(sequence < this.#newerSequence, 'a key has at most one version per sequence, newest first')
    const replacedAt = this.#newerSequence
    this.#newerSequence = sequence
    if (!this.#isVisible(version, replacedAt)) return false
    if (version.kind === ENTRY_DELETE && sequence <= this.#retention.oldest) {
      if (!this.#olderMayHold(pointRange(version.key))) return false
    }
    this.#writtenOfKey++
    return true
  }

  /** Goes on behind the newest version of a key, which was written. */
  startBehind(keyView: DataView, keyLength: number, sequence: Sequence): void {
    this.#startKey(keyLength)
    copyWords(this.#keyView, 0, keyView, 0, keyLength)
    this.#newerSequence = sequence
    this.#writtenOfKey = 1
  }

  /** Whether `keyBytes[0, keyLength)` is the current key. */
  isAt(keyBytes: Uint8Array, keyLength: number): boolean {
    return equalBytes(keyBytes, keyLength, this.#keyBytes, this.#keyLength)
  }

  #isVisible(version: Version, replacedAt: Sequence): boolean {
    const { sequence } = version
    if (!isVersionNeeded(this.#retention, sequence, replacedAt)) return false
    if (this.#tombstones === undefined || sequence > this.#retention.published) return true
    const key: Key = version.key
    for (const reader of this.#retention.sequences) {
      if (reader < sequence || reader >= replacedAt) continue
      if (this.#tombstones.newestCovering(key, reader) <= sequence) return true
    }
    return false
  }

  #startKey(keyLength: number): void {
    if (keyLength > this.#keyBytes.length) {
      this.#keyBytes = Buffer.allocUnsafeSlow(2 * keyLength)
      this.#keyView = new DataView(this.#keyBytes.buffer)
    }
    this.#keyLength = keyLength
    this.#newerSequence = Infinity
    this.#writtenOfKey = 0
  }
}
