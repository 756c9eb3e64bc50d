/**
 * The byte work of flushes and compactions as jobs of plain data: what runs in a background thread, or inline as the same function.
 *
 *   engine's thread                                          where the job runs
 *   merge: names of inputs, retention, names of outputs  ->  reads, merges, writes, syncs  -> properties of the outputs
 *   flush: memory of the rows, retention, name           ->  sorts out, encodes, writes, syncs
 *          places of the rows in order, piece by piece   ->
 *   replay: rows of a log as they lie in it, retention, name -> sorts them, sorts out, encodes, writes, syncs
 *
 * Nothing of the store is known here: what makes tables part of it (directory synced, manifest) is the engine's. A job that
 * fails leaves no file behind, but the numbers it was given are used up.
 *
 * Pinned by test/unit/storage/compaction/byte-jobs.test.ts.
 */
import { assert } from '../../base/assert'
import type { JobHands, PerformJob, Runtime } from '../../runtime/runtime'
import { mergeVersions, neededRangeTombstones } from './compaction-merge'
import type { Retention } from './compaction-retention'
import { openOutput, performMerge } from './merge-job'
import type { MergeJob, OutputPlan, WrittenTables } from './merge-job'
import { PlacedRowsCursor } from '../memtable/placed-rows-cursor'
import type { ReplayedRows } from '../replay/replayed-rows'
import { ReplayedRowsCursor } from '../replay/replayed-rows-cursor'
import { Slices } from '../slices'
import type { RangeTombstone, VersionCursor } from '../rows/version-cursor'

/** A flush's byte work; it is fed with the places of the memtable's rows in order of their keys. */
export interface FlushJob {
  /** The memory of the rows. */
  readonly chunks: readonly SharedArrayBuffer[]
  readonly rangeTombstones: readonly RangeTombstone[]
  readonly retention: Retention
  /** Whether anything older may lie in a table. */
  readonly hasOlder: boolean
  readonly output: OutputPlan
}

/** The byte work of recovery: a flush of what no memtable ever held. */
export interface ReplayJob extends Omit<FlushJob, 'chunks' | 'rangeTombstones'> {
  readonly rows: ReplayedRows
}

/** A job as data. */
export type ByteJob =
  | { readonly kind: 'merge'; readonly merge: MergeJob }
  | { readonly kind: 'flush'; readonly flush: FlushJob }
  | { readonly kind: 'replay'; readonly replay: ReplayJob }

/** What a job is to write. */
export function outputOf(job: ByteJob): OutputPlan {
  if (job.kind === 'merge') return job.merge.output
  return job.kind === 'flush' ? job.flush.output : job.replay.output
}

/** Does the job that `data`, a `ByteJob`, describes; resolves to `WrittenTables`. */
export const performByteJob: PerformJob = async (runtime: Runtime, data: unknown, hands: JobHands) => {
  const job = data as ByteJob
  const { limits } = outputOf(job)
  const slices = new Slices(runtime, limits, (bytes) => hands.between(bytes))
  if (job.kind === 'merge') return performMerge(runtime, job.merge, slices)
  if (job.kind === 'replay') {
    const { rows, ...rest } = job.replay
    const { rangeTombstones } = rows
    return writeRows(runtime, { ...rest, rangeTombstones, source: new ReplayedRowsCursor(rows) }, slices)
  }
  assert(job.kind === 'flush', 'the kind of a job is known')
  const { chunks, ...rest } = job.flush
  const source = new PlacedRowsCursor(chunks, async () => (await hands.next()) as Uint32Array | undefined)
  return writeRows(runtime, { ...rest, source }, slices)
}

async function writeRows(
  runtime: Runtime,
  job: Omit<FlushJob, 'chunks'> & { readonly source: VersionCursor },
  slices: Slices,
): Promise<WrittenTables> {
  const { source, rangeTombstones, retention, hasOlder } = job
  const inputs = { source, rangeTombstones, retention, olderMayHold: () => hasOlder }
  const output = openOutput(runtime, job.output, neededRangeTombstones(inputs))
  try {
    const figures = await mergeVersions(inputs, output, slices)
    return { tables: await output.finish(), ...figures }
  } catch (error) {
    await output.discard()
    throw error
  } finally {
    source.close()
  }
}
