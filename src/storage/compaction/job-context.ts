/** What the background jobs of a store share: where they work, on what, and who does the byte work. */
import type { Limits } from '../../base/limits'
import type { BackgroundWorker, Runtime } from '../../runtime/runtime'
import type { TableStore } from '../table/table-store'

/** What the jobs of a store share. */
export interface JobContext {
  readonly runtime: Runtime
  readonly directory: string
  readonly limits: Limits
  readonly tables: TableStore
  /** Does the byte work. */
  readonly worker: BackgroundWorker
  readonly allocateFileNumber: () => number
}
