/** The history between runs: where it is, who can read it, what is kept, how much. */
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { historyFileOf, openHistory } from '../../../src/cli/shell/history'
import { SHELL_LIMITS } from '../../../src/cli/shell/shell-limits'
import { useDirectories } from '../test-terminal'

const createDirectory = useDirectories()

test.each([
  [{ STRICTKV_HISTORY: '/h/file', XDG_STATE_HOME: '/s', HOME: '/h' }, '/h/file'],
  [{ STRICTKV_HISTORY: '', XDG_STATE_HOME: '/s', HOME: '/h' }, undefined],
  [{ XDG_STATE_HOME: '/s', HOME: '/h' }, '/s/strictkv/history'],
  [{ XDG_STATE_HOME: 'relative', HOME: '/h' }, '/h/.local/state/strictkv/history'],
  [{ XDG_STATE_HOME: '', HOME: '/h' }, '/h/.local/state/strictkv/history'],
  [{ HOME: '' }, undefined],
  [{}, undefined],
])('with %j it is in %s', (environment, file) => {
  expect(historyFileOf(environment)).toBe(file)
})

test('it is made with its folders for the owner alone, also where it was open to all', () => {
  const file = path.join(createDirectory(), 'state', 'strictkv', 'history')
  openHistory(file).add('put a 1')
  expect(statSync(path.dirname(file)).mode & 0o777).toBe(0o700)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  chmodSync(file, 0o644)
  openHistory(file)
  expect(statSync(file).mode & 0o777).toBe(0o600)
})

test('lines come back in their order, those of two shells at once too', () => {
  const file = path.join(createDirectory(), 'history')
  const [one, two] = [openHistory(file), openHistory(file)]
  one.add('get a')
  two.add('get b')
  one.add('get ключ')
  expect(openHistory(file).lines).toEqual(['get a', 'get b', 'get ключ'])
})

test('a line that begins with a blank is not kept, nor one that is nothing or longer than historyLineCharsMax', () => {
  const file = path.join(createDirectory(), 'history')
  const history = openHistory(file)
  for (const line of [' put secret 1', '', `put a ${'x'.repeat(SHELL_LIMITS.historyLineCharsMax)}`, 'get a'])
    history.add(line)
  expect(readFileSync(file, 'utf8')).toBe('get a\n')
})

test('historyLinesMax: a longer file is cut to its last lines when it is opened', () => {
  const file = path.join(createDirectory(), 'history')
  const lines = Array.from({ length: SHELL_LIMITS.historyLinesMax + 5 }, (_, index) => `get ${index}`)
  writeFileSync(file, lines.map((line) => `${line}\n`).join(''))
  expect(openHistory(file).lines).toEqual(lines.slice(5))
  expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(SHELL_LIMITS.historyLinesMax + 1)
  expect(statSync(file).mode & 0o777).toBe(0o600)
})

test('historyBytesMax: of a huge file only the end is read, whole lines of it', () => {
  const file = path.join(createDirectory(), 'history')
  const line = `get ${'x'.repeat(2000)}`
  writeFileSync(file, `${line}\n`.repeat(Math.ceil(SHELL_LIMITS.historyBytesMax / 2000) + 10))
  const { lines } = openHistory(file)
  expect(new Set(lines)).toEqual(new Set([line]))
  expect(statSync(file).size).toBeLessThanOrEqual(SHELL_LIMITS.historyBytesMax)
})

test('what cannot be kept stops nothing, and is said', () => {
  const directory = createDirectory()
  mkdirSync(path.join(directory, 'history'))
  const history = openHistory(path.join(directory, 'history'))
  expect(history.problem).toContain('no history is kept in')
  history.add('get a')
  expect(history.lines).toEqual([])
  expect(openHistory(undefined)).toMatchObject({ lines: [], problem: undefined })
})
