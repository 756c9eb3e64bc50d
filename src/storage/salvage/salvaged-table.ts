/**
 * One table as a salvage reads it: every block that verifies, in order, and a loss for every stretch that does not.
 *
 *   | block | block | damaged | block |        lost: keys from the last one before to the first one behind, both included, for a key may
 *                                             have versions on both sides
 *
 * Blocks whose rows are not in order, or not within what the table is known to hold, count as damaged: what is handed out ascends,
 * whatever the file says. Where counts show that all rows were read, stretches that held none are no loss.
 *
 * Pinned by test/unit/storage/salvage/salvaged-table.test.ts.
 */
import { assert } from '../../base/assert'
import type { Key } from '../../base/bytes'
import { keySuccessor } from '../../base/bytes'
import { RANGE_ALL, rangeContains } from '../../base/key-range'
import type { KeyRange } from '../../base/key-range'
import type { Sequence } from '../../base/sequence'
import type { File, Runtime } from '../../runtime/runtime'
import { tableFileName } from '../files/file-names'
import { toProblem } from '../files/file-problem'
import { FileWindow } from '../files/file-window'
import type { RangeTombstone } from '../rows/version-cursor'
import { parseBlock } from '../table/block'
import type { Block } from '../table/block'
import { LOADED_PLACEHOLDER } from '../table/block-format'
import { BlockScan } from '../table/block-scan'
import { corrupt, fileSeed } from '../table/table-format'
import { readTablePieces } from '../table/table-pieces'
import type { PieceIndex } from '../table/table-pieces'
import type { PlannedTable } from './salvage-plan'
import type { Losses } from './salvage-report'

/** A table of which at least the file can be opened. */
export interface SalvagedTable {
  readonly number: number
  readonly path: string
  /** Every key and range tombstone lies in here; all keys where that is not known. */
  readonly bounds: KeyRange
  readonly rangeTombstones: readonly RangeTombstone[]
  readonly sequences: { readonly first: Sequence; readonly last: Sequence } | undefined
  /** Entries that it should have; undefined where that is not known. */
  readonly entries: number | undefined
  /** Bytes that the file should have. */
  readonly fileBytes: number | undefined
  readonly loadedAt: Sequence | undefined
  /** It may be what a bulk load wrote, of which only a manifest says whether it was committed, and when. */
  readonly mayBeLoad: boolean
}

/** What reading tables needs. */
export interface SalvageSource {
  readonly runtime: Runtime
  readonly directory: string
  readonly losses: Losses
  readonly count: (bytes: number) => undefined | Promise<void>
}

/** Reads what there is of a table besides its rows; undefined if the file cannot be opened, which is a loss. */
export async function prepareTable(source: SalvageSource, planned: PlannedTable): Promise<SalvagedTable | undefined> {
  const { runtime, directory, losses } = source
  const { number, record } = planned
  const name = tableFileName(number)
  const path = runtime.files.join(directory, name)
  const known = record === undefined ? undefined : { first: record.firstSequence, last: record.lastSequence }
  try {
    const file = await runtime.files.open(path, 'read')
    try {
      const pieces = await readTablePieces(file, number)
      const found = pieces.footer === undefined ? await findSections(file, pieces.fileBytes, planned, source) : pieces
      const { properties } = found
      const bounds = record?.bounds ?? properties?.bounds ?? RANGE_ALL
      const own =
        properties === undefined ? undefined : { first: properties.firstSequence, last: properties.lastSequence }
      const rangeTombstones = found.rangeTombstones ?? (properties?.rangeTombstones === 0 ? [] : undefined)
      if (rangeTombstones === undefined) {
        const what =
          'deletions of ranges in this table, if there were any, cannot be read: what they deleted may be back'
        losses.lose({ file: name, offset: pieces.dataBytes, what, range: bounds, sequences: known ?? own })
      }
      return {
        ...{ number, path, bounds, rangeTombstones: rangeTombstones ?? [], sequences: known ?? own },
        entries: record?.entries ?? properties?.entries,
        fileBytes: record?.fileBytes,
        loadedAt: record?.loadedAt,
        mayBeLoad: record === undefined && own?.last === LOADED_PLACEHOLDER && properties?.tombstones === 0,
      }
    } finally {
      await file.close()
    }
  } catch (error) {
    const { what } = toProblem(error, path, { offset: 0, length: 0 })
    losses.lose({ file: name, length: record?.fileBytes, what, range: record?.bounds ?? RANGE_ALL, sequences: known })
    return undefined
  }
}

/** The small sections of a table that has lost its footer. */
async function findSections(
  file: File,
  fileBytes: number,
  { number, record }: PlannedTable,
  { count }: SalvageSource,
): Promise<BlockScan['sections']> {
  const window = new FileWindow(file, fileBytes)
  const options = { fileNumber: number, end: fileBytes, loadedAt: record?.loadedAt, sections: true, count }
  const scan = new BlockScan(window, options)
  while ((await scan.next()) !== undefined);
  return scan.sections
}

/** A stretch without a block, and the key before it. */
interface Gap {
  readonly offset: number
  readonly length: number
  readonly what: string
  readonly start: Key
  /** Behind the first key after it; undefined until that is known. */
  end: Key | undefined
}

/** The rows of one table, block by block. */
export class SalvagedRows {
  readonly #source: SalvageSource
  readonly #table: SalvagedTable
  readonly #file: File
  readonly #window: FileWindow
  readonly #index: PieceIndex | undefined
  readonly #scan: BlockScan
  /** Up to where blocks may have been. Without the footer nobody knows, but not beyond what the file should have. */
  readonly #dataEnd: number
  readonly #gaps: Gap[] = []
  #ordinal = 0
  /** Where the last block ended. */
  #end = 0
  #lastKey: Key | undefined
  #lastSequence: Sequence = 0
  #entries = 0
  /** The greatest sequence that a row has. */
  greatest: Sequence = 0

