/**
 * Gathers the versions of one key from wherever they are found, in any order, and gives them newest first.
 *
 * 1. A version found again in another place is the same version: sequence and kind tell. The parts that a merge has cut a range
 *    deletion into hang together where they hold the key; their hull is shown.
 * 2. Memory is bounded: once twice as many versions as asked for are held, the older half is forgotten, and nothing at or below it is
 *    taken any more.
 *
 * Pure. Pinned by test/unit/storage/inspect/history.test.ts.
 */
import { assert } from '../../base/assert'
import type { Key } from '../../base/bytes'
import { keyToBuffer } from '../../base/bytes'
import type { HistoryDamage, HistoryOptions, KeyHistory, KeyVersion, VersionPlace } from '../../base/key-history'
import { compareEnds, rangeContains } from '../../base/key-range'
import type { KeyRange } from '../../base/key-range'
import type { Sequence } from '../../base/sequence'
import type { VersionCursor } from '../rows/version-cursor'
import { ENTRY_PUT } from '../engine'

const VERSIONS_MAX = 1_000
const VALUE_BYTES_MAX = 1_024

type Kind = KeyVersion['kind']

/** Within one sequence, what is newer comes first. */
const RANK_BY_KIND: ReadonlyMap<Kind, number> = new Map([
  ['put', 0],
  ['delete', 0],
  ['delete range', 1],
])
const RANK_BY_PLACE: ReadonlyMap<VersionPlace['in'], number> = new Map([
  ['memtable', 0],
  ['log', 1],
  ['table', 2],
])

interface Found {
  readonly sequence: Sequence
  readonly kind: Kind
  readonly valueBytes: number | undefined
  readonly value: Uint8Array | undefined
  range: KeyRange | undefined
  readonly places: VersionPlace[]
}

/** What is known of one key so far. */
export class HistoryGathering {
  readonly key: Key
  readonly #versionsMax: number
  readonly #valueBytesMax: number
  readonly #foundByName = new Map<string, Found>()
  readonly #damages: HistoryDamage[] = []
  /** Versions at or below it are not taken. */
  #floor: Sequence = 0
  #isCut = false

  constructor(key: Key, options: HistoryOptions = {}) {
    this.key = key
    this.#versionsMax = options.versionsMax ?? VERSIONS_MAX
    this.#valueBytesMax = options.valueBytesMax ?? VALUE_BYTES_MAX
    assert(this.#versionsMax > 0, 'a history has room for a version')
  }

  /** A put; the value `bytes[at, at + length)` is copied if it is to be shown. */
  put(
    sequence: Sequence,
    value: { readonly bytes: Uint8Array; readonly at: number; readonly length: number },
    place: VersionPlace,
  ): void {
    const { bytes, at, length } = value
    const shown = length <= this.#valueBytesMax ? Buffer.from(bytes.subarray(at, at + length)) : undefined
    this.#add({ sequence, kind: 'put', valueBytes: length, value: shown, range: undefined, places: [place] })
  }

  delete(sequence: Sequence, place: VersionPlace): void {
    this.#add({ sequence, kind: 'delete', valueBytes: undefined, value: undefined, range: undefined, places: [place] })
  }

  /** A deletion of a range, if it holds the key. */
  deleteRange(sequence: Sequence, range: KeyRange, place: VersionPlace): void {
    if (!rangeContains(range, this.key)) return
    this.#add({ sequence, kind: 'delete range', valueBytes: undefined, value: undefined, range, places: [place] })
  }

  /** The version at which a cursor stands. */
  version(cursor: VersionCursor, place: VersionPlace): void {
    const { sequence, kind, valueBytes: bytes, valueAt: at, valueLength: length } = cursor
    if (kind === ENTRY_PUT) this.put(sequence, { bytes, at, length }, place)
    else this.delete(sequence, place)
  }

  damage({ file, offset, what }: HistoryDamage): void {
    this.#damages.push({ file, offset, what })
  }

  #add(found: Found): void {
    if (found.sequence <= this.#floor) {
      this.#isCut = true
      return
    }
    const name = `${found.kind === 'delete range' ? 'range' : 'point'} ${found.sequence}`
    const known = this.#foundByName.get(name)
    if (known === undefined) {
      this.#foundByName.set(name, found)
      if (this.#foundByName.size >= 2 * this.#versionsMax) this.#cut()
      return
    }
    if (known.range !== undefined && found.range !== undefined) known.range = hullOf(known.range, found.range)
    for (const place of found.places) if (!known.places.some((other) => isSamePlace(other, place))) known.places.push(place) // prettier-ignore
  }

  #cut(): void {
    const newest = this.#newest()
    if (newest.length <= this.#versionsMax) return
    this.#isCut = true
    // Of one sequence there may be two: the floor forgets both or none.
    this.#floor = newest[this.#versionsMax]!.sequence
    for (const [name, { sequence }] of this.#foundByName) if (sequence <= this.#floor) this.#foundByName.delete(name)
  }

  #newest(): readonly Found[] {
    return [...this.#foundByName.values()].sort(
      (a, b) => b.sequence - a.sequence || RANK_BY_KIND.get(a.kind)! - RANK_BY_KIND.get(b.kind)!,
    )
  }

  /** What was gathered. */
  finish(publishedSequence: Sequence | undefined): KeyHistory {
    const newest = this.#newest()
    const versions = newest.slice(0, this.#versionsMax).map(toVersion)
    const isCut = this.#isCut || newest.length > versions.length
    return { key: keyToBuffer(this.key), versions, isCut, publishedSequence, damages: this.#damages }
  }
}

function toVersion({ range, places, ...found }: Found): KeyVersion {
  return {
    ...found,
    start: range === undefined ? undefined : keyToBuffer(range.start),
    end: range?.end === undefined ? undefined : keyToBuffer(range.end),
    places: [...places].sort((a, b) => RANK_BY_PLACE.get(a.in)! - RANK_BY_PLACE.get(b.in)!),
  }
}

function hullOf(a: KeyRange, b: KeyRange): KeyRange {
  return { start: a.start < b.start ? a.start : b.start, end: compareEnds(a.end, b.end) > 0 ? a.end : b.end }
}

function isSamePlace(a: VersionPlace, b: VersionPlace): boolean {
  if (a.in === 'memtable') return b.in === 'memtable' && a.memtable === b.memtable
  if (a.in === 'log') return b.in === 'log' && a.file === b.file && a.offset === b.offset
  return b.in === 'table' && a.file === b.file
}
