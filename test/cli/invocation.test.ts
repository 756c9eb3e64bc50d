/** The words of a call: taken apart as the command declares them, or refused in one sentence. */
import { UsageError } from '../../src/cli/cli-errors'
import type { Command, Invocation } from '../../src/cli/command'
import { EXIT_DONE } from '../../src/cli/exit-codes'
import { asksForHelp, asksForJson, countOption, flagOption, parseInvocation, textOption, textOptions, wordOption } from '../../src/cli/invocation' // prettier-ignore
import { createTestTerminal } from './test-terminal'

const command: Command = {
  name: 'try',
  summary: 'to be tried',
  positionals: ['DIR', 'KEY', '[FILE]'],
  options: [
    { name: 'limit', value: 'COUNT', about: 'at most so many' },
    { name: 'mode', value: 'WORD', about: 'how' },
    { name: 'tag', value: 'TEXT', multiple: true, about: 'any number of them' },
    { name: 'reverse', short: 'r', about: 'backwards' },
  ],
  help: { about: [], examples: [] },
  run: async () => EXIT_DONE,
}

const { terminal } = createTestTerminal()
const parse = (...words: string[]): Invocation => parseInvocation(command, words, terminal)

test('arguments, options, flags and their forms', () => {
  const invocation = parse('data', '--limit=3', 'k', '-r', '--tag', 'a', '--tag=b', '--json')
  expect(invocation.positionals).toEqual(['data', 'k'])
  expect(invocation.json).toBe(true)
  expect(countOption(invocation, 'limit', { min: 0, max: 10 })).toBe(3)
  expect(textOptions(invocation, 'tag')).toEqual(['a', 'b'])
  expect(flagOption(invocation, 'reverse')).toBe(true)
  expect(textOption(invocation, 'mode')).toBeUndefined()
  expect(wordOption(invocation, 'mode', ['a', 'b'])).toBeUndefined()
})

test('behind two dashes everything is an argument', () => {
  expect(parse('data', '--', '-5', '--json').positionals).toEqual(['data', '-5', '--json'])
  expect(parse('data', 'k', '--', '--json').json).toBe(false)
  expect(asksForHelp(['data', '--', '--help'])).toBe(false)
  expect(asksForHelp(['data', '-h'])).toBe(true)
  expect(asksForJson(['--unknown', '--json'])).toBe(true)
})

test.each([
  [['data'], 'Cannot run try: KEY is missing; usage: strictkv try DIR KEY [FILE] [options]'],
  [[], 'Cannot run try: DIR is missing; usage: strictkv try DIR KEY [FILE] [options]'],
  [['a', 'b', 'c', 'd'], 'Cannot run try: "d" is one argument too many; usage: strictkv try DIR KEY [FILE] [options]'],
  [['a', 'b', '--limt', '3'], 'Cannot run try with --limt: it has no such option; did you mean --limit?'],
  [['a', 'b', '--xyzzy'], 'Cannot run try with --xyzzy: it has no such option; see strictkv help try'],
  [['a', '-5'], 'Cannot run try with -5: it has no such option'],
  [['a', 'b', '--limit'], 'Cannot use --limit: give it a COUNT'],
  [['a', 'b', '--reverse=yes'], 'Cannot use --reverse=...: it takes no value'],
  [
    ['a', 'b', '--limit', '--reverse'],
    'Cannot tell whether --reverse is the COUNT of --limit: write --limit=--reverse',
  ],
  [['a', 'b', '--limit', '1', '--limit', '2'], 'Cannot use --limit twice: it takes one COUNT'],
])('%j is refused', (words, sentence) => {
  expect(() => parse(...words)).toThrow(UsageError)
  expect(() => parse(...words)).toThrow(sentence)
})

test.each(['11', '-1', '1.5', 'many', '', ' 1', '0x1'])('%j is no count from 0 to 10', (text) => {
  const invocation = parse('a', 'b', `--limit=${text}`)
  expect(() => countOption(invocation, 'limit', { min: 0, max: 10 })).toThrow(
    `Cannot use ${JSON.stringify(text)} as --limit: give a whole number from 0 to 10`,
  )
})

test('a word of a list is one of the list', () => {
  expect(wordOption(parse('a', 'b', '--mode=b'), 'mode', ['a', 'b'])).toBe('b')
  expect(() => wordOption(parse('a', 'b', '--mode=c'), 'mode', ['a', 'b'])).toThrow(
    'Cannot use "c" as --mode: give a, b',
  )
})
