/** get, put, delete, scan, compact and upgrade on a real directory. */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { open } from '../../src/index'
import { runCommand, useDirectories } from './test-terminal'

const createDirectory = useDirectories()

/** A database of these rows. */
async function databaseOf(rows: Readonly<Record<string, string>>): Promise<string> {
  const directory = createDirectory()
  const db = await open(directory, { logMode: 'inline', backgroundMode: 'inline' })
  await db.transact((tx) => {
    for (const [key, value] of Object.entries(rows)) tx.put(key, value)
  })
  await db.close()
  return directory
}

test('put makes a database only when it is told to', async () => {
  const directory = path.join(createDirectory(), 'new')
  expect((await runCommand(['put', directory, 'a', '1'])).code).toBe(2)
  expect(await runCommand(['put', directory, 'a', '1', '--create'])).toEqual({ code: 0, out: 'put "a" as commit 1\n', err: '' }) // prettier-ignore
  const { out } = await runCommand(['put', directory, '0x00', 'é', '--json'])
  expect(JSON.parse(out)).toEqual({ key: { hex: '00' }, bytes: 2, sequence: 2 })
  expect((await runCommand(['get', directory, '0x00'])).out).toBe('"\\xc3\\xa9"\n')
})

test('a value is read from standard input byte for byte, up to the largest there can be', async () => {
  const directory = await databaseOf({ a: '1' })
  const bytes = Buffer.from([0, 255, 10, 13])
  expect((await runCommand(['put', directory, 'b', '-'], { input: [bytes.subarray(0, 1), bytes.subarray(1)] })).code).toBe(0) // prettier-ignore
  expect((await runCommand(['get', directory, 'b'])).out).toBe('"\\x00\\xff\\n\\x0d"\n')
  const large = Array.from({ length: 17 }, () => Buffer.alloc(1024 * 1024))
  const refused = await runCommand(['put', directory, 'b', '-'], { input: large })
  expect(refused).toMatchObject({ code: 2, err: 'strictkv: Cannot use standard input as VALUE: it has more than 16777216 bytes\n' }) // prettier-ignore
  const atTerminal = await runCommand(['put', directory, 'b', '-'], { inputIsTerminal: true })
  expect(atTerminal.err).toBe('strictkv: Cannot read from the terminal: name a file, or use < or |\n')
})

test('get prints a value, raw or as JSON, and exits with 1 where there is none', async () => {
  const directory = await databaseOf({ a: 'x\ny', '': 'of the empty key' })
  expect((await runCommand(['get', directory, 'a'])).out).toBe('"x\\ny"\n')
  expect((await runCommand(['get', directory, 'a', '--raw'])).out).toBe('x\ny')
  expect((await runCommand(['get', directory, '""'])).out).toBe('"of the empty key"\n')
  const found = JSON.parse((await runCommand(['get', directory, 'a', '--json'])).out) as unknown
  expect(found).toEqual({ key: { text: 'a' }, found: true, value: { hex: '780a79' } })
  const missing = await runCommand(['get', directory, 'b'])
  expect(missing).toEqual({ code: 1, out: '', err: `strictkv: Cannot get "b": there is no such key in ${directory}\n` })
  const none = await runCommand(['get', directory, 'b', '--json'])
  expect([none.code, JSON.parse(none.out)]).toEqual([1, { key: { text: 'b' }, found: false }])
})

test('delete says how many keys were there, and deletes all or none', async () => {
  const directory = await databaseOf({ a: '1', b: '2', c: '3' })
  expect((await runCommand(['delete', directory, 'a', 'x', 'b'])).out).toBe('deleted 2 keys\n')
  expect((await runCommand(['scan', directory, '--keys'])).out).toBe('"c"\n')
})

test('scan prints ranges, backwards, limited, and as one document', async () => {
  const directory = await databaseOf({ a: '1', b1: '2', b2: '3', c: '4' })
  const keys = async (...words: string[]): Promise<string> => {
    const { code, out } = await runCommand(['scan', directory, '--keys', ...words])
    expect(code).toBe(0)
    return out.replaceAll('\n', ' ')
  }
  expect(await keys()).toBe('"a" "b1" "b2" "c" ')
  expect(await keys('--from', 'b1', '--to=c')).toBe('"b1" "b2" ')
  expect(await keys('--prefix', 'b', '--reverse')).toBe('"b2" "b1" ')
  expect(await keys('--limit', '2')).toBe('"a" "b1" ')
  expect(await keys('--limit', '0')).toBe('')
  expect((await runCommand(['scan', directory, '--prefix', 'b'])).out).toBe('"b1"\t"2"\n"b2"\t"3"\n')
  const all = JSON.parse((await runCommand(['scan', directory, '--json'])).out) as { rows: unknown[] }
  expect(all.rows).toHaveLength(4)
  expect(all.rows[0]).toEqual({ key: { text: 'a' }, value: { text: '1' } })
  expect((await runCommand(['scan', directory, '--json', '--from=x'])).out).toBe('{"rows":[]}\n')
})

test('compact drops what nobody can read any more', async () => {
  const directory = await databaseOf({ a: '1' })
  for (let row = 0; row < 3; row++) await runCommand(['put', directory, 'a', `value ${row}`])
  const { out } = await runCommand(['compact', directory, '--json'])
  const { after } = JSON.parse(out) as { after: { tables: number; entries: number } }
  expect(after).toMatchObject({ tables: 1, entries: 1 })
  expect((await runCommand(['get', directory, 'a'])).out).toBe('"value 2"\n')
  expect((await runCommand(['compact', directory, '--prefix', 'x'])).out).toMatch(/^before: .*\nafter: {2}.*\ntook /)
})

test('upgrade has nothing to do, and names files that are of no version it knows', async () => {
  const directory = await databaseOf({ a: '1' })
  const fine = await runCommand(['upgrade', directory])
  expect(fine.code).toBe(0)
  expect(fine.out).toContain('1 manifest of format version 1\n')
  expect(fine.out).toContain('Nothing to upgrade')
  writeFileSync(path.join(directory, '0000009999.table'), 'no table')
  const { code, out } = await runCommand(['upgrade', directory])
  expect(code).toBe(1)
  expect(out).toContain('0000009999.table: damaged, its table format cannot be told')
  expect(JSON.parse((await runCommand(['upgrade', directory, '--json'])).out)).toMatchObject({ upgraded: 0, current: { table: 1 } }) // prettier-ignore
})
