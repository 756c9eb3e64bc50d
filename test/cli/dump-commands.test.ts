/** dump, load and restore as commands: files appear whole or not at all, and so do databases. */
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { main } from '../../src/cli/main'
import { open } from '../../src/index'
import { createTestTerminal, hashOf, runCommand, useDirectories } from './test-terminal'

const createDirectory = useDirectories()
const HOSTILE = ['', '\0', 'a\nb', '"quoted"', 'é', '\\', '["a","b"]', '{"rows":0}']

/** A database of hostile rows, in a directory of its own. */
async function hostileDatabase(): Promise<{ readonly top: string; readonly directory: string }> {
  const top = createDirectory()
  const directory = path.join(top, 'data')
  const db = await open(directory, { logMode: 'inline', backgroundMode: 'inline' })
  await db.transact((tx) => {
    for (const text of HOSTILE) tx.put(text, text)
    tx.put(Buffer.of(0xff), Buffer.of(0xc3, 0x28))
    tx.put(Buffer.alloc(4096, 0xfe), Buffer.alloc(100_000, 0x80))
  })
  await db.close()
  return { top, directory }
}

const scanOf = async (directory: string): Promise<string> => (await runCommand(['scan', directory])).out

test('a dump in a file, restored, has the same rows', async () => {
  const { top, directory } = await hostileDatabase()
  const [file, copy] = [path.join(top, 'a.dump'), path.join(top, 'deep', 'copy')]
  const dumped = await runCommand(['dump', directory, file, '--json'])
  expect([dumped.code, JSON.parse(dumped.out)]).toMatchObject([0, { file, rows: HOSTILE.length + 2 }])
  const restored = await runCommand(['restore', copy, file])
  expect([restored.code, restored.err]).toEqual([0, ''])
  expect(restored.out).toContain(`${copy}: 10 rows, `)
  expect(await scanOf(copy)).toBe(await scanOf(directory))
  expect(readdirSync(path.dirname(copy))).toEqual(['copy'])
  expect(readdirSync(top).sort()).toEqual(['a.dump', 'data', 'deep'])
})

test('standard output and standard input do the same, into an empty directory too', async () => {
  const { top, directory } = await hostileDatabase()
  const { out } = await runCommand(['dump', directory])
  expect(readFileSync(await dumpFile(directory, top), 'utf8')).toBe(out)
  const copy = path.join(top, 'copy')
  mkdirSync(copy)
  expect((await runCommand(['restore', copy, '-'], { input: out })).code).toBe(0)
  expect((await runCommand(['dump', copy])).out.split('\n').slice(1)).toEqual(out.split('\n').slice(1))
})

test('load is all or nothing, and merging writes over what is there', async () => {
  const { top, directory } = await hostileDatabase()
  const file = await dumpFile(directory, top)
  await runCommand(['put', directory, 'é', 'changed'])
  const before = await scanOf(directory)
  const refused = await runCommand(['load', directory, file])
  expect([refused.code, await scanOf(directory)]).toEqual([2, before])
  const merged = await runCommand(['load', directory, file, '--merge'])
  expect([merged.code, merged.out]).toMatchObject([0, expect.stringContaining('loaded 10 rows')])
  expect((await runCommand(['get', directory, 'é'])).out).toBe('"\\xc3\\xa9"\n')
})

test('a bad line is named with file, line and column, and merging a file looks before it writes', async () => {
  const { top, directory } = await hostileDatabase()
  const text = readFileSync(await dumpFile(directory, top), 'utf8').replace('["\\"quoted\\""', '["\\"quoted\\"":')
  const file = path.join(top, 'bad.dump')
  writeFileSync(file, text)
  const before = hashOf(directory)
  for (const words of [
    ['load', directory, file, '--merge'],
    ['restore', path.join(top, 'new'), file],
  ]) {
    const { code, err } = await runCommand(words)
    expect([code, err]).toEqual([2, `strictkv: Cannot load ${file}: line 4, column 14: , must stand here\n`])
  }
  expect(hashOf(directory)).toBe(before)
  expect(readdirSync(top).sort()).toEqual(['a.dump', 'bad.dump', 'data'])
})

test('a merge from standard input says how much it has written before a bad line', async () => {
  const { directory } = await hostileDatabase()
  const rows = Array.from({ length: 1500 }, (_, row) => `["row/${String(row).padStart(4, '0')}","v"]\n`)
  const input = `{"format":"strictkv-dump","version":1}\n${rows.join('')}oops\n`
  const { code, err } = await runCommand(['load', directory, '--merge'], { input })
  expect(code).toBe(1)
  expect(err).toContain('Cannot load standard input: line 1502, column 1: ')
  expect(err).toContain('the first 1,000 rows have been written\n')
  expect((await runCommand(['scan', directory, '--prefix=row/', '--keys'])).out.split('\n')).toHaveLength(1001)
})

test.each(['dump', 'load', 'restore'])('an interrupted %s leaves nothing behind', async (name) => {
  const { top, directory } = await hostileDatabase()
  const file = await dumpFile(directory, top)
  const before = await scanOf(directory)
  const target = path.join(top, 'target')
  if (name === 'load') await runCommand(['put', target, 'z', '1', '--create'])
  const names = readdirSync(top).sort()
  // The progress bar tells when the work has begun: Ctrl-C comes with the first line of it.
  const made = createTestTerminal({ errIsTerminal: true })
  const terminal = { ...made.terminal, err: () => made.interrupt() }
  const words = name === 'dump' ? ['dump', directory, target] : [name, target, file]
  expect(await main(words, terminal)).toBe(130)
  expect(readdirSync(top).sort()).toEqual(names)
  expect(await scanOf(directory)).toBe(before)
  if (name === 'load') expect(await scanOf(target)).toBe('"z"\t"1"\n')
})

test('a dump on standard output leaves no room for an answer', async () => {
  const { directory } = await hostileDatabase()
  const { code, err } = await runCommand(['dump', directory, '--json'])
  expect([code, err]).toMatchObject([2, expect.stringContaining('with --json, which is for the answer: name a file')])
})

test('a name that is taken stays as it is', async () => {
  const { top, directory } = await hostileDatabase()
  const file = await dumpFile(directory, top)
  const before = hashOf(top)
  const { code, err } = await runCommand(['dump', directory, file])
  expect([code, err]).toEqual([2, `strictkv: Cannot write ${file}: it is there already; name a new file\n`])
  expect(hashOf(top)).toBe(before)
  expect(existsSync(`${file}.partial`)).toBe(false)
})

async function dumpFile(directory: string, top: string): Promise<string> {
  const file = path.join(top, 'a.dump')
  expect((await runCommand(['dump', directory, file])).code).toBe(0)
  return file
}
