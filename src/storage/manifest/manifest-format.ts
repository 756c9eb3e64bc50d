/**
 * The manifest's bytes: a header, then one record per edit, each from a 4 KiB boundary on; the rest of the file is zeros.
 *
 *   header (32 bytes, the same layout in every format version)
 *     0  u32 magic 'SKMF'      4  u32 format version    8  u53 file number    16  u53 file size in bytes
 *     24 u32 zero              28 u32 CRC of bytes 0-27
 *   record (at the first boundary after the header or the record before)
 *     0  u32 magic 'EDIT'      4  u32 payload bytes     8  u32 ordinal, from 0       12 u32 zero
 *     16 u53 promise: the file was durable up to here when the record was written
 *     24 u32 CRC of (file number u53, file offset u53, bytes 0-23, payload)   28  payload: fields, each a tag byte first
 *
 * The checksum binds a record to its file and place. A boundary begins a disk sector, so no synced record is ever rewritten
 * by the next; the file has its full size from the start, so an edit needs no room and a shorter file is a truncated one.
 * DO NOT RENUMBER the tags. Frozen by test/format/manifest, explained in docs/FORMATS.md.
 */
import { assert } from '../../base/assert'
import { crc32 } from '../../base/checksum'
import { ByteReader, ByteWriter } from '../files/byte-codec'
import type { ManifestEdit, TableName, TableRecord } from './manifest-state'

export const MANIFEST_FORMAT_VERSION = 1
export const MANIFEST_HEADER_BYTES = 32
/** Records begin at multiples of this. */
export const MANIFEST_BOUNDARY_BYTES = 4096
export const RECORD_HEADER_BYTES = 28
const CHECKED_BYTES = 24

const MANIFEST_MAGIC = 0x464d4b53
const RECORD_MAGIC = 0x54494445

const TAG_COMPARATOR = 1
const TAG_OPTION = 2
const TAG_NEXT_FILE_NUMBER = 3
const TAG_NEXT_SEGMENT = 4
const TAG_FLUSHED_THROUGH = 5
const TAG_FIRST_SEGMENT = 6
const TAG_ADD_SEGMENT = 7
const TAG_LOG_END = 8
const TAG_ADD_TABLE = 9
const TAG_REMOVE_TABLE = 10
/** As TAG_ADD_TABLE; both sequences are the one of the load. */
const TAG_ADD_LOADED_TABLE = 11

/** What a header says, or why it is none. */
export type ManifestHeader =
  | { readonly kind: 'header'; readonly version: number; readonly fileNumber: number; readonly fileBytes: number }
  | { readonly kind: 'bad'; readonly why: string }

/** What stands at a boundary. */
export type ManifestRecord =
  | {
      readonly kind: 'record'
      readonly ordinal: number
      readonly promise: number
      readonly payload: Buffer
      readonly end: number
    }
  | { readonly kind: 'bad' }

/** A payload's edit, or why there is none; `unknownTag` means a newer version wrote it. */
export type DecodedEdit =
  | { readonly kind: 'edit'; readonly edit: ManifestEdit }
  | { readonly kind: 'bad'; readonly why: string; readonly unknownTag: boolean }

/** The place of the first record, or of the one after a record that ends at `end`. */
export function nextBoundary(end: number): number {
  return Math.ceil(end / MANIFEST_BOUNDARY_BYTES) * MANIFEST_BOUNDARY_BYTES
}

/** A header. */
export function encodeHeader(fileNumber: number, fileBytes: number): Buffer {
  const writer = new ByteWriter()
  writer.u32(MANIFEST_MAGIC)
  writer.u32(MANIFEST_FORMAT_VERSION)
  writer.u53(fileNumber)
  writer.u53(fileBytes)
  writer.u32(0)
  writer.u32(crc32(writer.finish()))
  return writer.finish()
}

