/** Every decision record is pinned by a test that exists, and the check can fail. */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { findBrokenPins, pinsOf, testNamesOf } from './pins'
import { readTree, repository } from './source-files'

const records = new Map([...readTree('docs/decisions', '.md')].filter(([file]) => !file.endsWith('/README.md')))

/** The text of a file of the repository. */
function readTest(file: string): string | undefined {
  const full = path.join(repository, file)
  return existsSync(full) ? readFileSync(full, 'utf8') : undefined
}

describe('the decision records', () => {
  test('each is pinned by tests that exist', () => {
    expect(findBrokenPins(records, readTest)).toEqual([])
  })

  test('no two have the same number', () => {
    const numbers = [...records.keys()].map((file) => path.basename(file).slice(0, 4))
    expect(numbers).toEqual([...new Set(numbers)])
  })

  test('there are records to check', () => {
    expect(records.size).toBeGreaterThan(1)
  })
})

describe('the check of pins', () => {
  const tests = (file: string): string | undefined =>
    file === 'test/a.test.ts' ? `describe('bytes', () => { test('keys ascend', () => {}) })` : undefined

  /** What the check says about one record. */
  const check = (text: string, record = '0001-keys.md'): string[] => findBrokenPins(new Map([[record, text]]), tests)

  test('accepts a record whose test exists', () => {
    expect(check('# Keys\n\nPinned by: test/a.test.ts "keys ascend"\n')).toEqual([])
    expect(check('# Keys\n\n- Pinned by: `test/a.test.ts` "bytes"\n')).toEqual([])
  })

  test.each([
    ['no pin', '# Keys\n'],
    ['a file that does not exist', 'Pinned by: test/b.test.ts "keys ascend"'],
    ['a test that does not exist', 'Pinned by: test/a.test.ts "keys descend"'],
    ['part of a name', 'Pinned by: test/a.test.ts "keys"'],
    ['a pin without a name', 'Pinned by: test/a.test.ts'],
  ])('refuses a record with %s', (_what, text) => {
    expect(check(text)).toHaveLength(1)
  })

  test('refuses a second pin that is broken, and a record without a number', () => {
    expect(check('Pinned by: test/a.test.ts "bytes"\nPinned by: test/a.test.ts "x"')).toHaveLength(1)
    expect(check('Pinned by: test/a.test.ts "bytes"', 'keys.md')).toEqual(['keys.md is not named NNNN-title.md'])
  })

  test('reads pins and test names as they are written', () => {
    expect(pinsOf('text\nPinned by: a/b.test.ts "says "so""\n')).toEqual([{ file: 'a/b.test.ts', name: 'says "so"' }])
    const text = `
      test.each([1])('one %i', () => {})
      test.each\`a\`('two', () => {})
      it(\`three\`, () => {})
      test.skip('four', () => {})
      helper('five')`
    expect(testNamesOf('a.test.ts', text)).toEqual(['one %i', 'two', 'three'])
  })
})
