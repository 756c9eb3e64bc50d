/**
 * The naive model that memtables, tables and cursors are held against: a list of everything written, searched from end to end.
 *
 * Histories are commits in order; each has range deletions and puts or deletes of distinct keys, all at its sequence.
 */
import * as fc from 'fast-check'
import type { Key } from '../../../../src/base/bytes'
import { rangeContains } from '../../../../src/base/key-range'
import type { KeyRange } from '../../../../src/base/key-range'
import type { Sequence } from '../../../../src/base/sequence'
import { ENTRY_DELETE, ENTRY_PUT } from '../../../../src/storage/engine'
import { LOOKUP_ABSENT, LOOKUP_TOMBSTONE, LOOKUP_VALUE } from '../../../../src/storage/rows/lookup'
import type { LookupState } from '../../../../src/storage/rows/lookup'
import type { RangeTombstone, VersionKind } from '../../../../src/storage/rows/version-cursor'
import { replayCommand, testSeed } from '../../../support/oracle/random'

export interface ModelVersion {
  readonly key: Key
  readonly sequence: Sequence
  readonly kind: VersionKind
  readonly value: Buffer | undefined
}

export interface Commit {
  readonly ranges: readonly KeyRange[]
  readonly points: readonly { readonly key: Key; readonly value: Buffer | undefined }[]
}

export interface ModelHistory {
  readonly versions: readonly ModelVersion[]
  readonly rangeTombstones: readonly RangeTombstone[]
}

/** The history of commits at sequences `first`, `first + 1`, ... */
export function historyOf(commits: readonly Commit[], first = 1): ModelHistory {
  const versions: ModelVersion[] = []
  const rangeTombstones: RangeTombstone[] = []
  commits.forEach((commit, i) => {
    const sequence = first + i
    for (const { start, end } of commit.ranges) rangeTombstones.push({ start, end, sequence })
    for (const { key, value } of commit.points) {
      versions.push({ key, sequence, kind: value === undefined ? ENTRY_DELETE : ENTRY_PUT, value })
    }
  })
  return { versions, rangeTombstones }
}

/** Internal order: key ascending, sequence descending. */
export function inOrder(versions: readonly ModelVersion[]): ModelVersion[] {
  return [...versions].sort((a, b) => (a.key === b.key ? b.sequence - a.sequence : a.key < b.key ? -1 : 1))
}

/** The greatest sequence `<= sequence` of a tombstone that covers the key, or 0. */
export function newestCovering(list: readonly RangeTombstone[], key: Key, sequence: Sequence): Sequence {
  let newest = 0
  for (const tombstone of list) {
    if (tombstone.sequence <= sequence && rangeContains(tombstone, key)) newest = Math.max(newest, tombstone.sequence)
  }
  return newest
}

/** What a lookup of `key` at `sequence` must find. */
export function modelGet(
  history: ModelHistory,
  key: Key,
  sequence: Sequence,
): { state: LookupState; sequence: Sequence; value: Buffer | undefined } {
  let newest: ModelVersion | undefined
  for (const version of history.versions) {
    if (version.key !== key || version.sequence > sequence) continue
    if (newest === undefined || version.sequence > newest.sequence) newest = version
  }
  const covered = newestCovering(history.rangeTombstones, key, sequence)
  if (newest === undefined && covered === 0) return { state: LOOKUP_ABSENT, sequence: 0, value: undefined }
  if (newest === undefined || covered > newest.sequence) {
    return { state: LOOKUP_TOMBSTONE, sequence: covered, value: undefined }
  }
  const state = newest.kind === ENTRY_DELETE ? LOOKUP_TOMBSTONE : LOOKUP_VALUE
  return { state, sequence: newest.sequence, value: newest.value }
}