/** Reads a header; the version is to be compared by the caller. */
export function decodeHeader(bytes: Buffer): ManifestHeader {
  if (bytes.length < MANIFEST_HEADER_BYTES) return { kind: 'bad', why: `it ends after ${bytes.length} bytes` }
  const reader = new ByteReader(bytes, 0, MANIFEST_HEADER_BYTES)
  const magic = reader.u32()
  const version = reader.u32()
  const fileNumber = reader.u53()
  const fileBytes = reader.u53()
  reader.u32()
  if (magic !== MANIFEST_MAGIC) return { kind: 'bad', why: 'it does not begin as a manifest does' }
  if (reader.u32() !== crc32(bytes, 0, MANIFEST_HEADER_BYTES - 4)) {
    return { kind: 'bad', why: "the header's checksum does not fit" }
  }
  return { kind: 'header', version, fileNumber, fileBytes }
}

/** A record's place, and the promise that it makes. */
export interface RecordPlace {
  readonly fileNumber: number
  readonly offset: number
  readonly ordinal: number
  /** Everything before this offset is synced. */
  readonly promise: number
}

/** A record for its place. */
export function encodeRecord(payload: Uint8Array, place: RecordPlace): Buffer {
  assert(place.offset % MANIFEST_BOUNDARY_BYTES === 0, 'a record begins at a boundary')
  assert(place.promise <= place.offset, 'a record promises only what lies before it')
  const header = new ByteWriter()
  header.u32(RECORD_MAGIC)
  header.u32(payload.length)
  header.u32(place.ordinal)
  header.u32(0)
  header.u53(place.promise)
  const record = Buffer.alloc(RECORD_HEADER_BYTES + payload.length)
  record.set(header.finish())
  record.set(payload, RECORD_HEADER_BYTES)
  record.writeUInt32LE(recordChecksum(record, place), CHECKED_BYTES)
  return record
}

/** The record at `offset` of the manifest's bytes, if a valid one stands there. */
export function decodeRecord(bytes: Buffer, fileNumber: number, offset: number): ManifestRecord {
  if (offset + RECORD_HEADER_BYTES > bytes.length) return { kind: 'bad' }
  if (bytes.readUInt32LE(offset) !== RECORD_MAGIC) return { kind: 'bad' }
  const end = offset + RECORD_HEADER_BYTES + bytes.readUInt32LE(offset + 4)
  if (end > bytes.length) return { kind: 'bad' }
  const record = bytes.subarray(offset, end)
  if (record.readUInt32LE(CHECKED_BYTES) !== recordChecksum(record, { fileNumber, offset })) return { kind: 'bad' }
  const reader = new ByteReader(record, 8)
  const ordinal = reader.u32()
  reader.u32()
  return { kind: 'record', ordinal, promise: reader.u53(), payload: record.subarray(RECORD_HEADER_BYTES), end }
}

function recordChecksum(record: Buffer, place: { readonly fileNumber: number; readonly offset: number }): number {
  const identity = new ByteWriter()
  identity.u53(place.fileNumber)
  identity.u53(place.offset)
  const head = crc32(record, 0, CHECKED_BYTES, crc32(identity.finish()))
  return crc32(record, RECORD_HEADER_BYTES, record.length, head)
}

/** The fields of an edit, adds before removes. An empty edit has no fields: a seal. */
export function encodeEdit(edit: ManifestEdit): Buffer {
  const writer = new ByteWriter()
  if (edit.comparator !== undefined) tagged(writer, TAG_COMPARATOR).latin1(edit.comparator)
  for (const [name, value] of edit.options ?? []) {
    tagged(writer, TAG_OPTION).latin1(name)
    writer.latin1(value)
  }
  if (edit.nextFileNumber !== undefined) tagged(writer, TAG_NEXT_FILE_NUMBER).u53(edit.nextFileNumber)
  if (edit.nextSegment !== undefined) tagged(writer, TAG_NEXT_SEGMENT).u53(edit.nextSegment)
  if (edit.flushedThrough !== undefined) tagged(writer, TAG_FLUSHED_THROUGH).u53(edit.flushedThrough)
  if (edit.firstSegment !== undefined) tagged(writer, TAG_FIRST_SEGMENT).u53(edit.firstSegment)
  for (const number of edit.addSegments ?? []) tagged(writer, TAG_ADD_SEGMENT).u53(number)
  if (edit.logEnd !== undefined) {
    const { end, clean } = edit.logEnd
    tagged(writer, TAG_LOG_END).u53(end.segment)
    writer.u53(end.offset)
    writer.u53(end.sequence)
    writer.u32(end.checksum)
    writer.u8(clean ? 1 : 0)
  }
  for (const table of edit.addTables ?? []) {
    encodeTable(tagged(writer, table.loadedAt === undefined ? TAG_ADD_TABLE : TAG_ADD_LOADED_TABLE), table)
  }
  for (const { level, number } of edit.removeTables ?? []) {
    tagged(writer, TAG_REMOVE_TABLE).u8(level)
    writer.u53(number)
  }
  return writer.finish()
}

