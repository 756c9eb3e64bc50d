/** What commands throw becomes one sentence and an exit code; whatever was wrong with the input, nothing is changed. */
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { InvariantError } from '../../src/base/assert'
import { CommandError, InterruptedError, UsageError } from '../../src/cli/cli-errors'
import { COMMANDS } from '../../src/cli/commands'
import { exitCodeOf, main } from '../../src/cli/main'
import {
  CorruptionError, DatabaseLockedError, InvalidArgumentError, IoError, LimitExceededError, PoisonedError, open,
} from '../../src/index' // prettier-ignore
import { createTestTerminal, hashOf, runCommand, useDirectories } from './test-terminal'

const createDirectory = useDirectories()

const live = new AbortController().signal
const aborted = (code: 130 | 141): AbortSignal => AbortSignal.abort(new InterruptedError('interrupted', code))

test.each([
  [new UsageError('x'), 2],
  [new InvalidArgumentError('x'), 2],
  [new LimitExceededError('x'), 2],
  [new DatabaseLockedError('x'), 3],
  [new CommandError('x'), 1],
  [new CorruptionError('x', 'f', 0), 1],
  [new IoError('x', 'read', 'f', undefined), 1],
  [new PoisonedError('x', undefined), 1],
  [new InvariantError('x'), 1],
  [new TypeError('x'), 1],
  ['a string', 1],
])('%p ends with exit code %d', (error, code) => {
  expect(exitCodeOf(error, live)).toBe(code)
})

test('once the signal is aborted its reason decides, whatever was thrown', () => {
  expect(exitCodeOf(new UsageError('x'), aborted(130))).toBe(130)
  expect(exitCodeOf(new TypeError('x'), aborted(141))).toBe(141)
  expect(exitCodeOf(new TypeError('x'), AbortSignal.abort())).toBe(130)
})

test('a sentence goes to standard error, and under --json the answer says it too', async () => {
  const directory = path.join(createDirectory(), 'none')
  const sentence = `Cannot open ${directory}: there is no such directory`
  expect(await runCommand(['get', directory, 'a'])).toEqual({ code: 2, out: '', err: `strictkv: ${sentence}\n` })
  const { out } = await runCommand(['get', directory, 'a', '--json'])
  expect(JSON.parse(out)).toEqual({ error: { code: 'BAD_INPUT', message: sentence } })
  const unknown = await runCommand(['gte', '--json'])
  expect(JSON.parse(unknown.out)).toMatchObject({ error: { code: 'BAD_INPUT' } })
})

test('a stack is shown on request alone', async () => {
  const words = ['get', '/nowhere', 'a']
  expect((await runCommand(words)).err).not.toContain('    at ')
  expect((await runCommand(words, { environment: { STRICTKV_DEBUG: '1' } })).err).toContain('    at ')
})

test('a database that is open elsewhere is exit code 3, and says who has it', async () => {
  const directory = createDirectory()
  const db = await open(directory)
  await db.put('a', '1')
  for (const words of [
    ['get', directory, 'a'],
    ['put', directory, 'a', '2'],
    ['dump', directory],
  ]) {
    const { code, out, err } = await runCommand(words)
    expect([code, out]).toEqual([3, ''])
    expect(err).toContain(`pid ${process.pid}`)
  }
  expect(String(await db.get('a'))).toBe('1')
  await db.close()
})

test('an interrupted command ends with 130 and the database is whole', async () => {
  const directory = createDirectory()
  const db = await open(directory)
  await db.load(Array.from({ length: 1000 }, (_, row): [string, string] => [`k${String(row).padStart(4, '0')}`, 'v']))
  await db.close()
  const { code, out, err } = await runCommand(['scan', directory], {
    onOut: (text, interrupt) => (text.includes('k0100') ? interrupt() : undefined),
  })
  expect([code, err]).toEqual([130, 'strictkv: interrupted\n'])
  expect(out.split('\n').length).toBeLessThan(300)
  expect((await runCommand(['get', directory, 'k0999'])).out).toBe('"v"\n')
})

test('nothing begins once Ctrl-C was pressed', async () => {
  const directory = createDirectory()
  const { terminal, interrupt } = createTestTerminal()
  interrupt()
  const before = hashOf(directory)
  expect(await main(['put', directory, 'a', '1', '--create'], terminal)).toBe(130)
  expect(hashOf(directory)).toBe(before)
})

