/**
 * Load rate, and memory per million rows: in the memtable, then, after a flush, in tables.
 *
 * Each sample has a process of its own. Memory is read after a full collection and compared with that of the open, empty
 * database. The arenas of memtables are shared memory: they count among the array buffers, but not as external; the resident
 * set also holds what the allocator keeps.
 */
import { open } from 'strictkv'
import type { CaseSet, MeasureOptions } from './case-contract'
import { withProcessorTime } from './case-contract'
import type { Sample } from './figures'
import { loadRows, memoryMetrics, memoryNow, rowsInMemory } from './loading'

/** The one case of process 'load'; its time is what the load takes. */
export async function openLoadCase(options: MeasureOptions): Promise<CaseSet> {
  const { directory, rows } = options
  const db = await open(directory, { ...rowsInMemory(rows), durability: 'os' })
  const run = async (): Promise<Sample> => {
    const empty = await memoryNow()
    const sample = await withProcessorTime(async () => ({ count: rows, perSecond: await loadRows(db, { rows }) }), 'count') // prettier-ignore
    const { memtableEntries, memtableBytes } = db.stats().storage
    if (memtableEntries !== rows) throw new Error(`${memtableEntries} of ${rows} rows are in the memtable`)
    const inMemtable = await memoryNow()
    const sinceMs = performance.now()
    await db.flush()
    const flushPerSecond = (rows * 1000) / (performance.now() - sinceMs)
    const inTables = await memoryNow()
    const { filter, indexBytes } = db.stats().storage
    const scale = 1_000_000 / rows / (1024 * 1024)
    return {
      ...sample,
      flushPerSecond,
      ...memoryMetrics('memtable', empty, inMemtable, rows),
      memtableChargedMiB: memtableBytes * scale,
      ...memoryMetrics('tables', empty, inTables, rows),
      filterMiB: filter.bytes * scale,
      indexMiB: indexBytes * scale,
    }
  }
  return { run, close: () => db.close() }
}
