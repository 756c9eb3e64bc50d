/** Dumps are read line by line, refused with line and column, and loaded whole or not at all. */
import { InvalidArgumentError, LimitExceededError, dump, loadDump, readDump } from '../../../src/index'
import type { Database } from '../../../src/index'
import { useTestDatabases } from './dump-world'

const { openDatabase } = useTestDatabases()
const HEADER = '{"format":"strictkv-dump","version":1}\n'

const chunksOf = (text: string | Buffer): Uint8Array[] => [Buffer.from(text as string)]

async function rowsOf(db: Database): Promise<string[]> {
  const rows: string[] = []
  for await (const [key, value] of db.scan()) rows.push(`${key.toString()}=${value.toString()}`)
  return rows
}

async function whyNotRead(text: string | Buffer): Promise<string> {
  const rows = readDump(chunksOf(text), { name: 'a.dump' })
  try {
    for await (const _row of rows) continue
  } catch (error) {
    if (error instanceof InvalidArgumentError) return error.message
    throw error
  }
  return 'it was read'
}

describe('reading', () => {
  test('gives the rows, however the bytes are cut into chunks', async () => {
    const text = `${HEADER}["a","1"]\n["é",{"hex":"00"}]\n{"rows":2}\n`
    for (let size = 1; size < 20; size++) {
      const bytes = Buffer.from(text)
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size)) // prettier-ignore
      const rows: string[] = []
      for await (const [key, value] of readDump(chunks)) rows.push(`${key.toString()}=${value.toString('hex')}`)
      expect(rows).toEqual(['a=31', 'é=00'])
    }
  })

  test('does not mind that an editor took the last line break, wrote CR LF or left empty lines at the end', async () => {
    expect(await whyNotRead(`${HEADER}["a","1"]\n{"rows":1}`)).toBe('it was read')
    expect(await whyNotRead(`${HEADER}["a","1"]\n{"rows":1}\n`.replaceAll('\n', '\r\n'))).toBe('it was read')
    expect(await whyNotRead(`${HEADER}{"rows":0}\n\n \n`)).toBe('it was read')
  })

  test.each([
    ['', 'Cannot load a.dump: it ends after line 0 without the last line {"rows":...}: it was cut'],
    ['PNG', 'Cannot load a.dump: line 1, column 1: this is no dump: the first line must begin with {"format":"strictkv-dump"'],
    [HEADER, 'Cannot load a.dump: it ends after line 1 without the last line {"rows":...}: it was cut'],
    [HEADER.trim(), 'Cannot load a.dump: it ends after line 1 without the last line {"rows":...}: it was cut'],
    [`${HEADER}["a","1"]\n`, 'Cannot load a.dump: it ends after line 2 without the last line {"rows":...}: it was cut'],
    [`${HEADER}["a","1"]`, 'Cannot load a.dump: it ends after line 2 without the last line {"rows":...}: it was cut'],
    [`${HEADER}["a","1"]\n["b`, 'Cannot load a.dump: its last line, 3, is not whole: it was cut'],
    [`${HEADER}["a","1"]\n{"rows":1,"che`, 'Cannot load a.dump: its last line, 3, is not whole: it was cut'],
    [`${HEADER}["a","1"]\n["b";"2"]\n{"rows":2}\n`, 'Cannot load a.dump: line 3, column 5: , must stand here'],
    [`${HEADER}\n{"rows":0}\n`, 'Cannot load a.dump: line 2, column 1: a row ["key","value"] or the last line {"rows":...} must stand here'],
    [`${HEADER}["b","1"]\n["a","2"]\n{"rows":2}\n`, 'Cannot load a.dump: line 3: the key "a" must come before "b": keys must ascend byte by byte'],
    [`${HEADER}["a","1"]\n["a","2"]\n{"rows":2}\n`, 'Cannot load a.dump: line 3: the key "a" came in the line before: keys must ascend byte by byte'],
    [`${HEADER}["a","1"]\n{"rows":2}\n`, 'Cannot load a.dump: line 3: it says that there are 2 rows, and there are 1: lines are missing or added'],
    [`${HEADER}{"rows":0}\n["a","1"]\n`, 'Cannot load a.dump: line 3: nothing may stand behind the last line {"rows":...}'],
    [`${HEADER}{"rows":0,"checksum":"00000001"}\n`, 'Cannot load a.dump: line 2: it says that the checksum is 00000001, and it is 00000000: rows were changed'],
    [Buffer.from([...Buffer.from(HEADER), 0x5b, 0x22, 0xff, 0x22, 0x0a]), 'Cannot load a.dump: line 2: it is no valid UTF-8'],
  ])('refuses %j and says where', async (text, why) => {
    expect(await whyNotRead(text)).toBe(why)
  }) // prettier-ignore

  test('refuses every dump that was cut, wherever', async () => {
    const db = await openDatabase()
    await db.transact((tx) => {
      for (const key of ['a', 'b"', 'c\n']) tx.put(key, key)
    })
    const parts: Uint8Array[] = []
    for await (const chunk of dump(db)) parts.push(chunk)
    const whole = Buffer.concat(parts)
    expect(await whyNotRead(whole)).toBe('it was read')
    // Without its last line break it is whole all the same.
    for (let bytes = 0; bytes < whole.length - 1; bytes++) {
      expect(await whyNotRead(whole.subarray(0, bytes))).toMatch(/cut|this is no dump/)
    }
  })

  test('refuses what is no chunk and no chunks', async () => {
    const texts = ['text'] as unknown as Iterable<Uint8Array>
    await expect(readDump(texts).next()).rejects.toThrow('"text" is no piece of a dump; give bytes')
    expect(() => readDump(7 as never)).toThrow(InvalidArgumentError)
    expect(() => readDump([], { nmae: 'x' } as never)).toThrow('did you mean "name"?')
  })
})

