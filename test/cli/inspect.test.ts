/** `strictkv inspect`: what it says of a real directory, as text and as JSON; damage, bad input, and a database that is in use. */
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { open } from '../../src/open'
import { hashOf, runCommand, useDirectories } from './test-terminal'

const createDirectory = useDirectories()

interface ItemJson {
  readonly kind: string
  readonly [name: string]: unknown
}

/** Two tables and a log behind them; closed. */
async function database(): Promise<string> {
  const directory = path.join(createDirectory(), 'data')
  const db = await open(directory, { indexMode: 'resident' })
  await db.transact(async (tx) => {
    for (let i = 0; i < 200; i++) tx.put(`user/${String(i).padStart(4, '0')}`, `value ${i}`.repeat(6))
  })
  await db.flush()
  await db.transact(async (tx) => {
    tx.delete('user/0007')
    tx.put('large', Buffer.alloc(3000, 0x7f))
    tx.put(Buffer.of(0, 0xff), '')
  })
  await db.flush()
  await db.transact(async (tx) => tx.deleteRange({ gte: 'user/0100', lt: 'user/0110' }))
  await db.close()
  return directory
}

const tableOf = (directory: string, last = false): string => {
  const tables = readdirSync(directory).filter((name) => name.endsWith('.table')).sort() // prettier-ignore
  return last ? tables.at(-1)! : tables[0]!
}

async function items(...words: string[]): Promise<ItemJson[]> {
  const { out } = await runCommand([...words, '--json'])
  expect(out.endsWith('\n')).toBe(true)
  expect(out.trimEnd()).not.toContain('\n')
  return (JSON.parse(out) as { items: ItemJson[] }).items
}

