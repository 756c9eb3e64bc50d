/** Every property of the README is held by tests that exist. */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { pinsOf, testNamesOf } from '../architecture/pins'
import { repository } from '../architecture/source-files'

const page = readFileSync(path.join(__dirname, 'README.md'), 'utf8')
/** Each property with the text up to the next one. */
const properties = page.split(/^\*\*/m).slice(1)

test('there are the eleven properties', () => {
  expect(properties).toHaveLength(11)
})

test.each(properties.map((text) => [text.slice(0, text.indexOf('**')), text]))('%s: held by tests that exist', (_, text) => {
  const pins = pinsOf(text)
  expect(pins.length).toBeGreaterThan(0)
  for (const { file, name } of pins) {
    const full = path.join(repository, file)
    expect({ file, exists: existsSync(full) }).toEqual({ file, exists: true })
    expect(testNamesOf(file, readFileSync(full, 'utf8'))).toContain(name)
  }
}) // prettier-ignore

test('a name that no test has is found', () => {
  const [pin] = pinsOf('- Pinned by: test/properties/properties.test.ts "there are a dozen properties"')
  const names = testNamesOf(pin!.file, readFileSync(path.join(repository, pin!.file), 'utf8'))
  expect(names).toContain('there are the eleven properties')
  expect(names).not.toContain(pin!.name)
})