/** The rows of `range` visible at `sequence`. */
export function modelRows(
  history: ModelHistory,
  view: { range: KeyRange; sequence: Sequence; reverse: boolean },
): { key: Key; value: Buffer }[] {
  const keys = [...new Set(history.versions.map(({ key }) => key))].sort()
  const rows: { key: Key; value: Buffer }[] = []
  for (const key of view.reverse ? keys.reverse() : keys) {
    if (!rangeContains(view.range, key)) continue
    const { value } = modelGet(history, key, view.sequence)
    if (value !== undefined) rows.push({ key, value })
  }
  return rows
}

/** Keys that make trouble: the empty one, NUL and 0xff, prefixes of each other, long shared beginnings. */
export const modelKeys: fc.Arbitrary<Key> = fc.oneof(
  fc.constantFrom('', '\0', '\0\0', '\xff', '\xff\xff', '\xff\0', 'a', 'ab', 'ab\0', 'abc', 'key1', 'key10', 'key2'),
  fc.array(fc.constantFrom('\0', 'a', 'b', '\x7f', '\x80', '\xff'), { maxLength: 5 }).map((chars) => chars.join('')),
  // Equal in the first four (a block's head) or six bytes (the index's number), different right behind.
  fc
    .tuple(
      fc.constantFrom('head', 'number'),
      fc.constantFrom('', '0', '1', '\0', '\xff'),
      fc.constantFrom('', '0', 'x'),
    )
    .map((parts) => parts.join('')),
  fc.nat({ max: 40 }).map((n) => `tenant/0001/user/${n}`),
)

/** Values: none, empty, small, and above the size that gets a block of its own. */
export const modelValues: fc.Arbitrary<Buffer | undefined> = fc.oneof(
  { weight: 2, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.constant(Buffer.alloc(0)) },
  { weight: 6, arbitrary: fc.nat({ max: 255 }).map((n) => Buffer.alloc(1 + (n % 40), n)) },
  { weight: 1, arbitrary: fc.nat({ max: 255 }).map((n) => Buffer.alloc(2040 + n, n)) },
)

export const modelRanges: fc.Arbitrary<KeyRange> = fc
  .tuple(modelKeys, fc.option(modelKeys, { nil: undefined, freq: 5 }))
  .map(([a, b]) => {
    if (b === undefined) return { start: a, end: undefined }
    return a < b ? { start: a, end: b } : { start: b, end: a === b ? `${a}\0` : a }
  })

export const modelCommits: fc.Arbitrary<Commit[]> = fc.array(
  fc.record({
    ranges: fc.oneof(
      { weight: 4, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.array(modelRanges, { maxLength: 2 }) },
    ),
    points: fc.uniqueArray(fc.record({ key: modelKeys, value: modelValues }), {
      selector: ({ key }) => key,
      maxLength: 6,
    }),
  }),
  { minLength: 1, maxLength: 30 },
)

/** Versions in one line each, for comparing many of them quickly. */
export function linesOf(versions: readonly ModelVersion[]): string[] {
  return versions.map(
    ({ key, sequence, kind, value }) => `${JSON.stringify(key)} ${sequence} ${kind} ${valueText(value)}`,
  )
}

/** A value in short: its length and two of its bytes. */
export function valueText(value: Buffer | undefined): string {
  return value === undefined ? '-' : `${value.length}:${value[0] ?? ''}:${value.at(-1) ?? ''}`
}

/** `toEqual` for lines, cheap where they are equal. */
export function expectLines(actual: readonly string[], expected: readonly string[]): void {
  if (actual.length !== expected.length || actual.some((line, i) => line !== expected[i])) {
    expect(actual).toEqual(expected)
  }
}

/** Runs a property with the seed of this run; a failure names the command that repeats it. */
export async function check<T>(
  file: string,
  property: fc.IAsyncProperty<T> | fc.IProperty<T>,
  numRuns = 100,
): Promise<void> {
  const seed = testSeed(20_261)
  try {
    await fc.assert(property, { seed, numRuns })
  } catch (error) {
    throw new Error(`${(error as Error).message}\nReplay: ${replayCommand(seed, file)}`, { cause: error })
  }
}
