/**
 * Reads a whole table and checks it against itself, beyond what reading checks by the way; goes on behind what is wrong.
 *
 * 1. Every checksum, those of the resident sections read again from the file.
 * 2. Entries stand in internal order; kinds are known, and the mark "same key as before" is right.
 * 3. Each block's entries lie at or before its separator and behind the one before, found in both ways that the table has: by halving
 *    and, where it has a model, by that; within its block each entry is found by its key.
 * 4. The filter lets every key pass, and the learned model, where there is one, knows the place of every separator.
 * 5. Counts, sizes, bounds and sequences are what the properties say; range tombstones lie within the bounds, in order.
 *
 * Each damaged block is told once. Where the index is damaged, blocks are found without it (block-scan.ts); what only a whole table
 * shows (counts) is left out once a block is missing. Reads past the block cache. Pinned by test/unit/storage/table/table-verify.test.ts.
 */
import type { Key } from '../../base/bytes'
import { rangeContains } from '../../base/key-range'
import type { Sequence } from '../../base/sequence'
import type { File } from '../../runtime/runtime'
import { ENTRY_DELETE, ENTRY_PUT } from '../engine'
import { toProblem } from '../files/file-problem'
import type { FileProblem } from '../files/file-problem'
import { FileWindow } from '../files/file-window'
import type { RangeTombstone } from '../rows/version-cursor'
import { parseBlock } from './block'
import type { Block } from './block'
import { KIND_MASK, LOADED_PLACEHOLDER } from './block-format'
import { BlockScan } from './block-scan'
import { hashKey, KeyHash } from './filter'
import { corrupt, fileSeed, FOOTER_BYTES } from './table-format'
import { TableIndex } from './table-index'
import { readTablePieces } from './table-pieces'
import type { TablePieces } from './table-pieces'

/** The table that is checked. */
export interface CheckedTable {
  readonly file: File
  readonly fileNumber: number
  /** The sequence of all rows of a table that a bulk load wrote. */
  readonly loadedAt: Sequence | undefined
}

/** Who is told. */
export interface TableReport {
  damage(problem: FileProblem): void
  /** Bytes that were read; a promise to be waited for before going on. What it throws ends the verification. */
  count(bytes: number): undefined | Promise<void>
}

/** What was found. */
export interface TableFindings {
  readonly pieces: TablePieces
  /** Entries in blocks that are sound. */
  readonly entries: number
}

/** Verifies a table. Throws nothing of what it finds, only what `report` throws. */
export async function verifyTable(table: CheckedTable, report: TableReport): Promise<TableFindings> {
  const pieces = await readTablePieces(table.file, table.fileNumber)
  for (const problem of pieces.problems) report.damage(problem)
  const check = new TableCheck(table, pieces, report)
  check.sections()
  if (pieces.index === undefined) await check.foundBlocks()
  else await check.indexedBlocks(pieces.index.root.count)
  check.end()
  const rest = report.count(pieces.fileBytes - pieces.dataBytes)
  if (rest !== undefined) await rest
  return { pieces, entries: check.entries }
}

class TableCheck {
  readonly #table: CheckedTable
  readonly #pieces: TablePieces
  readonly #report: TableReport
  readonly #index: TableIndex | undefined
  readonly #learned: TableIndex | undefined
  readonly #hash = new KeyHash()
  readonly #window: FileWindow
  /** Of the block or section that is looked at. */
  #offset = 0
  #isWhole = true
  #isBehindGap = false
  #lastKey: Key | undefined
  #lastSequence: Sequence = 0
  #keys = 0
  #tombstones = 0
  #keyBytes = 0
  #valueBytes = 0
  #least: Sequence = Infinity
  #greatest: Sequence = 0
  entries = 0

  constructor(table: CheckedTable, pieces: TablePieces, report: TableReport) {
    this.#table = table
    this.#pieces = pieces
    this.#report = report
    this.#window = new FileWindow(table.file, pieces.fileBytes)
    const { index, model } = pieces
    if (index === undefined) return
    this.#index = new TableIndex(index.root, index.separators, undefined)
    if (model?.parts.count === index.root.count) this.#learned = new TableIndex(index.root, index.separators, model)
  }

