/** Any rows, however hostile, come back from a dump as they were: keys and values of all bytes, of all sizes. */
import fc from 'fast-check'
import { dump, loadDump } from '../../src/index'
import type { Database } from '../../src/index'
import { useTestDatabases } from '../unit/kv/dump-world'

const { openDatabase } = useTestDatabases()
const MIB = 1024 * 1024

async function rowsOf(db: Database): Promise<[string, string][]> {
  const rows: [string, string][] = []
  for await (const [key, value] of db.scan()) rows.push([key.toString('latin1'), value.toString('latin1')])
  return rows
}

async function emptied(db: Database): Promise<Database> {
  await db.transact((tx) => tx.deleteRange({}))
  return db
}

/** Bytes as they come: text, control characters, quotes, invalid UTF-8, nothing. */
const hostile = fc.oneof(
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  fc.string({ unit: 'binary', maxLength: 20 }).map((text) => Buffer.from(text)),
  fc.constantFrom('', '\0', '"', '\\', '\n', '\r\n', '\t', '{"hex":"00"}', '["a","b"]', '\ufeff', '\u2028').map((text) => Buffer.from(text)), // prettier-ignore
  fc.constantFrom(Buffer.of(0xff), Buffer.of(0xc3), Buffer.of(0xed, 0xa0, 0x80), Buffer.alloc(4096, 0xff)),
)

test('dump and load give back every row, whole and merged', async () => {
  const [db, copy, merged] = [await openDatabase(), await openDatabase(), await openDatabase()]
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(hostile, hostile), { maxLength: 30 }), async (rows) => {
      await emptied(db)
      await db.transact((tx) => {
        for (const [key, value] of rows) tx.put(key, value)
      })
      const expected = await rowsOf(db)
      const receipt = await loadDump(await emptied(copy), dump(db))
      await loadDump(await emptied(merged), dump(db), { merge: true })
      expect(receipt.rows).toBe(expected.length)
      expect(await rowsOf(copy)).toEqual(expected)
      expect(await rowsOf(merged)).toEqual(expected)
    }),
    { numRuns: 40 },
  )
})

test.each([
  ['text', Buffer.alloc(2 * MIB, 'value ')],
  ['quotes, each of which is escaped', Buffer.alloc(2 * MIB, '"')],
  ['bytes that are no text, the largest there can be', Buffer.alloc(16 * MIB, 0xff)],
])('a large value, of %s, comes back under the longest key', async (_what, value) => {
  const [db, copy] = [await openDatabase(), await openDatabase()]
  const key = Buffer.alloc(4096, 0x80)
  await db.put(key, value)
  await loadDump(copy, dump(db))
  expect((await copy.get(key))?.equals(value)).toBe(true)
})
