/**
 * Writes the frozen dump of format version 1: `npx ts-node test/format/dump/write-fixtures.ts`. DO NOT run it to make a test pass: every
 * later version must read the file as it is. docs/FORMATS.md shows the same lines.
 */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { DumpChecksum, encodeDumpEnd, encodeDumpHeader, encodeDumpRow } from '../../../src/kv/dump-format'

/** The rows, keys ascending. */
export const ROWS: readonly (readonly [Buffer, Buffer])[] = [
  [Buffer.from(''), Buffer.from('of the empty key')],
  [Buffer.from([0x00, 0xff]), Buffer.from('')],
  [Buffer.from('alice'), Buffer.from('on "call"')],
  [Buffer.from('bob'), Buffer.from('two\nlines')],
  [Buffer.from('café'), Buffer.from('日本')],
]

/** The lines of the frozen file. */
export function fixtureText(): string {
  const checksum = new DumpChecksum()
  for (const [key, value] of ROWS) checksum.add(key, value)
  const rows = ROWS.map(([key, value]) => encodeDumpRow(key, value))
  const lines = [encodeDumpHeader(42), ...rows, encodeDumpEnd({ rows: ROWS.length, checksum: checksum.digest() })]
  return `${lines.join('\n')}\n`
}

/** Where it lies. */
export const FIXTURE = path.join(__dirname, 'fixtures', 'v1.dump')

if (require.main === module) writeFileSync(FIXTURE, fixtureText())
