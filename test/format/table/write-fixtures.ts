/**
 * Writes the frozen files of this folder: `npx ts-node test/format/table/write-fixtures.ts <name>`.
 *
 * It is run once for each fixture, when its format version is new; what it wrote then is never written again.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { sortRangeTombstones } from '../../../src/storage/rows/range-tombstones'
import { inOrder } from '../../unit/storage/rows/version-model'
import { FIXTURE_BY_NAME, FIXTURES, toPlain, writeFixture } from './fixtures'

async function write(name: string): Promise<void> {
  const fixture = FIXTURE_BY_NAME.get(name)
  if (fixture === undefined) throw new Error(`no fixture is called ${name}`)
  const file = path.join(FIXTURES, `${name}.table`)
  if (existsSync(file)) throw new Error(`${file} is frozen`)
  const { bytes, properties } = await writeFixture(fixture)
  const { versions, rangeTombstones } = fixture.history
  const plain = toPlain(inOrder(versions), sortRangeTombstones(rangeTombstones), properties)
  mkdirSync(FIXTURES, { recursive: true })
  writeFileSync(file, bytes)
  writeFileSync(path.join(FIXTURES, `${name}.json`), `${JSON.stringify(plain, undefined, 1)}\n`)
}

void write(process.argv[2] ?? '')
