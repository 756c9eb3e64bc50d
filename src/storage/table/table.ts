/**
 * One open table: point lookups, cursors, verification. Index, filter, range tombstones and properties are resident; data blocks come
 * from cache or file, one block a lookup.
 *
 *   key bounds -> filter -> index -> block (cached, read at once, or promised) -> row
 *
 * The format is table-format.ts; what is on disk is hostile and throws `CorruptionError` with file and offset.
 * Pinned by test/unit/storage/table/table.test.ts, table-corruption.test.ts and test/format/table.
 */
import type { Key } from '../../base/bytes'
import { SEQUENCE_INFINITY } from '../../base/sequence'
import type { Sequence } from '../../base/sequence'
import type { File } from '../../runtime/runtime'
import type { Block } from './block'
import { BlockStretches } from './block-stretches'
import { ENTRY_DELETE } from '../engine'
import type { Filter, KeyHash } from './filter'
import type { IndexMode, TableIndexMode } from './index-mode'
import { Lookup, LOOKUP_VALUE } from '../rows/lookup'
import type { RangeTombstoneIndex } from '../rows/range-tombstones'
import { TableBlocks, TableCounters } from './table-blocks'
import type { TableBlocksOptions } from './table-blocks'
import { readTableContents } from './table-contents'
import type { TableContents } from './table-contents'
import { TableCursor } from './table-cursor'
import { INDEX_UNREAD } from './table-index'
import type { TableProperties } from './table-format'
import { verifyTable } from './table-verify'
import type { TableFindings, TableReport } from './table-verify'
import type { VersionCursor } from '../rows/version-cursor'

export { TableCounters }

/** `fileNumber` is the number the file has in the manifest; a file that says otherwise is corrupt. */
export interface TableOptions extends TableBlocksOptions {
  /** 'auto' unless given. */
  readonly indexMode?: IndexMode | undefined
}

/**
 * Opens a table: footer, properties, index, filter and range tombstones are read, verified and kept; `file` is the table's from here
 * on (closed even when opening throws). Throws `CorruptionError`, `UnsupportedFormatError`, `IoError`.
 */
export async function openTable(file: File, options: TableOptions): Promise<Table> {
  try {
    const index = { indexMode: options.indexMode ?? 'auto', modelCounters: options.counters.model }
    return new Table(file, await readTableContents(file, options.fileNumber, index), options)
  } catch (error) {
    await file.close()
    throw error
  }
}

/** What a lookup that waits has to remember. */
interface Asked {
  readonly key: Key
  readonly sequence: Sequence
  readonly covered: Sequence
}

/** An open table, held by whoever opened it until `unpin`. */
export class Table {
  #properties: TableProperties
  /** Undefined if it has none. */
  readonly rangeTombstones: RangeTombstoneIndex | undefined
  readonly #filter: Filter | undefined
  readonly #blocks: TableBlocks
  readonly #counters: TableCounters
  /** Keys of versions lie in `[#firstKey, #lastKey]`; without versions nothing does. */
  readonly #firstKey: Key
  readonly #lastKey: Key
  #firstSequence: Sequence

  constructor(file: File, contents: TableContents, options: TableOptions) {
    const { properties } = contents
    this.#properties = placed(properties, options.loadedAt)
    this.rangeTombstones = contents.rangeTombstones
    this.#filter = contents.filter
    this.#counters = options.counters
    this.#blocks = new TableBlocks(file, contents.lookupIndex, options)
    this.#firstKey = properties.firstKey ?? '\0'
    this.#lastKey = properties.lastKey ?? ''
    this.#firstSequence = this.#properties.firstSequence
  }

  get properties(): TableProperties {
    return this.#properties
  }

  /** Gives all rows of a table that a bulk load wrote their sequence. REQUIRES: no block has been read. */
  placeAt(sequence: Sequence): void {
    this.#blocks.placeAt(sequence)
    this.#properties = placed(this.#properties, sequence)
    this.#firstSequence = sequence
  }

  /** Resident bytes of the index. */
  get indexBytes(): number {
    return this.#blocks.index.bytes
  }

  /** Of them the learned model's; 0 without one. */
  get modelBytes(): number {
    return this.#blocks.index.modelBytes
  }

  /** How blocks are found. */
  get indexMode(): TableIndexMode {
    return this.#blocks.index.mode
  }

  /** Resident bytes of the filter; 0 without one. */
  get filterBytes(): number {
    return this.#filter?.bytes ?? 0
  }

  /** The opener, cursors and reads in flight that keep the file open. */
  get holders(): number {
    return this.#blocks.holders
  }

  /** One more holder. */
  pin(): void {
    this.#blocks.pin()
  }

  /** One holder less; the last one closes the file (reads in flight and cursors are holders too). */
  unpin(): void {
    this.#blocks.unpin()
  }

  /** Whether the filter lets a key pass; false is certain absence of versions (not of range tombstones). */
  mayContain(hash: KeyHash): boolean {
    return this.#filter === undefined || this.#filter.mayContain(hash)
  }

