/**
 * A small database with one bit of its files flipped, for any bit of any file: what opening and reading it comes to.
 *
 * Each case is a disk of its own in memory with one bit changed. It must give the right answer, or a typed error that says what is
 * damaged; a scan that fails on its way has given right rows up to there. A refused opening changes no byte (LOCK apart,
 * which says who tried). What the right answer is depends on how the database ended:
 *
 *     closed                 everything that was committed
 *     killed, witnessed      everything: a frame behind the last group bears witness to it
 *     killed, unwitnessed    everything, but for the last group if the bit is in its frame: that is taken for a torn tail
 *
 * Used by bit-flip.test.ts (a sample) and bit-flip-campaign.ts (every bit).
 */
import path from 'node:path'
import { CorruptionError, UnsupportedFormatError } from '../../src/index'
import type { Database, Transaction } from '../../src/index'
import { openLsmDatabase } from '../support/harness/lsm-database'
import type { DurableImage } from '../support/memory-runtime/durable-image'
import { createMemoryRuntime } from '../support/memory-runtime/memory-runtime'
import type { MemoryRuntime } from '../support/memory-runtime/memory-runtime'
import { framesOf } from './log-damage-image'

const KiB = 1024
/** Where the database is. */
export const FLIP_DIRECTORY = '/db'
const DIRECTORY = FLIP_DIRECTORY

/** The least that is allowed: the files are small, and so is the number of bits. */
const LIMITS = {
  memtableBytesMax: 16 * KiB, segmentBytesMin: 16 * KiB, segmentBytesMax: 16 * KiB, transactionBytesMax: 4 * KiB,
  manifestRoomBytes: 16 * KiB, blockBytes: 256, blockCacheBytesMax: 16 * KiB, tableBytesMax: 16 * KiB, reserveBytes: 0, levelZeroTablesMax: 8,
  logIdleMs: 1,
} // prettier-ignore

/** How the database ended. */
export const ENDINGS = ['closed', 'killed, witnessed', 'killed, unwitnessed'] as const
export type Ending = (typeof ENDINGS)[number]

/** The database before anything is flipped. */
export interface FlipImage {
  readonly ending: Ending
  readonly disk: DurableImage
  readonly rowsBySequence: ReadonlyMap<number, readonly string[]>
  readonly lastSequence: number
  /** Where a flip may take the last group: a file and a half-open stretch of it, and the sequence that is left then. */
  readonly torn: { readonly file: string; readonly from: number; readonly to: number; readonly sequence: number } | undefined // prettier-ignore
}

/** A bit of a file. */
export interface FlipPlace {
  readonly file: string
  readonly offset: number
  readonly bit: number
}

/** What a case came to. */
export type FlipOutcome = 'as it was' | 'refused' | 'read error' | 'last group lost'

/** How each case is opened; 'everyday' recovers and writes, and is opened twice. */
export type FlipOpening = 'reading' | 'everyday'

type Write = (tx: Transaction) => void

/** Commits of every kind; between them what is said in `makeFlipImage`. */
const COMMITS: readonly Write[] = [
  ...Array.from({ length: 12 }, (_, i): Write => (tx) => tx.put(`key ${i}`, `first ${i} `.repeat(4))),
  (tx) => tx.put('large', Buffer.alloc(2500, 'large ')),
  (tx) => tx.put('', 'the empty key'),
  ...Array.from({ length: 6 }, (_, i): Write => (tx) => tx.put(`key ${i * 2}`, `second ${i}`)),
  (tx) => tx.delete('key 3'),
  (tx) => tx.deleteRange({ gte: 'key 7', lt: 'key 9' }),
  (tx) => tx.put('key 8', 'again'),
  (tx) => tx.put('empty', ''),
  (tx) => tx.delete('key 5'),
  (tx) => tx.put('key 10', 'third'),
] // prettier-ignore

