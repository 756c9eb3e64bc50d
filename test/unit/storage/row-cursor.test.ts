import * as fc from 'fast-check'
import type { KeyRange } from '../../../src/base/key-range'
import { Memtable } from '../../../src/storage/memtable/memtable'
import { openRunCursor } from '../../../src/storage/table/run-cursor'
import { clipRangeTombstones } from '../../../src/storage/rows/range-tombstones'
import type { RangeTombstoneIndex } from '../../../src/storage/rows/range-tombstones'
import { RowCursor } from '../../../src/storage/row-cursor'
import type { VersionCursor } from '../../../src/storage/rows/version-cursor'
import { openTestTable, smallTable, writeTable } from './table/table-world'
import type { OpenedTable } from './table/table-world'
import { check, expectLines, historyOf, modelCommits, modelRanges, modelRows, valueText } from './rows/version-model'
import type { Commit, ModelHistory } from './rows/version-model'

const file = 'test/unit/storage/row-cursor.test.ts'

interface Source {
  readonly open: (reverse: boolean) => VersionCursor
  readonly tombstones: readonly RangeTombstoneIndex[]
}

function memtableSource(history: ModelHistory): Source {
  const memtable = new Memtable()
  const last = Math.max(0, ...[...history.versions, ...history.rangeTombstones].map(({ sequence }) => sequence))
  for (let sequence = 1; sequence <= last; sequence++) {
    for (const t of history.rangeTombstones) if (t.sequence === sequence) memtable.insertRange(t.start, t.end, sequence)
    for (const v of history.versions) if (v.sequence === sequence) memtable.insert(v.kind, v.key, v.value, sequence)
  }
  return {
    open: (reverse) => memtable.openCursor(reverse),
    tombstones: memtable.rangeTombstones === undefined ? [] : [memtable.rangeTombstones],
  }
}

/** The history as a run of tables cut at `cuts`; empty parts have no table. */
async function runSource(history: ModelHistory, cuts: readonly string[], opened: OpenedTable[]): Promise<Source> {
  const bounds = [...new Set(cuts)].filter((cut) => cut !== '').sort()
  const tables: OpenedTable[] = []
  for (let i = 0; i <= bounds.length; i++) {
    const range: KeyRange = { start: bounds[i - 1] ?? '', end: bounds[i] }
    const part = {
      versions: history.versions.filter(
        ({ key }) => key >= range.start && (range.end === undefined || key < range.end),
      ),
      rangeTombstones: clipRangeTombstones(history.rangeTombstones, range),
    }
    if (part.versions.length + part.rangeTombstones.length === 0) continue
    const fileNumber = opened.length + 1
    const written = await writeTable(part, { ...smallTable, fileNumber })
    tables.push(await openTestTable(written.file, { fileNumber }))
    opened.push(tables.at(-1)!)
  }
  const run = tables.map(({ table }) => table)
  return {
    open: (reverse) => openRunCursor(run, { first: 0, end: run.length, reverse }),
    tombstones: run.flatMap((table) => table.rangeTombstones ?? []),
  }
}

async function rowsOf(cursor: RowCursor): Promise<string[]> {
  const rows: string[] = []
  while (await cursor.next()) rows.push(`${JSON.stringify(cursor.key)} ${valueText(cursor.value())}`)
  expect(await cursor.next()).toBe(false)
  cursor.close()
  cursor.close()
  expect(await cursor.next()).toBe(false)
  return rows
}

const views = fc.record({ range: fc.oneof(fc.constant({ start: '', end: undefined }), modelRanges), reverse: fc.boolean(), slow: fc.boolean() }) // prettier-ignore

async function checkRows(
  sources: readonly Source[],
  history: ModelHistory,
  view: { range: KeyRange; sequence: number; reverse: boolean },
): Promise<void> {
  // prettier-ignore
  let closed = 0
  const cursor = new RowCursor({
    ...view,
    sources: sources.map((source) => source.open(view.reverse)),
    rangeTombstones: sources.flatMap(({ tombstones }) => tombstones),
    onClose: () => closed++,
  })
  const expected = modelRows(history, view).map(({ key, value }) => `${JSON.stringify(key)} ${valueText(value)}`)
  expectLines(await rowsOf(cursor), expected)
  expect(closed).toBe(1)
}

