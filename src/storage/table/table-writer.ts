/**
 * Writes one table: versions in internal order become sealed data blocks; index, filter, range tombstones, properties and footer
 * follow. The layout is in table-format.ts and the formats it names.
 *
 *   for each version: writer.add(version); if (writer.needsDrain) await writer.drain()
 *   for each range tombstone, in any order, at any time before finish: writer.addRangeTombstone(tombstone)
 *   const properties = await writer.finish(); await file.sync(); await file.close()
 *
 * `add` is synchronous and only gathers; finished blocks collect in one reused buffer until `drain` writes them. A failed write leaves
 * the writer unusable: the file is to be discarded. One key's versions belong into one table of a run: begin a new table only
 * where the key changes. What it does not do: it syncs nothing, and names nothing.
 *
 * Pinned by test/unit/storage/table/table-writer.test.ts, table.test.ts and test/format/table.
 */
import { assert } from '../../base/assert'
import { bytesToKey, keySuccessor } from '../../base/bytes'
import type { Key } from '../../base/bytes'
import { compareEnds } from '../../base/key-range'
import { SEQUENCE_MAX } from '../../base/sequence'
import type { Sequence } from '../../base/sequence'
import type { File } from '../../runtime/runtime'
import { KIND_OLDER, LARGE_VALUE_BYTES_MIN } from './block-format'
import { BlockBuilder, createBlockTarget, encodeLargeBlock, largeBlockBytes } from './block-builder'
import type { BlockRows, BlockTarget } from './block-builder'
import { CODEC_NONE } from '../files/codec'
import { BlockCompressor } from './compressed-block'
import type { Compression } from './compressed-block'
import { ENTRY_DELETE } from '../engine'
import { FilterBuilder, KeyHash, filterBytes, hashBytes, hashView } from './filter'
import type { IndexMode } from './index-mode'
import { sortRangeTombstones } from '../rows/range-tombstones'
import { LastKey } from './last-key'
import {
  BLOCK_INDEX_PAGE,
  BLOCK_LARGE_VALUE,
  BLOCK_ROWS,
  encodeFooter,
  fileSeed,
  FOOTER_BYTES,
  sealBlock,
  sealedBytes,
  SECTION_FILTER,
  SECTION_INDEX,
  SECTION_INDEX_PAGES,
  SECTION_MODEL,
  SECTION_PROPERTIES,
  SECTION_RANGE_TOMBSTONES,
} from './table-format'
import type { BlockType, Section, TableProperties } from './table-format'
import { TableIndexBuilder, shortestSeparator } from './table-index'
import { encodeProperties, encodeRangeTombstones } from './table-sections'
import type { RangeTombstone, Version } from '../rows/version-cursor'

export interface TableWriterOptions {
  /** Bound into every checksum; the number the file has in the manifest. */
  readonly fileNumber: number
  readonly blockBytes: number
  /** 0: no filter. */
  readonly filterBitsPerKey: number
  /** 'auto' unless given. */
  readonly indexMode?: IndexMode | undefined
  /** How data blocks are compressed; not at all unless given. */
  readonly compression?: Compression | undefined
  /** Its own unless given. */
  readonly memory?: WriterMemory | undefined
}

/** What a table is gathered in: half a megabyte that the tables of a job, written one after the other, can share. */
export class WriterMemory {
  readonly block: BlockBuilder
  readonly filter = new FilterBuilder()
  target: BlockTarget = createBlockTarget(DRAIN_BYTES_MIN + 128 * 1024)

  constructor(blockBytes: number) {
    this.block = new BlockBuilder(blockBytes)
  }

  /** Bytes of memory taken: finished blocks, the block under construction, the hashes of keys. */
  get memoryBytes(): number {
    return 2 * this.target.bytes.length + this.filter.keys * HASH_BYTES
  }

  /** Makes it ready for another table. */
  clear(): void {
    this.block.clear()
    this.filter.clear()
  }
}

/** Of a key, until the filter is built; its memory grows by doubling. */
const HASH_BYTES = 16
/** Finished blocks are written once they have gathered to this. */
const DRAIN_BYTES_MIN = 256 * 1024
const RANGE_TOMBSTONE_OVERHEAD_BYTES = 18