/** Builds the database: tables of two levels with everything that tables hold, and commits that are in the log alone. */
export async function makeFlipImage(ending: Ending): Promise<FlipImage> {
  const runtime = createMemoryRuntime({ seed: 1 })
  const logIdleMs = ending === 'killed, unwitnessed' ? 3_600_000 : 1
  const open = (): Promise<Database> => openLsmDatabase(runtime, DIRECTORY, { limits: { ...LIMITS, logIdleMs } })
  const rowsBySequence = new Map<number, readonly string[]>()
  let db = await open()
  for (const [i, write] of COMMITS.entries()) {
    const tx = db.begin()
    write(tx)
    const { sequence } = await tx.commit()
    rowsBySequence.set(sequence, await rowsOf(db))
    if (i === 13) await db.compact()
    if (i === 21) await db.flush()
    if (i !== 22) continue
    await db.close()
    db = await open()
  }
  const lastSequence = COMMITS.length
  if (ending === 'closed') await db.close()
  if (ending === 'killed, witnessed') await untilWitnessed(runtime)
  const disk = runtime.durableImage('everything')
  if (ending !== 'closed') await db.close()
  const last = logFrames(disk).at(-1)!
  const torn = ending === 'killed, unwitnessed' ? { file: last.file, from: last.offset, to: last.offset + last.bytes, sequence: last.sequence - last.commits } : undefined // prettier-ignore
  return { ending, disk, rowsBySequence, lastSequence, torn }
}

function logFrames(disk: DurableImage): ReturnType<typeof framesOf> {
  const files = [...disk.files].map(([file, bytes]) => [path.posix.basename(file), Buffer.from(bytes)] as const)
  return framesOf(new Map(files.sort(([a], [b]) => (a < b ? -1 : 1))))
}

async function untilWitnessed(runtime: MemoryRuntime): Promise<void> {
  while (logFrames(runtime.durableImage('everything')).at(-1)!.commits > 0)
    await new Promise((resolve) => setImmediate(resolve))
}

/** Every `stride`-th bit of all files (1: each of them); of those bytes alone that are not zero, if `isWritten`. */
export function* flipPlaces(image: FlipImage, stride: number, isWritten = false): Generator<FlipPlace> {
  let skip = 0
  for (const [file, bytes] of image.disk.files) {
    for (const [offset, byte] of bytes.entries()) {
      for (let bit = 0; bit < 8; bit++) {
        if (isWritten && byte === 0) break
        if (skip-- > 0) continue
        skip = stride - 1
        yield { file: path.posix.basename(file), offset, bit }
      }
    }
  }
}

/** Flips one bit, opens, reads everything. Throws if anything but the right answer or a typed error comes of it. */
export async function flipAndJudge(image: FlipImage, place: FlipPlace, opening: FlipOpening): Promise<FlipOutcome> {
  const damaged = flippedFiles(image, place)
  const runtime = createMemoryRuntime({ seed: 1, files: { ...image.disk, files: damaged } })
  try {
    const first = await openAndRead(runtime, image, place, opening)
    if (first === 'refused') expectUnchanged(runtime, damaged)
    // What an opening has recovered and written is judged as well.
    if (opening === 'everyday' && first !== 'refused') await openAndRead(runtime, image, place, opening)
    return first
  } catch (error) {
    const where = `${image.ending}, opened ${opening}: bit ${place.bit} of byte ${place.offset} of ${place.file}`
    throw new Error(`${where}: ${(error as Error).message}`, { cause: error })
  }
}

/** The files with one bit flipped. */
export function flippedFiles(image: FlipImage, place: FlipPlace): Map<string, Uint8Array> {
  return new Map([...image.disk.files].map(([file, bytes]) => [file, flipped(file, bytes, place)]))
}

function flipped(file: string, bytes: Uint8Array, place: FlipPlace): Uint8Array {
  if (path.posix.basename(file) !== place.file) return bytes
  const copy = bytes.slice()
  copy[place.offset]! ^= 1 << place.bit
  return copy
}

