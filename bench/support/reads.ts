/**
 * Reads over a loaded database: half of the rows in tables, half in the memtable; points and scans.
 *
 * Rows are loaded in random order, so both halves hold keys of the whole range. Every answer is looked at: a rate of wrong
 * answers is worth nothing. Requests are drawn before, so that drawing them is not measured.
 */
import { open } from 'strictkv'
import type { Database, Row, Scan } from 'strictkv'
import { withProcessorTime } from './case-contract'
import type { CaseSet, MeasureOptions } from './case-contract'
import type { Sample } from './figures'
import { loadRows, rowsInMemory } from './loading'
import { CALLS_PER_CLOCK_LOOK, checkRow, drawRequests, isValue, measureReads, measureScans, nextKey } from './requests'
import type { Reader } from './requests'

/** Reads of one transaction, which then commits. */
const READS_PER_TRANSACTION = 100
const PAGE_ROWS = 256
const SHORT_SCAN_ROWS = 100

/** The cases of process 'reads'. */
export async function openReadCases(options: MeasureOptions): Promise<CaseSet> {
  const { directory, rows } = options
  const db = await open(directory, { ...rowsInMemory(rows), durability: 'os' })
  await loadRows(db, { rows, flushAfter: Math.floor(rows / 2) })
  const requests = drawRequests(rows)
  const cases = new Map<string, (ms: number) => Promise<Sample>>()
  for (const distribution of ['uniform', 'zipfian'] as const) {
    const asked = requests[distribution]
    cases.set(`get-sync-${distribution}`, (ms) => measureReads(asked, ms, getSync(db)))
    cases.set(`get-${distribution}`, (ms) => measureReads(asked, ms, get(db)))
    cases.set(`tx-get-sync-${distribution}`, (ms) => measureReads(asked, ms, transactionGetSync(db)))
    cases.set(`tx-get-${distribution}`, (ms) => measureReads(asked, ms, transactionGet(db)))
  }
  cases.set('scan-pages', (ms) => measureScans(ms, () => takePages(db.scan(), PAGE_ROWS)))
  cases.set('scan-rows', (ms) => measureScans(ms, () => takeRows(db.scan())))
  const short = (): { gte: string; limit: number } => ({ gte: nextKey(requests.uniform), limit: SHORT_SCAN_ROWS })
  cases.set('scan-100-pages', (ms) => measureScans(ms, () => takePages(db.scan(short()), SHORT_SCAN_ROWS)))
  cases.set('scan-100-rows', (ms) => measureScans(ms, () => takeRows(db.scan(short()))))
  cases.set('tx-scan-100-pages', (ms) => measureScans(ms, () => scanInTransaction(db, short())))
  const run = async (name: string, ms: number): Promise<Sample> => {
    const measure = cases.get(name)
    if (measure === undefined) throw new Error(`Cannot measure "${name}": no case of reads has that name`)
    const before = db.stats().storage.blockCache
    const sample = await withProcessorTime(() => measure(ms), 'count')
    const { blockCache, levels, memtableEntries } = db.stats().storage
    const hits = blockCache.hits - before.hits
    const asked = hits + blockCache.misses - before.misses
    const inTables = levels.reduce((sum, level) => sum + level.entries, 0)
    const shares = asked === 0 ? {} : { cacheHits: hits / asked }
    return {
      ...sample,
      ...shares,
      tables: db.stats().storage.tables,
      inTables: inTables / (inTables + memtableEntries),
    }
  }
  return { run, close: () => db.close() }
}

function getSync(db: Database): Reader {
  return (keys, from, to) => {
    let found = 0
    for (let index = from; index < to; index++) found += isValue(db.getSync(keys[index]!))
    return found
  }
}

function get(db: Database): Reader {
  return async (keys, from, to) => {
    let found = 0
    for (let index = from; index < to; index++) found += isValue(await db.get(keys[index]!))
    return found
  }
}

function transactionGetSync(db: Database): Reader {
  return async (keys, from, to) => {
    let found = 0
    for (let index = from; index < to;) {
      const tx = db.begin()
      const end = Math.min(to, index + READS_PER_TRANSACTION)
      for (; index < end; index++) found += isValue(tx.getSync(keys[index]!))
      await tx.commit()
    }
    return found
  }
}

function transactionGet(db: Database): Reader {
  return async (keys, from, to) => {
    let found = 0
    for (let index = from; index < to;) {
      const tx = db.begin()
      const end = Math.min(to, index + READS_PER_TRANSACTION)
      for (; index < end; index++) found += isValue(await tx.get(keys[index]!))
      await tx.commit()
    }
    return found
  }
}

function takePages(scan: Scan<Row>, rows: number): (untilMs: number) => Promise<number> {
  return async (untilMs) => {
    let count = 0
    for await (const page of scan.pages(rows)) {
      count += page.length
      checkRow(page[0]!)
      if (performance.now() > untilMs) break
    }
    return count
  }
}

function takeRows(scan: Scan<Row>): (untilMs: number) => Promise<number> {
  return async (untilMs) => {
    let count = 0
    for await (const row of scan) {
      checkRow(row)
      if (++count % CALLS_PER_CLOCK_LOOK === 0 && performance.now() > untilMs) break
    }
    return count
  }
}

function scanInTransaction(db: Database, range: { gte: string; limit: number }): (untilMs: number) => Promise<number> {
  return async (untilMs) => {
    const tx = db.begin()
    const count = await takePages(tx.scan(range), SHORT_SCAN_ROWS)(untilMs)
    await tx.commit()
    return count
  }
}