describe('a row cursor', () => {
  it('shows the rows visible at its sequence over memtables, tables and a run, in both directions', async () => {
    const cuts = fc.array(fc.constantFrom('a', 'ab', 'b', 'key1', 'key10', 'tenant/0001/user/2', '\xff'), {
      maxLength: 3,
    })
    await check(
      file,
      fc.asyncProperty(
        modelCommits,
        views,
        fc.array(fc.nat({ max: 30 }), { maxLength: 3 }),
        cuts,
        async (commits, view, splits, at) => {
          const opened: OpenedTable[] = []
          const sources: Source[] = []
          const ends = [...splits.map((n) => Math.min(n, commits.length)), commits.length].sort((a, b) => a - b)
          let from = 0
          for (const [i, end] of ends.entries()) {
            const part = historyOf(commits.slice(from, end), from + 1)
            from = end
            if (part.versions.length + part.rangeTombstones.length === 0) continue
            const isNew = i === ends.length - 1
            sources.unshift(isNew ? memtableSource(part) : await runSource(part, i === 0 ? at : [], opened))
          }
          for (const { clock } of opened) clock.stepMs = view.slow ? 1 : 0
          const history = historyOf(commits)
          for (let sequence = 0; sequence <= commits.length; sequence += 1 + (commits.length >> 2)) {
            await checkRows(sources, history, { range: view.range, sequence, reverse: view.reverse })
          }
          for (const { table } of opened) expect(table.holders).toBe(1)
        },
      ),
    )
  })

  it('keeps a put of the same sequence as a range deletion, from whichever source', async () => {
    const commits: Commit[] = [
      { ranges: [], points: ['a', 'b', 'c'].map((key) => ({ key, value: Buffer.from('old') })) },
      { ranges: [{ start: '', end: undefined }], points: [{ key: 'b', value: Buffer.from('same') }] },
    ]
    const history = historyOf(commits)
    const opened: OpenedTable[] = []
    for (const sources of [[memtableSource(history)], [await runSource(history, ['b'], opened)]]) {
      for (const reverse of [false, true]) {
        await checkRows(sources, history, { range: { start: '', end: undefined }, sequence: 2, reverse })
        await checkRows(sources, history, { range: { start: '', end: undefined }, sequence: 1, reverse })
      }
    }
    expect(modelRows(history, { range: { start: '', end: undefined }, sequence: 2, reverse: false })).toHaveLength(1)
  })

  it('shows one row of a key with many versions that span blocks', async () => {
    const commits: Commit[] = Array.from({ length: 300 }, (_, i) => ({
      ranges: [],
      points: ['a', 'hot', 'z'].map((key) => ({ key, value: i % 7 === 0 ? undefined : Buffer.alloc(10, i) })),
    }))
    const history = historyOf(commits)
    const opened: OpenedTable[] = []
    const sources = [await runSource(history, [], opened)]
    expect(opened[0]!.table.properties.dataBlocks).toBeGreaterThan(30)
    for (const sequence of [1, 2, 150, 299, 300]) {
      for (const reverse of [false, true]) {
        await checkRows(sources, history, { range: { start: 'a', end: 'z' }, sequence, reverse })
      }
    }
  })

  it('holds one block a source at a time', async () => {
    const commits: Commit[] = Array.from({ length: 200 }, (_, i) => ({ ranges: [], points: [{ key: `k${1000 + i}`, value: Buffer.alloc(50, i) }] })) // prettier-ignore
    const written = await writeTable(historyOf(commits))
    const { table, counters } = await openTestTable(written.file, { cacheBytes: 0 })
    const cursor = new RowCursor({
      sources: [table.openCursor({ reverse: false })],
      rangeTombstones: [],
      range: { start: 'k1010', end: undefined },
      sequence: 1000,
      reverse: false,
    })
    for (let i = 0; i < 3; i++) expect(await cursor.next()).toBe(true)
    expect(counters.blockReads).toBeLessThanOrEqual(2)
    cursor.close()
  })

  it('promises where a block must be fetched and goes on from there', async () => {
    const commits: Commit[] = Array.from({ length: 100 }, (_, i) => ({ ranges: [], points: [{ key: `k${1000 + i}`, value: Buffer.alloc(50, i) }] })) // prettier-ignore
    const history = historyOf(commits)
    const { file: bytes } = await writeTable(history)
    for (const reverse of [false, true]) {
      const { table, clock } = await openTestTable(bytes, { cacheBytes: 0 })
      clock.stepMs = 1
      const sources = [table.openCursor({ reverse }), table.openCursor({ reverse })]
      const cursor = new RowCursor({
        sources,
        rangeTombstones: [],
        range: { start: '', end: undefined },
        sequence: 100,
        reverse,
      })
      const keys: string[] = []
      let promises = 0
      for (;;) {
        const moved = cursor.next()
        if (moved instanceof Promise) promises++
        if (!(await moved)) break
        keys.push(cursor.key)
      }
      cursor.close()
      const expected = commits.map(({ points }) => points[0]!.key)
      expect(keys).toEqual(reverse ? expected.reverse() : expected)
      expect(promises).toBeGreaterThan(10)
    }
  })
})
