/**
 * The tables that one job writes: a run of them, cut where a key changes, complete and synced or gone without a trace.
 *
 *   begin -> add* -> (cut -> begin -> add*)* -> finish:  each table synced, piece by piece as it grows, and closed
 *
 * Range tombstones are clipped at the cuts, so that no two tables of the run overlap. After any failure the job calls
 * `discard`: files under construction are removed, their numbers never used again. The directory is the caller's to sync
 * before anything refers to the tables: a failure of that is no failure of one table (engine-jobs.ts).
 *
 * Pinned by test/contract/engine and test/crash.
 * Spec: ManifestFlush!SyncTable, Storage!SyncTable.
 */
import { assert } from '../../base/assert'
import type { Key } from '../../base/bytes'
import type { Limits } from '../../base/limits'
import type { File, Runtime } from '../../runtime/runtime'
import type { BlockRows } from './block-builder'
import type { CodecName } from '../files/codec'
import { tableFileName } from '../files/file-names'
import { SteadyFile } from '../files/steady-file'
import type { IndexMode } from './index-mode'
import { clipRangeTombstones } from '../rows/range-tombstones'
import type { TableProperties } from './table-format'
import { TableWriter, WriterMemory } from './table-writer'
import type { RangeTombstone, Version } from '../rows/version-cursor'
import { removeQuietly } from '../files/whole-file'

/** A table may end at a cut key once it has its size divided by this. */
const CUT_PART_MIN = 4

/** What a row adds to a table beside key, value, filter and the key once more in the index: columns, a block, a separator. */
const ROW_BYTES_MORE_MAX = 128

/** Where and how tables are written. */
export interface TableOutputOptions {
  readonly directory: string
  readonly limits: Limits
  /** 'auto' unless given. */
  readonly indexMode?: IndexMode | undefined
  /** 'none' unless given. */
  readonly codec?: CodecName | undefined
  /** Whether the tables are of the last level, where blocks are larger if they are compressed. */
  readonly isLastLevel?: boolean | undefined
  /** Filter bits for each key; those of the limits unless given. */
  readonly filterBitsPerKey?: number | undefined
  readonly allocateFileNumber: () => number
  /** How many tables are written at most: the last takes whatever comes. No bound if left out. */
  readonly tablesMax?: number
  /** Size at which a new table is begun; Infinity for one table only. */
  readonly tableBytesMax: number
  /**
   * Keys, ascending, before which a new table is begun rather than elsewhere, once the one under construction has
   * a quarter of `tableBytesMax`: so tables of different runs end at the same keys, and fewer overlap one another.
   */
  readonly cutKeys: readonly Key[]
  /** All that the run is to hold. */
  readonly rangeTombstones: readonly RangeTombstone[]
}

/** A run of tables under construction. */
export class TableOutput {
  readonly #runtime: Runtime
  readonly #options: TableOutputOptions
  readonly #paths: string[] = []
  readonly #written: TableProperties[] = []
  #file: File | undefined
  #writer: TableWriter | undefined
  #memory: WriterMemory | undefined
  /** Where the table under construction begins: its first key may lie further on. */
  #start: Key = ''
  /** No more than what the table under construction has room for; worked out anew when used up. */
  #room = 0
  /** The first of `cutKeys` that the keys have not reached. */
  #nextCut = 0

  constructor(runtime: Runtime, options: TableOutputOptions) {
    this.#runtime = runtime
    this.#options = options
  }

  /** The table under construction; undefined: `begin` before the next `add`. */
  get writer(): TableWriter | undefined {
    return this.#writer
  }

  /** Bytes of memory that what is under construction takes. */
  get memoryBytes(): number {
    return this.#memory?.memoryBytes ?? 0
  }

