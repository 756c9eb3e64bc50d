/**
 * What an operator can get wrong, between real processes on a real directory: a second opener, a file in the place of a directory,
 * a directory that may not be written or read, uses after the end. Each is a typed error that says what to do, the data as before.
 *
 * The superuser may write anywhere, so rights are tested from a child under the user id 65534; where this process may not
 * become another user it has no such rights itself, and its own directory is made read-only. A build must be there.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseClosedError, DatabaseLockedError, InvalidArgumentError, StrictKvError, TransactionClosedError, open } from '../../src/index' // prettier-ignore
import type { Database, OpenOptions } from '../../src/index'
import { LIBRARY } from './kill-round'
import { differenceOf, readFiles } from './log-damage-image'

const OPENER = path.join(__dirname, 'disk-opener.cjs')
const NOBODY = 65534
const isSuperuser = process.getuid!() === 0

let parent: string
let directory: string
beforeEach(async () => {
  parent = mkdtempSync(path.join(tmpdir(), 'strictkv-refusals-'))
  chmodSync(parent, 0o755)
  directory = path.join(parent, 'db')
  const db = await open(directory)
  await db.put('a', '1')
  await db.close()
})
afterEach(() => {
  chmodSync(directory, 0o700)
  rmSync(parent, { recursive: true, force: true })
})

interface Said {
  readonly opened?: true
  readonly rows?: number
  readonly put?: unknown
  readonly name?: string
  readonly code?: string
  readonly message?: string
  readonly isTyped?: boolean
}

interface Opener {
  readonly child: ChildProcess
  readonly said: Said
  /** Lets it close, and waits for its end. */
  end(): Promise<void>
}

/** A child that opens `directory`; resolves once it has said what came of it. */
function openElsewhere(
  options: OpenOptions = {},
  how: { readonly user?: number; readonly put?: string } = {},
): Promise<Opener> {
  const args = [OPENER, LIBRARY, directory, JSON.stringify(options), ...(how.put === undefined ? [] : [how.put])]
  const user = how.user === undefined ? {} : { uid: how.user, gid: how.user }
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'], ...user })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const end = (): Promise<void> => {
    child.stdin.end()
    return ended
  }
  return new Promise((resolve, reject) => {
    let text = ''
    child.once('error', reject)
    child.stdout.setEncoding('utf8').on('data', (more: string) => {
      text += more
      if (text.includes('\n')) resolve({ child, said: JSON.parse(text) as Said, end })
    })
    void ended.then(() => reject(new Error('the opener said nothing')))
  })
}

describe('two processes', () => {
  test('the second opener is refused, told who holds the database, and changes nothing', async () => {
    // Without space kept aside: that is filled in the background, and would change the directory meanwhile.
    const db = await open(directory, { reserveBytes: 0 })
    const before = readFiles(directory)
    const { said, end } = await openElsewhere()
    expect(said).toMatchObject({ name: 'DatabaseLockedError', code: 'DATABASE_LOCKED', isTyped: true })
    expect(said.message).toContain(String(process.pid))
    await end()
    expect(differenceOf(before, readFiles(directory))).toBeUndefined()
    await db.put('b', '2')
    await db.close()
    const next = await openElsewhere()
    expect(next.said).toMatchObject({ opened: true, rows: 2 })
    await next.end()
  })

  test('this process is refused while another has it, and not once that one was killed', async () => {
    const { child, said, end } = await openElsewhere({}, { put: 'b' })
    expect(said).toMatchObject({ opened: true, put: 'done' })
    const refusal = await open(directory).catch((error: unknown) => error as Error)
    expect(refusal).toBeInstanceOf(DatabaseLockedError)
    expect((refusal as Error).message).toContain(String(child.pid))
    await expect(open(directory, { readOnly: true })).rejects.toThrow(DatabaseLockedError)
    child.kill('SIGKILL')
    await end()
    const db = await open(directory)
    expect(String(await db.get('b'))).toBe('v')
    await db.close()
  })

  test('any number of processes read at a time, and keep a writer out', async () => {
    const readers = [await openElsewhere({ readOnly: true }), await openElsewhere({ readOnly: true }, { put: 'no' })]
    for (const { said } of readers) expect(said).toMatchObject({ opened: true, rows: 1 })
    expect(readers[1]!.said.put).toMatchObject({ name: 'ReadOnlyError', isTyped: true })
    await expect(open(directory)).rejects.toThrow(DatabaseLockedError)
    for (const { end } of readers) await end()
    await (await open(directory)).close()
  })
})

