/**
 * The names of files in a database directory: what each one is, and which ones belong to a store at all.
 *
 *   LOCK                  held by the one process that has the store open
 *   RESERVE               disk space kept aside (log-reserve.ts)
 *   CURRENT               names the manifest in force
 *   0000000042.manifest   a manifest          (numbers shared with tables)
 *   0000000043.table      a table
 *   0000000007.log        a segment of the write-ahead log (numbers of their own)
 *
 * Any other name is foreign: never read, never removed. Pinned by test/unit/storage/files/file-names.test.ts.
 */
import { assert } from '../../base/assert'
import { fileNameToSegment } from '../log/log-format'
import { RESERVE_FILE_NAME } from '../log/log-reserve'

/** Names the manifest in force. */
export const CURRENT_FILE = 'CURRENT'
/** CURRENT under construction. */
export const CURRENT_TEMPORARY_FILE = 'CURRENT.tmp'
/** The runtime's lock lives in it. */
export const LOCK_FILE = 'LOCK'

/** The greatest number that fits the ten digits of a name. */
export const FILE_NUMBER_MAX = 9_999_999_999

/** What a name in a database directory stands for; `number` is 0 where there is none. */
export interface StoreFile {
  readonly kind: 'lock' | 'reserve' | 'current' | 'currentTemporary' | 'manifest' | 'table' | 'segment'
  readonly number: number
}

/** '0000000042.manifest'. */
export function manifestFileName(number: number): string {
  return `${tenDigits(number)}.manifest`
}

/** '0000000042.table'. */
export function tableFileName(number: number): string {
  return `${tenDigits(number)}.table`
}

/** What `name` stands for; undefined for a foreign file. */
export function parseFileName(name: string): StoreFile | undefined {
  if (name === LOCK_FILE) return { kind: 'lock', number: 0 }
  if (name === RESERVE_FILE_NAME) return { kind: 'reserve', number: 0 }
  if (name === CURRENT_FILE) return { kind: 'current', number: 0 }
  if (name === CURRENT_TEMPORARY_FILE) return { kind: 'currentTemporary', number: 0 }
  const segment = fileNameToSegment(name)
  if (segment !== undefined) return { kind: 'segment', number: segment }
  const match = /^(\d{10})\.(manifest|table)$/.exec(name)
  if (match === null) return undefined
  return { kind: match[2] === 'manifest' ? 'manifest' : 'table', number: Number(match[1]) }
}

function tenDigits(number: number): string {
  assert(Number.isInteger(number) && number > 0 && number <= FILE_NUMBER_MAX, 'a file number has at most ten digits')
  return String(number).padStart(10, '0')
}
