/**
 * `strictkv history`: every version of a key that the files still have, newest first, and where each one lies.
 *
 * Reads files alone, of a database that is closed or open elsewhere. Pinned by test/cli/history.test.ts.
 */
import type { KeyHistory, KeyVersion, VersionPlace } from '../../base/key-history'
import { readHistory } from '../../offline'
import { answer } from '../answer'
import { bytesToTyped, typedToBytes } from '../byte-text'
import type { Command } from '../command'
import { EXIT_DONE, EXIT_PROBLEM } from '../exit-codes'
import { bytesText, countOf } from '../figures'
import { argument, countOption } from '../invocation'
import { toJson } from './inspect-output'
import { keyText, rangeText, storeLines, troubleLines } from './inspect-text'

const VERSIONS_MAX = 1_000_000
const VALUE_BYTES_MAX = 16 * 1024 * 1024
/** Of a value, in characters. */
const VALUE_CHARS_MAX = 60

export const historyCommand: Command = {
  name: 'history',
  summary: 'show every version of a key, and the file that holds it',
  positionals: ['DIR', 'KEY'],
  options: [
    { name: 'limit', value: 'COUNT', about: 'the newest so many versions; 1,000 unless given' },
    { name: 'value-bytes', value: 'COUNT', about: 'show values up to this length; 1,024 unless given' },
  ],
  help: {
    about: [
      'Looks through the log and every table that can hold the key, newest version first. Versions that nobody can read any more are there until merges drop them; afterwards they are history no longer.',
      'A key is typed as "strictkv help bytes" says. Where a part of a file cannot be read it is named, with what may be missing; then the exit code is 1.',
    ],
    examples: [
      { want: 'what has happened to a key', line: 'strictkv history ./data alice' },
      { want: 'the last three versions, for a program', line: 'strictkv history ./data alice --limit 3 --json' },
      { want: 'a key that is no text', line: 'strictkv history ./data 0x00ff' },
    ],
  },
  run: async (invocation) => {
    const key = typedToBytes(argument(invocation, 1), 'KEY')
    const versionsMax = countOption(invocation, 'limit', { min: 1, max: VERSIONS_MAX })
    const valueBytesMax = countOption(invocation, 'value-bytes', { min: 0, max: VALUE_BYTES_MAX })
    const history = await readHistory(argument(invocation, 0), key, { versionsMax, valueBytesMax })
    const { store, damages } = history
    answer(invocation, toJson(history), [
      ...storeLines(store),
      ...damages.flatMap((damage) => troubleLines({ kind: 'damage', ...damage })),
      ...historyLines(history),
    ])
    return damages.length > 0 ? EXIT_PROBLEM : EXIT_DONE
  },
}

/** The versions of a key, newest first, behind a line that counts them. */
export function historyLines({ key, versions, isCut }: Pick<KeyHistory, 'key' | 'versions' | 'isCut'>): string[] {
  const head = `${keyText(key)}: ${countOf(versions.length, 'version')}${isCut ? ', and older ones' : ''}`
  return [head, ...versions.map((version) => `  ${versionText(version)}`)]
}

function versionText(version: KeyVersion): string {
  return `sequence ${version.sequence}: ${whatText(version)}; ${version.places.map(placeText).join('; ')}`
}

function whatText({ kind, value, valueBytes, start, end }: KeyVersion): string {
  if (kind === 'delete') return 'delete'
  if (kind === 'delete range') return `delete range ${rangeText(start ?? new Uint8Array(0), end)}`
  return `put ${value === undefined ? bytesText(valueBytes ?? 0) : bytesToTyped(value, VALUE_CHARS_MAX)}`
}

function placeText(place: VersionPlace): string {
  if (place.in === 'memtable') return place.memtable === 0 ? 'memtable' : `frozen memtable ${place.memtable}`
  if (place.in === 'log') return `log, ${place.file} at ${place.offset}`
  return `${place.level === undefined ? 'a table' : `level ${place.level}`}, ${place.file}`
}
