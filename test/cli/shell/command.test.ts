/** The command itself: which database it opens, what it refuses, how it is interrupted. */
import { existsSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { open } from '../../../src/index'
import { SHELL_LIMITS } from '../../../src/cli/shell/shell-limits'
import { hashOf, runCommand, useDirectories } from '../test-terminal'

const createDirectory = useDirectories()
const temporaryOnes = (): number => readdirSync(tmpdir()).filter((name) => name.startsWith('strictkv-shell-')).length

describe('strictkv shell', () => {
  test('makes a database only when told to, and keeps what was committed', async () => {
    const directory = path.join(createDirectory(), 'data')
    const refused = await runCommand(['shell', directory], { input: 'put a 1\n' })
    expect([refused.code, existsSync(directory)]).toEqual([2, false])
    expect(refused.err).toContain('there is no such directory')
    expect((await runCommand(['shell', directory, '--create'], { input: 'put a 1\n' })).code).toBe(0)
    expect((await runCommand(['shell', directory], { input: 'get a\n-> "1"\n' })).code).toBe(0)
  })

  test('opens for reading alone', async () => {
    const directory = createDirectory()
    await runCommand(['shell', directory, '--create'], { input: 'put a 1\n' })
    const before = hashOf(directory)
    const read = await runCommand(['shell', directory, '--read-only'], { input: 'begin t\nget a\n-> "1"\nt: commit\n' })
    expect([read.code, read.err]).toEqual([0, ''])
    const written = await runCommand(['shell', directory, '--read-only'], { input: 'put a 2\n' })
    expect([written.code, written.err]).toEqual([1, expect.stringContaining('readOnly: true')])
    expect(hashOf(directory)).toBe(before)
  })

  test('leaves nothing of a temporary one', async () => {
    const before = temporaryOnes()
    expect((await runCommand(['shell', '--temporary'], { input: 'put a 1\nget a\n-> 2\n' })).code).toBe(1)
    expect(temporaryOnes()).toBeLessThanOrEqual(before)
  })

  test.each([
    [['shell'], 'DIR is missing'],
    [['shell', '--temporary', 'data'], 'it makes its own'],
    [['shell', 'data', '--create', '--read-only'], 'creating writes'],
    [['shell', 'data', '--echoo'], 'did you mean --echo?'],
  ])('%j is bad input', async (words, complaint) => {
    const { code, out, err } = await runCommand(words, { input: 'put a 1\n' })
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain(complaint)
  })

  test('a script that is no text is bad input, and a byte order mark is not part of its first word', async () => {
    const bytes = Buffer.from('put a 1\nput b \xff\n', 'latin1')
    const { code, out, err } = await runCommand(['shell', '--temporary'], { input: bytes })
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain('it is no valid UTF-8')
    expect((await runCommand(['shell', '--temporary'], { input: '\ufeffput a 1\n' })).code).toBe(0)
  })

  test('scriptBytesMax: a longer script is bad input, before all of it is read', async () => {
    const piece = Buffer.from('put a 1\n'.repeat(2 ** 20))
    const pieces = Array.from({ length: Math.ceil(SHELL_LIMITS.scriptBytesMax / piece.length) + 1 }, () => piece)
    const { code, err } = await runCommand(['shell', '--temporary'], { input: pieces })
    expect(code).toBe(2)
    expect(err).toContain('it is longer than')
  })

  test('in a terminal has no --json', async () => {
    const terminal = { inputIsTerminal: true, isTerminal: true }
    const { code, err } = await runCommand(['shell', '--temporary', '--json'], terminal)
    expect(code).toBe(2)
    expect(err).toContain('give it a script on standard input')
  })

  test('says who holds the database', async () => {
    const directory = createDirectory()
    const db = await open(directory)
    expect((await runCommand(['shell', directory], { input: 'get a\n' })).code).toBe(3)
    await db.close()
  })

  test('a script that is interrupted has committed what it said, and nothing more', async () => {
    const directory = createDirectory()
    const { code } = await runCommand(['shell', directory, '--create'], {
      input: 'put a 1\nbegin t\nput b 1\nput c 1\ncommit\n',
      onOut: (text, interrupt) => {
        if (text.includes('t reads at')) interrupt()
      },
    })
    expect(code).toBe(130)
    const { out } = await runCommand(['shell', directory], { input: 'scan\n' })
    expect(out).toBe('"a" = "1"\n(1 row)\n')
  })
})
