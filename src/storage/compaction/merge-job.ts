/**
 * The byte work of a compaction as a job of plain data: reads the inputs by name, merges, writes and syncs the outputs.
 *
 * It runs where it is put, in a background thread or between other work, and knows nothing of the store: the caller keeps the
 * inputs from being removed, hands out file numbers and, when the job is done, syncs the directory and records the change. A
 * job that fails leaves none of its outputs behind, but their numbers are used up.
 *
 * Pinned by test/unit/storage/compaction/table-merge.test.ts, test/contract/engine and test/crash.
 */
import { assert } from '../../base/assert'
import type { Key } from '../../base/bytes'
import type { KeyRange } from '../../base/key-range'
import { rangesOverlap } from '../../base/key-range'
import type { Limits } from '../../base/limits'
import type { Runtime } from '../../runtime/runtime'
import { neededRangeTombstones } from './compaction-merge'
import type { MergeFigures } from './compaction-merge'
import type { Retention } from './compaction-retention'
import type { CodecName } from '../files/codec'
import type { IndexMode } from '../table/index-mode'
import { RunBlocks, readRangeTombstones } from './merge-input'
import type { InputTable } from './merge-input'
import { MergeSource } from './merge-source'
import type { Slices } from '../slices'
import type { TableProperties } from '../table/table-format'
import { mergeTables } from './table-merge'
import { TableOutput } from '../table/table-output'

/** Where and as what the tables of a job are written. */
export interface OutputPlan {
  readonly directory: string
  readonly limits: Limits
  /** 'auto' unless given. */
  readonly indexMode?: IndexMode | undefined
  /** 'none' unless given. */
  readonly codec?: CodecName | undefined
  /** Whether the outputs are of the last level; see `TableOutputOptions`. */
  readonly isLastLevel?: boolean | undefined
  /** Filter bits for each key; those of the limits unless given. */
  readonly filterBitsPerKey?: number | undefined
  /** What the outputs are called, in order: as many tables are written at most, the last as large as need be. */
  readonly fileNumbers: readonly number[]
  readonly tableBytesMax: number
  readonly cutKeys: readonly Key[]
}

/** A compaction's byte work. */
export interface MergeJob {
  /** Newest run first; each ascending, without overlap. */
  readonly inputs: readonly (readonly InputTable[])[]
  /** Bytes that all keys of the inputs begin with. */
  readonly sharedLength: number
  readonly retention: Retention
  /** Ranges that something older than the inputs may lie in. */
  readonly older: readonly KeyRange[]
  readonly output: OutputPlan
}

/** The tables of a job that is done, complete and synced, and what it took. */
export interface WrittenTables extends MergeFigures {
  readonly tables: readonly TableProperties[]
}

/** Does the job. Throws what reading and writing throws, with nothing left behind. */
export async function performMerge(runtime: Runtime, job: MergeJob, slices: Slices): Promise<WrittenTables> {
  const { inputs, retention, older } = job
  const place = { runtime, directory: job.output.directory }
  const rules = {
    rangeTombstones: await readRangeTombstones(place, inputs.flat()),
    retention,
    olderMayHold: (range: KeyRange) => older.some((bounds) => rangesOverlap(bounds, range)),
  }
  const runs = inputs.map((tables) => new RunBlocks(place, tables))
  const { sharedLength } = job
  const sources = runs.map((blocks, rank) => new MergeSource(blocks, { rank, sharedLength }))
  const output = openOutput(runtime, job.output, neededRangeTombstones(rules))
  try {
    const figures = await mergeTables({ ...rules, sources }, output, slices)
    return { tables: await output.finish(), ...figures }
  } catch (error) {
    await output.discard()
    throw error
  } finally {
    for (const blocks of runs) await blocks.close()
  }
}

/** The output that a plan describes. */
export function openOutput(
  runtime: Runtime,
  plan: OutputPlan,
  rangeTombstones: ReturnType<typeof neededRangeTombstones>,
): TableOutput {
  const { directory, limits, indexMode, codec, isLastLevel, filterBitsPerKey, fileNumbers, tableBytesMax, cutKeys } =
    plan
  let used = 0
  const allocateFileNumber = (): number => {
    const number = fileNumbers[used++]
    assert(number !== undefined, 'a job writes no more tables than it has numbers for')
    return number
  }
  const tablesMax = fileNumbers.length
  return new TableOutput(runtime, {
    directory,
    limits,
    indexMode,
    codec,
    isLastLevel,
    filterBitsPerKey,
    allocateFileNumber,
    tablesMax,
    tableBytesMax,
    cutKeys,
    rangeTombstones,
  })
}
