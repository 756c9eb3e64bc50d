/**
 * `db.history`: the checks of what it is given. What a history is: base/key-history.ts.
 *
 * Pinned by test/unit/kv/history.test.ts.
 */
import type { HistoryOptions } from '../base/key-history'
import { checkInteger, checkOptions } from './options'

/** The most versions and bytes of a value that a history can be asked for: it is built in memory. */
const VERSIONS_MAX = 1_000_000
const VALUE_BYTES_MAX = 16 * 1024 * 1024

const HISTORY = ['versionsMax', 'valueBytesMax'] as const

/** Throws `InvalidArgumentError`. */
export function checkHistoryOptions(options: HistoryOptions | undefined): void {
  if (options === undefined) return
  checkOptions(options, HISTORY, 'history')
  checkInteger(options.versionsMax, 1, VERSIONS_MAX, 'versionsMax')
  checkInteger(options.valueBytesMax, 0, VALUE_BYTES_MAX, 'valueBytesMax')
}
