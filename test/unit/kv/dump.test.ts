/** Dumps of a database and of a snapshot: all rows of one moment, in order, a chunk at a time. */
import { InvalidArgumentError, TransactionClosedError, dump } from '../../../src/index'
import type { Database } from '../../../src/index'
import { useTestDatabases } from './dump-world'

const { openDatabase } = useTestDatabases()

async function textOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = []
  for await (const chunk of chunks) parts.push(chunk)
  return Buffer.concat(parts).toString()
}

async function fill(db: Database, ...keys: string[]): Promise<void> {
  await db.transact((tx) => {
    for (const key of keys) tx.put(key, `value of ${key}`)
  })
}

test('an empty database is a first and a last line', async () => {
  const db = await openDatabase()
  expect(await textOf(dump(db))).toBe(
    '{"format":"strictkv-dump","version":1,"sequence":0}\n{"rows":0,"checksum":"00000000"}\n',
  )
})

test('rows stand in ascending order between them', async () => {
  const db = await openDatabase()
  await fill(db, 'b', 'a', 'c')
  const lines = (await textOf(dump(db))).split('\n')
  expect(lines.slice(1, 4)).toEqual(['["a","value of a"]', '["b","value of b"]', '["c","value of c"]'])
  expect(lines[4]).toMatch(/^\{"rows":3,"checksum":"[0-9a-f]{8}"\}$/)
})

test('a range is dumped by bounds as of a scan', async () => {
  const db = await openDatabase()
  await fill(db, 'a1', 'a2', 'b1')
  expect(await textOf(dump(db, { prefix: 'a', gt: 'a1' }))).toContain('["a2","value of a2"]\n{"rows":1,')
})

test('commits made while it is taken are not in it', async () => {
  const db = await openDatabase()
  await db.transact((tx) => {
    for (let row = 0; row < 5000; row++) tx.put(`k${String(row).padStart(5, '0')}`, 'old'.padEnd(40))
  })
  const chunks = dump(db)
  let text = String((await chunks.next()).value)
  await db.put('k04999', 'new')
  await db.put('k99999', 'new')
  text += await textOf(chunks)
  expect(text).not.toContain('new')
  expect(text).toContain('{"rows":5000,')
})

test('a dump that is left early lets its snapshot go', async () => {
  const db = await openDatabase()
  await fill(db, 'a')
  const before = db.stats().transactions
  const chunks = dump(db)
  await chunks.next()
  await chunks.return!()
  expect(db.stats().transactions).toEqual(before)
  await expect(textOf(chunks)).resolves.toBe('')
})

test('a snapshot is dumped as it is, and stays open', async () => {
  const db = await openDatabase()
  await fill(db, 'a')
  const snapshot = await db.snapshot()
  await fill(db, 'b')
  expect(await textOf(dump(snapshot))).toContain(`"sequence":${snapshot.sequence}}\n["a","value of a"]\n{"rows":1,`)
  expect(String(await snapshot.get('a'))).toBe('value of a')
  snapshot.close()
  await expect(textOf(dump(snapshot))).rejects.toThrow(TransactionClosedError)
})

test('progress is told with every chunk and at the end', async () => {
  const db = await openDatabase()
  await db.transact((tx) => {
    for (let row = 0; row < 200; row++) tx.put(`k${row}`, Buffer.alloc(1000, 0x61))
  })
  const told: number[] = []
  await textOf(dump(db, { onProgress: ({ rows }) => told.push(rows) }))
  expect(told.length).toBeGreaterThan(2)
  expect(told.at(-1)).toBe(200)
  expect([...told].sort((a, b) => a - b)).toEqual(told)
})

test('options are checked', async () => {
  const db = await openDatabase()
  expect(() => dump(db, { limit: 3 } as never)).toThrow(InvalidArgumentError)
  expect(() => dump(db, { onProgress: 3 } as never)).toThrow(InvalidArgumentError)
})
