/**
 * The version of this package, read from its own package.json: the nearest one above this file that bears its name.
 *
 * That holds for the sources and for the published build alike. Pinned by test/cli/help.test.ts.
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'

/** As in "0.1.0"; "unknown" where the command was bundled into something else. */
export function packageVersion(directory: string = __dirname): string {
  for (let folder = path.resolve(directory); ; folder = path.dirname(folder)) {
    const version = versionIn(path.join(folder, 'package.json'))
    if (version !== undefined) return version
    if (path.dirname(folder) === folder) return 'unknown'
  }
}

function versionIn(file: string): string | undefined {
  try {
    const { name, version } = JSON.parse(readFileSync(file, 'utf8')) as { name?: unknown; version?: unknown }
    return name === 'strictkv' && typeof version === 'string' ? version : undefined
  } catch {
    return undefined
  }
}
