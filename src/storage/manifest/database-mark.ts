/**
 * The mark of a database: a number of its own, drawn when it is created, that tells its log from another database's.
 *
 * It stands in the manifest's options, eight hexadecimal digits, and in the nonce of every segment (log-format.ts).
 * Pinned by test/unit/storage/manifest/database-mark.test.ts.
 */
import type { ManifestState } from './manifest-state'

const DATABASE_MARK_OPTION = 'database-mark'

/** The mark; undefined for a new database, and for one whose manifest is from before there were marks. */
export function databaseMarkOf(state: Pick<ManifestState, 'options'>): number | undefined {
  const text = state.options.get(DATABASE_MARK_OPTION)
  return text === undefined ? undefined : Number.parseInt(text, 16)
}

/** The options of a database with this mark. */
export function withDatabaseMark(options: ReadonlyMap<string, string>, mark: number): Map<string, string> {
  return new Map(options).set(DATABASE_MARK_OPTION, mark.toString(16).padStart(8, '0'))
}
