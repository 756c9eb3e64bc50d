/**
 * Which format versions the files of a store are of: each file's version field read, and nothing else of it.
 *
 * It answers what an upgrade would have to do. A file whose header or footer does not verify has no version that could be told;
 * what is wrong with it is for verification to say. Reads only; works on a directory that another process has open, where a file
 * that went meanwhile is left out. Pinned by test/unit/storage/inspect/format-versions.test.ts.
 */
import { CorruptionError, IoError, UnsupportedFormatError } from '../../base/errors'
import type { File, Runtime } from '../../runtime/runtime'
import { parseFileName } from '../files/file-names'
import type { StoreFile } from '../files/file-names'
import { LOG_FORMAT_VERSION, SEGMENT_HEADER_BYTES, decodeSegmentHeader } from '../log/log-format'
import { MANIFEST_FORMAT_VERSION, MANIFEST_HEADER_BYTES, decodeHeader } from '../manifest/manifest-format'
import { FOOTER_BYTES, TABLE_FORMAT_VERSION, decodeFooter } from '../table/table-format'

/** The formats that have versions, and the one version of each that is written and read. */
export const CURRENT_FORMATS = {
  log: LOG_FORMAT_VERSION,
  table: TABLE_FORMAT_VERSION,
  manifest: MANIFEST_FORMAT_VERSION,
} as const

export type FormatName = keyof typeof CURRENT_FORMATS

/** One file of a store. */
export interface FileFormat {
  /** Its name in the directory. */
  readonly file: string
  readonly format: FormatName
  /** Undefined where the file does not say it in a way that can be trusted. */
  readonly version: number | undefined
}

const FORMATS: ReadonlyMap<StoreFile['kind'], FormatName> = new Map([
  ['segment', 'log'],
  ['table', 'table'],
  ['manifest', 'manifest'],
])

/** The formats of all files that have one, in the order of their names. Throws `IoError`. */
export async function readFormatVersions(runtime: Runtime, directory: string): Promise<FileFormat[]> {
  const found: FileFormat[] = []
  for (const file of await runtime.files.list(directory)) {
    const parsed = parseFileName(file)
    const format = parsed === undefined ? undefined : FORMATS.get(parsed.kind)
    if (parsed === undefined || format === undefined) continue
    const path = runtime.files.join(directory, file)
    const read = await readVersion(runtime, path, { format, number: parsed.number })
    if (read !== 'gone') found.push({ file, format, version: read })
  }
  return found
}

async function readVersion(
  runtime: Runtime,
  path: string,
  what: { readonly format: FormatName; readonly number: number },
): Promise<number | undefined | 'gone'> {
  let file: File
  try {
    file = await runtime.files.open(path, 'read')
  } catch (error) {
    if (error instanceof IoError && (await runtime.files.status(path)) === undefined) return 'gone'
    throw error
  }
  try {
    if (what.format === 'log') return segmentVersion(await readPart(file, 0, SEGMENT_HEADER_BYTES))
    if (what.format === 'manifest') return manifestVersion(await readPart(file, 0, MANIFEST_HEADER_BYTES))
    return await tableVersion(file, what.number)
  } finally {
    await file.close()
  }
}

function segmentVersion(page: Buffer): number | undefined {
  const header = decodeSegmentHeader(page)
  if (header.kind === 'invalid') return undefined
  return header.kind === 'unsupported' ? header.version : LOG_FORMAT_VERSION
}

function manifestVersion(bytes: Buffer): number | undefined {
  const header = decodeHeader(bytes)
  return header.kind === 'bad' ? undefined : header.version
}

async function tableVersion(file: File, fileNumber: number): Promise<number | undefined> {
  const fileBytes = await file.size()
  const footer = await readPart(file, Math.max(0, fileBytes - FOOTER_BYTES), FOOTER_BYTES)
  try {
    decodeFooter(footer, { file: file.path, fileNumber, fileBytes })
    return TABLE_FORMAT_VERSION
  } catch (error) {
    // The footer's checksum is right, and its first field is the version, in whichever version.
    if (error instanceof UnsupportedFormatError) return footer.readUInt32LE(0)
    if (error instanceof CorruptionError) return undefined
    throw error
  }
}

async function readPart(file: File, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length)
  let at = 0
  while (at < length) {
    const read = await file.read(bytes, at, length - at, position + at)
    if (read === 0) break
    at += read
  }
  return bytes.subarray(0, at)
}
