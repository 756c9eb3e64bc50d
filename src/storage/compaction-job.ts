/**
 * Carries out a compaction plan up to its manifest edit: opens the inputs, merges, and has the outputs durable and open.
 *
 * Inputs are pinned through the table set that the plan was made on, and read past the block cache. Nothing of the store
 * changes here: after a failure the outputs are removed, and the job can start over from the same plan or another.
 *
 * Pinned by test/contract/engine and test/crash.
 */
import { assert } from '../base/assert'
import { rangesOverlap } from '../base/key-range'
import { mergeVersions, neededRangeTombstones } from './compaction-merge'
import type { CompactionPlan, Levels, RunInputs } from './compaction-picker'
import type { Retention } from './compaction-retention'
import type { JobContext } from './flush-job'
import { LEVELS } from './manifest-state'
import { MergingCursor, openRunCursor } from './merging-cursor'
import type { Slices } from './slices'
import { TableOutput } from './table-output'
import type { TableFile, TableSet } from './table-set'
import type { TableSwap } from './table-store'
import type { VersionCursor } from './version-cursor'

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
    readonly slices: Slices
  },
): Promise<CompactionOutput> {
  const { plan, set } = job
  const { outputLevel: level, outputRun: run } = plan
  const inputs = plan.inputs.map((input) => openInputs(set, input))
  const removes = inputs.flatMap(({ level, files }) => files.map((file) => ({ level, number: file.number })))
  if (plan.isMove) {
    const adds = inputs.flatMap(({ files }) => files.map((file) => ({ level, run, file })))
    return { swap: { adds, removes }, bytesRead: 0, bytesWritten: 0 }
  }
  set.pin()
  try {
    const files = await mergeFiles(context, job, inputs)
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
  return { level, files: tables.map((table) => set.file({ level, number: table.fileNumber })) }
}

async function mergeFiles(
  context: JobContext,
  job: { readonly plan: CompactionPlan; readonly retention: Retention; readonly slices: Slices },
  inputs: readonly OpenInputs[],
): Promise<readonly TableFile[]> {
  const { plan, retention, slices } = job
  const source = new MergingCursor(inputs.map(openCursor), false)
  const rangeTombstones = inputs.flatMap(({ files }) =>
    files.flatMap(({ table }) => table.rangeTombstones?.list() ?? []),
  )
  const merge = {
    source,
    rangeTombstones,
    retention,
    olderMayHold: (range: { readonly start: string; readonly end: string | undefined }) =>
      plan.older.some((bounds) => rangesOverlap(bounds, range)),
  }
  const output = new TableOutput(context.runtime, {
    directory: context.directory,
    limits: context.limits,
    allocateFileNumber: context.allocateFileNumber,
    tableBytesMax: plan.tableBytesMax,
    cutKeys: plan.cutKeys,
    rangeTombstones: neededRangeTombstones(merge),
  })
  const opened: TableFile[] = []
  try {
    await mergeVersions(merge, output, slices)
    for (const properties of await output.finish()) opened.push(await context.tables.open(properties.fileNumber))
    return opened
  } catch (error) {
    for (const file of opened) file.table.unpin()
    await output.discard()
    throw error
  } finally {
    source.close()
  }
}

/** A run is one source, however many tables it has. */
function openCursor({ files }: OpenInputs): VersionCursor {
  assert(files.length > 0, 'a plan has no run without tables')
  return openRunCursor(files.map((file) => file.table), { reverse: false, bulk: true }) // prettier-ignore
}

function sumBytes(files: readonly TableFile[]): number {
  return files.reduce((sum, file) => sum + file.properties.fileBytes, 0)
}
