/**
 * What an engine has in memory, part by part, each beside its budget.
 *
 * Every size is asked of what takes the memory, none is counted beside it. The one part that nobody can ask is work in another
 * thread: of a flush or merge under way its stretches and its table are shown, what they take at most.
 *
 * Cost: one walk over the open tables. Pinned by test/unit/storage/engine-figures.test.ts and test/memory.
 */
import type { Limits } from '../base/limits'
import type { BulkLoads } from './bulk-load'
import type { EngineJobs } from './engine-jobs'
import type { EngineMemory, MemoryPart } from './engine-stats'
import type { LogFigures } from './log/log-contract'
import { MERGE_INPUT_BYTES, RANGE_TOMBSTONE_BYTES, TABLE_BYTES, memoryBudget } from './memory-budget'
import type { StoredContent } from './memory-budget'
import type { Memtables } from './memtable/memtables'
import type { TableFile } from './table/table-set'
import type { TableStore } from './table/table-store'

/** Where the memory is; what is absent has never begun. */
export interface MemorySources {
  readonly limits: Limits
  readonly tables: TableStore
  readonly memtables: Memtables
  readonly log: LogFigures | undefined
  readonly loads: BulkLoads | undefined
  readonly jobs: EngineJobs | undefined
}

/** A table under construction, its rows apart. */
const OUTPUT_BYTES = 1024 * 1024

/** The memory of an engine with these parts. */
export function engineMemory(sources: MemorySources): EngineMemory {
  const { limits, tables, memtables, log, loads, jobs } = sources
  const files = [...tables.current.places.map(({ file }) => file), ...tables.obsolete]
  const budget = memoryBudget(limits, storedContent(files, memtables.entries))
  const frozen = memtables.frozen.reduce((sum, { memtable }) => sum + memtable.memoryBytes, 0)
  const models = sumOf(files, ({ table }) => table.modelBytes)
  const { inputs, outputs } = jobs?.running ?? { inputs: 0, outputs: 0 }
  const part = (bytes: number, budgetBytes: number): MemoryPart => ({ bytes, budgetBytes })
  return {
    memtable: part(memtables.active.memoryBytes, budget.memtable),
    memtablesFrozen: part(frozen, budget.memtablesFrozen),
    blockCache: part(tables.cache.bytes, budget.blockCache),
    filters: part(sumOf(files, ({ table }) => table.filterBytes), budget.filters), // prettier-ignore
    indexes: part(sumOf(files, ({ table }) => table.indexBytes) - models, budget.indexes),
    models: part(models, budget.models),
    tables: part(sumOf(files, tableBytes), budget.tables),
    log: part(log?.memoryBytes ?? 0, budget.log),
    loads: part(loads?.memoryBytes ?? 0, budget.loads),
    jobs: part(inputs * MERGE_INPUT_BYTES + outputs * OUTPUT_BYTES, budget.jobs),
  }
}

/** Bytes of memory that the arenas of all memtables take. */
export function arenaBytes({ active, frozen }: Memtables): number {
  return frozen.reduce((sum, { memtable }) => sum + memtable.arenaBytes, active.arenaBytes)
}

/** Of an open table beside filter and index. */
function tableBytes({ properties }: TableFile): number {
  return TABLE_BYTES + properties.rangeTombstones * RANGE_TOMBSTONE_BYTES
}

function storedContent(files: readonly TableFile[], memtableEntries: number): StoredContent {
  const sum = (of: (properties: TableFile['properties']) => number): number => sumOf(files, (file) => of(file.properties)) // prettier-ignore
  return {
    rows: sum(({ entries }) => entries) + memtableEntries,
    dataBytes: sum(({ keyBytes, valueBytes }) => keyBytes + valueBytes),
    keyBytes: sum(({ keyBytes }) => keyBytes),
    dataBlocks: sum(({ dataBlocks }) => dataBlocks),
    fileBytes: sum(({ fileBytes }) => fileBytes),
    rangeTombstones: sum(({ rangeTombstones }) => rangeTombstones),
  }
}

function sumOf<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((sum, item) => sum + of(item), 0)
}
