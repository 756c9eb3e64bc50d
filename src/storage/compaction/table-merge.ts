/**
 * The merge of a compaction: rows of many runs in order, moved by stretches from block to block as bytes.
 *
 * The source in front is kept apart from a heap of the others. All its rows before the first of the others are taken at once
 * (merge-source.ts); of these, stretches of puts whose key is new are copied as columns, without a look at each version, for such
 * rows are always needed (key-chain.ts). Whatever else comes (an older version, a tombstone, a large value, any row where range
 * tombstones take part, the rows around the end of a table) goes version by version.
 *
 *   front:  [a b c|f g ...]      heap: [d e ...] [h ...]       takes a b c at once, then the heap's first is in front
 *
 * The result is the same, byte for byte, as if each version had been compared, decided and added by itself
 * (compaction-merge.ts): test/unit/storage/compaction/table-merge.test.ts.
 */
import type { MergeFigures } from './compaction-merge'
import type { ChainRules } from './key-chain'
import { KeyChain } from './key-chain'
import type { MergeSource } from './merge-source'
import { SourceHeap } from '../rows/source-heap'
import type { Slices } from '../slices'
import type { TableOutput } from '../table/table-output'

/** What a merge of tables needs. */
export interface TableMergeInputs extends ChainRules {
  /** Newest first; none has moved yet. */
  readonly sources: readonly MergeSource[]
}

/** Writes what is needed of `inputs` to `output`, which holds the needed range tombstones already, but does not finish it. */
export async function mergeTables(
  inputs: TableMergeInputs,
  output: TableOutput,
  slices: Slices,
): Promise<MergeFigures> {
  return new TableMerge(inputs, output, slices).run()
}

class TableMerge {
  readonly #inputs: TableMergeInputs
  readonly #output: TableOutput
  readonly #slices: Slices
  readonly #chain: KeyChain
  readonly #figures: MergeFigures = { entriesRead: 0, entriesWritten: 0, bytesRead: 0 }
  /** Sources that have moved, but the one in front. */
  readonly #heap = new SourceHeap<MergeSource>()
  #front: MergeSource | undefined

  constructor(inputs: TableMergeInputs, output: TableOutput, slices: Slices) {
    this.#inputs = inputs
    this.#output = output
    this.#slices = slices
    this.#chain = new KeyChain(inputs)
  }

  async run(): Promise<MergeFigures> {
    for (const source of this.#inputs.sources) if (await source.nextBlock()) this.#heap.push(source)
    this.#front = this.#heap.pop()
    for (let front = this.#front; front !== undefined; front = this.#front) {
      const { row, block } = front
      const next = this.#heap.first
      const end = next === undefined ? block.count : front.rowsBefore(next)
      const bytes = front.bytesOf(row, end)
      this.#figures.entriesRead += end - row
      this.#figures.bytesRead += bytes
      const writing = this.#write(front, end, bytes)
      if (writing !== undefined) await writing
      if (end < block.count) {
        front.moveTo(end)
        this.#settle(front)
      } else {
        const moved = front.nextBlock()
        if (typeof moved === 'boolean' ? moved : await moved) this.#settle(front)
        else this.#front = this.#heap.pop()
      }
      const rest = this.#slices.count(bytes, end - row)
      if (rest !== undefined) await rest
    }
    return this.#figures
  }

  /** Writes what is needed of the front's rows up to `end`, at once if it can. */
  #write(front: MergeSource, end: number, bytes: number): undefined | Promise<void> {
    const { row } = front
    const output = this.#output
    if (front.plainEnd(row, end) === end && this.#isNew(front) && output.hasRoomFor(end - row, bytes, front)) {
      this.#writePlain(front, row, end)
      return output.writer!.needsDrain ? output.writer!.drain() : undefined
    }
    return this.#writeMixed(front, end)
  }

  /** Whether the row at the position has another key than the one before it in the merge, and so is needed if it is a put. */
  #isNew(front: MergeSource): boolean {
    return this.#chain.writesAllNewestPuts && !this.#chain.isAt(front.keyBytes, front.keyLength)
  }

  /** Writes a stretch of plain rows, and stands at its last. */
  #writePlain(front: MergeSource, from: number, to: number): void {
    this.#output.addRows(front, from, to)
    this.#figures.entriesWritten += to - from
    if (front.row !== to - 1) front.moveTo(to - 1)
    this.#chain.startBehind(front.keyView, front.keyLength, front.sequence)
  }

  async #writeMixed(front: MergeSource, end: number): Promise<void> {
    const output = this.#output
    while (front.row < end) {
      const from = front.row
      const to = this.#isNew(front) ? front.plainEnd(from, end) : from
      if (to > from && output.hasRoomFor(to - from, front.bytesOf(from, to), front)) this.#writePlain(front, from, to)
      else await this.#writeVersion(front)
      if (output.writer?.needsDrain === true) await output.writer.drain()
      if (front.row + 1 === end) return
      front.moveTo(front.row + 1)
    }
  }

  async #writeVersion(front: MergeSource): Promise<void> {
    const output = this.#output
    if (!this.#chain.isNeeded(front)) return
    // Cut before the first *written* version of a key: all its written ones then go to the new table.
    if (this.#chain.isFirstWritten && output.shouldCut(front)) await output.cut(front.key)
    if (output.writer === undefined) await output.begin()
    output.add(front)
    this.#figures.entriesWritten++
  }

  /** Puts the front, which has moved, where it belongs. */
  #settle(moved: MergeSource): void {
    if (this.#heap.first?.isBefore(moved) === true) this.#front = this.#heap.replaceFirst(moved)
  }
}
