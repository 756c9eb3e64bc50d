/**
 * Every option and limit of `open` has a test that toggles it and observes what that changes: in test/options, named
 * `<option>: <what it does>`; and it stands in docs/API.md or docs/LIMITS.md. The check can fail.
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { LIMIT_NAMES } from '../../src/base/limits'
import { open } from '../../src/index'
import { testNamesOf } from './pins'
import { readTree, repository } from './source-files'

/** The options without a test of their own. */
function findUntested(options: readonly string[], testNames: readonly string[]): string[] {
  return options.filter((option) => !testNames.some((name) => name.startsWith(`${option}: `)))
}

/** The names that `open` knows, as it lists them itself to whoever misspells one beyond recognition. */
async function knownOptions(): Promise<string[]> {
  const message = await open('never opened', { '?': 1 } as never).then(
    () => 'it was opened',
    (error: unknown) => (error as Error).message,
  )
  const list = /known are (.*)$/.exec(message)?.[1] ?? ''
  return list.split(', ')
}

const testNames = [...readTree('test/options', '.test.ts')].flatMap(([file, text]) => testNamesOf(file, text))

describe('the options of open', () => {
  test('each has a test that toggles it', async () => {
    const options = await knownOptions()
    expect(options).toEqual(expect.arrayContaining(['create', 'onEvent', ...LIMIT_NAMES]))
    expect(findUntested(options, testNames)).toEqual([])
  })

  test('each is described', async () => {
    const [api, limits] = ['API.md', 'LIMITS.md'].map((name) =>
      readFileSync(path.join(repository, 'docs', name), 'utf8'),
    )
    const options = await knownOptions()
    const undescribed = options.filter((option) => !new RegExp(`\`${option}(\\(|\`)`).test(`${api}${limits}`))
    expect(undescribed).toEqual([])
  })

  test('no test is left of an option that is gone', async () => {
    const options = await knownOptions()
    expect(testNames.filter((name) => !options.includes(name.slice(0, name.indexOf(':'))))).toEqual([])
  })
})

test('an option without a test is found, and one whose name only begins like another', () => {
  expect(findUntested(['a', 'ab'], ['a: does this', 'abc: does that'])).toEqual(['ab'])
})
