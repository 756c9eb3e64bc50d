/** A table answers alike in every index mode, whatever its blocks and index pages cost to read; and what each mode keeps and reads. */
import * as fc from 'fast-check'
import { crc32 } from '../../../../src/base/checksum'
import { CorruptionError } from '../../../../src/base/errors'
import { ENTRY_PUT } from '../../../../src/storage/engine'
import { hashKey, KeyHash } from '../../../../src/storage/table/filter'
import type { IndexMode } from '../../../../src/storage/table/index-mode'
import { Lookup, LOOKUP_VALUE } from '../../../../src/storage/rows/lookup'
import {
  decodeFooter,
  fileSeed,
  FOOTER_BYTES,
  sealBlock,
  SECTION_MODEL,
} from '../../../../src/storage/table/table-format'
import { SeededRandom } from '../../../support/oracle/random'
import { openTestTable, smallTable, versionsFrom, writeTable } from './table-world'
import type { OpenedTable, TestFile } from './table-world'
import { check, expectLines, historyOf, linesOf, modelCommits, modelKeys, valueText } from '../rows/version-model'
import type { ModelHistory } from '../rows/version-model'

const file = 'test/unit/storage/table/table-index-modes.test.ts'
const hash = new KeyHash()

function describeLookup(found: Lookup): string {
  return `${found.state} ${found.sequence} ${valueText(found.state === LOOKUP_VALUE ? found.copyValue() : undefined)}`
}

/** Every kind of answer, in lines. */
async function answers(opened: OpenedTable, keys: readonly string[]): Promise<string[]> {
  const { table } = opened
  const lines: string[] = []
  for (const key of keys) {
    for (const sequence of [1, 7, 1000]) {
      const found = new Lookup()
      hashKey(key, hash)
      table.getSync(key, hash, sequence, found)
      lines.push(describeLookup(found))
      const later = table.get(key, hash, sequence, found)
      lines.push(describeLookup(later instanceof Promise ? await later : found))
    }
    for (const reverse of [false, true]) {
      const cursor = table.openCursor({ reverse })
      const isThere = await cursor.seek(key)
      lines.push(isThere ? `${JSON.stringify(cursor.key)} ${cursor.sequence}` : '-')
      if (isThere) lines.push((await cursor.next()) ? `${JSON.stringify(cursor.key)} ${cursor.sequence}` : '-')
      cursor.close()
    }
  }
  for (const options of [{ reverse: false }, { reverse: true }, { reverse: false, bulk: true }]) {
    lines.push(...linesOf(await versionsFrom(table.openCursor(options), undefined)))
  }
  return lines
}

const modes: readonly IndexMode[] = ['auto', 'resident', 'lean']

describe.each(modes)('a table opened with index mode %s', (indexMode) => {
  it('answers as with binary: from the cache, without one, and where every read is slow', async () => {
    await check(
      file,
      fc.asyncProperty(modelCommits, fc.array(modelKeys, { maxLength: 5 }), async (commits, others) => {
        const history = historyOf(commits)
        if (history.versions.length === 0 && history.rangeTombstones.length === 0) return
        const keys = [...new Set([...others, ...history.versions.map(({ key }) => key)])]
        const binary = await openTestTable((await writeTable(history)).file, { indexMode: 'binary' })
        const expected = await answers(binary, keys)
        const written = await writeTable(history, { ...smallTable, indexMode })
        for (const [cacheBytes, stepMs] of [
          [1 << 20, 0],
          [0, 0],
          [0, 5],
          [1 << 12, 5],
        ] as const) {
          // prettier-ignore
          const opened = await openTestTable(written.file, { indexMode, cacheBytes })
          opened.clock.stepMs = stepMs
          expectLines(await answers(opened, keys), expected)
          await opened.table.verify()
          opened.cache.checkInvariants()
        }
      }),
      25,
    )
  })
})

/** 2,000 keys in blocks of two, so that the index has several pages. */
const rows = 2000
const keyOf = (i: number): string => `user${String.fromCharCode(i >> 8, i & 255)}some more`
const large: ModelHistory = {
  versions: Array.from({ length: rows }, (_, i) => ({ key: keyOf(i), sequence: 1 + i, kind: ENTRY_PUT, value: Buffer.alloc(90, i) })), // prettier-ignore
  rangeTombstones: [],
}

