/**
 * What an engine may take in memory, part by part, worked out from its limits and, where rows decide, from the rows there are.
 *
 *     memtables      memtableBytesMax and one commit, which may go beyond; a third more, for a chunk of an arena is never quite full
 *     block cache    blockCacheBytesMax
 *     filters        filterBitsPerKey a row, half as much again (small levels have more bits)       twice: a merge has opened its outputs
 *     indexes        a separator, three numbers and a slot of the cache for each data block         and not yet let go of its inputs
 *     tables         what an open table takes beside those, for as many as tableBytesMin lets there be
 *     log            two groups, each up to twice its largest commits; what its thread shares for good; a stage; a slice
 *     loads          loadsActiveMax tables under construction
 *     jobs           a flush and a merge: two tables under construction, two stretches for each run that is merged
 *
 * Pure. docs/STORAGE.md has the same table with what it comes to; `stats().memory` shows it beside what is in use.
 * Pinned by test/unit/storage/memory-budget.test.ts, and by test/memory, which holds a load of 2 million rows against it.
 */
import type { Limits } from '../base/limits'
import { IO_SHARED_BYTES_MAX, IO_STAGE_BYTES } from '../runtime/runtime'
import type { EngineMemoryPart } from './engine-stats'
import { FILTER_BITS_FACTOR_MAX } from './table/filter-bits'

const KiB = 1024
const MiB = 1024 * KiB

/** What the rows of an engine come to. */
export interface StoredContent {
  /** Of tables and memtables. */
  readonly rows: number
  /** Keys and values of the rows in tables. */
  readonly dataBytes: number
  readonly keyBytes: number
  /** Of tables. */
  readonly dataBlocks: number
  readonly fileBytes: number
  /** What range tombstones take, as `rangeTombstoneBytes` counts. */
  readonly rangeTombstones: number
}

/** Memory of a memtable comes in chunks of this size. */
const ARENA_CHUNK_BYTES = MiB
/** A chunk is left when a stretch of up to a quarter of it finds no room: at least this part of it is used. */
const ARENA_USE_MIN = 3 / 4
/** Of a data block beside its separator: where it ends, where its separator ends, its number, its sequence, its slot in the cache. */
const BLOCK_INDEX_BYTES = 40
/** A segment of a model, for so many blocks at the least (index-mode.ts). */
const MODEL_BYTES_PER_BLOCK = 8
/** What an open table takes beside filter, index and range tombstones; measured. */
export const TABLE_BYTES = 4 * KiB
/** What a range tombstone takes. */
export const RANGE_TOMBSTONE_BYTES = 200
/** Of a table under construction: finished blocks, the block that fills, areas for keys and values. */
const WRITER_BYTES = MiB
/** Of each row of it: the hashes of its key, in memory that doubles. */
const WRITER_BYTES_PER_ROW = 16
/** Of each run that is merged. */
export const MERGE_INPUT_BYTES = 2 * 272 * KiB
/** A row where there is none to learn its size from. */
const ROW_BYTES_EXPECTED = 100
/** A group begins with so much, and gives back what goes beyond this. */
const GROUP_BYTES_KEPT = 2 * MiB
/** A table may end at a quarter of its size where those of the next level do. */
const TABLE_PART_MIN = 4

/** The budget of each part, in bytes. */
export function memoryBudget(limits: Limits, content: StoredContent): Readonly<Record<EngineMemoryPart, number>> {
  const memtable = (limits.memtableBytesMax + limits.transactionBytesMax) / ARENA_USE_MIN + ARENA_CHUNK_BYTES
  const writer = writerBytes(limits, content)
  const meanKeyBytes = content.rows === 0 ? 0 : content.keyBytes / content.rows
  const tableBytes = Math.min(limits.tableBytesMin, limits.tableBytesMax) / TABLE_PART_MIN
  const tables = content.fileBytes / tableBytes + limits.levelZeroTablesStall
  const whole = Math.ceil
  return {
    memtable: whole(memtable),
    memtablesFrozen: whole(limits.memtablesFrozenMax * memtable),
    blockCache: limits.blockCacheBytesMax,
    filters: whole(2 * content.rows * (limits.filterBitsPerKey / 8) * FILTER_BITS_FACTOR_MAX),
    indexes: whole(2 * content.dataBlocks * (BLOCK_INDEX_BYTES + meanKeyBytes)),
    models: whole(2 * content.dataBlocks * MODEL_BYTES_PER_BLOCK),
    tables: whole(2 * (tables * TABLE_BYTES + content.rangeTombstones * RANGE_TOMBSTONE_BYTES)),
    log: logBytes(limits),
    loads: whole(limits.loadsActiveMax * writer),
    jobs: whole(2 * writer + (limits.levelZeroTablesStall + limits.levelSizeRatio) * MERGE_INPUT_BYTES),
  }
}

/** A table under construction: its largest value in memory that doubles, and its rows. */
function writerBytes(limits: Limits, { rows, dataBytes }: StoredContent): number {
  const rowBytes = rows === 0 ? ROW_BYTES_EXPECTED : Math.max(1, dataBytes / rows)
  const largest = 2 * (limits.valueBytesMax + limits.keyBytesMax)
  return WRITER_BYTES + largest + (limits.tableBytesMax / rowBytes) * WRITER_BYTES_PER_ROW
}

/** Groups grow by doubling. What the thread shares is never given back, and beyond its bound memory is the group's own. */
function logBytes(limits: Limits): number {
  const group = 2 * (Math.max(limits.logGroupBytesMax, limits.transactionBytesMax) + 16 * KiB)
  const grown = 4 * group
  const isKept = group <= GROUP_BYTES_KEPT && grown <= IO_SHARED_BYTES_MAX
  const groups = isKept ? grown : IO_SHARED_BYTES_MAX + 2 * group
  return groups + IO_STAGE_BYTES + limits.logSliceBytes + 64 * KiB
}
