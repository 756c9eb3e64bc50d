/**
 * The dump format: a database as portable text, one row a line, each line a JSON value.
 *
 *   {"format":"strictkv-dump","version":1,"sequence":42}      what follows; the sequence at which it was read
 *   ["alice","on call"]                                       a row: its key and its value, in ascending order of keys
 *   [{"hex":"00ff"},""]                                       bytes that are no plain text (plain-text.ts) stand in hexadecimal
 *   {"rows":2,"checksum":"1a2b3c4d"}                          the end: a file that was cut lacks it
 *
 * The checksum is the CRC-32 over, for each row, u32 length of the key, the key, u32 length of the value, the value (numbers
 * little-endian). It is one of contents, not of letters: other spacing, other escapes or other line ends do not change it, and
 * two databases with the same rows have the same one. Other programs may leave it and `sequence` out.
 *
 * Pure. A line that is not as it must be is refused with its column, counted in characters from 1. docs/FORMATS.md has a worked
 * example. Pinned by test/unit/kv/dump-format.test.ts and test/format/dump.
 */
import { describe } from '../base/bytes'
import { crc32 } from '../base/checksum'
import { bytesToPlainText } from '../base/plain-text'

/** The version written, and the only one read. DO NOT RENUMBER. */
export const DUMP_FORMAT_VERSION = 1
const FORMAT = 'strictkv-dump'

/**
 * The longest line that is read, in bytes: every byte of the largest key and value written as an escape of six letters, and room
 * for what stands around them.
 */
export const DUMP_LINE_BYTES_MAX = 6 * (16 * 1024 * 1024 + 4 * 1024) + 1024

/** Why a line is refused; the caller adds file and line. `column` is counted in characters from 1. */
export class DumpLineError extends Error {
  override readonly name = 'DumpLineError'

  constructor(
    readonly why: string,
    readonly column: number,
  ) {
    super(why)
  }
}

/** What the last line says. */
export interface DumpEnd {
  readonly rows: number
  /** Eight hexadecimal digits; undefined where another program left it out. */
  readonly checksum: string | undefined
}

/** The first line, without its line break. */
export function encodeDumpHeader(sequence: number): string {
  return JSON.stringify({ format: FORMAT, version: DUMP_FORMAT_VERSION, sequence })
}

/** The line of a row. */
export function encodeDumpRow(key: Uint8Array, value: Uint8Array): string {
  return `[${encodeBytes(key)},${encodeBytes(value)}]`
}

/** The last line. */
export function encodeDumpEnd(end: { readonly rows: number; readonly checksum: string }): string {
  return JSON.stringify({ rows: end.rows, checksum: end.checksum })
}

/** The checksum of contents, row by row. */
export class DumpChecksum {
  readonly #length = Buffer.alloc(4)
  #crc = 0

  add(key: Uint8Array, value: Uint8Array): void {
    for (const bytes of [key, value]) {
      this.#length.writeUInt32LE(bytes.length)
      this.#crc = crc32(bytes, 0, bytes.length, crc32(this.#length, 0, 4, this.#crc))
    }
  }

  /** Of all rows so far, in eight hexadecimal digits. */
  digest(): string {
    return this.#crc.toString(16).padStart(8, '0')
  }
}

/** Checks the first line. Throws `DumpLineError`. */
export function checkDumpHeader(line: string): void {
  const header = parseObject(line)
  if (header?.get('format') !== FORMAT) {
    throw new DumpLineError(`this is no dump: the first line must begin with {"format":"${FORMAT}"`, 1)
  }
  const version = header.get('version')
  if (version !== DUMP_FORMAT_VERSION) {
    const found = typeof version === 'number' ? String(version) : describe(version)
    throw new DumpLineError(`the dump is of version ${found}, and this program reads version ${DUMP_FORMAT_VERSION}`, 1)
  }
}

