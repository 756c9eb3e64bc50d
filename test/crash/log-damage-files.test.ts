/**
 * Files of a database that are truncated, foreign, swapped or gone: each is refused by name with a typed error and nothing is
 * changed; never an empty database, never another one's data.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { CorruptionError, InvalidArgumentError, StrictKvError, open } from '../../src/index'
import type { Database, OpenOptions } from '../../src/index'
import type { Files, Image } from './log-damage-image'
import {
  DAMAGE_OPTIONS,
  differenceOf,
  inTemporary,
  makeImage,
  readFiles,
  stateOf,
  writeFiles,
} from './log-damage-image'

let copied: Image
let closed: Image
/** Another database of the same life but for its values, so that the numbers of its files are the same. */
let other: Files
beforeAll(async () => {
  copied = await makeImage({ groups: 3, close: false })
  closed = await makeImage({ groups: 3, close: true })
  other = await inTemporary(async (directory) => {
    const db = await open(directory, DAMAGE_OPTIONS)
    for (let i = 0; i < 30; i++) await db.put(`other ${i}`, `${i} ${'o'.repeat(60)}`)
    await db.flush()
    await db.close()
    const again = await open(directory, DAMAGE_OPTIONS)
    for (let i = 0; i < 4; i++) await again.put(`another ${i}`, String(i))
    const files = readFiles(directory)
    await again.close()
    return files
  })
})

const kinds = ['CURRENT', '.manifest', '.table', '.log'] as const
type FileKind = (typeof kinds)[number]

function nameOf(image: Image, kind: FileKind): string {
  // Of the log the oldest segment: frames in it have witnesses behind them.
  return [...image.files.keys()].find((name) => name.endsWith(kind))!
}

function noise(length: number): Buffer {
  let state = 7
  return Buffer.from(
    Array.from({ length }, () => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
      return state >>> 16
    }),
  )
}

/** Every nineteenth byte that is written, and some of the zeros between and behind records. */
function placesIn(bytes: Buffer): number[] {
  const written = [...bytes.keys()].filter((at) => bytes[at] !== 0)
  return [...written.filter((_, index) => index % 19 === 0), ...[...bytes.keys()].filter((at) => at % 997 === 0)]
}

/** Opens with one file changed; gives the error, or the state that was found. Whatever is refused must leave all as it was. */
async function openWith(image: Image, name: string, bytes: Buffer | undefined, options: OpenOptions = DAMAGE_OPTIONS) {
  return inTemporary(async (directory) => {
    const files = new Map(image.files)
    if (bytes === undefined) files.delete(name)
    else files.set(name, bytes)
    writeFiles(directory, files)
    let db: Database
    try {
      db = await open(directory, options)
    } catch (error) {
      expect(error).toBeInstanceOf(StrictKvError)
      expect(differenceOf(files, readFiles(directory))).toBeUndefined()
      return error as StrictKvError
    }
    try {
      return await stateOf(db)
    } catch (error) {
      // Blocks of tables are read when they are needed: then the read says what is damaged.
      expect(error).toBeInstanceOf(CorruptionError)
      return error as CorruptionError
    } finally {
      await db.close()
    }
  })
}

const images = [['copied while open', () => copied], ['closed', () => closed]] as const // prettier-ignore