/** A table under construction. */
export class TableWriter {
  readonly #file: File
  readonly #options: TableWriterOptions
  readonly #seed: number
  readonly #block: BlockBuilder
  readonly #compressor: BlockCompressor | undefined
  readonly #index = new TableIndexBuilder()
  readonly #filter: FilterBuilder | undefined
  readonly #hash = new KeyHash()
  readonly #rangeTombstones: RangeTombstone[] = []
  #rangeTombstoneBytes = 0
  readonly #memory: WriterMemory
  /** Bytes of the target that hold finished blocks. */
  #used = 0
  /** Where the target's first byte will stand in the file. */
  #position = 0
  #draining = false
  #finished = false
  /** A finished block whose separator waits for the next key. */
  #unindexedEnd = -1

  #firstKey: Key | undefined
  readonly #last = new LastKey()
  #lastKeySequence: Sequence = 0
  #firstSequence: Sequence = SEQUENCE_MAX
  #lastSequence: Sequence = 0
  #entries = 0
  #keys = 0
  #tombstones = 0
  #keyBytes = 0
  #valueBytes = 0

  constructor(file: File, options: TableWriterOptions) {
    this.#file = file
    this.#options = options
    this.#seed = fileSeed(options.fileNumber)
    const memory = options.memory ?? new WriterMemory(options.blockBytes)
    memory.clear()
    this.#memory = memory
    this.#block = memory.block
    this.#filter = options.filterBitsPerKey > 0 ? memory.filter : undefined
    const { compression } = options
    this.#compressor = compression === undefined || compression.codec === 'none' ? undefined : new BlockCompressor(compression) // prettier-ignore
  }

