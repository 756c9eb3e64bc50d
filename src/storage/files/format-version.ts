/**
 * Refuses files of a format version that this one does not know, with both versions in the message.
 *
 * Versions are counted from 1 for each format by itself (log, table, manifest). Nothing older than 1 was ever written, so there is
 * nothing yet that `upgrade` could rewrite: what is below is refused like what is above, in other words.
 * Pinned by test/format/format-versions.test.ts.
 */
import { UnsupportedFormatError } from '../../base/errors'

/** Throws `UnsupportedFormatError` unless `version`, found in `file`, is `current`, the one version known. */
export function checkFormatVersion(
  version: number,
  format: { readonly name: 'log' | 'table' | 'manifest'; readonly current: number; readonly file: string },
): void {
  const { name, current, file } = format
  if (version === current) return
  const advice =
    version > current
      ? `this version reads up to ${current}; open it with the version that wrote it`
      : `this version reads from ${current} on, and nothing older was ever written; restore a backup`
  throw new UnsupportedFormatError(`Cannot read ${file}: its ${name} format is ${version}, ${advice}`)
}
