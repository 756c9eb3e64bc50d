/** `strictkv history`: the versions of a key in a real directory, as text and as JSON, and bad input. */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { open } from '../../src/open'
import { hashOf, runCommand, useDirectories } from './test-terminal'

const createDirectory = useDirectories()

/** A key that was put, flushed, put again and deleted in a range; closed. */
async function database(): Promise<string> {
  const directory = path.join(createDirectory(), 'data')
  const db = await open(directory)
  await db.put('alice', 'on call')
  await db.flush()
  await db.put('alice', Buffer.alloc(2000, 'x'))
  await db.transact(async (tx) => tx.deleteRange({ gte: 'a', lt: 'b' }))
  await db.put(Buffer.of(0, 0xff), Buffer.of(1))
  await db.close()
  return directory
}

const fileOf = (directory: string, ending: string): string =>
  path.join(directory, readdirSync(directory).filter((name) => name.endsWith(ending)).sort()[0]!) // prettier-ignore

test('every version is shown with its place, newest first, and nothing is changed', async () => {
  const directory = await database()
  const before = hashOf(directory)
  const { code, out, err } = await runCommand(['history', directory, 'alice'])
  expect([code, err]).toEqual([0, ''])
  const [table, log] = [fileOf(directory, '.table'), fileOf(directory, '.log')]
  const lines = out.split('\n').map((line) => line.replace(/at \d+/g, 'at N'))
  expect(lines.slice(1)).toEqual([
    '"alice": 3 versions',
    `  sequence 3: delete range ["a", "b"); log, ${log} at N`,
    `  sequence 2: put 2.0 KiB; log, ${log} at N`,
    `  sequence 1: put "on call"; log, ${log} at N; level 0, ${table}`,
    '',
  ])
  expect(hashOf(directory)).toBe(before)
})

test('a key that is no text is typed in hexadecimal, and the answer can be JSON', async () => {
  const directory = await database()
  const { code, out } = await runCommand(['history', directory, '0x00ff', '--json'])
  expect(code).toBe(0)
  expect(JSON.parse(out)).toMatchObject({
    key: { hex: '00ff' },
    isCut: false,
    damages: [],
    store: { isInUse: false },
    versions: [{ sequence: 4, kind: 'put', valueBytes: 1, value: { hex: '01' }, places: [{ in: 'log' }] }],
  })
})

test('the newest so many are shown, and values up to a length', async () => {
  const directory = await database()
  const { out } = await runCommand(['history', directory, 'alice', '--limit', '1', '--value-bytes', '3000'])
  expect(out).toContain('"alice": 1 version, and older ones\n')
  const long = await runCommand(['history', directory, 'alice', '--value-bytes', '3000'])
  expect(long.out).toContain('put "xxxxx')
  const none = await runCommand(['history', directory, 'nobody'])
  expect(none).toMatchObject({ code: 0 })
  expect(none.out).toContain('"nobody": 0 versions\n')
})

test('what cannot be read is named, and the exit code is 1', async () => {
  const directory = await database()
  const table = fileOf(directory, '.table')
  const bytes = readFileSync(table)
  bytes[20]! ^= 1
  writeFileSync(table, bytes)
  const { code, out } = await runCommand(['history', directory, 'alice'])
  expect(code).toBe(1)
  expect(out).toContain(`DAMAGE in ${table} at offset 0: `)
  expect(out).toContain('"alice": 3 versions\n')
})

test('bad input is one sentence, exit code 2, and nothing is changed', async () => {
  const directory = await database()
  const before = hashOf(directory)
  for (const words of [
    ['history', directory],
    ['history', directory, '0x0'],
    ['history', directory, '"open'],
    ['history', directory, 'k'.repeat(5000)],
    ['history', directory, 'alice', '--limit', '0'],
    ['history', createDirectory(), 'alice'],
  ]) {
    const { code, out, err } = await runCommand(words)
    expect([words, code, out]).toEqual([words, 2, ''])
    expect(err.trimEnd()).not.toContain('\n')
  }
  expect(hashOf(directory)).toBe(before)
})