async function openLarge(writtenIn: IndexMode, indexMode: IndexMode, cacheBytes = 1 << 22): Promise<OpenedTable> {
  const { file: written } = await writeTable(large, { ...smallTable, indexMode: writtenIn })
  return openTestTable(written, { indexMode, cacheBytes })
}

describe('an index mode asked for by name', () => {
  const named = ['binary', 'resident', 'lean'] as const
  const pairs = named.flatMap((writtenIn) => named.map((mode) => [writtenIn, mode] as const))

  test.each(pairs)('is what a table has that was written with %s and opened with %s', async (writtenIn, mode) => {
    const { table, counters } = await openLarge(writtenIn, mode)
    expect(table.indexMode).toBe(mode)
    expect(table.modelBytes > 0).toBe(mode !== 'binary')
    const found = new Lookup()
    hashKey(keyOf(7), hash)
    expect(table.getSync(keyOf(7), hash, 10_000, found)).toBe(true)
    expect(counters.model.hits + counters.model.fallbacks).toBe(mode === 'binary' ? 0 : 1)
    expect(counters.indexPageReads).toBe(mode === 'lean' ? 1 : 0)
  })

  it('auto has a model where one was written and pays', async () => {
    expect((await openLarge('auto', 'auto')).table.indexMode).toBe('resident')
    expect((await openLarge('binary', 'auto')).table.indexMode).toBe('binary')
  })

  it('lean keeps a small part of what the others keep', async () => {
    const [binary, lean] = [await openLarge('lean', 'binary'), await openLarge('lean', 'lean')]
    expect(lean.table.indexBytes * 8).toBeLessThan(binary.table.indexBytes)
  })
})

describe('reads of a lean table', () => {
  const found = new Lookup()
  const random = new SeededRandom(4)
  const ask = (opened: OpenedTable): boolean | Promise<Lookup> => {
    const key = keyOf(random.below(rows))
    hashKey(key, hash)
    return opened.table.get(key, hash, 10_000, found)
  }

  it('are one data block and nearly always one index page for each lookup without a cache', async () => {
    const opened = await openLarge('lean', 'lean', 0)
    for (let i = 0; i < 500; i++) expect(ask(opened)).toBe(true)
    expect(opened.counters.blockReads).toBe(500)
    expect(opened.counters.indexPageReads).toBeLessThan(560)
  })

  it('share the block cache: pages read once stay until they are pushed out', async () => {
    const opened = await openLarge('lean', 'lean')
    for (let i = 0; i < 3000; i++) expect(ask(opened)).toBe(true)
    const pages = opened.counters.indexPageReads
    expect(pages).toBeLessThanOrEqual(Math.ceil(rows / 128) + 1)
    const small = await openLarge('lean', 'lean', 40_000)
    for (let i = 0; i < 3000; i++) expect(ask(small)).toBe(true)
    expect(small.counters.indexPageReads).toBeGreaterThan(pages)
    small.cache.checkInvariants()
    small.table.unpin()
    expect([small.cache.blocks, small.cache.bytes, small.file.closed]).toEqual([0, 0, true])
  })

  it('wait for a page where reads are slow, many lookups for one read', async () => {
    const opened = await openLarge('lean', 'lean', 0)
    opened.clock.stepMs = 5
    while (ask(opened) === true) expect(opened.file.closed).toBe(false)
    const before = opened.counters.indexPageReads
    const asked = Array.from({ length: 20 }, () => {
      hashKey(keyOf(1), hash)
      return opened.table.get(keyOf(1), hash, 10_000, found)
    })
    for (const lookup of await Promise.all(asked as Promise<Lookup>[]))
      expect(lookup.copyValue()).toEqual(Buffer.alloc(90, 1))
    // Once to find the block, and once more for its place where no cache keeps the page.
    expect(opened.counters.indexPageReads - before).toBeLessThanOrEqual(2)
  })

  it('stay possible until the last lookup in flight has its answer', async () => {
    const opened = await openLarge('lean', 'lean', 0)
    opened.clock.stepMs = 5
    while (ask(opened) === true) expect(opened.file.closed).toBe(false)
    const pending = ask(opened)
    opened.table.unpin()
    expect(opened.file.closed).toBe(false)
    expect(((await pending) as Lookup).state).toBe(LOOKUP_VALUE)
    expect(opened.file.closed).toBe(true)
  })

  it('of a page that changed since the table was opened are refused by file and offset', async () => {
    const opened = await openLarge('lean', 'lean')
    const bytes = Buffer.from(opened.file.bytes)
    const pageAt = decodeFooter(bytes.subarray(bytes.length - FOOTER_BYTES), { file: opened.file.path, fileNumber: 7, fileBytes: bytes.length }).sections[0]!.offset // prettier-ignore
    bytes[pageAt + 40]! ^= 1
    opened.file.bytes = bytes
    hashKey(keyOf(0), hash)
    expect(() => opened.table.getSync(keyOf(0), hash, 10_000, found)).toThrow(CorruptionError)
    expect(() => opened.table.get(keyOf(0), hash, 10_000, found)).toThrow(`at offset ${pageAt}`)
    opened.clock.stepMs = 5
    for (let i = 900; i < 1000; i++) {
      hashKey(keyOf(i), hash)
      await opened.table.get(keyOf(i), hash, 10_000, found)
    }
    hashKey(keyOf(0), hash)
    await expect(opened.table.get(keyOf(0), hash, 10_000, found)).rejects.toThrow(CorruptionError)
  })
})