function tagged(writer: ByteWriter, tag: number): ByteWriter {
  writer.u8(tag)
  return writer
}

function encodeTable(writer: ByteWriter, table: TableRecord): void {
  writer.u8(table.level)
  writer.u53(table.run)
  writer.u53(table.number)
  writer.u53(table.fileBytes)
  writer.u53(table.entries)
  writer.u53(table.firstSequence)
  writer.u53(table.lastSequence)
  writer.latin1(table.bounds.start)
  writer.u8(table.bounds.end === undefined ? 0 : 1)
  writer.latin1(table.bounds.end ?? '')
}

interface EditFields {
  comparator?: string
  options?: Map<string, string>
  nextFileNumber?: number
  nextSegment?: number
  flushedThrough?: number
  firstSegment?: number
  addSegments?: number[]
  logEnd?: NonNullable<ManifestEdit['logEnd']>
  addTables?: TableRecord[]
  removeTables?: TableName[]
}

/** Reads the fields of an edit. */
export function decodeEdit(payload: Buffer): DecodedEdit {
  const reader = new ByteReader(payload)
  const fields: EditFields = {}
  while (!reader.done) {
    const tag = reader.u8()
    if (!decodeField(tag, reader, fields)) return { kind: 'bad', why: `its field ${tag} is unknown`, unknownTag: true }
  }
  if (reader.failed) return { kind: 'bad', why: 'its fields do not end where it ends', unknownTag: false }
  return { kind: 'edit', edit: fields }
}

function decodeField(tag: number, reader: ByteReader, fields: EditFields): boolean {
  if (tag === TAG_COMPARATOR) fields.comparator = reader.latin1()
  else if (tag === TAG_OPTION) (fields.options ??= new Map()).set(reader.latin1(), reader.latin1())
  else if (tag === TAG_NEXT_FILE_NUMBER) fields.nextFileNumber = reader.u53()
  else if (tag === TAG_NEXT_SEGMENT) fields.nextSegment = reader.u53()
  else if (tag === TAG_FLUSHED_THROUGH) fields.flushedThrough = reader.u53()
  else if (tag === TAG_FIRST_SEGMENT) fields.firstSegment = reader.u53()
  else if (tag === TAG_ADD_SEGMENT) (fields.addSegments ??= []).push(reader.u53())
  else if (tag === TAG_LOG_END) fields.logEnd = decodeLogEnd(reader)
  else if (tag === TAG_ADD_TABLE) (fields.addTables ??= []).push(decodeTable(reader))
  else if (tag === TAG_ADD_LOADED_TABLE) (fields.addTables ??= []).push(loaded(decodeTable(reader)))
  else if (tag === TAG_REMOVE_TABLE) (fields.removeTables ??= []).push({ level: reader.u8(), number: reader.u53() })
  else return false
  return true
}

function loaded(table: TableRecord): TableRecord {
  return { ...table, loadedAt: table.lastSequence }
}

function decodeLogEnd(reader: ByteReader): NonNullable<ManifestEdit['logEnd']> {
  const end = { segment: reader.u53(), offset: reader.u53(), sequence: reader.u53(), checksum: reader.u32() }
  return { end, clean: reader.u8() === 1 }
}

function decodeTable(reader: ByteReader): TableRecord {
  const level = reader.u8()
  const run = reader.u53()
  const number = reader.u53()
  const fileBytes = reader.u53()
  const entries = reader.u53()
  const firstSequence = reader.u53()
  const lastSequence = reader.u53()
  const start = reader.latin1()
  const bounded = reader.u8() === 1
  const end = reader.latin1()
  const bounds = { start, end: bounded ? end : undefined }
  return { level, run, number, fileBytes, entries, firstSequence, lastSequence, bounds }
}
