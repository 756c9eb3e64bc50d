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
 * Pinned by test/unit/storage/table-writer.test.ts, table.test.ts and test/format/table.
 */
import { assert } from '../base/assert'
import { bytesToKey, keySuccessor } from '../base/bytes'
import type { Key } from '../base/bytes'
import { compareEnds } from '../base/key-range'
import { SEQUENCE_MAX } from '../base/sequence'
import type { Sequence } from '../base/sequence'
import type { File } from '../runtime/runtime'
import { KIND_OLDER, LARGE_VALUE_BYTES_MIN } from './block-format'
import { BlockBuilder, createBlockTarget, encodeLargeBlock, largeBlockBytes } from './block-builder'
import type { BlockTarget } from './block-builder'
import { copyInto } from './bytes-in-place'
import { ENTRY_DELETE } from './engine'
import { FilterBuilder, KeyHash, filterBytes, hashBytes } from './filter'
import { sortRangeTombstones } from './range-tombstones'
import {
  BLOCK_LARGE_VALUE,
  BLOCK_ROWS,
  encodeFooter,
  fileSeed,
  FOOTER_BYTES,
  sealBlock,
  sealedBytes,
  SECTION_FILTER,
  SECTION_INDEX,
  SECTION_PROPERTIES,
  SECTION_RANGE_TOMBSTONES,
} from './table-format'
import type { BlockType, Section, TableProperties } from './table-format'
import { TableIndexBuilder, shortestSeparator } from './table-index'
import { encodeProperties, encodeRangeTombstones } from './table-sections'
import type { RangeTombstone, Version } from './version-cursor'

export interface TableWriterOptions {
  /** Bound into every checksum; the number the file has in the manifest. */
  readonly fileNumber: number
  readonly blockBytes: number
  /** 0: no filter. */
  readonly filterBitsPerKey: number
}

/** Finished blocks are written once they have gathered to this. */
const DRAIN_BYTES_MIN = 256 * 1024
const KEY_BYTES_INITIAL = 256
const RANGE_TOMBSTONE_OVERHEAD_BYTES = 18

/** A table under construction. */
export class TableWriter {
  readonly #file: File
  readonly #options: TableWriterOptions
  readonly #seed: number
  readonly #block: BlockBuilder
  readonly #index = new TableIndexBuilder()
  readonly #filter: FilterBuilder | undefined
  readonly #hash = new KeyHash()
  readonly #rangeTombstones: RangeTombstone[] = []
  #rangeTombstoneBytes = 0
  #target: BlockTarget
  /** Bytes of the target that hold finished blocks. */
  #used = 0
  /** Where the target's first byte will stand in the file. */
  #position = 0
  #draining = false
  #finished = false
  /** A finished block whose separator waits for the next key. */
  #unindexedEnd = -1

