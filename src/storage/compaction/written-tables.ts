/**
 * Has a byte job done and opens the tables it wrote; whatever fails, none of its files stays.
 *
 * A job that fails removes its own files. One whose thread died could not: all names it was given are removed here, now that
 * nothing writes to them any more. Pinned by test/unit/storage/compaction/byte-jobs.test.ts and test/crash.
 */
import { IoError } from '../../base/errors'
import { WORKER_DIED } from '../../runtime/runtime'
import type { BackgroundJob } from '../../runtime/runtime'
import { outputOf } from './byte-jobs'
import type { ByteJob } from './byte-jobs'
import type { JobContext } from './job-context'
import type { WrittenTables } from './merge-job'
import type { TableFile } from '../table/table-set'
import { removeQuietly } from '../files/whole-file'

/** The tables of a job, open. */
export interface OpenedTables extends WrittenTables {
  readonly files: readonly TableFile[]
}

/** Does `job` and opens its tables. Throws what reading and writing throws, with nothing left behind. */
export async function runByteJob(
  context: JobContext,
  job: ByteJob,
  how: Omit<BackgroundJob, 'data'>,
): Promise<OpenedTables> {
  const written = await done(context, { data: job, ...how }, outputOf(job).fileNumbers)
  const files: TableFile[] = []
  try {
    for (const { fileNumber } of written.tables) files.push(await context.tables.open(fileNumber))
    return { ...written, files }
  } catch (error) {
    for (const file of files) file.table.unpin()
    await removeTables(context, written.tables.map(({ fileNumber }) => fileNumber)) // prettier-ignore
    throw error
  }
}

async function done(context: JobContext, job: BackgroundJob, fileNumbers: readonly number[]): Promise<WrittenTables> {
  try {
    return (await context.worker.run(job)) as WrittenTables
  } catch (error) {
    if (error instanceof IoError && error.operation === WORKER_DIED) await removeTables(context, fileNumbers)
    throw error
  }
}

async function removeTables({ runtime, tables }: JobContext, fileNumbers: readonly number[]): Promise<void> {
  for (const number of fileNumbers) await removeQuietly(runtime, tables.path(number))
}
