/** What a line of the shell is read as, and how each mistake in one is said. */
import { UsageError } from '../../../src/cli/cli-errors'
import type { ShellCommand } from '../../../src/cli/shell/parse'
import { parseLine } from '../../../src/cli/shell/parse'
import { SHELL_COMMANDS } from '../../../src/cli/shell/shell-commands'
import { SHELL_LIMITS } from '../../../src/cli/shell/shell-limits'

function commandOf(line: string): ShellCommand {
  const parsed = parseLine(line)
  if (parsed.kind !== 'command') throw new Error(`${line} is no command`)
  return parsed
}

function complaintAbout(line: string): string {
  try {
    parseLine(line)
  } catch (error) {
    if (error instanceof UsageError) return error.message
    throw error
  }
  return 'none'
}

describe('a line', () => {
  test('is a command of the current transaction, of one that is named, or of none', () => {
    expect(commandOf('get a')).toMatchObject({ name: 'get', address: undefined, bytes: [Buffer.from('a')] })
    expect(commandOf('alice: get a').address).toBe('alice')
    expect(commandOf('db: get a').address).toBe('db')
  })

  test('may say bytes in each form', () => {
    expect(commandOf(String.raw`put "a\x00\n" 0x00ff`).bytes).toEqual([Buffer.from('a\0\n'), Buffer.from([0, 0xff])])
    expect(commandOf('put "" ""').bytes).toEqual([Buffer.alloc(0), Buffer.alloc(0)])
    expect(commandOf('put ключ "--all"').bytes).toEqual([Buffer.from('ключ'), Buffer.from('--all')])
  })

  test('may have options with their values behind a blank or an equals sign', () => {
    const { bounds, flags } = commandOf('scan --from a --to="b c" --limit 3 --reverse --keys')
    expect(bounds).toEqual({
      gte: Buffer.from('a'),
      lt: Buffer.from('b c'),
      limit: 3,
      reverse: true,
      prefix: undefined,
    })
    expect([...flags]).toEqual(['reverse', 'keys'])
    expect([...commandOf('begin a --snapshot --read-only').flags]).toEqual(['snapshot', 'read-only'])
    expect(commandOf('delete-range --all').flags.has('all')).toBe(true)
  })

  test('may say what must come', () => {
    expect(parseLine('-> "on"')).toEqual({ kind: 'expectation', of: undefined, text: '"on"' })
    expect(parseLine('bob -> "1" # is part of it')).toEqual({
      kind: 'expectation',
      of: 'bob',
      text: '"1" # is part of it',
    })
    expect(parseLine('->   indented  ')).toEqual({ kind: 'expectation', of: undefined, text: '  indented' })
    expect(parseLine('->')).toEqual({ kind: 'expectation', of: undefined, text: '' })
  })

  test('may be nothing', () => {
    for (const line of ['', '   ', '# a comment', '\t# -> none']) expect(parseLine(line)).toEqual({ kind: 'nothing' })
  })
})

test.each([
  ['gt a', 'did you mean get?'],
  ['frobnicate', 'see help'],
  ['get', 'usage: get KEY'],
  ['get a b', 'b is one word too many'],
  ['put a', 'usage: put KEY VALUE'],
  ['get "a', 'the closing quote is missing'],
  ['get 0x0', 'a byte has two hexadecimal digits'],
  ['begin 1a', 'it is a letter'],
  ['begin db', 'db: stands for no transaction'],
  [`begin ${'a'.repeat(SHELL_LIMITS.nameCharsMax + 1)}`, 'at most 64'],
  ['begin a --snapshott', 'did you mean --snapshot?'],
  ['begin a --snapshot=1', 'it takes no value'],
  ['begin a --snapshot --deferrable', 'waits for serializability'],
  ['scan --limit', 'give it a count'],
  ['scan --limit many', 'give a whole number of rows'],
  ['scan --limit -1', 'give a whole number of rows'],
  ['scan --from a --from b', '--from twice'],
  ['delete-range', 'give bounds, or --all'],
  ['delete-range --all --from a', 'give bounds, or --all'],
  ['rollback to', 'usage: rollback [to SAVEPOINT]'],
  ['rollback from a', 'write rollback, or rollback to SAVEPOINT'],
  ['rollback to 1', 'the name of a savepoint'],
  ['help me', 'there is no such command'],
  ['alice:', 'say what alice is to do'],
  ['al.ice: get a', 'the name of a transaction'],
  ['alice: bob: get a', 'there is no such command'],
])('%s: %s', (line, complaint) => {
  expect(complaintAbout(line)).toContain(complaint)
})

test('every command is found by its name, with a usage that begins with it', () => {
  expect(new Set(SHELL_COMMANDS.map(({ name }) => name)).size).toBe(SHELL_COMMANDS.length)
  for (const { name, usage, needed, words } of SHELL_COMMANDS) {
    expect(usage.split(' ')[0]).toBe(name)
    expect(needed).toBeLessThanOrEqual(words.length)
  }
})
