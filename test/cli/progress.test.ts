/** Progress is drawn on a terminal and nowhere else, and is gone at the end. */
import type { Invocation, Terminal } from '../../src/cli/command'
import { versionCommand } from '../../src/cli/commands/version'
import { progressLine, startProgress } from '../../src/cli/progress'
import { createTestTerminal } from './test-terminal'

const invocationOn = (terminal: Terminal, json = false): Invocation => ({
  command: versionCommand,
  positionals: [],
  values: new Map(),
  json,
  terminal,
})

test('the bar says how much of what is done', () => {
  expect(progressLine({ what: 'loading', unit: 'bytes' }, 512, 2048)).toBe(
    'loading  [#######.....................]  25 %  512 bytes of 2.0 KiB',
  )
  expect(progressLine({ what: 'dumping', unit: 'rows' }, 1234, undefined)).toBe('dumping  1,234 rows')
  expect(progressLine({ what: 'loading', unit: 'rows' }, 9, 3)).toContain('100 %')
})

test('a terminal shows it once in a while, and clears it', () => {
  const { terminal, outcome } = createTestTerminal({ errIsTerminal: true })
  const progress = startProgress(invocationOn(terminal), { what: 'loading', unit: 'rows' })
  for (let row = 0; row < 1000; row++) progress.update(row, 1000)
  progress.end()
  progress.end()
  const { out, err } = outcome()
  expect(out).toBe('')
  expect(err.startsWith('\r\x1b[Kloading  [')).toBe(true)
  expect(err.endsWith('\r\x1b[K')).toBe(true)
  expect(err.split('loading').length).toBeLessThan(1000)
})

test.each([
  ['a pipe', false, false],
  ['an answer in JSON', true, true],
])('%s shows nothing', (_what, errIsTerminal, json) => {
  const { terminal, outcome } = createTestTerminal({ errIsTerminal })
  const progress = startProgress(invocationOn(terminal, json), { what: 'loading', unit: 'rows' })
  progress.update(1, 2)
  progress.end()
  expect(outcome()).toEqual({ out: '', err: '' })
})
