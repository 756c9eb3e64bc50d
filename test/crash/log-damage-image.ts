/**
 * Database directories as bytes: one with tables and a log over several segments, copied while it is open or after a clean close,
 * and what opening such bytes again comes to.
 *
 * A log of known frames: each commit is awaited, so each is a group of its own, but for some groups of several. The state
 * after each commit is known, so whatever prefix an opening finds is compared row by row.
 */
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { CorruptionError, open } from '../../src/index'
import type { Database, OpenOptions } from '../../src/index'
import {
  FRAME_HEADER_BYTES, SEGMENT_HEADER_BYTES, decodeFrameHeader, decodeSegmentHeader, fileNameToSegment, isFrameIntact,
} from '../../src/storage/log/log-format' // prettier-ignore

const KiB = 1024

export const DAMAGE_OPTIONS: OpenOptions = {
  logMode: 'inline', segmentBytesMin: 32 * KiB, segmentBytesMax: 32 * KiB, transactionBytesMax: 8 * KiB, reserveBytes: 0,
  memtableBytesMax: 64 * KiB, walBytesMax: 256 * KiB, manifestRoomBytes: 16 * KiB, blockBytes: 512, logIdleMs: 1, syncIntervalMs: 60_000,
} // prettier-ignore

/** The names and bytes of a directory; LOCK is left out: it says who has the database open, and changes with that. */
export type Files = ReadonlyMap<string, Buffer>

/** A group of commits on disk. */
export interface Frame {
  readonly file: string
  readonly offset: number
  readonly bytes: number
  /** Header and payload; zeros follow up to `bytes`. */
  readonly contentBytes: number
  /** 0 in a frame that only bears witness. */
  readonly commits: number
  /** The last sequence of the log, this frame included. */
  readonly sequence: number
}

/** A directory, and what it holds. */
export interface Image {
  readonly files: Files
  /** In order; frames that only bear witness are among them. */
  readonly frames: readonly Frame[]
  /** The rows after each sequence that is in the log. */
  readonly rowsBySequence: ReadonlyMap<number, string>
  readonly lastSequence: number
}

/** Reads a directory whole. */
export function readFiles(directory: string): Files {
  const names = readdirSync(directory).filter((name) => name !== 'LOCK')
  return new Map(names.sort().map((name) => [name, readFileSync(path.join(directory, name))]))
}

/** Makes the directory hold `files` and nothing else. */
export function writeFiles(directory: string, files: Files): void {
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  for (const [name, bytes] of files) writeFileSync(path.join(directory, name), bytes)
}

