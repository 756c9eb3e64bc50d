import * as fc from 'fast-check'
import { LIMITS } from '../../../../src/base/limits'
import { ENTRY_PUT } from '../../../../src/storage/engine'
import { hashKey, KeyHash } from '../../../../src/storage/table/filter'
import { Lookup, LOOKUP_TOMBSTONE, LOOKUP_VALUE } from '../../../../src/storage/rows/lookup'
import type { Table } from '../../../../src/storage/table/table'
import { openTestTable, versionsFrom, writeTable } from './table-world'
import type { OpenedTable } from './table-world'
import {
  check,
  expectLines,
  historyOf,
  inOrder,
  linesOf,
  modelCommits,
  modelGet,
  modelKeys,
  valueText,
} from '../rows/version-model'
import type { ModelHistory, ModelVersion } from '../rows/version-model'

const file = 'test/unit/storage/table/table.test.ts'
const hash = new KeyHash()

async function lookUp(table: Table, key: string, sequence: number): Promise<string[]> {
  hashKey(key, hash)
  const line = (found: Lookup): string =>
    `${found.state} ${found.sequence} ${valueText(found.state === LOOKUP_VALUE ? found.copyValue() : undefined)}`
  const found = new Lookup()
  table.getSync(key, hash, sequence, found)
  const atOnce = line(found)
  const got = table.get(key, hash, sequence, found)
  return [atOnce, line(got instanceof Promise ? await got : found)]
}

function expectedLines(history: ModelHistory, key: string, sequence: number): string[] {
  const expected = modelGet(history, key, sequence)
  const line = `${expected.state} ${expected.sequence} ${valueText(expected.value)}`
  return [line, line]
}

const nonEmpty = modelCommits.filter((commits) => commits.some((c) => c.points.length + c.ranges.length > 0))

async function tableOf(history: ModelHistory, blockBytes = 256): Promise<OpenedTable> {
  const written = await writeTable(history, { fileNumber: 7, blockBytes, filterBitsPerKey: 10 })
  return openTestTable(written.file)
}

const put = (key: string, sequence: number, value: Buffer): ModelVersion => ({ key, sequence, kind: ENTRY_PUT, value })

