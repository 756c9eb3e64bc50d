/**
 * One key's versions in a memtable: the newest in place, the older ones as a chain with jumps.
 *
 * The entry itself is what Map and tree hold, so an overwrite touches neither. Older versions are immutable objects linked from new to
 * old; each also links far back (a skew-binary jump list), so that the newest at or below a sequence is found in O(log n) steps even for
 * a key overwritten a hundred thousand times.
 *
 * Invariant: sequences descend strictly along the chain. A place is where the arena holds the value; TOMBSTONE_LENGTH marks a deletion.
 */
import { assert } from '../base/assert'
import type { Sequence } from '../base/sequence'

/** The length of a version that is a tombstone. */
export const TOMBSTONE_LENGTH = -1

/** What every version of a chain shows. */
export interface MemtableVersion {
  readonly sequence: Sequence
  readonly place: number
  /** In bytes, or TOMBSTONE_LENGTH. */
  readonly length: number
  readonly older: OlderVersion | undefined
}

/** A version that has been overwritten; it never changes. */
export interface OlderVersion extends MemtableVersion {
  /** How many versions are older than it. */
  readonly depth: number
  readonly jump: OlderVersion | undefined
}

/** A key's newest version and its chain. */
export class MemtableEntry implements MemtableVersion {
  sequence: Sequence
  place: number
  length: number
  older: OlderVersion | undefined = undefined

  constructor(sequence: Sequence, place: number, length: number) {
    this.sequence = sequence
    this.place = place
    this.length = length
  }

  /** Puts a version on top. REQUIRES: `sequence` is above the newest. */
  overwrite(sequence: Sequence, place: number, length: number): void {
    assert(sequence > this.sequence, 'versions of a key arrive in order of sequence')
    const { older } = this
    this.older = {
      sequence: this.sequence,
      place: this.place,
      length: this.length,
      older,
      depth: older === undefined ? 0 : older.depth + 1,
      jump: jumpBehind(older),
    }
    this.sequence = sequence
    this.place = place
    this.length = length
  }

  /** The newest version with a sequence `<= sequence`. */
  newestAt(sequence: Sequence): MemtableVersion | undefined {
    if (this.sequence <= sequence) return this
    return newestInChain(this.older, sequence)
  }

  /** Number of versions. */
  get versions(): number {
    return this.older === undefined ? 1 : this.older.depth + 2
  }
}

/** Jump as far as two jumps of equal length before reach together, else to the next. */
function jumpBehind(older: OlderVersion | undefined): OlderVersion | undefined {
  const jump = older?.jump
  if (older === undefined || jump === undefined) return older
  const far = jump.jump
  if (far !== undefined && older.depth - jump.depth === jump.depth - far.depth) return far
  return older
}

function newestInChain(top: OlderVersion | undefined, sequence: Sequence): OlderVersion | undefined {
  let version = top
  while (version !== undefined && version.sequence > sequence) {
    const { jump } = version
    version = jump !== undefined && jump.sequence > sequence ? jump : version.older
  }
  return version
}
