/** The help teaches every command by example, and every example is one that the program takes. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { COMMANDS } from '../../src/cli/commands'
import { EXIT_CODES } from '../../src/cli/exit-codes'
import { HELP_TOPICS, commandHelp, overallHelp, topicHelp } from '../../src/cli/help-text'
import { parseInvocation } from '../../src/cli/invocation'
import { packageVersion } from '../../src/cli/package-version'
import { wrap } from '../../src/cli/wrap'
import { createTestTerminal, runCommand } from './test-terminal'

const { terminal } = createTestTerminal()
const repository = path.join(__dirname, '../..')

/** The words of a command line as a shell would split it; pipes and redirections end it. */
function wordsOf(line: string): string[] {
  const own = line.split(/ [|<>]/)[0]!
  return (own.match(/'[^']*'|\S+/g) ?? []).map((word) => word.replace(/^'|'$/g, ''))
}

describe.each(COMMANDS.map((command) => [command.name, command] as const))('%s', (name, command) => {
  test('has a summary and options in one style, and at least one example', () => {
    for (const text of [command.summary, ...command.options.map((option) => option.about)]) {
      expect(text).toMatch(/^[^A-Z].*[^.]$/)
    }
    expect(command.help.about.length).toBeGreaterThan(0)
    expect(command.help.examples.length).toBeGreaterThan(0)
  })

  test('shows examples that it takes', () => {
    const lines = command.help.examples.map((example) => example.line)
    const calls = lines.flatMap((line) => line.split(' | ')).filter((line) => line.startsWith(`strictkv ${name}`))
    expect(calls.length).toBeGreaterThan(0)
    for (const call of calls) {
      const words = wordsOf(call).slice(2)
      expect(() => parseInvocation(command, words, terminal)).not.toThrow()
    }
  })

  test('fits 80 columns but for the examples, and is the same by both ways', async () => {
    const lines = commandHelp(command, 80)
    const text = lines.slice(0, lines.indexOf('Examples:'))
    expect(text.filter((line) => line.length > 80 && !line.startsWith('Usage'))).toEqual([])
    const byOption = await runCommand([name, '--help'])
    expect(byOption).toEqual(await runCommand(['help', name]))
    expect(byOption.out).toBe(`${lines.join('\n')}\n`)
    expect(JSON.parse((await runCommand(['help', name, '--json'])).out)).toMatchObject({ name })
  })
})

test('no argument at all shows all commands', async () => {
  const { code, out } = await runCommand([])
  expect(code).toBe(0)
  expect(out).toBe((await runCommand(['--help'])).out)
  for (const { name } of COMMANDS) expect(out).toMatch(new RegExp(`^  ${name} `, 'm'))
  expect(overallHelp(COMMANDS, 80).filter((line) => line.length > 90)).toEqual([])
})

test.each([
  [['dmup'], 'strictkv: Cannot run "dmup": there is no such command; did you mean dump?\n'],
  [['xyzzy'], 'strictkv: Cannot run "xyzzy": there is no such command; see strictkv help\n'],
  [['help', 'laod'], 'strictkv: Cannot help with "laod": there is no such command or topic; did you mean load?\n'],
])('%j is answered with what was probably meant', async (words, err) => {
  expect(await runCommand(words)).toEqual({ code: 2, out: '', err })
})

test('topics are printed, and docs/OPERATIONS.md lists the same exit codes', async () => {
  for (const topic of HELP_TOPICS) {
    expect((await runCommand(['help', topic])).out).toBe(`${topicHelp(topic, 80).join('\n')}\n`)
  }
  const page = readFileSync(path.join(repository, 'docs/OPERATIONS.md'), 'utf8')
  for (const { code, meaning } of EXIT_CODES) expect(page).toContain(`| ${code} | ${meaning} |`)
})

test('the version is that of the package', async () => {
  const { version } = JSON.parse(readFileSync(path.join(repository, 'package.json'), 'utf8')) as { version: string }
  expect(packageVersion()).toBe(version)
  expect(packageVersion('/')).toBe('unknown')
  expect((await runCommand(['--version'])).out).toContain(`strictkv ${version} (node ${process.versions.node}, `)
  expect(JSON.parse((await runCommand(['version', '--json'])).out)).toMatchObject({ strictkv: version })
})

test('lines are broken between words, and a long word is left whole', () => {
  expect(wrap('aa bb cc dd', 5)).toEqual(['aa bb', 'cc dd'])
  expect(wrap('aa bbbbbbb cc', 5, '  ')).toEqual(['aa', '  bbbbbbb', '  cc'])
  expect(wrap('  aa bb', 5, '  ')).toEqual(['  aa', '  bb'])
})