describe('a table', () => {
  it('finds the newest version at or below the sequence, range tombstones included', async () => {
    await check(
      file,
      fc.asyncProperty(nonEmpty, fc.array(modelKeys, { maxLength: 10 }), async (commits, others) => {
        const history = historyOf(commits)
        const { table, clock } = await tableOf(history)
        clock.stepMs = commits.length % 2
        for (const key of new Set([...others, ...history.versions.map((version) => version.key)])) {
          for (let sequence = 0; sequence <= commits.length + 1; sequence++) {
            expectLines(await lookUp(table, key, sequence), expectedLines(history, key, sequence))
          }
        }
        await table.verify()
      }),
    )
  })

  it('gives back exactly what was written, in order, from any seek, forward and backward, cached and in bulk', async () => {
    await check(
      file,
      fc.asyncProperty(nonEmpty, fc.option(modelKeys, { nil: undefined }), fc.boolean(), async (commits, key, bulk) => {
        const history = historyOf(commits)
        const { table } = await tableOf(history)
        const ordered = inOrder(history.versions)
        const forward = await versionsFrom(table.openCursor({ reverse: false, bulk }), key)
        expectLines(linesOf(forward), linesOf(ordered.filter((v) => key === undefined || v.key >= key)))
        const backward = await versionsFrom(table.openCursor({ reverse: true, bulk }), key)
        expectLines(linesOf(backward), linesOf(ordered.filter((v) => key === undefined || v.key < key).reverse()))
        expect(table.rangeTombstones?.list().length ?? 0).toBe(history.rangeTombstones.length)
      }),
    )
  })

  it('says of itself what was written', async () => {
    await check(
      file,
      fc.asyncProperty(nonEmpty, async (commits) => {
        const history = historyOf(commits)
        const { versions, rangeTombstones } = history
        const { table } = await tableOf(history)
        const sequences = [...versions, ...rangeTombstones].map(({ sequence }) => sequence)
        const keys = new Set(versions.map(({ key }) => key))
        expect(table.properties).toMatchObject({
          entries: versions.length,
          keys: keys.size,
          tombstones: versions.filter(({ value }) => value === undefined).length,
          rangeTombstones: rangeTombstones.length,
          keyBytes: versions.reduce((sum, { key }) => sum + key.length, 0),
          valueBytes: versions.reduce((sum, { value }) => sum + (value?.length ?? 0), 0),
          firstSequence: Math.min(...sequences),
          lastSequence: Math.max(...sequences),
        })
        const { bounds } = table.properties
        const starts = [...keys, ...rangeTombstones.map(({ start }) => start)].sort()
        expect(bounds.start).toBe(starts[0])
        if (rangeTombstones.some(({ end }) => end === undefined)) expect(bounds.end).toBeUndefined()
        else
          expect(bounds.end).toBe(
            [...[...keys].map((k) => `${k}\0`), ...rangeTombstones.map((t) => t.end!)].sort().at(-1),
          )
      }),
    )
  })

  it('finds any of many versions of one key, though they span blocks, with one block a lookup', async () => {
    const versions: ModelVersion[] = []
    for (const key of ['a', 'hot', 'hot\0', 'z']) {
      for (let sequence = 1; sequence <= 500; sequence++)
        versions.push(put(key, sequence * 3, Buffer.from(`${key}${sequence}`)))
    }
    const history = { versions, rangeTombstones: [] }
    const { table, counters } = await openTestTable((await writeTable(history)).file, { cacheBytes: 0 })
    expect(table.properties.dataBlocks).toBeGreaterThan(100)
    for (const key of ['a', 'hot', 'hot\0', 'z', 'hos', 'hou']) {
      for (let sequence = 0; sequence <= 1503; sequence += 7) {
        expectLines(await lookUp(table, key, sequence), expectedLines(history, key, sequence))
      }
    }
    const before = counters.blockReads
    const found = new Lookup()
    hashKey('hot', hash)
    for (let sequence = 3; sequence <= 1500; sequence++) expect(table.getSync('hot', hash, sequence, found)).toBe(true)
    expect(counters.blockReads - before).toBe(1498)
    await table.verify()
  })

  it('holds keys to keyBytesMax and values to valueBytesMax', async () => {
    const large = LIMITS.valueBytesMax.max
    const history = {
      versions: [
        put('', 1, Buffer.alloc(0)),
        put('k'.repeat(LIMITS.keyBytesMax.max), 2, Buffer.alloc(2048, 1)),
        put('k'.repeat(LIMITS.keyBytesMax.max - 1), 3, Buffer.alloc(2049, 2)),
        put('\xff'.repeat(LIMITS.keyBytesMax.max), 4, Buffer.alloc(large, 3)),
        put('\xff'.repeat(LIMITS.keyBytesMax.max), 5, Buffer.alloc(large, 4)),
      ],
      rangeTombstones: [],
    }
    for (const blockBytes of [LIMITS.blockBytes.min, LIMITS.blockBytes.max]) {
      const { table } = await tableOf(history, blockBytes)
      for (const { key } of history.versions) {
        for (const sequence of [1, 4, 5])
          expectLines(await lookUp(table, key, sequence), expectedLines(history, key, sequence))
      }
      expectLines(
        linesOf(await versionsFrom(table.openCursor({ reverse: false }), undefined)),
        linesOf(inOrder(history.versions)),
      )
      expectLines(
        linesOf(await versionsFrom(table.openCursor({ reverse: true, bulk: true }), undefined)),
        linesOf(inOrder(history.versions).reverse()),
      )
      await table.verify()
    }
  })

  it('holds sequences up to the greatest, near and far apart in one block', async () => {
    const max = Number.MAX_SAFE_INTEGER
    const history = {
      versions: [1, 2, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 52, max - 1, max].flatMap((sequence) => [
        put('a', sequence, Buffer.from('x')),
        put(`b${sequence}`, sequence, Buffer.from('y')),
      ]),
      rangeTombstones: [{ start: 'b', end: 'b2', sequence: max }],
    }
    const { table } = await tableOf(history, 4096)
    for (const { key, sequence } of history.versions) {
      for (const at of [sequence - 1, sequence, max]) {
        expectLines(await lookUp(table, key, at), expectedLines(history, key, at))
      }
    }
    await table.verify()
  })

  it('with range tombstones only answers for every key', async () => {
    const history = { versions: [], rangeTombstones: [{ start: 'b', end: undefined, sequence: 4 }] }
    const { table } = await tableOf(history)
    for (const key of ['', 'a', 'b', 'z']) expectLines(await lookUp(table, key, 9), expectedLines(history, key, 9))
    expect(await versionsFrom(table.openCursor({ reverse: false }), undefined)).toEqual([])
    expect(await versionsFrom(table.openCursor({ reverse: true }), 'x')).toEqual([])
    await table.verify()
  })

  it('without a filter finds the same', async () => {
    const history = historyOf([
      { ranges: [], points: ['a', 'b', 'c'].map((key) => ({ key, value: Buffer.from(key) })) },
    ])
    const { file: written } = await writeTable(history, { fileNumber: 7, blockBytes: 256, filterBitsPerKey: 0 })
    const { table, counters } = await openTestTable(written)
    for (const key of ['a', 'aa', 'c', 'd']) expectLines(await lookUp(table, key, 1), expectedLines(history, key, 1))
    expect([table.filterBytes, counters.filterChecks]).toEqual([0, 0])
    await table.verify()
  })
})