/** Whether a line is that of a row; the others begin with a brace. */
export function isDumpRow(line: string): boolean {
  return /^[ \t]*\[/.test(line)
}

/** The last line. Throws `DumpLineError`. */
export function decodeDumpEnd(line: string): DumpEnd {
  const end = parseObject(line)
  const rows = end?.get('rows')
  const checksum = end?.get('checksum')
  if (typeof rows !== 'number' || !Number.isSafeInteger(rows) || rows < 0) {
    throw new DumpLineError('a row ["key","value"] or the last line {"rows":...} must stand here', 1)
  }
  if (checksum !== undefined && !(typeof checksum === 'string' && /^[0-9a-f]{8}$/.test(checksum))) {
    throw new DumpLineError('the checksum of the last line must be eight hexadecimal digits', 1)
  }
  return { rows, checksum }
}

/** The key and value of a row's line. Throws `DumpLineError`. */
export function decodeDumpRow(line: string): readonly [key: Buffer, value: Buffer] {
  const row = new LineReader(line)
  row.expect('[')
  const key = row.bytes('the key')
  row.expect(',')
  const value = row.bytes('the value')
  row.expect(']')
  row.end()
  return [key, value]
}

function encodeBytes(bytes: Uint8Array): string {
  const text = bytesToPlainText(bytes)
  if (text !== undefined) return JSON.stringify(text)
  return `{"hex":"${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}"}`
}

/** The members of the JSON object in `line`; undefined where it is none. */
function parseObject(line: string): ReadonlyMap<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    return new Map(Object.entries(value))
  } catch {
    return undefined
  }
}

/** Reads a row from left to right, so that what is wrong has a column. */
class LineReader {
  readonly #line: string
  #at = 0

  constructor(line: string) {
    this.#line = line
  }

  expect(char: string): void {
    this.#skipSpace()
    if (this.#line[this.#at] !== char) throw this.#wrong(`${char} must stand here`)
    this.#at++
  }

  end(): void {
    this.#skipSpace()
    if (this.#at < this.#line.length) throw this.#wrong('nothing may stand behind the row')
  }

  /** A string, or an object with the one member `hex`. */
  bytes(what: string): Buffer {
    this.#skipSpace()
    if (this.#line[this.#at] === '"') return this.#text(what)
    if (this.#line[this.#at] !== '{') throw this.#wrong(`${what} must stand here, as "text" or {"hex":"..."}`)
    this.expect('{')
    this.#skipSpace()
    const nameAt = this.#at
    if (this.#string(what) !== 'hex') throw this.#wrong(`the only name that may stand here is "hex"`, nameAt)
    this.expect(':')
    const bytes = this.#hex(what)
    this.expect('}')
    return bytes
  }

  #text(what: string): Buffer {
    const at = this.#at
    const text = this.#string(what)
    if (!(text as unknown as { isWellFormed(): boolean }).isWellFormed()) {
      throw this.#wrong(`${what} holds half of a surrogate pair, which stands for no bytes`, at)
    }
    return Buffer.from(text, 'utf8')
  }

  #hex(what: string): Buffer {
    this.#skipSpace()
    const at = this.#at
    const digits = this.#string(what)
    const bytes = Buffer.from(digits, 'hex')
    if (bytes.length * 2 === digits.length) return bytes
    throw this.#wrong(`${what} must be hexadecimal digits, two a byte`, at + 1 + bytes.length * 2)
  }

  /** A JSON string. */
  #string(what: string): string {
    const start = this.#at
    if (this.#line[start] !== '"') throw this.#wrong('a string must stand here')
    let end = this.#line.indexOf('"', start + 1)
    while (end !== -1 && this.#isEscaped(end)) end = this.#line.indexOf('"', end + 1)
    if (end === -1) throw this.#wrong(`the closing quote of ${what} is missing`)
    this.#at = end + 1
    try {
      return JSON.parse(this.#line.slice(start, end + 1)) as string
    } catch {
      throw this.#wrong(`${what} is no valid JSON string`, start)
    }
  }

  /** Whether the quote at `at` has an odd number of backslashes before it. */
  #isEscaped(at: number): boolean {
    let backslashes = 0
    while (this.#line[at - 1 - backslashes] === '\\') backslashes++
    return backslashes % 2 === 1
  }

  #skipSpace(): void {
    while (this.#at < this.#line.length && ' \t\r'.includes(this.#line[this.#at]!)) this.#at++
  }

  #wrong(why: string, at = this.#at): DumpLineError {
    return new DumpLineError(why, at + 1)
  }
}