describe('rights', () => {
  /** Opens as a user who may do no more than the mode of the directory says. */
  const asOther = (options: OpenOptions, put?: string): Promise<Opener> => {
    return openElsewhere(options, { ...(isSuperuser ? { user: NOBODY } : {}), ...(put === undefined ? {} : { put }) })
  }
  const giveAway = (directoryMode: number, fileMode: number): void => {
    for (const name of readFiles(directory).keys()) chmodSync(path.join(directory, name), fileMode)
    chmodSync(path.join(directory, 'LOCK'), fileMode)
    chmodSync(directory, directoryMode)
  }

  test('a directory that may only be read is refused for writing, and opens for reading', async () => {
    const before = readFiles(directory)
    giveAway(0o555, 0o444)
    const writer = await asOther({})
    expect(writer.said).toMatchObject({ name: 'IoError', code: 'IO', isTyped: true })
    expect(writer.said.message).toMatch(/EACCES/)
    await writer.end()
    const reader = await asOther({ readOnly: true })
    expect(reader.said).toMatchObject({ opened: true, rows: 1 })
    await reader.end()
    expect(differenceOf(before, readFiles(directory))).toBeUndefined()
    chmodSync(directory, 0o700)
  })

  test('a directory that may not even be read is refused by name', async () => {
    if (!isSuperuser) return expectUnreadable(() => asOther({ readOnly: true }), giveAway)
    // As it was created: for its owner alone.
    const { said, end } = await asOther({ readOnly: true })
    expect(said).toMatchObject({ name: 'IoError', isTyped: true })
    expect(said.message).toContain(directory)
    await end()
  })

  test('no database is created where nothing may be', async () => {
    giveAway(0o555, 0o444)
    directory = path.join(parent, 'db', 'below')
    const { said, end } = await asOther({})
    await end()
    directory = path.join(parent, 'db')
    expect(said).toMatchObject({ name: 'IoError', isTyped: true })
    expect(said.message).toMatch(/EACCES/)
  })

  test('the same user under another id works on a copy of its own', async () => {
    const copy = path.join(parent, 'copy')
    cpSync(directory, copy, { recursive: true })
    if (isSuperuser)
      for (const name of ['.', ...readFiles(copy).keys(), 'LOCK']) chownSync(path.join(copy, name), NOBODY, NOBODY)
    directory = copy
    const { said, end } = await asOther({}, 'b')
    await end()
    expect(said).toMatchObject({ opened: true, rows: 1, put: 'done' })
  })
})

async function expectUnreadable(opening: () => Promise<Opener>, giveAway: (mode: number, files: number) => void) {
  giveAway(0o000, 0o444)
  const { said, end } = await opening()
  await end()
  chmodSync(directory, 0o700)
  expect(said).toMatchObject({ name: 'IoError', isTyped: true })
}

describe('paths', () => {
  test('a file, or a path below one, is refused and the file is as it was', async () => {
    const file = path.join(parent, 'file')
    writeFileSync(file, 'mine')
    for (const wrong of [file, path.join(file, 'below')]) {
      await expect(open(wrong)).rejects.toBeInstanceOf(StrictKvError)
      await expect(open(wrong, { readOnly: true })).rejects.toBeInstanceOf(StrictKvError)
    }
    await expect(open(file)).rejects.toThrow(InvalidArgumentError)
    expect(readFileSync(file, 'utf8')).toBe('mine')
  })

  test('a directory in the place of a file of the database is refused', async () => {
    // The second segment was being prepared: nothing refers to it.
    for (const name of ['CURRENT', '0000000001.manifest', '0000000001.log']) {
      const copy = path.join(parent, `copy of ${name}`)
      cpSync(directory, copy, { recursive: true })
      rmSync(path.join(copy, name))
      mkdirSync(path.join(copy, name))
      const refusal = await open(copy).catch((error: unknown) => error as Error)
      expect(refusal).toBeInstanceOf(StrictKvError)
      expect((refusal as Error).message).toContain(name)
    }
  })
})

describe('after the end', () => {
  const uses: readonly [string, (db: Database) => unknown][] = [
    ['get', (db) => db.get('a')],
    ['getSync', (db) => db.getSync('a')],
    ['getMany', (db) => db.getMany(['a'])],
    ['put', (db) => db.put('a', '2')],
    ['delete', (db) => db.delete('a')],
    ['transact', (db) => db.transact(() => undefined)],
    ['begin', (db) => db.begin()],
    ['count', (db) => db.count()],
    ['snapshot', (db) => db.snapshot()],
    ['sync', (db) => db.sync()],
    ['flush', (db) => db.flush()],
    ['compact', (db) => db.compact()],
  ]
  test('every use of a closed database, and of its transactions, is refused, and nothing of them is kept', async () => {
    const db = await open(directory)
    const tx = db.begin()
    tx.put('a', 'never')
    await db.close()
    await db.close()
    for (const [name, use] of uses) {
      const error = await (async () => use(db))().then(
        () => `${name} did not fail`,
        (refusal: unknown) => refusal,
      )
      expect(error).toBeInstanceOf(DatabaseClosedError)
    }
    await expect(tx.commit()).rejects.toBeInstanceOf(StrictKvError)
    const again = await open(directory)
    expect(String(await again.get('a'))).toBe('1')
    const ended = again.begin()
    ended.rollback()
    expect(() => ended.put('a', '2')).toThrow(TransactionClosedError)
    await again.close()
  })
})