  #firstKey: Key | undefined
  #lastKey: Uint8Array = Buffer.allocUnsafeSlow(KEY_BYTES_INITIAL)
  #lastKeyLength = -1
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
    this.#block = new BlockBuilder(options.blockBytes)
    this.#filter = options.filterBitsPerKey > 0 ? new FilterBuilder() : undefined
    this.#target = createBlockTarget(DRAIN_BYTES_MIN + 128 * 1024)
  }

  /** Copies the version (a cursor is one). REQUIRES: internal order, no `drain` pending. */
  add(version: Version): void {
    assert(!this.#draining && !this.#finished, 'versions are added to a table that is ready for them')
    const { keyBytes, keyLength, sequence, valueLength } = version
    assert(sequence > 0 && sequence <= SEQUENCE_MAX, 'a version has a sequence')
    const isOlder = this.#compareWithLast(keyBytes, keyLength, sequence)
    const isTombstone = version.kind === ENTRY_DELETE
    const kind = isOlder ? version.kind | KIND_OLDER : version.kind
    const isLarge = valueLength >= LARGE_VALUE_BYTES_MIN
    if (isLarge || !this.#block.fits(keyLength, valueLength)) this.#endBlock()
    if (this.#unindexedEnd !== -1) this.#addSeparator(isOlder ? undefined : version)
    if (!isOlder) this.#startKey(keyBytes, keyLength)
    this.#lastKeySequence = sequence
    if (isLarge) this.#addLarge(version, kind)
    else this.#block.add(version, sequence, kind)
    this.#count(version, isTombstone)
  }

  /** Whether the version is of the key before; throws where order is broken. */
  #compareWithLast(keyBytes: Uint8Array, keyLength: number, sequence: Sequence): boolean {
    const last = this.#lastKey
    const lastLength = this.#lastKeyLength
    if (lastLength === -1) return false
    const shared = keyLength < lastLength ? keyLength : lastLength
    let i = 0
    while (i < shared && keyBytes[i] === last[i]) i++
    if (i === keyLength && i === lastLength) {
      assert(sequence < this.#lastKeySequence, 'versions of a key arrive newest first')
      return true
    }
    assert(i === lastLength || (i < keyLength && keyBytes[i]! > last[i]!), 'keys arrive in ascending order')
    return false
  }

  #startKey(keyBytes: Uint8Array, keyLength: number): void {
    if (keyLength > this.#lastKey.length) this.#lastKey = Buffer.allocUnsafeSlow(2 * keyLength)
    copyInto(this.#lastKey, 0, keyBytes, 0, keyLength)
    this.#lastKeyLength = keyLength
    this.#firstKey ??= this.#lastKeyString()
    this.#keys++
    if (this.#filter === undefined) return
    hashBytes(keyBytes, keyLength, this.#hash)
    this.#filter.add(this.#hash)
  }

  #lastKeyString(): Key {
    return bytesToKey(this.#lastKey.subarray(0, this.#lastKeyLength))
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
    if (needed <= this.#target.bytes.length) return
    const larger = createBlockTarget(Math.ceil(Math.max(needed, 2 * this.#target.bytes.length) / 8) * 8)
    larger.bytes.set(this.#target.bytes.subarray(0, this.#used))
    this.#target = larger
  }

  #endBlock(): void {
    const block = this.#block
    if (block.count === 0) return
    this.#reserve(sealedBytes(block.bytesMax))
    this.#seal(block.encodeInto(this.#target, this.#used), BLOCK_ROWS)
    this.#unindexedEnd = this.#position + this.#used
  }

  #addLarge(version: Version, kind: number): void {
    this.#reserve(sealedBytes(largeBlockBytes(version.keyLength, version.valueLength)))
    const stored = { sequence: version.sequence, kind }
    this.#seal(encodeLargeBlock(this.#target.bytes, this.#used, version, stored), BLOCK_LARGE_VALUE)
    this.#unindexedEnd = this.#position + this.#used
  }

  #seal(payloadBytes: number, type: BlockType): void {
    const offset = this.#position + this.#used
    this.#used += sealBlock(this.#target.bytes, { at: this.#used, payloadBytes, type, seed: this.#seed, offset })
  }

  /** The separator of the block that has just ended; `next` is the version that follows, undefined if it is of the same key. */
  #addSeparator(next: Version | undefined): void {
    const last = this.#lastKeyString()
    if (next === undefined) this.#index.add(last, this.#lastKeySequence, this.#unindexedEnd)
    else this.#index.add(shortestSeparator(last, next.key), 0, this.#unindexedEnd)
    this.#unindexedEnd = -1
  }

  /** Writes the finished blocks. */
  async drain(): Promise<void> {
    if (this.#used === 0) return
    this.#draining = true
    await this.#file.write(this.#target.bytes.subarray(0, this.#used), this.#position)
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
      this.#index.add(this.#lastKeyString(), 0, this.#unindexedEnd)
      this.#unindexedEnd = -1
    }
    const rangeTombstones = sortRangeTombstones(this.#rangeTombstones)
    const stored = this.#properties(rangeTombstones)
    const sections = [this.#addSection(SECTION_INDEX, this.#index.finish())]
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
    this.#target.bytes.set(encodeFooter({ fileNumber, fileBytes, sections }), this.#used)
    this.#used += FOOTER_BYTES
    await this.drain()
    return { fileNumber, fileBytes, ...stored }
  }

  #addSection(type: BlockType, payload: Buffer): Section {
    this.#reserve(sealedBytes(payload.length))
    const offset = this.#position + this.#used
    this.#target.bytes.set(payload, this.#used)
    this.#seal(payload.length, type)
    return { type, offset, length: this.#position + this.#used - offset }
  }

  #properties(rangeTombstones: readonly RangeTombstone[]): Omit<TableProperties, 'fileNumber' | 'fileBytes'> {
    const lastKey = this.#entries === 0 ? undefined : this.#lastKeyString()
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