  /** What the sections say, apart from the rows. */
  sections(): void {
    const { model, footer, dataBytes } = this.#pieces
    const learned = this.#learned
    const sections = { offset: dataBytes, length: this.#pieces.fileBytes - dataBytes }
    if (model !== undefined && learned !== undefined) {
      const why = 'the learned model does not know where the separators are'
      this.#attempt(sections, () => this.#require(learned.agreesWith(model), why))
    }
    const at = { offset: (footer?.fileBytes ?? FOOTER_BYTES) - FOOTER_BYTES, length: FOOTER_BYTES }
    for (const [i, tombstone] of (this.#pieces.rangeTombstones ?? []).entries()) {
      this.#attempt(at, () => this.#rangeTombstone(tombstone, i))
    }
  }

  /** All blocks that the index names. */
  async indexedBlocks(count: number): Promise<void> {
    const index = this.#index!
    const seed = fileSeed(this.#table.fileNumber)
    for (let ordinal = 0; ordinal < count; ordinal++) {
      const offset = index.blockOffset(ordinal)
      const length = index.blockEnd(ordinal) - offset
      try {
        const bytes = await this.#window.bytesAt(offset, length)
        const place = { file: this.#table.file.path, seed, offset }
        if (bytes.length !== length) throw corrupt(place, `the file ends inside block ${ordinal}`)
        this.#block(parseBlock(bytes, place, this.#table.loadedAt), offset, ordinal)
      } catch (error) {
        this.#lose(error, { offset, length })
      }
      const rest = this.#report.count(length)
      if (rest !== undefined) await rest
    }
  }

  /** All blocks that can be found without an index. What lies between two of them is damaged. */
  async foundBlocks(): Promise<void> {
    const { dataBytes, footer } = this.#pieces
    const { fileNumber, loadedAt } = this.#table
    const count = (bytes: number): undefined | Promise<void> => this.#report.count(bytes)
    const scan = new BlockScan(this.#window, { fileNumber, loadedAt, end: dataBytes, count })
    let end = 0
    for (let found = await scan.next(); found !== undefined; found = await scan.next()) {
      const { offset, length, block } = found
      this.#gap(end, offset)
      end = offset + length
      this.#attempt({ offset, length }, () => this.#block(block, offset, undefined))
    }
    if (footer === undefined) this.#isWhole = false
    else this.#gap(end, dataBytes)
  }

  /** What only a whole table shows. */
  end(): void {
    const { fileBytes, properties, rangeTombstones } = this.#pieces
    if (!this.#isWhole || properties === undefined || rangeTombstones === undefined) return
    for (const tombstone of rangeTombstones) {
      this.#least = Math.min(this.#least, tombstone.sequence)
      this.#greatest = Math.max(this.#greatest, tombstone.sequence)
    }
    this.#attempt({ offset: fileBytes - FOOTER_BYTES, length: FOOTER_BYTES }, () => {
      this.#require(this.#lastKey === properties.lastKey, 'the last key is not the one in the properties')
      this.#require(
        this.entries === properties.entries &&
          this.#keys === properties.keys &&
          this.#tombstones === properties.tombstones &&
          this.#keyBytes === properties.keyBytes &&
          this.#valueBytes === properties.valueBytes,
        'the counts in the properties are not those of the data',
      )
      const { loadedAt } = this.#table
      const stored = loadedAt === undefined ? properties : { firstSequence: loadedAt, lastSequence: loadedAt }
      const isPlaced = loadedAt === undefined || properties.lastSequence === LOADED_PLACEHOLDER
      this.#require(
        isPlaced && this.#least === stored.firstSequence && this.#greatest === stored.lastSequence,
        'the sequences in the properties are not those of the data',
      )
    })
  }

  #rangeTombstone(tombstone: RangeTombstone, i: number): void {
    const bounds = this.#pieces.properties?.bounds
    const before = this.#pieces.rangeTombstones?.[i - 1]
    const { start, end, sequence } = tombstone
    const isBehind =
      before === undefined || before.start < start || (before.start === start && before.sequence >= sequence)
    this.#require(isBehind, `range tombstone ${i} is out of order`)
    if (bounds === undefined) return
    const isWithin = start >= bounds.start && (bounds.end === undefined || (end !== undefined && end <= bounds.end))
    this.#require(isWithin, `range tombstone ${i} lies outside the table's bounds`)
  }

  #block(block: Block, offset: number, ordinal: number | undefined): void {
    this.#offset = offset
    for (let row = 0; row < block.count; row++) this.#row(block, row, ordinal)
    for (let row = 0; row < block.count; row++) this.#find(block, row, ordinal)
    this.#isBehindGap = false
  }