/** A directory of its own for `use`, removed afterwards. */
export async function inTemporary<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(path.join(tmpdir(), 'strictkv-damage-'))
  try {
    return await use(path.join(directory, 'db'))
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** The rows of a database as one text, and its last sequence. */
export async function stateOf(db: Database): Promise<{ readonly rows: string; readonly sequence: number }> {
  const tx = db.begin({ readOnly: true })
  const rows: string[] = []
  for await (const [key, value] of tx.scan()) rows.push(`${String(key)}=${String(value)}`)
  return { rows: rows.join('\n'), sequence: (await tx.commit()).sequence }
}

/** What the rows must be: each commit applied in its turn. */
class Model {
  readonly rowsBySequence = new Map<number, string>()
  #values = new Map<string, string>()
  #last = 0

  constructor(rows: string, sequence: number) {
    for (const row of rows.split('\n'))
      this.#values.set(row.slice(0, row.indexOf('=')), row.slice(row.indexOf('=') + 1))
    this.#keep(sequence)
  }

  get last(): number {
    return this.#last
  }

  apply(sequence: number, change: (values: Map<string, string>) => void): void {
    if (sequence !== this.#last + 1) throw new Error(`the sequence ${sequence} follows ${this.#last}`)
    change(this.#values)
    this.#keep(sequence)
  }

  #keep(sequence: number): void {
    this.#last = sequence
    const rows = [...this.#values].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `${key}=${value}`)
    this.rowsBySequence.set(sequence, rows.join('\n'))
  }
}

/**
 * Builds the image: a first life that ends in tables, then a second one whose `groups` groups are in the log alone.
 * `close`: the second life ends with `close`; else it is copied while open and idle, everything synced, once the frame that
 * bears witness to the last group is written.
 */
export async function makeImage(options: { readonly groups: number; readonly close: boolean }): Promise<Image> {
  return inTemporary(async (directory) => {
    await firstLife(directory)
    const db = await open(directory, DAMAGE_OPTIONS)
    const found = await stateOf(db)
    const model = new Model(found.rows, found.sequence)
    for (let group = 0; group < options.groups; group++) await commitGroup(db, group, model)
    expectSame(await stateOf(db), model)
    if (options.close) await db.close()
    else await untilWitnessed(directory)
    const files = readFiles(directory)
    if (!options.close) await db.close()
    return { files, frames: framesOf(files), rowsBySequence: model.rowsBySequence, lastSequence: model.last }
  })
}

async function firstLife(directory: string): Promise<void> {
  const db = await open(directory, DAMAGE_OPTIONS)
  for (let i = 0; i < 30; i++) await db.put(`old ${i}`, `${i} ${'v'.repeat(60)}`)
  await db.flush()
  await db.close()
}

/** One commit, or every third time three that share frames; puts, deletes and a range. */
async function commitGroup(db: Database, group: number, model: Model): Promise<void> {
  if (group % 3 === 2) {
    const keys = [0, 1, 2].map((part) => `shared ${group} ${part}`)
    const receipts = await Promise.all(keys.map((key) => db.put(key, 'x')))
    keys.forEach((key, part) => model.apply(receipts[part]!.sequence, (values) => values.set(key, 'x')))
    return
  }
  const tx = db.begin()
  const value = `${group} ${'w'.repeat((group * 37) % 200)}`
  tx.put(`new ${group}`, value)
  tx.delete(`old ${group}`)
  if (group % 4 === 3) tx.deleteRange({ gte: 'shared ', lt: 'shared 3' })
  const { sequence } = await tx.commit()
  model.apply(sequence, (values) => {
    values.set(`new ${group}`, value)
    values.delete(`old ${group}`)
    for (const key of [...values.keys()])
      if (group % 4 === 3 && key >= 'shared ' && key < 'shared 3') values.delete(key)
  })
}

function expectSame(state: { readonly rows: string; readonly sequence: number }, model: Model): void {
  if (state.sequence === model.last && state.rows === model.rowsBySequence.get(model.last)) return
  throw new Error('the model and the living database differ')
}

/** An idle log writes an empty frame behind its last group, moments after it. */
async function untilWitnessed(directory: string): Promise<void> {
  while (framesOf(readFiles(directory)).at(-1)!.commits > 0) await new Promise((resolve) => setImmediate(resolve))
}

/** Every intact frame of every segment, in order. */
export function framesOf(files: Files): Frame[] {
  const frames: Frame[] = []
  for (const [file, bytes] of files) {
    if (fileNameToSegment(file) === undefined) continue
    const header = decodeSegmentHeader(bytes)
    // The copy may have caught a segment that is being prepared.
    if (header.kind !== 'valid') continue
    let offset = SEGMENT_HEADER_BYTES
    for (;;) {
      const frame = decodeFrameHeader(bytes.subarray(offset), { header, offset, fileBytes: bytes.length })
      if (frame === undefined || !isFrameIntact(bytes.subarray(offset), frame.frameBytes)) break
      const contentBytes = FRAME_HEADER_BYTES + frame.payloadBytes
      frames.push({
        file,
        offset,
        bytes: frame.frameBytes,
        contentBytes,
        commits: frame.commits,
        sequence: frame.lastSequence,
      })
      offset += frame.frameBytes
    }
  }
  return frames
}

/** What came of opening: refused (then with nothing changed), or the state that was found. */
export type Outcome =
  | { readonly kind: 'refused'; readonly file: string; readonly offset: number; readonly message: string }
  | { readonly kind: 'opened'; readonly sequence: number }

/** 'everyday' opens as most applications do; 'reading' with `readOnly`, which needs no lock here and so no child process. */
export type Opening = 'everyday' | 'reading'

/**
 * Opens the directory as an application would. A refusal must be a `CorruptionError` and leave every byte as it was; what
 * opens must hold one of the image's prefixes, row by row.
 */
export async function openAndJudge(
  directory: string,
  before: Files,
  image: Image,
  opening: Opening = 'everyday',
): Promise<Outcome> {
  let db: Database
  try {
    db = await open(directory, opening === 'reading' ? { ...DAMAGE_OPTIONS, readOnly: true } : DAMAGE_OPTIONS)
  } catch (error) {
    if (!(error instanceof CorruptionError)) throw error
    const changed = differenceOf(before, readFiles(directory))
    if (changed !== undefined) throw new Error(`a refused opening has changed ${changed}`, { cause: error })
    return { kind: 'refused', file: path.basename(error.file), offset: error.offset, message: error.message }
  }
  try {
    const { rows, sequence } = await stateOf(db)
    if (image.rowsBySequence.get(sequence) !== rows)
      throw new Error(`what was found is no prefix (sequence ${sequence})`)
    return { kind: 'opened', sequence }
  } finally {
    await db.close()
  }
}

/** The first file that differs; undefined if none does. */
export function differenceOf(before: Files, after: Files): string | undefined {
  const names = new Set([...before.keys(), ...after.keys()])
  return [...names].find((name) => before.get(name)?.equals(after.get(name) ?? Buffer.from('gone')) !== true)
}
