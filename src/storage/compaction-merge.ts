/**
 * The merge of a flush or compaction: walks all versions in order, drops what nobody can see, writes the rest.
 *
 * For each key, newest version first:
 *   1. not needed by any retained sequence (compaction-retention.ts; a covering range tombstone replaces it too): dropped;
 *   2. a tombstone at or below the oldest retained sequence, with nothing of its key left outside the inputs: dropped
 *      (what it hid inside them has gone by rule 1);
 *   3. everything else is written.
 * Range tombstones are fragmented and kept by the same two rules.
 *
 * A function over cursors and files: it knows no engine, so that a worker thread can run it as it is.
 * Pinned by test/unit/storage/compaction-merge.test.ts and test/contract/engine.
 */
import { assert } from '../base/assert'
import type { Key } from '../base/bytes'
import type { KeyRange } from '../base/key-range'
import { pointRange } from '../base/key-range'
import type { Sequence } from '../base/sequence'
import type { Retention } from './compaction-retention'
import { isVersionNeeded } from './compaction-retention'
import { ENTRY_DELETE } from './engine'
import { RangeTombstoneIndex, retainRangeTombstones } from './range-tombstones'
import type { Slices } from './slices'
import type { TableOutput } from './table-output'
import type { RangeTombstone, Version, VersionCursor } from './version-cursor'

/** What a merge needs. */
export interface MergeInputs {
  /** All versions, ascending; not positioned. Closed by the caller. */
  readonly source: VersionCursor
  /** All range tombstones of the inputs. */
  readonly rangeTombstones: readonly RangeTombstone[]
  readonly retention: Retention
  /** Whether anything older than the inputs may lie in a range, outside them. */
  readonly olderMayHold: (range: KeyRange) => boolean
}

/** What a merge did. */
export interface MergeFigures {
  entriesRead: number
  entriesWritten: number
  bytesRead: number
}

/** The range tombstones of the inputs that the outputs must hold. */
export function neededRangeTombstones(inputs: Omit<MergeInputs, 'source'>): readonly RangeTombstone[] {
  const { rangeTombstones, retention, olderMayHold } = inputs
  if (rangeTombstones.length === 0) return []
  return retainRangeTombstones(rangeTombstones, retention.sequences).filter(
    (tombstone) => tombstone.sequence > retention.oldest || olderMayHold(tombstone),
  )
}

/** Writes what is needed of `inputs` to `output`, which holds the needed range tombstones already, but does not finish it. */
export async function mergeVersions(inputs: MergeInputs, output: TableOutput, slices: Slices): Promise<MergeFigures> {
  const figures: MergeFigures = { entriesRead: 0, entriesWritten: 0, bytesRead: 0 }
  const chain = new KeyChain(inputs)
  const { source } = inputs
  let moved = source.seek(undefined)
  for (;;) {
    if (!(typeof moved === 'boolean' ? moved : await moved)) return figures
    const bytes = source.keyLength + source.valueLength
    figures.entriesRead++
    figures.bytesRead += bytes
    if (chain.isNeeded(source)) {
      // Cut before the first *written* version of a key: all its written ones then go to the new table.
      if (chain.isFirstWritten && output.shouldCut(source)) await output.cut(source.key)
      if (output.writer === undefined) await output.begin()
      output.add(source)
      figures.entriesWritten++
      if (output.writer?.needsDrain === true) await output.writer.drain()
    }
    const rest = slices.count(bytes)
    if (rest !== undefined) await rest
    moved = source.next()
  }
}

/** Follows the versions of one key after the other, and decides each. */
class KeyChain {
  readonly #retention: Retention
  readonly #olderMayHold: (range: KeyRange) => boolean
  readonly #tombstones: RangeTombstoneIndex | undefined
  /** The bytes of the current key. */
  #keyBytes = Buffer.alloc(256)
  #keyLength = -1
  /** The sequence of the version before, of the same key. */
  #newerSequence: Sequence = Infinity
  #writtenOfKey = 0

  constructor(inputs: MergeInputs) {
    this.#retention = inputs.retention
    this.#olderMayHold = inputs.olderMayHold
    if (inputs.rangeTombstones.length > 0) this.#tombstones = RangeTombstoneIndex.from(inputs.rangeTombstones)
  }

  /** The version just found needed is the first of its key. */
  get isFirstWritten(): boolean {
    return this.#writtenOfKey === 1
  }

  isNeeded(version: Version): boolean {
    if (!this.#isSameKey(version)) this.#startKey(version)
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

  #isSameKey(version: Version): boolean {
    const { keyBytes, keyLength } = version
    if (keyLength !== this.#keyLength) return false
    // From the end: neighbours share their beginning.
    for (let i = keyLength - 1; i >= 0; i--) if (keyBytes[i] !== this.#keyBytes[i]) return false
    return true
  }

  #startKey(version: Version): void {
    if (version.keyLength > this.#keyBytes.length) this.#keyBytes = Buffer.alloc(2 * version.keyLength)
    for (let i = 0; i < version.keyLength; i++) this.#keyBytes[i] = version.keyBytes[i]!
    this.#keyLength = version.keyLength
    this.#newerSequence = Infinity
    this.#writtenOfKey = 0
  }
}