  #row(block: Block, row: number, ordinal: number | undefined): void {
    const key = block.keyOf(row)
    const sequence = block.sequenceAt(row)
    const isSame = key === this.#lastKey
    const isBehind = this.#lastKey === undefined || (isSame ? sequence < this.#lastSequence : key > this.#lastKey)
    if (!isBehind) throw this.#error(`row ${row} ${of(ordinal)} is out of order`)
    if (block.isOlderAt(row) !== isSame && !(row === 0 && this.#isBehindGap)) {
      throw this.#error(`row ${row} ${of(ordinal)} has a wrong mark of its predecessor`)
    }
    const kind = block.storedKindAt(row) & KIND_MASK
    if (kind !== ENTRY_PUT && kind !== ENTRY_DELETE) throw this.#error(`row ${row} ${of(ordinal)} is of no known kind`)
    if (!isSame) this.#newKey(key, ordinal)
    this.#lastKey = key
    this.#lastSequence = sequence
    this.entries++
    if (kind === ENTRY_DELETE) this.#tombstones++
    this.#keyBytes += key.length
    this.#valueBytes += block.valueLengthAt(row)
    this.#least = Math.min(this.#least, sequence)
    this.#greatest = Math.max(this.#greatest, sequence)
  }

  /** Whether a lookup comes to a row: through the index, in both of its ways, and within the block. */
  #find(block: Block, row: number, ordinal: number | undefined): void {
    const key = block.keyOf(row)
    const sequence = block.sequenceAt(row)
    if (ordinal !== undefined && this.#index!.find(key, sequence) !== ordinal) {
      throw this.#error(`block ${ordinal} does not lie between its separators`)
    }
    if (ordinal !== undefined && this.#learned !== undefined && this.#learned.find(key, sequence) !== ordinal) {
      throw this.#error(`the learned model leads away from a row of block ${ordinal}`)
    }
    if (block.find(key, sequence) !== row) throw this.#error(`row ${row} ${of(ordinal)} is not found by its key`)
  }

  #newKey(key: Key, ordinal: number | undefined): void {
    const { filter, properties } = this.#pieces
    this.#keys++
    if (properties !== undefined) {
      const isFirst = this.#keys > 1 || !this.#isWhole || key === properties.firstKey
      this.#require(isFirst, 'the first key is not the one in the properties')
      if (!rangeContains(properties.bounds, key))
        throw this.#error(`a key ${of(ordinal)} lies outside the table's bounds`)
    }
    if (filter === undefined) return
    hashKey(key, this.#hash)
    if (!filter.mayContain(this.#hash)) throw this.#error(`the filter denies a key ${of(ordinal)}`)
  }

  #require(condition: boolean, why: string): void {
    if (!condition) throw this.#error(why)
  }

  #error(why: string): Error {
    return corrupt({ file: this.#table.file.path, offset: this.#offset }, why)
  }

  /** Does a check whose failure is told as one of a stretch. */
  #attempt(stretch: { readonly offset: number; readonly length: number }, check: () => void): void {
    this.#offset = stretch.offset
    try {
      check()
    } catch (error) {
      this.#lose(error, stretch)
    }
  }

  #gap(from: number, to: number): void {
    if (from < to)
      this.#attempt({ offset: from, length: to - from }, () => this.#require(false, 'no block there verifies'))
  }

  #lose(error: unknown, stretch: { readonly offset: number; readonly length: number }): void {
    this.#isWhole = false
    this.#isBehindGap = true
    this.#report.damage(toProblem(error, this.#table.file.path, stretch))
  }
}

function of(ordinal: number | undefined): string {
  return ordinal === undefined ? 'of a block' : `of block ${ordinal}`
}