  private constructor(source: SalvageSource, table: SalvagedTable, file: File, found: Found) {
    this.#source = source
    this.#table = table
    this.#file = file
    this.#window = new FileWindow(file, found.fileBytes)
    this.#index = found.index
    const isKnown = found.footer !== undefined
    this.#dataEnd = isKnown ? found.dataBytes : Math.max(found.dataBytes, table.fileBytes ?? 0)
    const { number: fileNumber, loadedAt } = table
    const options = { fileNumber, end: found.dataBytes, loadedAt, count: source.count }
    this.#scan = new BlockScan(this.#window, options)
  }

  /** Opens the table once more. Throws `IoError`. */
  static async open(source: SalvageSource, table: SalvagedTable): Promise<SalvagedRows> {
    const file = await source.runtime.files.open(table.path, 'read')
    try {
      return new SalvagedRows(source, table, file, await readTablePieces(file, table.number))
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /** The next block that can be used, valid until the next is asked for; undefined behind the last one. */
  async next(): Promise<Block | undefined> {
    for (;;) {
      const found = this.#index === undefined ? await this.#found() : await this.#indexed(this.#index)
      if (found === 'end') return undefined
      if (found === 'lost') continue
      if (this.#accept(found.block)) {
        this.#end = found.offset + found.length
        return found.block
      }
      this.#gap(found.offset, found.length, 'its rows are out of order, or not those of this table')
      this.#end = found.offset + found.length
    }
  }

  /** Tells what was lost, all blocks having been read. */
  tell(): void {
    const { entries, bounds, sequences, number } = this.#table
    if (entries === this.#entries) return
    if (this.#end < this.#dataEnd) this.#gap(this.#end, this.#dataEnd - this.#end, 'no block there verifies')
    const file = tableFileName(number)
    for (const { offset, length, what, start, end } of this.#gaps) {
      const range = { start, end: end ?? bounds.end }
      this.#source.losses.lose({ file, offset, length, what, range, sequences })
    }
    if (this.#gaps.length > 0 || entries === undefined) return
    const what = `it has ${this.#entries} rows of ${entries}`
    this.#source.losses.lose({ file, what, range: bounds, sequences })
  }

  async close(): Promise<void> {
    await this.#file.close()
  }

  async #indexed({ root, separators }: PieceIndex): Promise<Candidate> {
    const ordinal = this.#ordinal++
    if (ordinal >= root.count) return 'end'
    const offset = ordinal === 0 ? 0 : separators.blockEnd(ordinal - 1)
    const length = separators.blockEnd(ordinal) - offset
    const rest = this.#source.count(length)
    if (rest !== undefined) await rest
    try {
      const place = { file: this.#file.path, seed: fileSeed(this.#table.number), offset }
      const bytes = await this.#window.bytesAt(offset, length)
      if (bytes.length !== length) throw corrupt(place, 'the file ends inside the block')
      return { offset, length, block: parseBlock(bytes, place, this.#table.loadedAt) }
    } catch (error) {
      this.#gap(offset, length, toProblem(error, this.#file.path, { offset, length }).what)
      this.#end = offset + length
      return 'lost'
    }
  }

  async #found(): Promise<Candidate> {
    try {
      const found = await this.#scan.next()
      if (found === undefined) return 'end'
      if (found.offset > this.#end) this.#gap(this.#end, found.offset - this.#end, 'no block there verifies')
      return found
    } catch (error) {
      const { what } = toProblem(error, this.#file.path, { offset: this.#end, length: 0 })
      this.#gap(this.#end, this.#dataEnd - this.#end, what)
      this.#end = this.#dataEnd
      return 'end'
    }
  }

  /** Whether all rows of a block go on from the last one that was accepted; then they are counted. */
  #accept(block: Block): boolean {
    let [key, sequence] = [this.#lastKey, this.#lastSequence]
    let greatest = this.greatest
    for (let row = 0; row < block.count; row++) {
      const nextKey = block.keyOf(row)
      const nextSequence = block.sequenceAt(row)
      const isBehind = key === undefined || nextKey > key || (nextKey === key && nextSequence < sequence)
      if (!isBehind || !rangeContains(this.#table.bounds, nextKey) || !(nextSequence > 0)) return false
      if (!Number.isSafeInteger(nextSequence)) return false
      key = nextKey
      sequence = nextSequence
      greatest = Math.max(greatest, sequence)
    }
    const last = this.#gaps.at(-1)
    if (last !== undefined && last.end === undefined)
      for (const gap of this.#gaps) gap.end ??= keySuccessor(block.keyOf(0))
    assert(key !== undefined, 'a block has a row')
    this.#lastKey = key
    this.#lastSequence = sequence
    this.#entries += block.count
    this.greatest = greatest
    return true
  }

  #gap(offset: number, length: number, what: string): void {
    const before = this.#gaps.at(-1)
    const start = this.#lastKey ?? this.#table.bounds.start
    if (before?.end !== undefined || before === undefined || before.offset + before.length !== offset) {
      this.#gaps.push({ offset, length, what, start, end: undefined })
    } else {
      this.#gaps[this.#gaps.length - 1] = { ...before, length: before.length + length }
    }
  }
}

type Candidate = { readonly offset: number; readonly length: number; readonly block: Block } | 'lost' | 'end'

type Found = Awaited<ReturnType<typeof readTablePieces>>