  /** Whether the next version, the first of its key, should begin a new table. REQUIRES: asked in the order of keys. */
  shouldCut(version: Version): boolean {
    const { cutKeys, tableBytesMax } = this.#options
    const before = this.#nextCut
    while (this.#nextCut < cutKeys.length && isAtOrAbove(version, cutKeys[this.#nextCut]!)) this.#nextCut++
    if (this.#writer === undefined || this.#paths.length === this.#options.tablesMax) return false
    const bytes = this.#writer.estimatedBytes
    return bytes >= tableBytesMax || (this.#nextCut > before && bytes >= tableBytesMax / CUT_PART_MIN)
  }

  /**
   * Whether the table under construction surely takes `rows` more of so many bytes, all of them in a block whose last key is
   * `lastKey`, without a cut: then `shouldCut` need not be asked for each.
   */
  hasRoomFor(rows: number, bytes: number, block: { readonly lastKey: Key }): boolean {
    const { tableBytesMax, cutKeys } = this.#options
    if (this.#writer === undefined) return false
    if (this.#nextCut < cutKeys.length && block.lastKey >= cutKeys[this.#nextCut]!) return false
    // Beside keys and values a row may add its columns, a share of the filter, and a separator of its own.
    const worst = 2 * bytes + rows * (ROW_BYTES_MORE_MAX + this.#filterBitsPerKey / 8) + ROW_BYTES_MORE_MAX
    if (this.#room < worst) this.#room = tableBytesMax - this.#writer.estimatedBytes
    this.#room -= worst
    return this.#room > 0
  }

  /** Creates the next table's file. */
  async begin(): Promise<void> {
    assert(this.#writer === undefined, 'one table is written at a time')
    const fileNumber = this.#options.allocateFileNumber()
    const { limits, indexMode, codec = 'none', isLastLevel } = this.#options
    const { compressedBlockBytes, compressedValueBytesMax: payloadBytesMax } = limits
    const isLarger = codec !== 'none' && isLastLevel === true
    const blockBytes = isLarger ? Math.max(limits.blockBytes, compressedBlockBytes) : limits.blockBytes
    const compression = { codec, payloadBytesMax }
    const path = this.#runtime.files.join(this.#options.directory, tableFileName(fileNumber))
    this.#paths.push(path)
    this.#file = new SteadyFile(await this.#runtime.files.open(path, 'create'), limits.tableSyncBytes)
    const memory = (this.#memory ??= new WriterMemory(blockBytes))
    this.#writer = new TableWriter(this.#file, {
      fileNumber,
      blockBytes,
      filterBitsPerKey: this.#filterBitsPerKey,
      indexMode,
      compression,
      memory,
    })
  }

  get #filterBitsPerKey(): number {
    return this.#options.filterBitsPerKey ?? this.#options.limits.filterBitsPerKey
  }

  /** Adds a version in internal order. REQUIRES: a table has begun. */
  add(version: Version): void {
    this.#room = 0
    this.#writer!.add(version)
  }

  /** Adds rows `[from, to)` of a block: puts of distinct keys, none of them large. REQUIRES: a table has begun. */
  addRows(rows: BlockRows, from: number, to: number): void {
    this.#writer!.addRows(rows, from, to)
  }

  /** Ends the table under construction; everything from `key` on goes to the next one. */
  async cut(key: Key): Promise<void> {
    await this.#end(key)
    this.#start = key
  }

  /** Ends the last table. Those written, in order, each complete and synced; none if there was nothing to write. */
  async finish(): Promise<readonly TableProperties[]> {
    await this.#end(undefined)
    return this.#written
  }

  /** Removes everything written. Never throws. */
  async discard(): Promise<void> {
    await this.#file?.close()
    this.#file = undefined
    this.#writer = undefined
    for (const path of this.#paths) await removeQuietly(this.#runtime, path)
  }

  async #end(end: Key | undefined): Promise<void> {
    const tombstones = clipRangeTombstones(this.#options.rangeTombstones, { start: this.#start, end })
    if (this.#writer === undefined) {
      if (tombstones.length === 0) return
      await this.begin()
    }
    const [writer, file] = [this.#writer!, this.#file!]
    for (const tombstone of tombstones) writer.addRangeTombstone(tombstone)
    const properties = await writer.finish()
    this.#runtime.faults.reach('table.before-sync')
    await file.sync()
    this.#file = undefined
    this.#writer = undefined
    this.#room = 0
    await file.close()
    this.#written.push(properties)
  }
}

/** Whether the version's key is at or above `key`, without making a string of it. */
function isAtOrAbove({ keyBytes, keyLength }: Version, key: Key): boolean {
  const length = Math.min(keyLength, key.length)
  for (let i = 0; i < length; i++) {
    const difference = keyBytes[i]! - key.charCodeAt(i)
    if (difference !== 0) return difference > 0
  }
  return keyLength >= key.length
}
