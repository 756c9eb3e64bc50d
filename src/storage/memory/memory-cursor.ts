/**
 * The cursor of the in-memory engine: it seeks from row to row, so that it needs no stable tree under it.
 *
 * Its sequence counts as live while it is open, so that no collection takes away what it is about to show.
 * Pinned by test/contract/engine.
 */
import type BTree from 'sorted-btree'
import { assert } from '../../base/assert'
import type { Key } from '../../base/bytes'
import { keyToBuffer } from '../../base/bytes'
import { DatabaseClosedError } from '../../base/errors'
import type { KeyRange } from '../../base/key-range'
import { isEmptyRange, rangeContains } from '../../base/key-range'
import type { Sequence } from '../../base/sequence'
import type { EngineCursor } from '../engine'

/** One version of a key in memory. */
export interface MemoryVersion {
  readonly sequence: Sequence
  /** undefined is a tombstone. */
  readonly value: Buffer | undefined
}

/** What a cursor asks of the engine. */
export interface MemoryVersions {
  /** The value that a chain, newest first, shows at `sequence`; not copied. */
  visible(key: Key, chain: readonly MemoryVersion[] | undefined, sequence: Sequence): Buffer | undefined
}

/** What a cursor shows, and how. */
export interface MemoryCursorOptions {
  readonly range: KeyRange
  readonly sequence: Sequence
  readonly reverse: boolean
  /** Set if every step takes a turn. */
  readonly delay: (() => Promise<void>) | undefined
}

/** A cursor; `cursors` is the set of open ones that it leaves on `close`. */
export class MemoryCursor implements EngineCursor {
  readonly #engine: MemoryVersions
  readonly #chainsByKey: BTree<Key, MemoryVersion[]>
  readonly #cursors: Set<MemoryCursor>
  readonly #options: MemoryCursorOptions
  #position: { readonly key: Key; readonly value: Buffer } | undefined
  #state: 'start' | 'row' | 'end' | 'closed' = 'start'
  #pending = false

  constructor(
    engine: MemoryVersions,
    chains: BTree<Key, MemoryVersion[]>,
    cursors: Set<MemoryCursor>,
    options: MemoryCursorOptions,
  ) {
    this.#engine = engine
    this.#chainsByKey = chains
    this.#cursors = cursors
    this.#options = options
  }

  get sequence(): Sequence {
    return this.#options.sequence
  }

  get key(): Key {
    assert(this.#state === 'row', 'a cursor is read while on a row')
    return this.#position!.key
  }

  keyBuffer(): Buffer {
    return keyToBuffer(this.key)
  }

  value(): Buffer {
    assert(this.#state === 'row', 'a cursor is read while on a row')
    return Buffer.from(this.#position!.value)
  }

  next(): boolean | Promise<boolean> {
    assert(!this.#pending, 'a cursor moves one step at a time')
    if (this.#options.delay === undefined) return this.#step()
    this.#pending = true
    return this.#options.delay().then(() => {
      this.#pending = false
      return this.#step()
    })
  }

  close(): void {
    this.#state = 'closed'
    this.#position = undefined
    this.#cursors.delete(this)
  }

  #step(): boolean {
    if (this.#state === 'closed') throw new DatabaseClosedError('Cannot move a cursor: it was closed')
    if (this.#state === 'end') return false
    for (let pair = this.#neighbour(this.#position?.key); pair !== undefined; pair = this.#neighbour(pair[0])) {
      const [key, chain] = pair
      if (!rangeContains(this.#options.range, key)) break
      const value = this.#engine.visible(key, chain, this.#options.sequence)
      if (value === undefined) continue
      this.#position = { key, value }
      this.#state = 'row'
      return true
    }
    this.#state = 'end'
    this.#position = undefined
    return false
  }

  /** The tree's next pair after `key` in the cursor's direction, or the first one of the range. */
  #neighbour(key: Key | undefined): [Key, MemoryVersion[]] | undefined {
    const { range, reverse } = this.#options
    if (isEmptyRange(range)) return undefined
    if (key !== undefined) return reverse ? this.#chainsByKey.nextLowerPair(key) : this.#chainsByKey.nextHigherPair(key)
    if (!reverse) return this.#chainsByKey.getPairOrNextHigher(range.start)
    return this.#chainsByKey.nextLowerPair(range.end)
  }
}