  /** Copies the version (a cursor is one). REQUIRES: internal order, no `drain` pending. */
  add(version: Version): void {
    assert(!this.#draining && !this.#finished, 'versions are added to a table that is ready for them')
    const { keyBytes, keyLength, sequence, valueLength } = version
    assert(sequence > 0 && sequence <= SEQUENCE_MAX, 'a version has a sequence')
    const isOlder = this.#isOlder(version)
    const isTombstone = version.kind === ENTRY_DELETE
    const kind = isOlder ? version.kind | KIND_OLDER : version.kind
    const isLarge = valueLength >= LARGE_VALUE_BYTES_MIN
    if (isLarge || !this.#block.fits(keyLength, valueLength)) this.#endBlock()
    if (this.#unindexedEnd !== -1) this.#addSeparator(isOlder ? undefined : version.key)
    if (isOlder) this.#last.keep()
    else this.#startKey(keyBytes, keyLength)
    this.#lastKeySequence = sequence
    if (isLarge) this.#addLarge(version, kind)
    else this.#block.add(version, sequence, kind)
    this.#count(version, isTombstone)
  }

  /**
   * Copies rows `[from, to)` of a block as `add` would one by one. REQUIRES: they are puts, none of them large, in order, each of
   * another key than the row before, the first (whose key is `rows.keyView[0, rows.keyLength)`) behind everything added; no
   * `drain` pending.
   */
  addRows(rows: BlockRows, from: number, to: number): void {
    assert(!this.#draining && !this.#finished, 'rows are added to a table that is ready for them')
    const isBehind = !this.#last.isKnown || this.#last.compare(rows.keyView, rows.keyLength) > 0
    assert(isBehind, 'keys arrive in ascending order')
    const builder = this.#block
    const { block } = rows
    for (let row = from; row < to;) {
      if (this.#unindexedEnd !== -1) this.#addSeparator(block.keyOf(row))
      const before = builder.count
      const next = builder.addRows(rows, row, to)
      if (next > row) this.#countRows(before)
      if (next < to) this.#endBlock()
      row = next
    }
    this.#valueBytes += block.valueAt(to - 1) + block.valueLengthAt(to - 1) - block.valueAt(from)
    this.#keyBytes += (to - from) * block.prefixLength + block.restEnd(to - 1) - block.restStart(from)
    this.#entries += to - from
    this.#keys += to - from
  }

  /** Hashes and counts the rows of the block under construction from `first` on. */
  #countRows(first: number): void {
    const builder = this.#block
    const { count, keysView } = builder
    this.#firstKey ??= builder.keyOf(first)
    let keyAt = builder.keyStart(first)
    let keyEnd = keyAt
    for (let i = first; i < count; i++) {
      keyAt = keyEnd
      keyEnd = builder.keyStart(i + 1)
      const sequence = builder.sequenceOf(i)
      if (sequence < this.#firstSequence) this.#firstSequence = sequence
      if (sequence > this.#lastSequence) this.#lastSequence = sequence
      this.#lastKeySequence = sequence
      if (this.#filter === undefined) continue
      hashView(keysView, keyAt, keyEnd - keyAt, this.#hash)
      this.#filter.add(this.#hash)
    }
    assert(this.#firstSequence > 0 && this.#lastSequence <= SEQUENCE_MAX, 'a version has a sequence')
    this.#last.lieAt(keysView, keyAt, keyEnd - keyAt)
  }

  /** Whether the version is of the key before; throws where order is broken. */
  #isOlder({ keyBytes, keyLength, sequence }: Version): boolean {
    if (!this.#last.isKnown) return false
    const order = this.#last.compareBytes(keyBytes, keyLength)
    assert(order >= 0, 'keys arrive in ascending order')
    assert(order > 0 || sequence < this.#lastKeySequence, 'versions of a key arrive newest first')
    return order === 0
  }

  #startKey(keyBytes: Uint8Array, keyLength: number): void {
    this.#last.copy(keyBytes, keyLength)
    this.#firstKey ??= this.#last.toKey()
    this.#keys++
    if (this.#filter === undefined) return
    hashBytes(keyBytes, keyLength, this.#hash)
    this.#filter.add(this.#hash)
  }

  #count(version: Version, isTombstone: boolean): void {
    const { sequence } = version
    this.#entries++
    if (isTombstone) this.#tombstones++
    this.#keyBytes += version.keyLength
    this.#valueBytes += version.valueLength
    if (sequence < this.#firstSequence) this.#firstSequence = sequence
    if (sequence > this.#lastSequence) this.#lastSequence = sequence
  }

  addRangeTombstone(tombstone: RangeTombstone): void {
    assert(!this.#finished, 'range tombstones are added before the table is finished')
    const { start, end, sequence } = tombstone
    this.#rangeTombstones.push(tombstone)
    this.#rangeTombstoneBytes += RANGE_TOMBSTONE_OVERHEAD_BYTES + start.length + (end?.length ?? 0)
    if (sequence < this.#firstSequence) this.#firstSequence = sequence
    if (sequence > this.#lastSequence) this.#lastSequence = sequence
  }

  /** Nothing was added. */
  get empty(): boolean {
    return this.#entries === 0 && this.#rangeTombstones.length === 0
  }

  /** Bytes the file would have, index and filter included; for deciding where to begin the next table. */
  get estimatedBytes(): number {
    const blocks = this.#position + this.#used + (this.#block.count === 0 ? 0 : this.#block.bytesMax)
    const filter = filterBytes(this.#keys, this.#options.filterBitsPerKey)
    return blocks + this.#index.bytes + filter + this.#rangeTombstoneBytes + FOOTER_BYTES
  }

  /** Enough finished blocks have gathered to be written. */
  get needsDrain(): boolean {
    return this.#used >= DRAIN_BYTES_MIN
  }

  /** Makes room for `bytes` more in the target. */
  #reserve(bytes: number): void {
    const needed = this.#used + bytes
    const { target } = this.#memory
    if (needed <= target.bytes.length) return
    const larger = createBlockTarget(Math.ceil(Math.max(needed, 2 * target.bytes.length) / 8) * 8)
    larger.bytes.set(target.bytes.subarray(0, this.#used))
    this.#memory.target = larger
  }

  #endBlock(): void {
    const block = this.#block
    if (block.count === 0) return
    this.#reserve(sealedBytes(block.bytesMax))
    this.#sealData(block.encodeInto(this.#memory.target, this.#used), BLOCK_ROWS)
    this.#unindexedEnd = this.#position + this.#used
  }

  #addLarge(version: Version, kind: number): void {
    this.#reserve(sealedBytes(largeBlockBytes(version.keyLength, version.valueLength)))
    const stored = { sequence: version.sequence, kind }
    this.#sealData(encodeLargeBlock(this.#memory.target.bytes, this.#used, version, stored), BLOCK_LARGE_VALUE)
    this.#unindexedEnd = this.#position + this.#used
  }

  /** Compresses the payload if that pays. */
  #sealData(payloadBytes: number, type: BlockType): void {
    const shrunk = this.#compressor?.shrink(this.#memory.target.bytes, this.#used, payloadBytes) ?? 0
    if (shrunk === 0) this.#seal(payloadBytes, type)
    else this.#seal(shrunk, type, this.#compressor!.codec)
  }

  #seal(payloadBytes: number, type: BlockType, codec = CODEC_NONE): void {
    const offset = this.#position + this.#used
    const seed = this.#seed
    this.#used += sealBlock(this.#memory.target.bytes, { at: this.#used, payloadBytes, type, seed, offset, codec })
  }

  /** The separator of the block that has just ended; `next` is the key that follows, undefined if it is the same. */
  #addSeparator(next: Key | undefined): void {
    const last = this.#last.toKey()
    if (next === undefined) this.#index.add(last, this.#lastKeySequence, this.#unindexedEnd)
    else this.#index.add(shortestSeparator(last, next), 0, this.#unindexedEnd)
    this.#unindexedEnd = -1
  }

  /** Writes the finished blocks. */
  async drain(): Promise<void> {
    if (this.#used === 0) return
    this.#draining = true
    await this.#file.write(this.#memory.target.bytes.subarray(0, this.#used), this.#position)
    this.#position += this.#used
    this.#used = 0
    this.#draining = false
  }

  /** Writes everything that is left, footer last. Syncs nothing. REQUIRES: not empty. */
  async finish(): Promise<TableProperties> {
    assert(!this.empty && !this.#finished && !this.#draining, 'a table is finished once, and holds something')
    this.#finished = true
    this.#endBlock()
    if (this.#unindexedEnd !== -1) {
      this.#index.add(this.#last.toKey(), 0, this.#unindexedEnd)
      this.#unindexedEnd = -1
    }
    const rangeTombstones = sortRangeTombstones(this.#rangeTombstones)
    const stored = this.#properties(rangeTombstones)
    const sections = this.#addIndex()
    if (this.#filter !== undefined && this.#keys > 0) {
      sections.push(this.#addSection(SECTION_FILTER, this.#filter.finish(this.#options.filterBitsPerKey)))
    }
    if (rangeTombstones.length > 0) {
      sections.push(this.#addSection(SECTION_RANGE_TOMBSTONES, encodeRangeTombstones(rangeTombstones)))
    }
    sections.push(this.#addSection(SECTION_PROPERTIES, encodeProperties(stored)))
    const { fileNumber } = this.#options
    const fileBytes = this.#position + this.#used + FOOTER_BYTES
    this.#reserve(FOOTER_BYTES)
    this.#memory.target.bytes.set(encodeFooter({ fileNumber, fileBytes, sections }), this.#used)
    this.#used += FOOTER_BYTES
    await this.drain()
    return { fileNumber, fileBytes, ...stored }
  }

  /** The pages of the index are sealed one by one and listed as one section. */
  #addIndex(): Section[] {
    const { pages, root, model } = this.#index.finish(this.#options.indexMode ?? 'auto')
    const sections: Section[] = []
    const offset = this.#position + this.#used
    for (const page of pages) this.#addSection(BLOCK_INDEX_PAGE, page)
    const length = this.#position + this.#used - offset
    if (length > 0) sections.push({ type: SECTION_INDEX_PAGES, offset, length })
    sections.push(this.#addSection(SECTION_INDEX, root))
    if (model !== undefined) sections.push(this.#addSection(SECTION_MODEL, model))
    return sections
  }

  #addSection(type: BlockType, payload: Buffer): Section {
    this.#reserve(sealedBytes(payload.length))
    const offset = this.#position + this.#used
    this.#memory.target.bytes.set(payload, this.#used)
    this.#seal(payload.length, type)
    return { type, offset, length: this.#position + this.#used - offset }
  }

  #properties(rangeTombstones: readonly RangeTombstone[]): Omit<TableProperties, 'fileNumber' | 'fileBytes'> {
    const lastKey = this.#entries === 0 ? undefined : this.#last.toKey()
    let start = this.#firstKey ?? rangeTombstones[0]!.start
    let end: Key | undefined = lastKey === undefined ? start : bytesToKey(Buffer.from(keySuccessor(lastKey), 'latin1'))
    for (const tombstone of rangeTombstones) {
      if (tombstone.start < start) start = tombstone.start
      if (compareEnds(tombstone.end, end) > 0) end = tombstone.end
    }
    return {
      bounds: { start, end },
      firstKey: this.#firstKey,
      lastKey,
      firstSequence: this.#firstSequence,
      lastSequence: this.#lastSequence,
      entries: this.#entries,
      keys: this.#keys,
      tombstones: this.#tombstones,
      rangeTombstones: rangeTombstones.length,
      keyBytes: this.#keyBytes,
      valueBytes: this.#valueBytes,
      dataBlocks: this.#index.count,
    }
  }
}
