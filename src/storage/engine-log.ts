/**
 * Begins the log of a recovered store's new life, behind the end of the one before.
 *
 * Pinned by test/unit/storage/opening.test.ts and test/crash/disk-full.test.ts.
 */
import { DiskFullError } from '../base/errors'
import type { Limits } from '../base/limits'
import type { IoThreadMode, Runtime } from '../runtime/runtime'
import type { Log } from './log/log'
import type { LogListener } from './log/log-contract'
import { openLog } from './log/log-open'
import type { RecoveredStore } from './recovery'
import { noRoomToRecover } from './recovery'

/** The log; or why nothing can be written, if the disk has no room for one. Throws as `openLog` does otherwise. */
export async function beginLog(
  runtime: Runtime,
  directory: string,
  store: RecoveredStore,
  options: { readonly limits: Limits; readonly ioMode: IoThreadMode; readonly listener: LogListener },
): Promise<Log | DiskFullError> {
  const { firstSegment, lastSequence, logEnd: previous, databaseMark } = store
  try {
    return await openLog(runtime, { directory, firstSegment, lastSequence, previous, databaseMark, ...options })
  } catch (error) {
    if (!(error instanceof DiskFullError)) throw error
    return noRoomToRecover(directory, error)
  }
}
