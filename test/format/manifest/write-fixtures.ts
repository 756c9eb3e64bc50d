/**
 * Writes the frozen files of this folder: `npx ts-node test/format/manifest/write-fixtures.ts <name>`.
 *
 * It is run once for each fixture, when its format version is new; what it wrote then is never written again.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { EDITS_BY_FIXTURE, FIXTURES, toPlain, writeManifest } from './fixtures'

async function write(name: string): Promise<void> {
  const edits = EDITS_BY_FIXTURE.get(name)
  if (edits === undefined) throw new Error(`no fixture is called ${name}`)
  const folder = path.join(FIXTURES, name)
  if (existsSync(folder)) throw new Error(`${folder} is frozen`)
  const { files, state } = await writeManifest(edits)
  mkdirSync(folder, { recursive: true })
  for (const [file, bytes] of files) writeFileSync(path.join(folder, file), bytes)
  writeFileSync(path.join(folder, 'expected.json'), `${JSON.stringify(toPlain(state), undefined, 2)}\n`)
}

void write(process.argv[2] ?? '')
