/** Scripts: what each line must give, what comes otherwise, and the demos, one anomaly each. */
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { UsageError } from '../../../src/cli/cli-errors'
import { parseScript } from '../../../src/cli/shell/script'
import { SHELL_LIMITS } from '../../../src/cli/shell/shell-limits'
import { open } from '../../../src/index'
import type { CommandOutcome } from '../test-terminal'
import { runCommand, useDirectories } from '../test-terminal'

const createDirectory = useDirectories()

const demos = path.resolve(__dirname, '../../../demos')
const files = readdirSync(demos).filter((file) => file.endsWith('.strictkv')).sort() // prettier-ignore

function play(script: string, ...options: string[]): Promise<CommandOutcome> {
  return runCommand(['shell', '--temporary', ...options], { input: script })
}

describe('the scripts of demos/', () => {
  test('are the anomalies that they are named after', () => {
    expect(files.map((file) => path.basename(file, '.strictkv'))).toEqual([
      ...['dirty-read', 'dirty-write', 'fuzzy-read', 'hot-counter', 'long-fork', 'lost-update', 'phantom'],
      ...['range-delete', 'read-only-anomaly', 'savepoints', 'write-skew'],
    ])
  })

  test.each(files)('%s does what it says', async (file) => {
    const { code, err } = await play(readFileSync(path.join(demos, file), 'utf8'))
    expect(err).toBe('')
    expect(code).toBe(0)
  })

  test.each(files)('%s explains itself, and says what comes', (file) => {
    const text = readFileSync(path.join(demos, file), 'utf8')
    expect(text).toMatch(/^# [A-Z].*: /)
    expect(text.match(/^#/gm)!.length).toBeGreaterThanOrEqual(1)
    expect(parseScript(text).filter(({ expected }) => expected.length > 0).length).toBeGreaterThan(4)
  })

  test('of write skew shows the abort with its sentence and its drawing', async () => {
    const { out } = await play(readFileSync(path.join(demos, 'write-skew.strictkv'), 'utf8'), '--echo')
    expect(out).toContain('# Two doctors are on call.')
    expect(out).toMatch(/> alice: commit\naborted: Cannot commit transaction \d+ \(alice\): transaction \d+ \(alice\) read "bob" as it was before transaction \d+ \(bob\) overwrote it; .*\n {2}╭─▶ alice\n/) // prettier-ignore
  })
})

describe('a script', () => {
  test.each([
    ['another line than it says', 'put a 1\nget a\n-> "2"\n', 'line 2 of the script', 'it printed: "1" - and not: "2"'],
    ['a line too many', 'put a 1\nscan\n-> "a" = "1"\n', 'line 2', 'it also printed: (1 row)'],
    ['a line too few', 'get a\n-> (none)\n-> more\n', 'line 1', 'it did not print: more'],
    ['a failure that nothing is said of', '# one\n\nalice: get a\n', 'line 3', 'Cannot find a transaction alice'],
    [
      'a wait that nothing is said of',
      'begin a\nget-for-update k\nbegin b\nget-for-update k\n',
      'line 4',
      'waits: b is in',
    ],
    [
      'a wait that has not ended where its end is said',
      'begin a\nget-for-update k\nbegin b\nget-for-update k\n-> ...\nb -> (none)\n',
      ...['line 6', 'b still waits'],
    ],
    ['late lines of one who never waited', 'begin a\na -> 1\n', 'line 2', 'nothing of a has had to wait'],
    [
      'other late lines than it says',
      'begin a\nget-for-update k\nbegin b\nget-for-update k\n-> waits...\na: rollback\nb -> "1"\n',
      ...['line 7', 'it printed: (none) - and not: "1"'],
    ],
    [
      'a failure at the end of a wait that nothing is said of',
      // b's wait ends in an abort: the key has changed since it was read.
      'put k 0\nbegin b\nget k\n-> "0"\nbegin a\nget-for-update k\n-> "0"\nb: get-for-update k\n-> ...\na: put k 1\na: commit\nb -> ...\nb: put k 2\n',
      ...['line 13', 'aborted'],
    ],
  ])('that gives %s ends there with exit code 1', async (_, script, where, what) => {
    const { code, err } = await play(script)
    expect(code).toBe(1)
    expect(err).toContain(where)
    expect(err).toContain(what)
  })

  test.each([
    ['put a 1\nputt b 2\n', 'line 2 of the script: Cannot run "putt"'],
    ['put a 1\n\nget "a\n', 'line 3 of the script: Cannot use "a as KEY: the closing quote is missing'],
    ['-> 1\n', 'line 1 of the script: -> says what a command printed'],
    ['begin a\na -> 1\n-> 2\n', "line 3 of the script: -> stands behind a's late lines"],
  ])('with a mistake runs nothing of itself: %j', async (script, complaint) => {
    const { code, out, err } = await play(script)
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain(complaint)
    expect(() => parseScript(script)).toThrow(UsageError)
  })

  test('prints what its commands print, and ends at exit', async () => {
    const { code, out } = await play('put a 1\nget a\nbegin t\nput a 2\nexit\nput b 1\n')
    expect(code).toBe(0)
    expect(out).toBe('committed at 1\n"1"\nt reads at 1\nok\nrolled back: t\n')
  })

  test('answers with one document under --json', async () => {
    const { code, out } = await play('put a 1\nget a\n-> "1"\n', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(out)).toEqual({
      steps: [
        { line: 1, text: 'put a 1', outcome: 'done', output: ['committed at 1'], linesLeftOut: 0 },
        { line: 2, text: 'get a', outcome: 'done', output: ['"1"'], linesLeftOut: 0 },
      ],
    })
    const failed = await play('get a\n-> 1\n', '--json')
    expect(failed.code).toBe(1)
    expect(JSON.parse(failed.out)).toMatchObject({ error: { code: 'FAILED' } })
  })

  test('jsonLinesMax, expectedLinesMax: so many lines of a command are repeated by --json, and compared', async () => {
    const { jsonLinesMax, expectedLinesMax } = SHELL_LIMITS
    const directory = createDirectory()
    const db = await open(directory)
    // A scan prints their number, too: one line more than can be compared.
    await db.load(Array.from({ length: expectedLinesMax }, (_, index) => [String(index).padStart(9, '0'), ''] as const))
    await db.close()
    const scan = (options: string, ...words: string[]): Promise<CommandOutcome> =>
      runCommand(['shell', directory, ...words], { input: `scan --keys ${options}\n` })
    const { out } = await scan(`--limit ${jsonLinesMax + 10}`, '--json')
    const { steps } = JSON.parse(out) as { steps: { output: string[]; linesLeftOut: number }[] }
    expect([steps[0]!.output.length, steps[0]!.linesLeftOut]).toEqual([jsonLinesMax, 11])
    expect((await scan(`--limit ${expectedLinesMax - 1}\n-> ...\n-> (99,999 rows)`)).code).toBe(0)
    const { code, err } = await scan('\n-> ...')
    expect([code, err]).toEqual([1, expect.stringContaining('it printed 1 lines more than can be compared')])
  })

  test('whose lines end as on other systems is the same script', async () => {
    expect((await play('put a 1\r\nget a\r\n-> "1"\r\n')).code).toBe(0)
  })
})