describe('the model section of a table', () => {
  async function tampered(change: (payload: Buffer) => void, seal: boolean): Promise<TestFile> {
    const { file: written } = await writeTable(large, { ...smallTable, indexMode: 'resident' })
    const bytes = Buffer.from(written.bytes)
    const footerAt = bytes.length - FOOTER_BYTES
    const footer = decodeFooter(bytes.subarray(footerAt), { file: 'test', fileNumber: 7, fileBytes: bytes.length })
    const { offset, length } = footer.sections.find(({ type }) => type === SECTION_MODEL)!
    change(bytes.subarray(offset, offset + length - 8))
    if (seal) sealBlock(bytes, { at: offset, payloadBytes: length - 8, type: SECTION_MODEL, seed: fileSeed(7), offset })
    written.bytes = bytes
    return written
  }

  it('with a wrong checksum is refused', async () => {
    const damaged = await tampered((payload) => payload.writeUInt8(payload[40]! ^ 1, 40), false)
    await expect(openTestTable(damaged)).rejects.toThrow(CorruptionError)
  })

  it('that lies under a right checksum is found out by verify, and costs lookups time alone', async () => {
    // Slopes of zero: every prediction is where its segment begins.
    const lying = await tampered((payload) => {
      const levels = payload.readUInt16LE(6)
      const slopesAt = 16 + 4 * levels + 8
      for (let i = 0; i < payload.readUInt32LE(16); i++) payload.fill(0, slopesAt + 24 * i, slopesAt + 24 * i + 8)
    }, true)
    const { table, counters } = await openTestTable(lying, { indexMode: 'resident', cacheBytes: 1 << 22 })
    const found = new Lookup()
    for (let i = 0; i < rows; i += 7) {
      hashKey(keyOf(i), hash)
      expect(table.getSync(keyOf(i), hash, 10_000, found)).toBe(true)
      expect(found.copyValue()).toEqual(Buffer.alloc(90, i))
    }
    expect(counters.model.fallbacks).toBeGreaterThan(0)
    await expect(table.verify()).rejects.toThrow('the learned model does not know where the separators are')
  })

  it('is ignored by a reader that does not know it', async () => {
    const { file: written } = await writeTable(large, { ...smallTable, indexMode: 'resident' })
    const bytes = Buffer.from(written.bytes)
    const footerAt = bytes.length - FOOTER_BYTES
    for (let at = footerAt + 24; at < footerAt + 24 + 8 * 16; at += 16) {
      if (bytes.readUInt32LE(at) === SECTION_MODEL) bytes.writeUInt32LE(4711, at)
    }
    bytes.writeUInt32LE(crc32(bytes, footerAt, footerAt + 180), footerAt + 180)
    written.bytes = bytes
    const { table } = await openTestTable(written, { indexMode: 'auto', cacheBytes: 1 << 22 })
    expect(table.indexMode).toBe('binary')
    await table.verify()
  })
})