describe('reading blocks of a table', () => {
  const history = historyOf(
    Array.from({ length: 60 }, (_, i) => ({ ranges: [], points: [{ key: `key${i}`, value: Buffer.alloc(60, i) }] })),
  )
  const found = new Lookup()
  const ask = (opened: OpenedTable, key: string): boolean | Promise<Lookup> => {
    hashKey(key, hash)
    return opened.table.get(key, hash, 100, found)
  }

  it('happens once: the second lookup finds the block in the cache', async () => {
    const opened = await tableOf(history)
    expect(ask(opened, 'key7')).toBe(true)
    expect(ask(opened, 'key7')).toBe(true)
    expect([opened.counters.blockReads, opened.cache.hits, opened.cache.misses]).toEqual([1, 1, 1])
    opened.cache.checkInvariants()
  })

  it('happens at once while reads are fast, and asynchronously once the median is slow', async () => {
    const opened = await openTestTable((await writeTable(history)).file, { cacheBytes: 0 })
    for (let i = 0; i < 10; i++) expect(ask(opened, `key${i}`)).toBe(true)
    opened.clock.stepMs = 5
    const results: unknown[] = []
    for (let i = 0; i < 30; i++) {
      const result = ask(opened, `key${i}`)
      results.push(result instanceof Promise ? 'promise' : result)
      await result
    }
    expect(results.slice(0, 10)).toEqual(Array(10).fill(true))
    expect(results.slice(-10)).toEqual(Array(10).fill('promise'))
    expect(opened.counters.blockReadsAsync).toBeGreaterThan(0)
    // Blocking is still possible where it is asked for.
    hashKey('key3', hash)
    expect(opened.table.getSync('key3', hash, 100, found)).toBe(true)
    // And when reads are fast again, so are lookups.
    opened.clock.stepMs = 0
    for (let i = 0; i < 40; i++) await ask(opened, `key${i}`)
    expect(ask(opened, 'key1')).toBe(true)
  })

  it('shares one asynchronous read between those who wait for the same block', async () => {
    const opened = await tableOf(history)
    opened.clock.stepMs = 5
    // Slow reads of other blocks than the one asked for below.
    for (const key of ['key50', 'key51', 'key40', 'key30']) await ask(opened, key)
    const readsBefore = opened.file.reads
    const asked = [ask(opened, 'key7'), ask(opened, 'key7'), ask(opened, 'key7')]
    expect(asked.every((result) => result instanceof Promise)).toBe(true)
    const lookups = await Promise.all(asked as Promise<Lookup>[])
    expect(new Set(lookups).size).toBe(3)
    for (const lookup of lookups) expect(lookup.copyValue()).toEqual(Buffer.alloc(60, 7))
    expect(opened.file.reads - readsBefore).toBe(1)
  })

  it('keeps the file open for reads in flight and cursors; the last holder closes it', async () => {
    const opened = await openTestTable((await writeTable(history)).file, { cacheBytes: 0 })
    opened.clock.stepMs = 5
    while (ask(opened, 'key1') === true) expect(opened.file.closed).toBe(false)
    let openGate = (): void => undefined
    opened.file.gate = new Promise((resolve) => (openGate = resolve))
    const pending = ask(opened, 'key8')
    const cursor = opened.table.openCursor({ reverse: false })
    opened.table.pin()
    opened.table.unpin()
    opened.table.unpin()
    expect(opened.file.closed).toBe(false)
    openGate()
    expect((await pending) as Lookup).toMatchObject({ state: LOOKUP_VALUE })
    expect(opened.file.closed).toBe(false)
    expect(await cursor.seek('key9')).toBe(true)
    expect(cursor.key).toBe('key9')
    cursor.close()
    cursor.close()
    expect(opened.file.closed).toBe(true)
    expect(opened.cache.blocks).toBe(0)
    expect(() => opened.table.pin()).toThrow('no new holders')
  })

  it('hides a deleted key by its tombstone, whose sequence it reports', async () => {
    const deleted = historyOf([
      { ranges: [], points: [{ key: 'a', value: Buffer.from('1') }] },
      { ranges: [], points: [{ key: 'a', value: undefined }] },
    ])
    const opened = await tableOf(deleted)
    expect(ask(opened, 'a')).toBe(true)
    expect(found).toMatchObject({ state: LOOKUP_TOMBSTONE, sequence: 2, length: 0 })
  })
})
