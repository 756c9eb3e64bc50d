/**
 * `readDump` and `loadDump`: the rows of a dump, checked line by line, and the way back into a database.
 *
 * Whatever is wrong with a dump is said with its line and column. The rows come out as they are read, so only the end of the
 * iteration says that the dump was whole: `loadDump` writes all rows in one commit (`db.load`) and thereby nothing of a dump that is
 * cut or damaged. With `merge` it writes over what is there, in transactions of a bounded size: each is there whole or not at
 * all, in the order of the file, so after an error a first part of the file is there, and loading it again is harmless.
 *
 * Pinned by test/unit/kv/load-dump.test.ts and test/properties/dump.test.ts.
 */
import { bytesToKey, describe, escapeKey } from '../base/bytes'
import type { Key } from '../base/bytes'
import { InvalidArgumentError, LimitExceededError } from '../base/errors'
import { bytesToText } from '../base/plain-text'
import type { Row } from './bytes-type'
import type { Receipt } from './call-options'
import type { Database } from './database'
import type { DumpEnd } from './dump-format'
import { DUMP_LINE_BYTES_MAX, DumpChecksum, DumpLineError, checkDumpHeader, decodeDumpEnd, decodeDumpRow, isDumpRow } from './dump-format' // prettier-ignore
import type { LoadProgress } from './load'
import { checkBoolean, checkFunction, checkOptions } from './options'
import type { Transaction } from './transaction'

/** The bytes of a dump, in pieces of any size: a stream of Node, or what `dump` gives. */
export type DumpChunks = Iterable<Uint8Array> | AsyncIterable<Uint8Array>

/** How a dump is read. */
export interface ReadDumpOptions {
  /** What messages call it, as in the path of the file. 'the dump' unless given. */
  readonly name?: string | undefined
  /** Whether keys may come in any order, and more than once. False unless given. */
  readonly anyOrder?: boolean | undefined
}

/** How a dump is loaded. */
export interface LoadDumpOptions {
  /** What messages call it. 'the dump' unless given. */
  readonly name?: string | undefined
  /** Whether to write over what is there, a part of the dump at a time, instead of all of it into an empty range. */
  readonly merge?: boolean | undefined
  /** Called now and then. With `merge`, what it is told of has been committed. */
  readonly onProgress?: ((progress: LoadProgress) => unknown) | undefined
}

/** What was loaded; `checksum` is that of dump-format.ts, so that contents can be compared. */
export interface LoadDumpReceipt extends Receipt, LoadProgress {
  readonly checksum: string
}

/** Bounds of one transaction of a merge; a single larger row is one of its own. */
const MERGE_ROWS_MAX = 1000
const MERGE_BYTES_MAX = 1024 * 1024

/**
 * The rows of a dump. Throws `InvalidArgumentError` that names line and column; the last `next` does so where the dump was cut, or
 * where its rows are not those that were written.
 */
export function readDump(chunks: DumpChunks, options: ReadDumpOptions = {}): AsyncIterableIterator<Row> {
  checkOptions(options, ['name', 'anyOrder'], 'readDump')
  checkBoolean(options.anyOrder, 'anyOrder')
  return new DumpReader(chunks, options).rows()
}

/**
 * Loads a dump. Rejects with `InvalidArgumentError` where it is not as it must be, or, without `merge`, where the range of its keys
 * is not empty; with `LimitExceededError`; and as a commit does.
 */
export async function loadDump(
  db: Database,
  chunks: DumpChunks,
  options: LoadDumpOptions = {},
): Promise<LoadDumpReceipt> {
  checkOptions(options, ['name', 'merge', 'onProgress'], 'loadDump')
  checkBoolean(options.merge, 'merge')
  const { name, merge, onProgress } = options
  if (onProgress !== undefined) checkFunction(onProgress, 'onProgress', 'loadDump')
  const reader = new DumpReader(chunks, { name, anyOrder: merge })
  try {
    const receipt =
      merge === true ? await mergeRows(db, reader, onProgress) : await db.load(reader.rows(), { onProgress })
    return { ...receipt, checksum: reader.checksum }
  } catch (error) {
    if (!(error instanceof LimitExceededError)) throw error
    throw new LimitExceededError(`Cannot load ${reader.place}: ${error.message}`)
  }
}

async function mergeRows(
  db: Database,
  reader: DumpReader,
  onProgress: LoadDumpOptions['onProgress'],
): Promise<Receipt & LoadProgress> {
  let receipt: Receipt = { sequence: 0, durable: true }
  let [rows, bytes] = [0, 0]
  let [batchRows, batchBytes] = [0, 0]
  let tx: Transaction | undefined
  const write = async (): Promise<void> => {
    if (tx === undefined) return
    receipt = await tx.commit()
    tx = undefined
    rows += batchRows
    bytes += batchBytes
    batchRows = 0
    batchBytes = 0
    onProgress?.({ rows, bytes })
  }
  try {
    for await (const [key, value] of reader.rows()) {
      const rowBytes = key.length + value.length
      if (batchRows >= MERGE_ROWS_MAX || batchBytes + rowBytes > MERGE_BYTES_MAX) await write()
      tx ??= db.begin({ label: 'merge of a dump' })
      tx.put(key, value)
      batchRows++
      batchBytes += rowBytes
    }
    await write()
  } finally {
    tx?.rollback()
  }
  return { ...receipt, rows, bytes }
}

/** Reads one dump. */
class DumpReader {
  readonly #chunks: DumpChunks
  readonly #name: string
  readonly #anyOrder: boolean
  readonly #checksum = new DumpChecksum()
  #line = 0
  #rows = 0
  #lastKey: Key | undefined
  #end: DumpEnd | undefined