describe('loading', () => {
  test('writes all rows in one commit and says which contents they are', async () => {
    const [db, copy] = [await openDatabase(), await openDatabase()]
    await db.transact((tx) => {
      for (const key of ['', 'a', 'b']) tx.put(key, `${key}!`)
    })
    const receipt = await loadDump(copy, dump(db))
    expect(receipt).toMatchObject({ rows: 3, bytes: 7, durable: true })
    expect(await rowsOf(copy)).toEqual(await rowsOf(db))
    const lines: Uint8Array[] = []
    for await (const chunk of dump(copy)) lines.push(chunk)
    expect(Buffer.concat(lines).toString()).toContain(`"checksum":"${receipt.checksum}"`)
  })

  test('of a bad dump leaves nothing', async () => {
    const db = await openDatabase()
    const bad = [`${HEADER}["a","1"]\n["b","2"\n`, `${HEADER}["a","1"]\n{"rows":2}\n`, `${HEADER}["a","1"]\n`]
    for (const text of bad) {
      await expect(loadDump(db, chunksOf(text))).rejects.toThrow(InvalidArgumentError)
      expect(await rowsOf(db)).toEqual([])
    }
  })

  test('into a range with keys is refused, and merging writes over them', async () => {
    const db = await openDatabase()
    await db.put('b', 'old')
    await db.put('z', 'old')
    const text = `${HEADER}["c","new"]\n["a","new"]\n["b","new"]\n{"rows":3}\n`
    const ascending = `${HEADER}["a","new"]\n["c","new"]\n{"rows":2}\n`
    await expect(loadDump(db, chunksOf(ascending))).rejects.toThrow(InvalidArgumentError)
    expect(await rowsOf(db)).toEqual(['b=old', 'z=old'])
    expect(await loadDump(db, chunksOf(text), { merge: true })).toMatchObject({ rows: 3, bytes: 12 })
    expect(await rowsOf(db)).toEqual(['a=new', 'b=new', 'c=new', 'z=old'])
  })

  test('a merge that meets a bad line has written the transactions before it, and says how far it was', async () => {
    const db = await openDatabase()
    const rows = Array.from({ length: 2500 }, (_, row) => `["k${String(row).padStart(5, '0')}","v"]\n`)
    const told: number[] = []
    const merging = loadDump(db, chunksOf(`${HEADER}${rows.join('')}["bad"]\n`), {
      merge: true,
      onProgress: (progress) => told.push(progress.rows),
    })
    await expect(merging).rejects.toThrow('line 2502, column 7: , must stand here')
    expect(told).toEqual([1000, 2000])
    expect(await db.count()).toBe(2000)
  })

  test('a key beyond the limit is refused with its line', async () => {
    const db = await openDatabase()
    const long = 'k'.repeat(5000)
    for (const merge of [false, true]) {
      const loading = loadDump(db, chunksOf(`${HEADER}["a","1"]\n["${long}","2"]\n{"rows":2}\n`), { merge })
      await expect(loading).rejects.toThrow(LimitExceededError)
      await expect(loading).rejects.toThrow('line 3: Cannot use a key of 5000 bytes')
      expect(await db.count()).toBe(0)
    }
  })
})
