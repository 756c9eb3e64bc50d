/** Every limit of the shell is used under a name that carries its unit, has a test that names it, and stands in the tour. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { readTree, repository } from '../../architecture/source-files'
import { SHELL_LIMITS } from '../../../src/cli/shell/shell-limits'

const names = Object.keys(SHELL_LIMITS)
const usersOf = (folder: string, name: string): string[] =>
  [...readTree(folder, '.ts')].flatMap(([file, text]) =>
    text.includes(name) && !/shell-limits(\.test)?\.ts$/.test(file) ? [file] : [],
  )

test.each(names)('%s is used in the sources and in a test', (name) => {
  expect(name).toMatch(/(Max|Shown|Ms)$/)
  expect(usersOf('src/cli', name)).not.toEqual([])
  expect(usersOf('test/cli/shell', name)).not.toEqual([])
})

test('docs/OPERATIONS.md lists each of them', () => {
  const page = readFileSync(path.join(repository, 'docs/OPERATIONS.md'), 'utf8')
  expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([])
})