  constructor(chunks: DumpChunks, options: ReadDumpOptions) {
    checkChunks(chunks)
    this.#chunks = chunks
    this.#name = options.name ?? 'the dump'
    this.#anyOrder = options.anyOrder === true
  }

  /** Of the rows read so far. */
  get checksum(): string {
    return this.#checksum.digest()
  }

  /** Where it reads, for messages. */
  get place(): string {
    return `${this.#name}: line ${this.#line}`
  }

  async *rows(): AsyncGenerator<Row, undefined> {
    const lines = new LineSplitter()
    for await (const chunk of this.#chunks) {
      for (const bytes of lines.split(this.#checkedChunk(chunk))) {
        const row = this.#take(bytes)
        if (row !== undefined) yield row
      }
      if (lines.restBytes > DUMP_LINE_BYTES_MAX) {
        this.#line++
        throw this.#wrong(`it is longer than ${DUMP_LINE_BYTES_MAX} bytes`)
      }
    }
    const rest = lines.rest()
    if (rest.length > 0) this.#takeRest(rest)
    if (this.#end === undefined) {
      throw new InvalidArgumentError(
        `Cannot load ${this.#name}: it ends after line ${this.#line} without the last line {"rows":...}: it was cut`,
      )
    }
    return undefined
  }

  /** One whole line: a row, or undefined for the first and the last one. */
  #take(bytes: Buffer): Row | undefined {
    this.#line++
    const line = bytesToText(bytes)
    if (line === undefined) throw this.#wrong('it is no valid UTF-8')
    if (this.#end !== undefined) {
      if (line.trim() === '') return undefined
      throw this.#wrong('nothing may stand behind the last line {"rows":...}')
    }
    try {
      if (this.#line === 1) {
        checkDumpHeader(line)
        return undefined
      }
      if (isDumpRow(line)) return this.#row(line)
      this.#end = decodeDumpEnd(line)
    } catch (error) {
      if (error instanceof DumpLineError) throw this.#wrong(error.why, error.column)
      throw error
    }
    this.#checkEnd(this.#end)
    return undefined
  }

  /** What stands behind the last line break: the last line, whose own break an editor took away, or a part of a line. */
  #takeRest(bytes: Buffer): void {
    const isBeside = this.#line === 0 || this.#end !== undefined
    try {
      this.#take(bytes)
    } catch (error) {
      if (isBeside || this.#end !== undefined) throw error
      throw new InvalidArgumentError(
        `Cannot load ${this.#name}: its last line, ${this.#line}, is not whole: it was cut`,
      )
    }
  }

  #row(line: string): Row {
    const [key, value] = decodeDumpRow(line)
    if (!this.#anyOrder) this.#checkOrder(bytesToKey(key))
    this.#checksum.add(key, value)
    this.#rows++
    return [key, value]
  }

  #checkOrder(key: Key): void {
    const last = this.#lastKey
    this.#lastKey = key
    if (last === undefined || key > last) return
    const why = key === last ? 'came in the line before' : `must come before ${escapeKey(last)}`
    throw this.#wrong(`the key ${escapeKey(key)} ${why}: keys must ascend byte by byte`)
  }

  #checkEnd(end: DumpEnd): void {
    if (end.rows !== this.#rows) {
      throw this.#wrong(
        `it says that there are ${end.rows} rows, and there are ${this.#rows}: lines are missing or added`,
      )
    }
    if (end.checksum !== undefined && end.checksum !== this.checksum) {
      throw this.#wrong(`it says that the checksum is ${end.checksum}, and it is ${this.checksum}: rows were changed`)
    }
  }

  #checkedChunk(chunk: unknown): Uint8Array {
    if (chunk instanceof Uint8Array) return chunk
    throw new InvalidArgumentError(`Cannot load ${this.#name}: ${describe(chunk)} is no piece of a dump; give bytes`)
  }

  #wrong(why: string, column?: number): InvalidArgumentError {
    const at = column === undefined ? '' : `, column ${column}`
    return new InvalidArgumentError(`Cannot load ${this.place}${at}: ${why}`)
  }
}

function checkChunks(chunks: unknown): void {
  const isObject = typeof chunks === 'object' && chunks !== null
  if (isObject && (Symbol.asyncIterator in chunks || Symbol.iterator in chunks)) return
  throw new InvalidArgumentError(`Cannot load ${describe(chunks)}: give the bytes of a dump, in pieces`)
}

/** Cuts chunks into lines; a line over many chunks is put together once. */
class LineSplitter {
  #parts: Buffer[] = []
  /** Bytes that wait for their line break. */
  restBytes = 0

  /** What stands behind the last line break. */
  rest(): Buffer {
    return Buffer.concat(this.#takeParts())
  }

  *split(chunk: Uint8Array): Generator<Buffer, undefined> {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    let start = 0
    for (let end = bytes.indexOf(0x0a); end !== -1; end = bytes.indexOf(0x0a, start)) {
      const part = bytes.subarray(start, end)
      start = end + 1
      yield this.#parts.length === 0 ? part : Buffer.concat([...this.#takeParts(), part])
    }
    if (start === bytes.length) return undefined
    // Copied: whoever gave the chunk may use its memory again.
    this.#parts.push(Buffer.from(bytes.subarray(start)))
    this.restBytes += bytes.length - start
    return undefined
  }

  #takeParts(): readonly Buffer[] {
    const parts = this.#parts
    this.#parts = []
    this.restBytes = 0
    return parts
  }
}
