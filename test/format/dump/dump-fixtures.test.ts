/** The frozen dump is read as it was written, is written so still, and is the example of docs/FORMATS.md. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { readDump } from '../../../src/index'
import { FIXTURE, ROWS, fixtureText } from './write-fixtures'

const frozen = readFileSync(FIXTURE)

test('it is read row by row', async () => {
  const rows: (readonly [Buffer, Buffer])[] = []
  for await (const row of readDump([frozen])) rows.push(row)
  expect(rows).toEqual(ROWS)
})

test('the same rows are written the same', () => {
  expect(fixtureText()).toBe(frozen.toString())
})

test('docs/FORMATS.md shows it', () => {
  const page = readFileSync(path.join(__dirname, '../../../docs/FORMATS.md'), 'utf8')
  expect(page).toContain(`\`\`\`text\n${frozen.toString()}\`\`\`\n`)
})