describe('bad input changes nothing:', () => {
  /** Words that a command cannot take; DIR is a database, EMPTY an empty directory, FILE a text. */
  const bad: Readonly<Record<string, readonly (readonly string[])[]>> = {
    demo: [['phantoms'], ['--runs=x']],
    bench: [['--seconds=0', 'DIR'], ['EMPTY/none/none'], ['FILE']],
    get: [['DIR'], ['EMPTY', 'a'], ['FILE', 'a'], ['DIR', '0xabc'], ['DIR', 'x'.repeat(5000)]],
    put: [['DIR', 'a'], ['EMPTY', 'a', 'b'], ['DIR', '"a', 'b'], ['DIR', 'x'.repeat(5000), 'b'], ['OTHER', 'a', 'b', '--create']],
    delete: [['DIR'], ['DIR', '0xz'], ['EMPTY', 'a'], ['DIR', 'a', 'x'.repeat(5000)]],
    scan: [['EMPTY'], ['DIR', '--limit=-1'], ['DIR', '--from=0x1'], ['DIR', 'more']],
    dump: [['EMPTY'], ['DIR', 'FILE'], ['DIR', 'EMPTY/no/file'], ['DIR', '--to="']],
    load: [['EMPTY', 'FILE'], ['DIR', 'FILE'], ['DIR', 'FILE', '--merge'], ['DIR', 'EMPTY/none'], ['DIR', 'EMPTY'], ['DIR', 'FILE', 'FILE']],
    restore: [['DIR', 'FILE'], ['FILE', 'FILE'], ['EMPTY', 'FILE'], ['EMPTY/new', 'FILE'], ['EMPTY/new', 'EMPTY'], ['']],
    compact: [['EMPTY'], ['DIR', '--from=0x1'], ['DIR', '--form=a']],
    upgrade: [['EMPTY'], ['FILE'], []],
    verify: [['EMPTY'], ['FILE'], [], ['DIR', 'DIR'], ['DIR', '--quick']],
    salvage: [['DIR'], ['EMPTY', 'OTHER/new'], ['DIR', 'OTHER'], ['DIR', 'DIR'], ['DIR', 'DIR/inside'], ['DIR', 'FILE']],
    checkpoint: [['DIR'], ['EMPTY', 'OTHER/new'], ['DIR', 'OTHER'], ['DIR', 'DIR/inside'], ['DIR', 'FILE']],
    inspect: [['DIR'], ['everything', 'DIR'], ['wal', 'EMPTY'], ['table', 'DIR'], ['table', 'DIR', '99'], ['tree', 'DIR', '--svg=FILE']],
    history: [['DIR'], ['EMPTY', 'a'], ['DIR', '0xz'], ['DIR', 'a', '--limit=0']],
    stats: [['EMPTY'], ['FILE'], [], ['DIR', '--watch=0']],
    shell: [['EMPTY'], ['FILE'], ['DIR', 'more'], ['DIR', '--temporary']],
    help: [['nothing-like-it']],
    version: [['now']],
  } // prettier-ignore

  test.each(
    Object.entries(bad).flatMap(([name, calls]) =>
      calls.map((words) => [name, words.map((word) => word.slice(0, 20)).join(' '), words] as const),
    ),
  )('%s %s', async (name, _shown, words) => {
    const top = createDirectory()
    const places = new Map(['DIR', 'EMPTY', 'OTHER'].map((place) => [place, path.join(top, place)]))
    for (const place of places.values()) mkdirSync(place)
    writeFileSync(path.join(top, 'FILE'), 'this is no dump\n')
    writeFileSync(path.join(top, 'OTHER', 'notes'), 'of somebody else')
    const db = await open(path.join(top, 'DIR'), { logMode: 'inline', backgroundMode: 'inline' })
    await db.put('a', '1')
    await db.close()
    const before = hashOf(top)
    const placed = words.map((word) => word.replace(/^(DIR|EMPTY|OTHER|FILE)/, (place) => path.join(top, place)))
    const { code, out, err } = await runCommand([name, ...placed])
    expect([code, out]).toEqual([2, ''])
    expect(err).toMatch(/^strictkv: Cannot [^\n]{10,}\n$/)
    expect(hashOf(top)).toBe(before)
  })

  test('every command is on this list', () => {
    expect(Object.keys(bad).sort()).toEqual(COMMANDS.map((command) => command.name).sort())
  })
})