describe.each(images)('a database that was %s', (_name, image) => {
  test.each(kinds)('with a missing %s is refused by name', async (kind) => {
    const name = nameOf(image(), kind)
    const outcome = await openWith(image(), name, undefined)
    expect(outcome).toBeInstanceOf(CorruptionError)
    expect((outcome as CorruptionError).message).toContain(name)
  })

  test.each(kinds)('with random bytes as its %s is refused by name', async (kind) => {
    const name = nameOf(image(), kind)
    for (const length of [1, 100, image().files.get(name)!.length]) {
      const outcome = await openWith(image(), name, noise(length))
      expect(outcome).toBeInstanceOf(CorruptionError)
      expect((outcome as CorruptionError).message).toContain(name)
    }
  })

  test.each(['CURRENT', '.manifest', '.table'] as const)('with a truncated %s is refused by name', async (kind) => {
    const name = nameOf(image(), kind)
    const whole = image().files.get(name)!
    for (const length of [0, 1, 8, whole.length >> 1, whole.length - 1]) {
      const outcome = await openWith(image(), name, Buffer.from(whole.subarray(0, length)))
      expect(outcome).toBeInstanceOf(CorruptionError)
      expect((outcome as CorruptionError).message).toContain(name)
    }
  })

  test('with its oldest segment truncated in a frame is refused by name, as the frames behind it show', async () => {
    const first = image().frames[0]!
    const whole = image().files.get(first.file)!
    for (const length of [0, 100, 4096, first.offset + 50]) {
      const outcome = await openWith(image(), first.file, Buffer.from(whole.subarray(0, length)))
      // Truncation within the only segment takes the witnesses with it: then it is a torn tail, unless the log was closed.
      if (outcome instanceof StrictKvError) expect(outcome.message).toContain(first.file)
      else expect(image().rowsBySequence.get(outcome.sequence)).toBe(outcome.rows)
      if (image() === closed || length < 4096) expect(outcome).toBeInstanceOf(CorruptionError)
    }
  })

  test.each(kinds)("with another database's %s is never opened as that one", async (kind) => {
    const name = nameOf(image(), kind)
    const foreign = [...other.entries()].filter(([candidate]) => candidate.endsWith(kind))
    expect(foreign).not.toEqual([])
    for (const [, bytes] of foreign) {
      if (bytes.equals(image().files.get(name)!)) continue
      const outcome = await openWith(image(), name, bytes)
      expect(outcome).toBeInstanceOf(CorruptionError)
      expect((outcome as CorruptionError).message).toMatch(/\d{10}\.(table|manifest|log)|CURRENT/)
    }
  })

  test('with each bit of CURRENT flipped in turn is refused by name', async () => {
    const whole = image().files.get('CURRENT')!
    for (let bit = 0; bit < whole.length * 8; bit += 11) {
      const bytes = Buffer.from(whole)
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      const outcome = await openWith(image(), 'CURRENT', bytes)
      expect(outcome).toBeInstanceOf(CorruptionError)
      expect((outcome as CorruptionError).message).toContain('CURRENT')
    }
  })

  test.each(['.manifest', '.table'] as const)(
    'with a byte of its %s flipped loses nothing without saying so',
    async (kind) => {
      const name = nameOf(image(), kind)
      const whole = image().files.get(name)!
      let refused = 0
      for (const at of placesIn(whole)) {
        const bytes = Buffer.from(whole)
        bytes[at]! ^= 1 << (at % 8)
        const outcome = await openWith(image(), name, bytes, { ...DAMAGE_OPTIONS, readOnly: true })
        if (!(outcome instanceof StrictKvError)) {
          // Nothing refers to what was hit: padding between records, or what follows the last of them.
          expect(outcome.sequence).toBe(image().lastSequence)
          expect(outcome.rows).toBe(image().rowsBySequence.get(outcome.sequence))
          continue
        }
        refused++
        expect(outcome).toMatchObject({ message: expect.stringContaining(name) as string })
      }
      expect(refused).toBeGreaterThan(5)
    },
  )
})

test('a directory with foreign files and no database is refused, and they stay', async () => {
  await inTemporary(async (directory) => {
    mkdirSync(directory, { recursive: true })
    writeFileSync(path.join(directory, 'letter.txt'), 'dear')
    const refusal = await open(directory).catch((error: unknown) => error as Error)
    expect(refusal).toBeInstanceOf(InvalidArgumentError)
    expect((refusal as Error).message).toContain('letter.txt')
    expect(readFiles(directory)).toEqual(new Map([['letter.txt', Buffer.from('dear')]]))
  })
})

test('foreign files beside a database are left alone', async () => {
  await inTemporary(async (directory) => {
    writeFiles(directory, copied.files)
    writeFileSync(path.join(directory, 'letter.txt'), 'dear')
    const db = await open(directory, DAMAGE_OPTIONS)
    expect((await stateOf(db)).sequence).toBe(copied.lastSequence)
    await db.close()
    expect(existsSync(path.join(directory, 'letter.txt'))).toBe(true)
  })
})
