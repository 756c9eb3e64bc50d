/**
 * The refusal of an engine that has been poisoned.
 *
 * Pinned by test/contract/engine and test/unit/storage/opening.test.ts.
 */
import { PoisonedError } from '../base/errors'

/** What writes get after `cause` has poisoned the engine. */
export function poisonedError(cause: Error): PoisonedError {
  const advice = 'reads go on, reopen the database to write'
  return new PoisonedError(`Cannot write: the log or manifest failed earlier (${cause.message}); ${advice}`, cause)
}
