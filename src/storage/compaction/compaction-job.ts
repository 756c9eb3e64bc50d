/**
 * Carries out a compaction plan up to its manifest edit: has the byte work done (byte-jobs.ts), and the outputs open.
 *
 * Inputs are pinned through the table set that the plan was made on, and read past the block cache. Nothing of the store
 * changes here: after a failure the outputs are removed, and the job can start over from the same plan or another.
 *
 * Pinned by test/contract/engine and test/crash.
 * Spec: ManifestFlush!Compact, Storage!StartMerge.
 */
import { assert } from '../../base/assert'
import type { Key } from '../../base/bytes'
import { lastLevel } from './compaction-picker'
import type { CompactionPlan, Levels, RunInputs } from './compaction-picker'
import type { Retention } from './compaction-retention'
import type { JobContext } from './job-context'
import { LEVELS } from '../manifest/manifest-state'
import type { MergeJob } from './merge-job'
import { sharedKeyLength } from './merge-source'
import { filterBits } from '../table/filter-bits'
import type { TableProperties } from '../table/table-format'
import type { TableFile, TableSet } from '../table/table-set'
import type { TableSwap } from '../table/table-store'
import { runByteJob } from './written-tables'

/** A table of the output may have this part of `tableBytesMax`, and the output this many times the input's bytes, together. */
const TABLES_EACH_MAX = 8

/** What a compaction changes, and what it cost. */
export interface CompactionOutput {
  readonly swap: TableSwap
  readonly bytesRead: number
  readonly bytesWritten: number
}

/** The properties of a set's tables, as the picker takes them. */
export function tableSetToLevels(set: TableSet): Levels {
  return Array.from({ length: LEVELS }, (_, level) =>
    set.runsOf(level).map(({ run, files }) => ({ run, tables: files.map((file) => file.properties) })),
  )
}

/** Carries out `plan`, made on `set`. Throws what reading and writing throws, with nothing left behind. */
export async function compact(
  context: JobContext,
  job: {
    readonly plan: CompactionPlan
    readonly set: TableSet
    readonly retention: Retention
    /** Told of bytes handled; what it throws ends the merge, and what it promises is waited for where the merge runs inline. */
    readonly onProgress: (bytes: number) => void | Promise<void>
  },
): Promise<CompactionOutput> {
  const { plan, set, retention, onProgress } = job
  const { outputLevel: level, outputRun: run } = plan
  const inputs = plan.inputs.map((input) => openInputs(set, input))
  const removes = inputs.flatMap(({ level, files }) => files.map((file) => ({ level, number: file.number })))
  if (plan.isMove) {
    const adds = inputs.flatMap(({ files }) => files.map((file) => ({ level, run, file })))
    return { swap: { adds, removes }, bytesRead: 0, bytesWritten: 0 }
  }
  set.pin()
  try {
    const merge = planToMergeJob(context, plan, retention)
    const { files } = await runByteJob(context, { kind: 'merge', merge }, { isUrgent: false, onProgress })
    const adds = files.map((file) => ({ level, run, file }))
    const bytesRead = sumBytes(inputs.flatMap((input) => input.files))
    return { swap: { adds, removes }, bytesRead, bytesWritten: sumBytes(files) }
  } finally {
    set.unpin()
  }
}

/** The part of one run that goes into the merge. */
interface OpenInputs {
  readonly level: number
  readonly files: readonly TableFile[]
}

function openInputs(set: TableSet, { level, tables }: RunInputs): OpenInputs {
  assert(tables.length > 0, 'a plan has no run without tables')
  return { level, files: tables.map((table) => set.file({ level, number: table.fileNumber })) }
}

/** The byte work of a plan. */
export function planToMergeJob(context: JobContext, plan: CompactionPlan, retention: Retention): MergeJob {
  const inputs = plan.inputs.map(
    ({ tables }) =>
    tables.map(({ fileNumber, rangeTombstones, loadedAt }) => ({ fileNumber, hasRangeTombstones: rangeTombstones > 0, loadedAt })), // prettier-ignore
  )
  const tables = plan.inputs.flatMap((run) => run.tables)
  // What was compressed may be written plain, and not all of it need be.
  const bytes = tables.reduce((sum, table) => sum + Math.max(table.fileBytes, table.keyBytes + table.valueBytes), 0)
  const { tableBytesMax, cutKeys, older } = plan
  // A table is cut at a quarter of its size at the least (table-output.ts). What is not used up is gone all the same.
  const tablesMax = Math.ceil((TABLES_EACH_MAX * bytes) / tableBytesMax) + 1
  const fileNumbers = Array.from({ length: tablesMax }, () => context.allocateFileNumber())
  const { directory, limits } = context
  const { indexMode, codec, current } = context.tables
  const levelsAboveLast = Math.max(0, lastLevel(tableSetToLevels(current)) - plan.outputLevel)
  const [isLastLevel, filterBitsPerKey] = [levelsAboveLast === 0, filterBits(levelsAboveLast, limits)]
  const place = { directory, fileNumbers, tableBytesMax, cutKeys }
  const output = { ...place, limits, indexMode, codec, isLastLevel, filterBitsPerKey }
  return { inputs, sharedLength: sharedLengthOf(tables), retention, older, output }
}

function sharedLengthOf(tables: readonly TableProperties[]): number {
  let least: Key | undefined
  let greatest: Key | undefined
  for (const { firstKey, lastKey } of tables) {
    if (firstKey === undefined || lastKey === undefined) continue
    if (least === undefined || firstKey < least) least = firstKey
    if (greatest === undefined || lastKey > greatest) greatest = lastKey
  }
  return least === undefined || greatest === undefined ? 0 : sharedKeyLength(least, greatest)
}

function sumBytes(files: readonly TableFile[]): number {
  return files.reduce((sum, file) => sum + file.properties.fileBytes, 0)
}
