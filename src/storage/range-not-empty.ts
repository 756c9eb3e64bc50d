/**
 * What a bulk load into a range gets where somebody has put something already.
 *
 * Pinned by test/contract/engine/bulk-load.test.ts.
 */
import type { Key } from '../base/bytes'
import { escapeKey } from '../base/bytes'
import { InvalidArgumentError } from '../base/errors'

/** `found` has a value; `range` is the first and the last key to be loaded. */
export function rangeNotEmpty(range: { readonly start: Key; readonly last: Key }, found: Key): InvalidArgumentError {
  const { start, last } = range
  return new InvalidArgumentError(
    `Cannot load rows from ${escapeKey(start)} to ${escapeKey(last)}: ${escapeKey(found)} has a value; load goes into an empty range`,
  )
}
