/** Every limit of the shell has a test that names it. */
import { readTree } from '../../architecture/source-files'
import { SHELL_LIMITS } from '../../../src/cli/shell/shell-limits'

test('each limit is used in the sources, under a name that carries its unit', () => {
  const sources = [...readTree('src/cli', '.ts')].filter(([file]) => !file.endsWith('shell-limits.ts'))
  for (const name of Object.keys(SHELL_LIMITS)) {
    expect([name, sources.some(([, text]) => text.includes(name))]).toEqual([name, true])
    expect(name).toMatch(/(Max|Shown|Ms)$/)
  }
})