test('the log, the manifest, the tree and the lock are shown, and nothing is changed', async () => {
  const directory = await database()
  const before = hashOf(directory)
  const log = await runCommand(['inspect', 'wal', directory])
  expect(log).toMatchObject({ code: 0, err: '' })
  expect(log.out).toMatch(/segment \d+: .*\.log, .*, needed, nonce [0-9a-f]{16}\n/)
  expect(log.out).toMatch(/frame \d+, \d\.\d KiB, 1 commit, sequence 3; durable up to \d+:\d+ when written/)
  expect(log.out).toMatch(/\nend at \d+:\d+, with sequence 3: closed; the database was closed there\n$/)

  const entries = await runCommand(['inspect', 'wal', directory, '--entries'])
  expect(entries.out).toContain('    commit 3: 1 entry\n      delete range ["user/0100", "user/0110")\n')

  const manifest = await runCommand(['inspect', 'manifest', directory])
  expect(manifest.code).toBe(0)
  expect(manifest.out).toMatch(/    \+ table \d+ of level 0, run 2: .*, 3 entries, sequence 2, \["\\x00\\xff", /)
  expect(manifest.out).toMatch(/state:\n(.*\n)*  table \d+ of level 0/)
  expect(manifest.out).toMatch(/records: whole; nothing follows the last record\n$/)

  const tree = await runCommand(['inspect', 'tree', directory])
  expect(tree.code).toBe(0)
  expect(tree.out).toContain('2 tables, ')
  expect(tree.out).toMatch(/level 0: 2 runs, 2 tables, .*203 entries\n  run 2: 1 table, /)

  const locks = await runCommand(['inspect', 'locks', directory])
  expect(locks.code).toBe(0)
  expect(locks.out).toContain('not held for writing')
  expect(hashOf(directory)).toBe(before)
})

test('a table is shown by number and by path, with rows where that is asked for', async () => {
  const directory = await database()
  const file = tableOf(directory)
  const byNumber = await runCommand(['inspect', 'table', directory, String(parseInt(file, 10))])
  const byPath = await runCommand(['inspect', 'table', path.join(directory, file)])
  expect(byNumber.code).toBe(0)
  expect(byPath.out).toBe(byNumber.out)
  expect(byNumber.out).toContain('properties: 200 entries of 200 keys, 0 tombstones, 0 range tombstones')
  expect(byNumber.out).toMatch(
    /filter: .* for 200 keys, 1[0-9.]+ bits a key, \d+ probes; false positives \d\.\d\d % of /,
  )
  expect(byNumber.out).toMatch(/index: \d+ blocks in 1 page, separators share "user\/0/)
  expect(byNumber.out).toMatch(/model: 1 segments by level, .* fitted with error \d+; measured \d+ at most/)
  expect(byNumber.out).toMatch(/  0: block 0, 3\.\d KiB, \d+ rows, "user\/0000" to "user\//)
  expect(byNumber.out).not.toContain('"user/0001" at')
  const rows = await runCommand(['inspect', 'table', path.join(directory, tableOf(directory, true)), '--rows'])
  expect(rows.out).toContain('    "\\x00\\xff" at 2: put, 0 bytes\n')
  expect(rows.out).toContain('    "user/0007" at 2: delete\n')
})

test('under --json a list is one document, bytes as text or hexadecimal', async () => {
  const directory = await database()
  const file = path.join(directory, tableOf(directory, true))
  const [store, table] = await items('inspect', 'table', file, '--rows')
  expect(store).toEqual({ kind: 'store', directory, isInUse: false, manifest: expect.any(String) as string })
  expect(table).toMatchObject({ kind: 'table', file, level: 0, run: 2 })
  const rows = (await items('inspect', 'table', file, '--rows')).filter(({ kind }) => kind === 'row')
  expect(rows).toEqual([
    { kind: 'row', key: { hex: '00ff' }, sequence: 2, entry: 'put', valueBytes: 0 },
    { kind: 'row', key: { text: 'large' }, sequence: 2, entry: 'put', valueBytes: 3000 },
    { kind: 'row', key: { text: 'user/0007' }, sequence: 2, entry: 'delete' },
  ])
  expect((await items('inspect', 'wal', directory)).at(-1)).toMatchObject({ kind: 'end', verdict: 'closed' })
  expect((await items('inspect', 'manifest', directory)).at(-1)).toMatchObject({ kind: 'end', verdict: 'whole' })
  const tree = JSON.parse((await runCommand(['inspect', 'tree', directory, '--json'])).out) as { levels: unknown[] }
  expect(tree).toMatchObject({ tables: 2, entries: 203, damages: [], levels: [{ level: 0 }] })
  const locks: unknown = JSON.parse((await runCommand(['inspect', 'locks', directory, '--json'])).out)
  expect(locks).toMatchObject({ isHeld: false, store: { kind: 'store' } })
})

test('pictures are drawn of the tree and of a learned index', async () => {
  const directory = await database()
  const folder = createDirectory()
  const [tree, model] = [path.join(folder, 'tree.svg'), path.join(folder, 'model.svg')]
  expect(await runCommand(['inspect', 'tree', directory, '--svg', tree])).toMatchObject({ code: 0, err: '' })
  expect(readFileSync(tree, 'utf8').match(/<title>table/g)).toHaveLength(2)
  const file = path.join(directory, tableOf(directory))
  const drawn = await runCommand(['inspect', 'table', file, '--model', model])
  expect(drawn.out).toContain(`${model}: the learned index of ${file}, as it is stored\n`)
  expect(readFileSync(model, 'utf8')).toContain('1 segment for')
})

test('damage is named, the rest is listed, and the exit code is 1', async () => {
  const directory = await database()
  const file = path.join(directory, tableOf(directory))
  const bytes = readFileSync(file)
  bytes[100]! ^= 1
  writeFileSync(file, bytes)
  const table = await runCommand(['inspect', 'table', file])
  expect(table.code).toBe(1)
  expect(table.out).toContain(`DAMAGE in ${file} at offset 0: `)
  expect(table.out).toMatch(/: block 1, /)
  const json = await items('inspect', 'table', file)
  expect(json.filter(({ kind }) => kind === 'damage')).toMatchObject([{ file, offset: 0 }])
  expect((await runCommand(['inspect', 'wal', directory])).code).toBe(0)
})

test('a database that is in use is looked at, and said to be', async () => {
  const directory = path.join(createDirectory(), 'data')
  const db = await open(directory)
  await db.put('alice', 'on')
  const log = await runCommand(['inspect', 'wal', directory])
  expect(log.code).toBe(0)
  expect(log.out).toContain('in use: a process has the database open, and this picture may be a moment old\n')
  expect(log.out).toContain(', with sequence 1: open; the database is open')
  const locks = await runCommand(['inspect', 'locks', directory])
  expect(locks.out).toContain(`held for writing by process ${process.pid} on `)
  expect(locks.out).toContain(`process ${process.pid} is alive on this machine\n`)
  await db.put('alice', 'off')
  await db.close()
})

test('bad input is one sentence, exit code 2, and nothing is changed', async () => {
  const directory = await database()
  const empty = createDirectory()
  const before = hashOf(directory)
  mkdirSync(path.join(empty, 'folder'))
  const number = String(parseInt(tableOf(directory), 10))
  const cases: readonly (readonly [words: readonly string[], says: string])[] = [
    [['inspect'], 'is missing'],
    [['inspect', 'cache', directory], 'there is wal, manifest, table, tree, locks'],
    [['inspect', 'wal', empty], 'it holds no database'],
    [['inspect', 'wal', path.join(empty, 'nowhere')], 'there is no such directory'],
    [['inspect', 'wal', directory, '7'], 'it takes a directory alone'],
    [['inspect', 'wal', directory, '--rows'], 'it goes with "strictkv inspect table"'],
    [['inspect', 'table', directory], 'give its number too'],
    [['inspect', 'table', directory, 'x'], 'give the number in the name of the file'],
    [['inspect', 'table', directory, '4711'], 'it has no table 4711'],
    [['inspect', 'table', path.join(directory, '0000004711.table')], 'it has no table 4711'],
    [['inspect', 'table', directory, number, '--rows', '--model', 'a.svg'], '--rows and --model together'],
    [['inspect', 'table', directory, number, '--model', path.join(directory, 'CURRENT')], 'ends in .svg'],
    [['inspect', 'tree', directory, '--svg', path.join(empty, 'nowhere', 'a.svg')], 'there is no directory'],
    [['inspect', 'manifest', directory, '4711'], 'it has no manifest 4711'],
    [['inspect', 'tree', directory, '--colour'], 'no such option'],
  ]
  for (const [words, says] of cases) {
    const { code, out, err } = await runCommand(words)
    expect([words, code, out]).toEqual([words, 2, ''])
    expect(err).toContain(says)
    expect(err.trimEnd()).not.toContain('\n')
  }
  expect(hashOf(directory)).toBe(before)
})

test('an interrupted list ends its document and exits with 130', async () => {
  const directory = await database()
  const { code, out } = await runCommand(['inspect', 'wal', directory, '--json', '--entries'], {
    onOut: (text, interrupt) => {
      if (text.includes('"segment"')) interrupt()
    },
  })
  expect(code).toBe(130)
  expect(JSON.parse(out)).toMatchObject({ error: { message: 'interrupted' } })
})
