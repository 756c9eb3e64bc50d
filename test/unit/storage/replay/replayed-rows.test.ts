import * as fc from 'fast-check'
import { ENTRY_DELETE, ENTRY_DELETE_RANGE, ENTRY_PUT } from '../../../../src/storage/engine'
import type { Batch, BatchEntry } from '../../../../src/storage/engine'
import { Memtables } from '../../../../src/storage/memtable/memtables'
import type { ReplayedRows } from '../../../../src/storage/replay/replayed-rows'
import { ReplayedRowsCursor } from '../../../../src/storage/replay/replayed-rows-cursor'
import type { VersionCursor } from '../../../../src/storage/rows/version-cursor'
import { check } from '../rows/version-model'
import type { NumberedBatch } from './replayed-pieces'
import { gathered } from './replayed-pieces'

const file = 'test/unit/storage/replay/replayed-rows.test.ts'

function put(key: string, value: string): BatchEntry {
  return { kind: ENTRY_PUT, key, value: Buffer.from(value, 'latin1'), end: undefined }
}

function remove(key: string): BatchEntry {
  return { kind: ENTRY_DELETE, key, value: undefined, end: undefined }
}

function removeRange(key: string, end: string | undefined): BatchEntry {
  return { kind: ENTRY_DELETE_RANGE, key, value: undefined, end }
}

/** Every version, as a line. A cursor of a memtable answers at once. */
function versionsOf(cursor: VersionCursor): string[] {
  const lines: string[] = []
  for (let moved = cursor.seek(undefined); moved === true; moved = cursor.next()) {
    const { key, sequence, kind, valueBytes, valueAt, valueLength } = cursor
    const value = Buffer.from(valueBytes.slice(valueAt, valueAt + valueLength)).toString('latin1')
    expect(Buffer.from(cursor.keyBytes.slice(0, cursor.keyLength)).toString('latin1')).toBe(key)
    lines.push(JSON.stringify([key, sequence, kind, value]))
  }
  cursor.close()
  return lines
}

function versionsOfPiece(rows: ReplayedRows): string[] {
  return versionsOf(new ReplayedRowsCursor(rows))
}

/** Commits from `first` on, so many in each frame. */
function framesOf(batches: readonly Batch[], { first = 1, perFrame = 1 } = {}): NumberedBatch[][] {
  const frames: NumberedBatch[][] = []
  for (const [i, batch] of batches.entries()) {
    if (i % perFrame === 0) frames.push([])
    frames.at(-1)!.push({ sequence: first + i, batch })
  }
  return frames
}

/** What a memtable makes of the commits of a piece. */
function expectLikeMemtable(rows: ReplayedRows, batches: readonly NumberedBatch[]): void {
  const memtables = new Memtables(0)
  for (const { sequence, batch } of batches) memtables.insert(batch, sequence)
  const memtable = memtables.active
  expect(versionsOfPiece(rows)).toEqual(versionsOf(memtable.openCursor(false)))
  expect(rows.rangeTombstones).toEqual(memtable.rangeTombstones?.list() ?? [])
  expect(rows.firstSequence).toBe(batches[0]!.sequence)
  expect(rows.through).toBe(batches.at(-1)!.sequence)
}

const keys = fc.oneof(fc.string({ maxLength: 3, unit: fc.constantFrom('\x00', 'a', '\xff') }), fc.string({ maxLength: 30, unit: 'binary-ascii' })) // prettier-ignore
const entry = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(keys, fc.string({ maxLength: 40, unit: 'binary-ascii' })).map(([key, value]) => put(key, value)) }, // prettier-ignore
  { weight: 3, arbitrary: keys.map(remove) },
  { weight: 1, arbitrary: fc.tuple(keys, fc.option(keys, { nil: undefined })).map(([key, end]) => removeRange(key, end)) }, // prettier-ignore
)
/** A commit says at most once what becomes of a key. */
const batch = fc.uniqueArray(entry, { maxLength: 6, selector: ({ kind, key }) => (kind === ENTRY_DELETE_RANGE ? `range ${key}` : key) }) // prettier-ignore

describe('rows of a log', () => {
  it('have the versions and range tombstones that a memtable of the same commits has, in the same order', async () => {
    await check(
      file,
      fc.property(
        fc.array(batch, { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 9 }),
        (batches, perFrame) => {
          const frames = framesOf(batches, { first: 2 ** 40, perFrame })
          const pieces = gathered(frames)
          const { entries } = memtableOf(frames.flat())
          expect(pieces).toHaveLength(entries === 0 ? 0 : 1)
          if (entries > 0) expectLikeMemtable(pieces[0]!, frames.flat())
        },
      ),
    )
  })

  it('of one key overwritten thousands of times are that many versions, the newest first', () => {
    const frames = framesOf(
      Array.from({ length: 5_000 }, (_, i) => [put('hot', String(i))]),
      { perFrame: 64 },
    )
    const [rows] = gathered(frames)
    const lines = versionsOfPiece(rows!)
    expect(lines).toHaveLength(5_000)
    expect(lines[0]).toBe(JSON.stringify(['hot', 5_000, ENTRY_PUT, '4999']))
    expect(lines.at(-1)).toBe(JSON.stringify(['hot', 1, ENTRY_PUT, '0']))
  })

  it('are cut into pieces between two frames, each with the commits that it covers', () => {
    const batches = Array.from({ length: 200 }, (_, i) => [put(`k${i % 40}`, 'v'.repeat(50)), remove(`d${i}`)])
    const frames = framesOf(batches, { perFrame: 5 })
    const pieces = gathered(frames, 2_000)
    expect(pieces.length).toBeGreaterThan(5)
    let next = 1
    for (const rows of pieces) {
      expect(rows.firstSequence).toBe(next)
      expect(rows.through % 5).toBe(0)
      expect(rows.bytes.byteLength).toBe(2_000)
      expectLikeMemtable(rows, frames.flat().slice(next - 1, rows.through))
      next = rows.through + 1
    }
    expect(next).toBe(201)
  })

  it('of a frame larger than a piece are a piece of their own', () => {
    const large = Array.from({ length: 30 }, (_, i) => put(`k${i}`, 'x'.repeat(100)))
    const pieces = gathered([...framesOf([[put('a', '1')], large, [put('b', '2')]])], 100)
    expect(pieces.map(({ firstSequence, through, places }) => [firstSequence, through, places.length])).toEqual([[1, 1, 1], [2, 2, 30], [3, 3, 1]]) // prettier-ignore
  })

  it('that were never there make no piece: commits without entries, or that delete an empty range', () => {
    expect(gathered(framesOf([[], [removeRange('b', 'a')], []]))).toEqual([])
    expect(gathered([])).toEqual([])
  })
})

function memtableOf(batches: readonly NumberedBatch[]): { readonly entries: number } {
  const memtables = new Memtables(0)
  for (const { sequence, batch } of batches) memtables.insert(batch, sequence)
  return memtables.active
}
