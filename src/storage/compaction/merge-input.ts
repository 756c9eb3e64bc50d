/**
 * The tables of one run as a merge reads them: opened one at a time when their turn comes, block by block, past every cache.
 *
 * A merge opens its inputs itself, by name: it may run in another thread, where the store's open tables are not. The store
 * keeps the files from being removed meanwhile. Memory: two stretches and the index of one table.
 *
 * Pinned by test/unit/storage/compaction/table-merge.test.ts.
 */
import type { Sequence } from '../../base/sequence'
import type { File, Runtime } from '../../runtime/runtime'
import { parseBlock } from '../table/block'
import type { Block } from '../table/block'
import { BlockStretches } from '../table/block-stretches'
import type { StretchedTable } from '../table/block-stretches'
import { tableFileName } from '../files/file-names'
import type { BlockStream } from './merge-source'
import type { RawBlock } from '../table/table-blocks'
import { readTableContents } from '../table/table-contents'
import type { TableContents } from '../table/table-contents'
import { corrupt, fileSeed } from '../table/table-format'
import type { RangeTombstone } from '../rows/version-cursor'

/** One table that goes into a merge. */
export interface InputTable {
  readonly fileNumber: number
  readonly hasRangeTombstones: boolean
  /** The sequence of all rows of a table that a bulk load wrote. */
  readonly loadedAt?: Sequence | undefined
}

/** Where a merge finds its inputs. */
export interface InputPlace {
  readonly runtime: Runtime
  readonly directory: string
}

/** The range tombstones of the tables. Throws what opening throws. */
export async function readRangeTombstones(
  place: InputPlace,
  tables: readonly InputTable[],
): Promise<readonly RangeTombstone[]> {
  const lists: (readonly RangeTombstone[])[] = []
  for (const table of tables) {
    if (!table.hasRangeTombstones) continue
    const opened = await openInput(place, table)
    await opened.file.close()
    lists.push(opened.contents.rangeTombstones?.list() ?? [])
  }
  return lists.flat()
}

/** The blocks of a run. `next` throws or rejects with `CorruptionError`, `UnsupportedFormatError`, `IoError`. */
export class RunBlocks implements BlockStream {
  readonly #place: InputPlace
  readonly #tables: readonly InputTable[]
  /** Of the next table to be opened. */
  #table = 0
  #open: OpenInput | undefined
  #stretches: BlockStretches | undefined
  #ordinal = 0

  /** `tables` ascending, without overlap. */
  constructor(place: InputPlace, tables: readonly InputTable[]) {
    this.#place = place
    this.#tables = tables
  }

  next(): Block | undefined | Promise<Block | undefined> {
    if (this.#open === undefined || this.#ordinal === this.#open.index.count) return this.#nextTable()
    return this.#stretches!.block(this.#ordinal++)
  }

  async #nextTable(): Promise<Block | undefined> {
    for (;;) {
      await this.close()
      const table = this.#tables[this.#table]
      if (table === undefined) return undefined
      this.#table++
      const { contents, file } = await openInput(this.#place, table)
      this.#open = new OpenInput(file, contents, table.loadedAt)
      this.#stretches = new BlockStretches(this.#open, { reuse: true })
      this.#ordinal = 0
      // A table may hold range tombstones alone.
      if (this.#open.index.count > 0) return this.#stretches.block(this.#ordinal++)
    }
  }

  /** Lets go of the open table once nothing is read of it any more. Never throws. */
  async close(): Promise<void> {
    const open = this.#open
    this.#open = undefined
    this.#stretches = undefined
    await open?.close()
  }
}

async function openInput(
  { runtime, directory }: InputPlace,
  { fileNumber }: InputTable,
): Promise<{ readonly file: File; readonly contents: TableContents }> {
  const file = await runtime.files.open(runtime.files.join(directory, tableFileName(fileNumber)), 'read')
  try {
    return { file, contents: await readTableContents(file, fileNumber) }
  } catch (error) {
    await file.close()
    throw error
  }
}

/** The open table of a run. */
class OpenInput implements StretchedTable {
  readonly file: File
  readonly index: TableContents['index']
  readonly #seed: number
  readonly #loadedAt: Sequence | undefined
  #reads = 0
  #onRead: (() => void) | undefined

  constructor(file: File, contents: TableContents, loadedAt: Sequence | undefined) {
    this.#loadedAt = loadedAt
    this.file = file
    this.index = contents.index
    this.#seed = fileSeed(contents.properties.fileNumber)
  }

  pin(): void {
    this.#reads++
  }

  unpin(): void {
    this.#reads--
    if (this.#reads === 0) this.#onRead?.()
  }

  wholeIndex(): TableContents['index'] {
    return this.index
  }

  parse(ordinal: number, { bytes, offset, read }: RawBlock): Block {
    const place = { file: this.file.path, seed: this.#seed, offset }
    if (read !== bytes.length) throw corrupt(place, `the file ends inside block ${ordinal}`)
    return parseBlock(bytes, place, this.#loadedAt)
  }

  /** A file is closed only when no read of it is in flight. */
  async close(): Promise<void> {
    if (this.#reads > 0) await new Promise<void>((resolve) => (this.#onRead = resolve))
    await this.file.close()
  }
}
