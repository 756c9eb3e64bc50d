/**
 * Opening on a real directory: options, what is refused, what survives, and two openers.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import {
  DatabaseClosedError, DatabaseLockedError, InvalidArgumentError, LimitExceededError, ReadOnlyError, SerializationError,
  open,
} from '../../../src/index' // prettier-ignore
import type { DatabaseEvent, OpenOptions } from '../../../src/index'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'strictkv-open-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const inDirectory = (name = 'data'): string => path.join(directory, name)

describe('opening', () => {
  test('creates a database, and finds in it later what was committed', async () => {
    const db = await open(inDirectory())
    expect(db.path).toBe(inDirectory())
    await db.transact((tx) => {
      for (let i = 0; i < 100; i++) tx.put(`key ${i}`, `value ${i}`)
    })
    await db.flush()
    await db.put('key 7', 'seven')
    await db.compact()
    await db.delete('key 8')
    await db.close()
    const again = await open(inDirectory(), { create: false })
    expect(await again.count()).toBe(99)
    expect(String(await again.get('key 7'))).toBe('seven')
    expect((await again.put('more', '1')).sequence).toBe(4)
    await again.close()
  })

  test('creates the directories above it too', async () => {
    const db = await open(inDirectory('a/b/c'))
    await db.put('a', '1')
    await db.close()
    expect(existsSync(inDirectory('a/b/c'))).toBe(true)
  })

  test('with create false it finds nothing where nothing is, and leaves it so', async () => {
    await expect(open(inDirectory(), { create: false })).rejects.toThrow(
      /the directory does not exist; create the database with create: true/,
    )
    expect(existsSync(inDirectory())).toBe(false)
  })

  test('a path that is a file is refused, the file as it was', async () => {
    writeFileSync(inDirectory('file'), 'mine')
    await expect(open(inDirectory('file'))).rejects.toThrow(/is no directory; give the path of a directory/)
    await expect(open(inDirectory('file/below'))).rejects.toThrow(InvalidArgumentError)
    expect(readdirSync(directory)).toEqual(['file'])
  })

  test('a second opener is refused until the first has closed', async () => {
    const db = await open(inDirectory())
    await expect(open(inDirectory())).rejects.toThrow(DatabaseLockedError)
    await expect(open(inDirectory())).rejects.toThrow(new RegExp(String(process.pid)))
    await db.put('a', '1')
    await db.close()
    const next = await open(inDirectory())
    expect(String(await next.get('a'))).toBe('1')
    await next.close()
  })

  test('for reading alone, it reads and changes no file', async () => {
    await expect(open(inDirectory(), { readOnly: true })).rejects.toThrow(InvalidArgumentError)
    expect(existsSync(inDirectory())).toBe(false)
    const db = await open(inDirectory())
    await db.put('a', '1')
    await db.close()
    const files = readdirSync(inDirectory())
    const [one, other] = [await open(inDirectory(), { readOnly: true }), await open(inDirectory(), { readOnly: true })]
    expect(String(await one.get('a'))).toBe('1')
    expect(String(await other.get('a'))).toBe('1')
    await expect(one.put('a', '2')).rejects.toThrow(ReadOnlyError)
    const tx = one.begin()
    expect(() => tx.put('a', '2')).toThrow(ReadOnlyError)
    await one.close()
    await other.close()
    expect(readdirSync(inDirectory())).toEqual(files)
  })

  test('conflicts, events and limits reach the application', async () => {
    const events: DatabaseEvent[] = []
    const db = await open(inDirectory(), { onEvent: (event) => events.push(event), keyBytesMax: 8, durability: 'os' })
    expect(await db.put('a', '1')).toMatchObject({ durable: false })
    await expect(db.put('123456789', '1')).rejects.toThrow(LimitExceededError)
    const [one, other] = [db.begin({ label: 'one' }), db.begin({ label: 'other' })]
    await Promise.all([one.get('a'), other.get('a')])
    one.put('a', '2')
    other.put('a', '3')
    await one.commit()
    await expect(other.commit()).rejects.toThrow(SerializationError)
    await db.flush()
    expect(new Set(events.map(({ type }) => type))).toEqual(new Set(['abort', 'flush']))
    expect(db.stats()).toMatchObject({ transactions: { commits: 2, aborts: 1 }, storage: { flushes: 1 } })
    await db.close()
    await expect(db.get('a')).rejects.toThrow(DatabaseClosedError)
  })

  test('a log written on the calling thread serves as well', async () => {
    const db = await open(inDirectory(), { logMode: 'inline' })
    await Promise.all(Array.from({ length: 20 }, (_, i) => db.put(`key ${i}`, 'v')))
    expect(await db.count()).toBe(20)
    await db.close()
  })
})

describe('options', () => {
  test.each<[string, unknown, RegExp]>([
    ['no object', 5, /as options of open/],
    ['an unknown name', { sync: true }, /the option "sync" of open: there is none of that name/],
    ['a misspelt limit', { memtableByteMax: 1 }, /did you mean "memtableBytesMax"/],
    ['a misspelt flag', { readonly: true }, /did you mean "readOnly"/],
    ['create of the wrong type', { create: 1 }, /as create: it must be true or false/],
    ['readOnly of the wrong type', { readOnly: 'yes' }, /as readOnly/],
    ['upgrade of the wrong type', { upgrade: null }, /as upgrade/],
    ['an unknown durability', { durability: 'none' }, /as durability: it must be 'sync' or 'os'/],
    ['unknown guards', { guards: 'off' }, /as guards/],
    ['an unknown log mode', { logMode: 'pool' }, /as logMode/],
    [
      'an index mode that there is not',
      { indexMode: 'hash' },
      /as indexMode: it must be 'auto' or 'binary' or 'resident' or 'lean'/,
    ],
    ['a codec to come', { codec: 'brotli' }, /as codec: it must be 'none' or 'deflate' or 'zstd'/],
    ['a listener that is none', { onEvent: {} }, /as onEvent of open: it must be a function/],
    ['a limit below its bounds', { memtableBytesMax: 1 }, /as memtableBytesMax: it must be an integer from 16384/],
    ['a limit of the wrong type', { attemptsMax: '5' }, /as attemptsMax/],
    ['a reader that upgrades', { readOnly: true, upgrade: true }, /readOnly and upgrade together/],
  ])('%s is refused before anything is touched', async (_, options, message) => {
    const opening = open(inDirectory(), options as OpenOptions)
    await expect(opening).rejects.toThrow(InvalidArgumentError)
    await expect(opening).rejects.toThrow(message)
    expect(existsSync(inDirectory())).toBe(false)
  })

  test.each([undefined, null, 5, '', 'a\0b', {}, Buffer.from('data'), new URL('file:///tmp/x')])(
    '%p is no path',
    async (given) => {
      await expect(open(given as string)).rejects.toThrow(InvalidArgumentError)
      await expect(open(given as string)).rejects.toThrow(/the path must name a directory/)
    },
  )

  test('a directory that holds something else is refused and left as it was', async () => {
    mkdirSync(inDirectory())
    writeFileSync(path.join(inDirectory(), 'notes.txt'), 'mine')
    await expect(open(inDirectory())).rejects.toThrow(
      /it holds "notes\.txt" and no database; give an empty or a new directory/,
    )
    expect(readdirSync(inDirectory()).filter((name) => name !== 'LOCK')).toEqual(['notes.txt'])
  })
})