  /**
   * What is newest for `key` at or below `sequence`, range tombstones included. At once, written into `found`
   * (true: found something; false: LOOKUP_ABSENT), where bytes are in memory or cheap to read; else a promise of a `Lookup` of its own.
   * `hash` is `hashKey(key)`. Throws or rejects with `CorruptionError`, `IoError`.
   */
  get(key: Key, hash: KeyHash, sequence: Sequence, found: Lookup): boolean | Promise<Lookup> {
    const covered = this.#covering(key, sequence)
    const ordinal = this.#findBlock(key, hash, sequence)
    if (ordinal === -1) return settle(covered, found)
    if (ordinal === INDEX_UNREAD) return this.#getThroughIndex({ key, sequence, covered })
    const block = this.#blocks.cached(ordinal) ?? this.#blocks.fetch(ordinal)
    if (block instanceof Promise) return this.#getLater(block, { key, sequence, covered })
    return this.#lookIn(block, key, sequence, covered, found)
  }

  /** The same, blocking for a read if it must. */
  getSync(key: Key, hash: KeyHash, sequence: Sequence, found: Lookup): boolean {
    const covered = this.#covering(key, sequence)
    let ordinal = this.#findBlock(key, hash, sequence)
    if (ordinal === INDEX_UNREAD) ordinal = this.#blockOrNone(this.#blocks.findSync(key, sequence))
    if (ordinal === -1) return settle(covered, found)
    return this.#lookIn(this.#blocks.blockSync(ordinal), key, sequence, covered, found)
  }

  /** Where a page of the index has to be waited for first. */
  async #getThroughIndex(asked: Asked): Promise<Lookup> {
    this.pin()
    try {
      const ordinal = this.#blockOrNone(await this.#blocks.findLater(asked.key, asked.sequence))
      if (ordinal !== -1) return await this.#getLater(this.#blocks.block(ordinal), asked)
    } finally {
      this.unpin()
    }
    const found = new Lookup()
    settle(asked.covered, found)
    return found
  }

  async #getLater(reading: Block | Promise<Block>, asked: Asked): Promise<Lookup> {
    const found = new Lookup()
    this.#lookIn(await reading, asked.key, asked.sequence, asked.covered, found)
    return found
  }

  #covering(key: Key, sequence: Sequence): Sequence {
    return this.rangeTombstones === undefined ? 0 : this.rangeTombstones.newestCovering(key, sequence)
  }

  /** The one block that can hold the key, -1 if none can, INDEX_UNREAD if a page of the index has to be waited for. */
  #findBlock(key: Key, hash: KeyHash, sequence: Sequence): number {
    if (key < this.#firstKey || key > this.#lastKey || sequence < this.#firstSequence) return -1
    if (this.#filter !== undefined) {
      this.#counters.filterChecks++
      if (!this.#filter.mayContain(hash)) {
        this.#counters.filterNegatives++
        return -1
      }
    }
    return this.#blockOrNone(this.#blocks.find(key, sequence))
  }

  #blockOrNone(ordinal: number): number {
    return ordinal === this.#blocks.index.count ? -1 : ordinal
  }

  #lookIn(block: Block, key: Key, sequence: Sequence, covered: Sequence, found: Lookup): boolean {
    const row = block.find(key, sequence)
    if (row === -1) {
      // Where it holds newer versions only, the filter was right.
      if (this.#filter !== undefined && block.find(key, SEQUENCE_INFINITY) === -1) this.#counters.filterFalsePositives++
      return settle(covered, found)
    }
    const version = block.sequenceAt(row)
    if (covered > version) return found.setTombstone(covered)
    if (block.kindAt(row) === ENTRY_DELETE) return found.setTombstone(version)
    found.state = LOOKUP_VALUE
    found.sequence = version
    found.bytes = block.bytes
    found.at = block.valueAt(row)
    found.length = block.valueLengthAt(row)
    return true
  }

  /**
   * Pins the table until closed. `bulk` is for merges: reads large stretches ahead, asynchronously, past the block cache.
   */
  openCursor(options: { readonly reverse: boolean; readonly bulk?: boolean }): VersionCursor {
    const source = options.bulk === true ? new BlockStretches(this.#blocks) : this.#blocks
    return new TableCursor(this.#blocks, source, options.reverse)
  }

  /**
   * Reads the whole file: every checksum, order, bounds, counts, filter and index. Tells `report` of all that is wrong; without one
   * it throws the first of it, a `CorruptionError`, `IoError` or `UnsupportedFormatError`.
   */
  async verify(report: TableReport = FIRST_DAMAGE): Promise<TableFindings> {
    this.pin()
    try {
      const { file, loadedAt } = this.#blocks
      return await verifyTable({ file, fileNumber: this.properties.fileNumber, loadedAt }, report)
    } finally {
      this.unpin()
    }
  }
}

const FIRST_DAMAGE: TableReport = {
  damage: ({ error }) => {
    throw error
  },
  count: () => undefined,
}

function placed(properties: TableProperties, loadedAt: Sequence | undefined): TableProperties {
  if (loadedAt === undefined) return properties
  return { ...properties, firstSequence: loadedAt, lastSequence: loadedAt, loadedAt }
}

/** What a lookup finds where no version is at or below its sequence; `covered` is 0 or a range tombstone's. */
function settle(covered: Sequence, found: Lookup): boolean {
  return covered === 0 ? found.setAbsent() : found.setTombstone(covered)
}
