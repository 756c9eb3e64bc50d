/**
 * About how much of a log has been written to: segments are made larger than what is in them, and filled with zeros ahead.
 *
 *     | frames ... | zeros |     the end is looked for by halving, as if every page before it had something in it
 *
 * A guess, for whoever plans ahead: a page of zeros may well be part of a frame. Where the log ends is log-reader.ts.
 * Pinned by test/unit/storage/log/log-used.test.ts.
 */
import type { File, Runtime } from '../../runtime/runtime'
import { PAGE_BYTES, SECTOR_BYTES, segmentFileName } from './log-format'
import type { LogSource } from './log-reader'

/** Files of less are counted whole: to look into them takes longer than it could save. */
const LOOKED_INTO_BYTES_MIN = 4 * 1024 * 1024

/** Bytes that the segments of `source` hold, about; no more than their files have. A file that is missing holds none. Throws `IoError`. */
export async function usedLogBytes({ files }: Runtime, source: LogSource): Promise<number> {
  let bytes = 0
  for (const number of source.numbers) {
    const path = files.join(source.directory, segmentFileName(number))
    const status = await files.status(path)
    if (status?.kind !== 'file') continue
    if (status.size < LOOKED_INTO_BYTES_MIN) {
      bytes += status.size
      continue
    }
    const file = await files.open(path, 'read')
    try {
      bytes += await usedBytes(file, status.size)
    } finally {
      await file.close()
    }
  }
  return bytes
}

async function usedBytes(file: File, fileBytes: number): Promise<number> {
  const sector = Buffer.alloc(SECTOR_BYTES)
  let used = 0
  let blank = Math.ceil(fileBytes / PAGE_BYTES)
  while (used < blank) {
    const middle = (used + blank) >>> 1
    const count = await file.read(sector, 0, SECTOR_BYTES, middle * PAGE_BYTES)
    if (sector.subarray(0, count).every((byte) => byte === 0)) blank = middle
    else used = middle + 1
  }
  return Math.min(fileBytes, used * PAGE_BYTES)
}
