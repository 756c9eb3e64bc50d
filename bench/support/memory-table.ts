/**
 * A table in memory: built by the store's own writer from a key set, opened by its own reader, with nothing of a disk between.
 */
import { Buffer } from 'node:buffer'
import type { Clock, File } from '../../src/runtime/runtime'
import { BlockCache } from '../../src/storage/table/block-cache'
import { ENTRY_PUT } from '../../src/storage/engine'
import type { IndexMode } from '../../src/storage/table/index-mode'
import { openTable } from '../../src/storage/table/table'
import type { Table } from '../../src/storage/table/table'
import { TableBlocks, TableCounters } from '../../src/storage/table/table-blocks'
import { readTableContents } from '../../src/storage/table/table-contents'
import type { TableContents } from '../../src/storage/table/table-contents'
import { TableWriter } from '../../src/storage/table/table-writer'
import type { KeySet } from './key-sets'
import { VALUE_BYTES } from './keys'

const CHUNK_BYTES = 1 << 26
const FILE_NUMBER = 1
export const BLOCK_BYTES = 4096

/** A file that is memory, of any size. */
class MemoryFile implements File {
  readonly path = 'memory.table'
  readonly #chunks: Buffer[] = []
  #bytes = 0

  #copy(
    position: number,
    length: number,
    each: (chunk: Buffer, at: number, done: number, count: number) => void,
  ): void {
    for (let done = 0; done < length;) {
      const chunk = Math.floor((position + done) / CHUNK_BYTES)
      const at = (position + done) % CHUNK_BYTES
      const count = Math.min(length - done, CHUNK_BYTES - at)
      each((this.#chunks[chunk] ??= Buffer.allocUnsafeSlow(CHUNK_BYTES)), at, done, count)
      done += count
    }
  }

  readSync(target: Uint8Array, offset: number, length: number, position: number): number {
    const count = Math.max(0, Math.min(length, this.#bytes - position))
    this.#copy(position, count, (chunk, at, done, part) => {
      chunk.copy(target, offset + done, at, at + part)
    })
    return count
  }

  async read(target: Uint8Array, offset: number, length: number, position: number): Promise<number> {
    return this.readSync(target, offset, length, position)
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    this.#bytes = Math.max(this.#bytes, position + bytes.length)
    this.#copy(position, bytes.length, (chunk, at, done, part) => {
      chunk.set(bytes.subarray(done, done + part), at)
    })
  }

  async sync(): Promise<void> {}
  async close(): Promise<void> {}
  closeSync(): void {}

  async size(): Promise<number> {
    return this.#bytes
  }
}

/** Writes a table of the set's keys, each with a value of `VALUE_BYTES`. */
export async function writeMemoryTable(set: KeySet, indexMode: IndexMode): Promise<File> {
  const file = new MemoryFile()
  const writer = new TableWriter(file, {
    fileNumber: FILE_NUMBER,
    blockBytes: BLOCK_BYTES,
    filterBitsPerKey: 10,
    indexMode,
  })
  const value = Buffer.alloc(VALUE_BYTES, 1)
  for (let rank = 0; rank < set.count; rank++) {
    const key = set.keyAt(rank)
    const keyBytes = Buffer.from(key, 'latin1')
    writer.add({
      key,
      keyBytes,
      keyLength: keyBytes.length,
      sequence: 1,
      kind: ENTRY_PUT,
      valueBytes: value,
      valueAt: 0,
      valueLength: value.length,
    })
    if (writer.needsDrain) await writer.drain()
  }
  await writer.finish()
  return file
}

/** A table opened twice over: its blocks alone, for searches of the index, and whole, for lookups. */
export interface OpenMemoryTable {
  readonly contents: TableContents
  readonly blocks: TableBlocks
  readonly table: Table
  readonly counters: TableCounters
}

/** Opens it with a cache that holds everything. */
export async function openMemoryTable(file: File, indexMode: IndexMode): Promise<OpenMemoryTable> {
  const counters = new TableCounters()
  const clock: Clock = { monotonicMs: () => 0, wallMs: () => 0 }
  const options = { fileNumber: FILE_NUMBER, cache: new BlockCache({ bytesMax: 2 ** 32 }), clock, counters, indexMode }
  const contents = await readTableContents(file, FILE_NUMBER, { indexMode, modelCounters: counters.model })
  return {
    contents,
    blocks: new TableBlocks(file, contents.lookupIndex, options),
    table: await openTable(file, options),
    counters,
  }
}
