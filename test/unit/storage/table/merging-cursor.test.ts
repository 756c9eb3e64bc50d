import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { ENTRY_DELETE, ENTRY_PUT } from '../../../../src/storage/engine'
import { Memtable } from '../../../../src/storage/memtable/memtable'
import { MergingCursor } from '../../../../src/storage/table/merging-cursor'
import { openRunCursor } from '../../../../src/storage/table/run-cursor'
import { TableWriter } from '../../../../src/storage/table/table-writer'
import type { VersionCursor } from '../../../../src/storage/rows/version-cursor'
import { openTestTable, smallTable, TestFile, versionsFrom, writeTable } from './table-world'
import { check, expectLines, historyOf, inOrder, linesOf, modelCommits, modelKeys } from '../rows/version-model'
import type { ModelVersion } from '../rows/version-model'

const file = 'test/unit/storage/table/merging-cursor.test.ts'

interface Vectors {
  readonly sources: readonly (readonly [kind: string, key: string, value?: string, loop?: string])[][]
  readonly expected: Record<'tombstonesKept' | 'tombstonesDropped', { entries: number; bytes: number; sha256: string }>
}

const vectors = JSON.parse(
  readFileSync(join(__dirname, '../../../data/vectors/merge-iterator.json'), 'utf8'),
) as unknown as Vectors

/** The writes of a source of the vectors, unrolled. */
function writesOf(source: Vectors['sources'][number]): { key: string; value: Buffer | undefined }[] {
  return source.flatMap(([kind, key, value, loop]) => {
    if (loop === undefined) return [{ key, value: kind === 'put' ? Buffer.from(value!) : undefined }]
    const [, from, to] = /^for i in (\d+)\.\.(\d+)$/.exec(loop)!
    return Array.from({ length: Number(to) - Number(from) + 1 }, (_, offset) => {
      const i = String(Number(from) + offset)
      return { key: key.replace('{i}', i), value: Buffer.from(value!.replace('{i}', i)) }
    })
  })
}