async function openAndRead(
  runtime: MemoryRuntime,
  image: FlipImage,
  place: FlipPlace,
  opening: FlipOpening,
): Promise<FlipOutcome> {
  let db: Database
  try {
    db = await openLsmDatabase(runtime, DIRECTORY, { limits: LIMITS, readOnly: opening === 'reading' })
  } catch (error) {
    expectTyped(error)
    return 'refused'
  }
  try {
    return await readAll(db, image, place)
  } finally {
    await db.close()
  }
}

async function readAll(db: Database, image: FlipImage, place: FlipPlace): Promise<FlipOutcome> {
  const { sequence } = await db.begin({ readOnly: true }).commit()
  const rows = image.rowsBySequence.get(sequence)
  if (rows === undefined) throw new Error(`it opened at the sequence ${sequence}, which never was`)
  const isLost = sequence < image.lastSequence
  if (isLost && !isTorn(image, place, sequence)) throw new Error(`it opened at ${sequence}, ${image.lastSequence} was promised`) // prettier-ignore
  let errors = 0
  for (const read of readsOf(db, rows)) {
    try {
      await read()
    } catch (error) {
      expectTyped(error)
      errors++
    }
  }
  if (errors > 0) return 'read error'
  return isLost ? 'last group lost' : 'as it was'
}

/** Each of them throws a plain error for a wrong answer. */
function* readsOf(db: Database, rows: readonly string[]): Generator<() => Promise<void>> {
  yield () => expectRows(db, rows, false)
  yield () => expectRows(db, [...rows].reverse(), true)
  const values = new Map(rows.map((row) => [row.slice(0, row.indexOf('=')), row.slice(row.indexOf('=') + 1)]))
  for (const key of ['', 'empty', 'large', 'absent', ...Array.from({ length: 13 }, (_, i) => `key ${i}`)]) {
    yield async () => {
      const value = await db.get(key)
      if ((value === undefined ? undefined : String(value)) !== values.get(key)) throw new Error(`"${key}" is ${String(value)}`) // prettier-ignore
    }
  }
}

async function expectRows(db: Database, rows: readonly string[], reverse: boolean): Promise<void> {
  let at = 0
  for await (const [key, value] of db.scan({ reverse })) {
    const row = `${String(key)}=${String(value)}`
    if (row !== rows[at++]) throw new Error(`the scan gives ${row.slice(0, 40)} as row ${at}`)
  }
  if (at !== rows.length) throw new Error(`the scan ends after ${at} of ${rows.length} rows`)
}

function isTorn({ torn }: FlipImage, place: FlipPlace, sequence: number): boolean {
  if (torn === undefined || sequence !== torn.sequence) return false
  return place.file === torn.file && place.offset >= torn.from && place.offset < torn.to
}

function expectTyped(error: unknown): void {
  if (error instanceof CorruptionError || error instanceof UnsupportedFormatError) return
  throw error
}

function expectUnchanged(runtime: MemoryRuntime, before: ReadonlyMap<string, Uint8Array>): void {
  const after = runtime.durableImage('everything').files
  for (const file of new Set([...before.keys(), ...after.keys()])) {
    if (file.endsWith('/LOCK')) continue
    const [one, other] = [before.get(file), after.get(file)]
    if (one === undefined || other === undefined || Buffer.compare(one, other) !== 0)
      throw new Error(`the refused opening has changed ${file}`)
  }
}

async function rowsOf(db: Database): Promise<readonly string[]> {
  const rows: string[] = []
  for await (const [key, value] of db.scan()) rows.push(`${String(key)}=${String(value)}`)
  return rows
}

/** Counts outcomes by the kind of file: 'manifest refused', 12. */
export function countOutcome(counts: Map<string, number>, place: FlipPlace, outcome: string): void {
  const name = `${path.posix.extname(place.file).slice(1) || place.file}: ${outcome}`
  counts.set(name, (counts.get(name) ?? 0) + 1)
}
