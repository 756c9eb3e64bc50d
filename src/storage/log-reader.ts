/**
 * Reads a log back: verifies every frame, tells a torn tail from corruption, and hands over the commits in order.
 */
import type { Runtime } from '../runtime/runtime'
import type { ApplyBatch, RecoveredLog, RecoverOptions } from './log-contract'

/**
 * Reads the segments `numbers` (ascending, all that the manifest names as needed) of `directory`. Writes nothing.
 * Throws `CorruptionError` (acknowledged data damaged, a named segment missing), `UnsupportedFormatError`, `IoError`.
 */
export declare function recoverLog(
  runtime: Runtime,
  source: { readonly directory: string; readonly numbers: readonly number[] },
  options: RecoverOptions,
  apply: ApplyBatch,
): Promise<RecoveredLog>