/** Walks a merge, keeps the newest version of each key, and frames it as the vectors say. */
async function digest(cursor: VersionCursor, keepTombstones: boolean): Promise<Vectors['expected']['tombstonesKept']> {
  const frames: Buffer[] = []
  let before: string | undefined
  for (const { key, value } of await versionsFrom(cursor, undefined)) {
    if (key === before) continue
    before = key
    if (value === undefined && !keepTombstones) continue
    const keyBytes = Buffer.from(key, 'latin1')
    frames.push(u32(keyBytes.length), keyBytes, Buffer.from([value === undefined ? 1 : 0]))
    if (value !== undefined) frames.push(u32(value.length), value)
  }
  const bytes = Buffer.concat(frames)
  const entries = frames.filter((frame) => frame.length === 1).length
  return { entries, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

/** The sources of the vectors as memtables, newest first, later ones older. */
function vectorMemtables(): Memtable[] {
  let sequence = 0
  return [...vectors.sources].reverse().map((source) => {
    const memtable = new Memtable()
    for (const { key, value } of writesOf(source)) {
      memtable.insert(value === undefined ? ENTRY_DELETE : ENTRY_PUT, key, value, ++sequence)
    }
    return memtable
  }).reverse() // prettier-ignore
}

/** Writes what a cursor shows into a table. */
async function tableFrom(cursor: VersionCursor, fileNumber: number): Promise<VersionCursor> {
  const written = new TestFile()
  const writer = new TableWriter(written, { ...smallTable, fileNumber })
  for (let more = await cursor.seek(undefined); more; more = await cursor.next()) writer.add(cursor)
  await writer.finish()
  const { table } = await openTestTable(written, { fileNumber })
  return table.openCursor({ reverse: false, bulk: true })
}

describe('the merge vectors', () => {
  it('are reproduced bit for bit from memtables', async () => {
    for (const [name, keep] of [
      ['tombstonesKept', true],
      ['tombstonesDropped', false],
    ] as const) {
      // prettier-ignore
      const cursor = new MergingCursor(vectorMemtables().map((memtable) => memtable.openCursor(false)), false) // prettier-ignore
      expect(await digest(cursor, keep)).toEqual(vectors.expected[name])
    }
  })

  it('are reproduced bit for bit from tables, and from their merge written to a table', async () => {
    for (const [name, keep] of [
      ['tombstonesKept', true],
      ['tombstonesDropped', false],
    ] as const) {
      // prettier-ignore
      const sources: VersionCursor[] = []
      for (const memtable of vectorMemtables())
        sources.push(await tableFrom(memtable.openCursor(false), sources.length + 1))
      const merged = await tableFrom(new MergingCursor(sources, false), 9)
      expect(await digest(merged, keep)).toEqual(vectors.expected[name])
    }
  })
})

/** Deals versions out to `count` sources at random, so that sources overlap in keys and in sequences. */
async function deal(
  versions: readonly ModelVersion[],
  dealt: readonly number[],
  count: number,
  reverse: boolean,
): Promise<VersionCursor[]> {
  // prettier-ignore
  const cursors: VersionCursor[] = []
  for (let i = 0; i < count; i++) {
    const part = versions.filter((_, at) => (dealt[at % dealt.length] ?? 0) % count === i)
    if (i % 2 === 0) {
      const memtable = new Memtable()
      const inTime = [...part].sort((a, b) => a.sequence - b.sequence)
      for (const { kind, key, value, sequence } of inTime) memtable.insert(kind, key, value, sequence)
      cursors.push(memtable.openCursor(reverse))
    } else if (part.length > 0) {
      const { file: written } = await writeTable({ versions: part, rangeTombstones: [] })
      const { table, clock } = await openTestTable(written, { cacheBytes: 0 })
      clock.stepMs = i % 4 === 1 ? 1 : 0
      cursors.push(table.openCursor({ reverse, bulk: i % 3 === 0 }))
    }
  }
  return cursors
}

describe('a merging cursor', () => {
  it('is sorted and complete over any number of sources, from any seek, in both directions', async () => {
    await check(
      file,
      fc.asyncProperty(
        modelCommits,
        fc.array(fc.nat({ max: 100 }), { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 0, max: 9 }),
        fc.boolean(),
        fc.option(modelKeys, { nil: undefined }),
        async (commits, dealt, count, reverse, key) => {
          const versions = count === 0 ? [] : historyOf(commits).versions
          const cursor = new MergingCursor(await deal(versions, dealt, count, reverse), reverse)
          const ordered = inOrder(versions).filter((v) => key === undefined || (reverse ? v.key < key : v.key >= key))
          expectLines(linesOf(await versionsFrom(cursor, key)), linesOf(reverse ? ordered.reverse() : ordered))
        },
      ),
    )
  })

  it('puts the newest source first where key and sequence are equal', async () => {
    for (const reverse of [false, true]) {
      const cursors = ['newest', 'middle', 'oldest'].map((name) => {
        const memtable = new Memtable()
        memtable.insert(ENTRY_PUT, 'k', Buffer.from(name), 3)
        return memtable.openCursor(reverse)
      })
      const values = (await versionsFrom(new MergingCursor(cursors, reverse), undefined)).map(({ value }) =>
        String(value),
      )
      expect(values).toEqual(['newest', 'middle', 'oldest'])
    }
  })

  it('can seek again, also back', async () => {
    const memtable = new Memtable()
    for (let i = 0; i < 500; i++) memtable.insert(ENTRY_PUT, `k${1000 + i}`, Buffer.alloc(3), i + 1)
    const { file: written } = await writeTable({ versions: [{ key: 'k1200x', sequence: 900, kind: ENTRY_PUT, value: Buffer.alloc(1) }], rangeTombstones: [] }) // prettier-ignore
    const { table } = await openTestTable(written)
    const cursor = new MergingCursor([memtable.openCursor(false), table.openCursor({ reverse: false })], false)
    expect([await cursor.seek('k1400'), cursor.key]).toEqual([true, 'k1400'])
    expect([await cursor.seek('k1200'), cursor.key]).toEqual([true, 'k1200'])
    expect([await cursor.next(), cursor.key]).toEqual([true, 'k1200x'])
    expect([await cursor.next(), cursor.key]).toEqual([true, 'k1201'])
    expect(await cursor.seek('l')).toBe(false)
    expect(await cursor.next()).toBe(false)
    expect([await cursor.seek(undefined), cursor.key]).toEqual([true, 'k1000'])
    cursor.close()
  })
})

describe('a run cursor', () => {
  it('passes over tables without versions on the wanted side, and lets go of all of them', async () => {
    const part = (keys: string[], fileNumber: number, tombstones: { start: string; end: string }[] = []) =>
      writeTable(
        {
          versions: keys.map((key) => ({ key, sequence: 5, kind: ENTRY_PUT, value: Buffer.from(key) })),
          rangeTombstones: tombstones.map((range) => ({ ...range, sequence: 4 })),
        },
        { ...smallTable, fileNumber },
      )
    const files = [
      await part(['a', 'b'], 1, [{ start: 'b', end: 'd' }]),
      await part([], 2, [{ start: 'd', end: 'f' }]),
      await part(['g'], 3, [{ start: 'f', end: 'g' }]),
    ]
    const opened = await Promise.all(files.map(({ file: bytes }, i) => openTestTable(bytes, { fileNumber: i + 1 })))
    const tables = opened.map(({ table }) => table)
    const keysFrom = async (key: string | undefined, reverse: boolean): Promise<string[]> =>
      (await versionsFrom(openRunCursor(tables, { first: 0, end: tables.length, reverse }), key)).map(
        (version) => version.key,
      )
    expect(await keysFrom(undefined, false)).toEqual(['a', 'b', 'g'])
    expect(await keysFrom('c', false)).toEqual(['g'])
    expect(await keysFrom('e', false)).toEqual(['g'])
    expect(await keysFrom('h', false)).toEqual([])
    expect(await keysFrom(undefined, true)).toEqual(['g', 'b', 'a'])
    expect(await keysFrom('g', true)).toEqual(['b', 'a'])
    expect(await keysFrom('e', true)).toEqual(['b', 'a'])
    expect(await keysFrom('a', true)).toEqual([])
    for (const table of tables) expect(table.holders).toBe(1)
  })
})
