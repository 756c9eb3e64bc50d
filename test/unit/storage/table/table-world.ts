/** A file in memory, and tables built into it from model histories. */
import type { Clock, File } from '../../../../src/runtime/runtime'
import { BlockCache } from '../../../../src/storage/table/block-cache'
import type { IndexMode } from '../../../../src/storage/table/index-mode'
import { openTable, TableCounters } from '../../../../src/storage/table/table'
import type { Table } from '../../../../src/storage/table/table'
import { TableWriter } from '../../../../src/storage/table/table-writer'
import type { TableWriterOptions } from '../../../../src/storage/table/table-writer'
import type { TableProperties } from '../../../../src/storage/table/table-format'
import type { Version, VersionCursor } from '../../../../src/storage/rows/version-cursor'
import { inOrder } from '../rows/version-model'
import type { ModelHistory, ModelVersion } from '../rows/version-model'

/** A file whose bytes tests may change behind the table's back. */
export class TestFile implements File {
  bytes: Buffer = Buffer.alloc(0)
  closed = false
  reads = 0
  readsSync = 0
  /** While set, asynchronous reads wait for it. */
  gate: Promise<void> | undefined

  constructor(readonly path = 'test/000001.table') {}

  async read(target: Uint8Array, offset: number, length: number, position: number): Promise<number> {
    this.reads++
    await this.gate
    return this.#read(target, offset, length, position)
  }

  readSync(target: Uint8Array, offset: number, length: number, position: number): number {
    this.readsSync++
    return this.#read(target, offset, length, position)
  }

  #read(target: Uint8Array, offset: number, length: number, position: number): number {
    if (this.closed) throw new Error('EBADF')
    return this.bytes.copy(target, offset, position, Math.min(position + length, this.bytes.length))
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    if (position + bytes.length > this.bytes.length) {
      this.bytes = Buffer.concat([this.bytes, Buffer.alloc(position + bytes.length - this.bytes.length)])
    }
    this.bytes.set(bytes, position)
  }

  async sync(): Promise<void> {}

  async size(): Promise<number> {
    return this.bytes.length
  }

  async close(): Promise<void> {
    this.closeSync()
  }

  closeSync(): void {
    this.closed = true
  }
}

/** A clock that moves only by what a test adds per call. */
export class TestClock implements Clock {
  nowMs = 0
  /** Added by each reading of the clock: a read of a block takes this long. */
  stepMs = 0

  monotonicMs(): number {
    this.nowMs += this.stepMs
    return this.nowMs
  }

  wallMs(): number {
    return this.nowMs
  }
}

export const smallTable = { fileNumber: 7, blockBytes: 256, filterBitsPerKey: 10 }

/** Writes a table with the history's content. */
export async function writeTable(
  history: ModelHistory,
  options: TableWriterOptions = smallTable,
): Promise<{ file: TestFile; properties: TableProperties }> {
  const file = new TestFile(`test/${String(options.fileNumber).padStart(6, '0')}.table`)
  const writer = new TableWriter(file, options)
  for (const tombstone of history.rangeTombstones) writer.addRangeTombstone(tombstone)
  for (const version of inOrder(history.versions)) {
    writer.add(asVersion(version))
    if (writer.needsDrain) await writer.drain()
  }
  const properties = await writer.finish()
  return { file, properties }
}

export interface OpenedTable {
  readonly file: TestFile
  readonly table: Table
  readonly cache: BlockCache
  readonly counters: TableCounters
  readonly clock: TestClock
}

/** Opens a table over a file. */
export async function openTestTable(
  file: TestFile,
  options: { fileNumber?: number; cacheBytes?: number; indexMode?: IndexMode; loadedAt?: number } = {},
): Promise<OpenedTable> {
  const cache = new BlockCache({ bytesMax: options.cacheBytes ?? 1 << 20 })
  const counters = new TableCounters()
  const clock = new TestClock()
  const table = await openTable(file, {
    fileNumber: options.fileNumber ?? smallTable.fileNumber,
    cache,
    counters,
    clock,
    indexMode: options.indexMode,
    loadedAt: options.loadedAt,
  })
  return { file, table, cache, counters, clock }
}

/** A model's version in the form that writers take. */
export function asVersion(version: ModelVersion): Version {
  const { key, sequence, kind } = version
  const value = version.value ?? Buffer.alloc(0)
  return {
    key,
    keyBytes: Buffer.from(key, 'latin1'),
    keyLength: key.length,
    sequence,
    kind,
    valueBytes: value,
    valueAt: 0,
    valueLength: value.length,
  }
}

/** The version a cursor stands at, copied. Its key is read both ways. */
export function versionAt(cursor: Version): ModelVersion {
  const key = Buffer.from(cursor.keyBytes.subarray(0, cursor.keyLength)).toString('latin1')
  if (key !== cursor.key) throw new Error(`The cursor shows two keys: ${JSON.stringify([key, cursor.key])}`)
  const value = Buffer.from(cursor.valueBytes.subarray(cursor.valueAt, cursor.valueAt + cursor.valueLength))
  if (value.length !== cursor.valueLength) throw new Error('The cursor shows a value that is not all there')
  return { key, sequence: cursor.sequence, kind: cursor.kind, value: cursor.kind === 0 ? value : undefined }
}

/** Everything a cursor shows from a seek on; the cursor is closed. */
export async function versionsFrom(cursor: VersionCursor, key: string | undefined): Promise<ModelVersion[]> {
  const versions: ModelVersion[] = []
  for (let more = await cursor.seek(key); more; more = await cursor.next()) versions.push(versionAt(cursor))
  cursor.close()
  return versions
}
