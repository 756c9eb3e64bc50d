/**
 * A look inside one table: footer, sections, properties, filter, index and model with what they really do, its blocks, on request rows.
 *
 *   store, table, section*, properties, filter, (range tombstone)*, index, model, (block, row*)*, end        damage anywhere between
 *
 * What a filter and a model promise is measured: the filter is asked for keys that are certainly absent (they lie behind the last
 * key), the model for the place of every separator. Whether all parts agree with each other is for `verify`.
 *
 * What the index does not show, for a page of it, its root or the footer is damaged, is looked for block by block (block-scan.ts), as a
 * salvage does: what is listed is what a salvage would read.
 *
 * Memory: the filter, and eight bytes a block while the model is measured; else one page of the index or one block.
 * Pinned by test/unit/storage/inspect/inspect-table.test.ts.
 */
import type { Key } from '../../base/bytes'
import { keyToBuffer } from '../../base/bytes'
import { InvalidArgumentError } from '../../base/errors'
import type { Sequence } from '../../base/sequence'
import type { File, Runtime } from '../../runtime/runtime'
import { ENTRY_DELETE } from '../engine'
import { CODEC_DEFLATE, CODEC_NONE, CODEC_ZSTD } from '../files/codec'
import { tableFileName } from '../files/file-names'
import { FileWindow } from '../files/file-window'
import type { TableRecord } from '../manifest/manifest-state'
import type { Block } from '../table/block'
import { BlockScan } from '../table/block-scan'
import { designFalsePositiveRate, hashKey, KeyHash } from '../table/filter'
import type { Filter } from '../table/filter'
import type { IndexRoot } from '../table/index-format'
import { countTies, modelPays } from '../table/index-mode'
import {
  SECTION_FILTER, SECTION_INDEX, SECTION_INDEX_PAGES, SECTION_MODEL, SECTION_PROPERTIES, SECTION_RANGE_TOMBSTONES,
  TRAILER_BYTES,
} from '../table/table-format' // prettier-ignore
import type { DamageItem } from './picture'
import { takePicture, toDamage, toDamageOrGone, toStoreItem } from './picture'
import type { BlockItem, FilterItem, IndexItem, ModelItem, RowItem, TableItem, TableLookItem } from './table-items'
import { measureModel, readNumbers } from './table-model'
import { TableParts } from '../table/table-parts'
import type { BlockPart, BlockSpan } from '../table/table-parts'

/** How much is listed. */
export interface TableLookOptions {
  /** The table's number, as in its file name. */
  readonly number: number
  /** Rows and range tombstones too. False unless given. */
  readonly rows?: boolean | undefined
}

/** Absent keys that a filter is asked for: enough that chance moves a rate of one in a hundred by a few hundredths of it. */
const ABSENT_KEYS = 20_000

const SECTION_NAMES: ReadonlyMap<number, string> = new Map([
  [SECTION_INDEX_PAGES, 'index pages'],
  [SECTION_INDEX, 'index root'],
  [SECTION_MODEL, 'model'],
  [SECTION_FILTER, 'filter'],
  [SECTION_RANGE_TOMBSTONES, 'range tombstones'],
  [SECTION_PROPERTIES, 'properties'],
])

const CODEC_NAMES: ReadonlyMap<number, string> = new Map([
  [CODEC_NONE, 'none'],
  [CODEC_DEFLATE, 'deflate'],
  [CODEC_ZSTD, 'zstd'],
])

/** Lists a table of a directory. Throws `InvalidArgumentError` if there is no store, or no such table; `IoError`. */
export async function* inspectTable(
  runtime: Runtime,
  directory: string,
  options: TableLookOptions,
): AsyncGenerator<TableLookItem, void, void> {
  const picture = await takePicture(runtime, directory)
  const name = tableFileName(options.number)
  if (!picture.names.includes(name)) {
    throw new InvalidArgumentError(`Cannot look inside ${directory}: it has no table ${options.number}`)
  }
  yield toStoreItem(picture)
  if (picture.damage !== undefined) yield picture.damage
  const path = runtime.files.join(directory, name)
  const record = picture.state?.tables.find(({ number }) => number === options.number)
  let file: File | undefined
  try {
    file = await runtime.files.open(path, 'read')
    yield* lookAt(file, record, options)
  } catch (error) {
    yield await toDamageOrGone(runtime, error, { file: path, isInUse: picture.isInUse })
    yield { kind: 'end', blocks: 0, rows: 0, damages: 1 }
  } finally {
    await file?.close()
  }
}

async function* lookAt(
  file: File,
  record: TableRecord | undefined,
  { number, rows = false }: TableLookOptions,
): AsyncGenerator<TableLookItem, void, void> {
  const fileBytes = await file.size()
  let parts: TableParts
  try {
    parts = await TableParts.of(file, number, fileBytes)
  } catch (error) {
    yield toDamage(error, file.path)
    // Where data ends is not known. The number seals the blocks, so those of other files are not taken for its own.
    const stretch = { fileNumber: number, from: 0, end: fileBytes, endsWithBlock: false, loadedAt: record?.loadedAt }
    const found = new FoundBlocks(file, stretch, rows)
    yield* found.items()
    yield { kind: 'end', blocks: found.blocks, rows: found.rows, damages: 1 + found.damages }
    return
  }
  yield* new TableLook(parts, record, rows).items()
}

/** Where blocks are looked for. */
interface HiddenStretch {
  readonly fileNumber: number
  readonly from: number
  readonly end: number
  /** Nothing but blocks is in it. */
  readonly endsWithBlock: boolean
  readonly loadedAt: Sequence | undefined
}

/** Blocks that no index shows, each found by itself; what lies between two of them is damaged. */
class FoundBlocks {
  readonly #file: File
  readonly #stretch: HiddenStretch
  readonly #withRows: boolean
  blocks = 0
  rows = 0
  damages = 0

  constructor(file: File, stretch: HiddenStretch, withRows: boolean) {
    this.#file = file
    this.#stretch = stretch
    this.#withRows = withRows
  }

  async *items(): AsyncGenerator<BlockItem | RowItem | DamageItem, void, void> {
    const { from, end, endsWithBlock } = this.#stretch
    let at = from
    try {
      const window = new FileWindow(this.#file, await this.#file.size())
      const scan = new BlockScan(window, { ...this.#stretch, count: () => undefined })
      for (let found = await scan.next(); found !== undefined; found = await scan.next()) {
        const { block, offset, length } = found
        if (offset > at) yield this.#gap(at, offset)
        at = offset + length
        const codec = (await window.bytesAt(at - TRAILER_BYTES, 1))[0]!
        this.blocks++
        this.rows += block.count
        yield describeBlock({ ordinal: undefined, offset, end: at }, { block, codec })
        if (!this.#withRows) continue
        for (let row = 0; row < block.count; row++) yield describeRow(block, row)
      }
      if (endsWithBlock && end > at) yield this.#gap(at, end)
    } catch (error) {
      const damage = toDamage(error, this.#file.path)
      this.damages++
      yield { ...damage, offset: Math.max(damage.offset, at) }
    }
  }

  #gap(offset: number, end: number): DamageItem {
    this.damages++
    return { kind: 'damage', file: this.#file.path, offset, what: `no block there verifies, up to byte ${end}` }
  }
}

/** One pass over a table. */
class TableLook {
  readonly #parts: TableParts
  readonly #record: TableRecord | undefined
  readonly #withRows: boolean
  #blocks = 0
  #rows = 0
  #damages = 0
  #lastKey: Key = ''

  constructor(parts: TableParts, record: TableRecord | undefined, withRows: boolean) {
    this.#parts = parts
    this.#record = record
    this.#withRows = withRows
  }

  async *items(): AsyncGenerator<TableLookItem, void, void> {
    yield this.#table()
    for (const { type, offset, length } of this.#parts.footer.sections) {
      yield { kind: 'section', name: SECTION_NAMES.get(type) ?? `unknown (type ${type})`, type, offset, sectionBytes: length } // prettier-ignore
    }
    yield* this.#part(() => this.#properties())
    yield* this.#part(() => this.#filter())
    yield* this.#part(() => this.#rangeTombstones())
    yield* this.#part(() => this.#index())
    yield { kind: 'end', blocks: this.#blocks, rows: this.#rows, damages: this.#damages }
  }

  /** What part of a table lists; the damage that ends it is one of its items. */
  async *#part(list: () => AsyncGenerator<TableLookItem, void, void>): AsyncGenerator<TableLookItem, void, void> {
    try {
      yield* list()
    } catch (error) {
      yield this.#damage(error)
    }
  }

  #damage(error: unknown): DamageItem {
    const damage = toDamage(error, this.#parts.file.path)
    this.#damages++
    return damage
  }

  #table(): TableItem {
    const { fileNumber, fileBytes } = this.#parts.footer
    const { level, run, loadedAt } = this.#record ?? {}
    return { kind: 'table', file: this.#parts.file.path, number: fileNumber, fileBytes, level, run, loadedAt }
  }

  async *#properties(): AsyncGenerator<TableLookItem, void, void> {
    const properties = await this.#parts.properties()
    if (properties === undefined) return
    const { bounds, firstKey, lastKey, ...numbers } = properties
    this.#lastKey = lastKey ?? ''
    yield {
      kind: 'properties',
      ...numbers,
      start: keyToBuffer(bounds.start),
      end: optionalBytes(bounds.end),
      firstKey: optionalBytes(firstKey),
      lastKey: optionalBytes(lastKey),
    }
  }

  async *#filter(): AsyncGenerator<TableLookItem, void, void> {
    const filter = await this.#parts.filter()
    if (filter !== undefined) yield describeFilter(filter, this.#lastKey)
  }

  async *#rangeTombstones(): AsyncGenerator<TableLookItem, void, void> {
    const list = await this.#parts.rangeTombstones()
    if (!this.#withRows) return
    for (const { sequence, start, end } of list) {
      yield { kind: 'range tombstone', sequence, start: keyToBuffer(start), end: optionalBytes(end) }
    }
  }

  async *#index(): AsyncGenerator<TableLookItem, void, void> {
    let root: IndexRoot | undefined
    try {
      root = await this.#parts.root()
    } catch (error) {
      yield this.#damage(error)
    }
    if (root === undefined) {
      yield* this.#hidden(0, this.#parts.dataBytes)
      return
    }
    yield* this.#model(root)
    // Up to where blocks have been listed; what a damaged page hides ends where the next page that can be read begins.
    let listed = 0
    let isHidden = false
    for (let page = 0; page < root.pageEnds.length; page++) {
      let spans: readonly BlockSpan[]
      try {
        spans = (await this.#parts.page(root, page)).spans
      } catch (error) {
        yield this.#damage(error)
        isHidden = true
        continue
      }
      if (isHidden) yield* this.#hidden(listed, spans[0]?.offset ?? listed)
      isHidden = false
      for (const span of spans) yield* this.#part(() => this.#block(span))
      listed = spans.at(-1)?.end ?? listed
    }
    if (isHidden) yield* this.#hidden(listed, this.#parts.dataBytes)
  }

  async *#hidden(from: number, end: number): AsyncGenerator<TableLookItem, void, void> {
    const { file, footer } = this.#parts
    const stretch = { fileNumber: footer.fileNumber, from, end, endsWithBlock: true, loadedAt: this.#record?.loadedAt }
    const found = new FoundBlocks(file, stretch, this.#withRows)
    yield* found.items()
    this.#blocks += found.blocks
    this.#rows += found.rows
    this.#damages += found.damages
  }

  async *#model(root: IndexRoot): AsyncGenerator<TableLookItem, void, void> {
    const base: Omit<IndexItem, 'autoMode'> = { kind: 'index', blocks: root.count, pages: root.pageEnds.length, sharedPrefix: root.prefix } // prettier-ignore
    let items: readonly (IndexItem | ModelItem | DamageItem)[]
    try {
      const stored = root.count === 0 ? undefined : await this.#parts.model(root.count)
      if (stored === undefined) {
        items = [{ ...base, autoMode: 'binary' }]
      } else {
        const { model, errorMax } = stored
        const numbers = await readNumbers(this.#parts, root)
        const figures = { blocks: root.count, segments: model.segments, ties: countTies(numbers) }
        const { segmentsByLevel } = model.parts
        const item: ModelItem = { kind: 'model', fittedError: errorMax, modelBytes: model.bytes, segmentsByLevel, ...measureModel(model, numbers) } // prettier-ignore
        items = [{ ...base, autoMode: modelPays(figures) ? 'resident' : 'binary' }, item]
      }
    } catch (error) {
      // A page that cannot be read is named by the walk over all pages.
      const damage = toDamage(error, this.#parts.file.path)
      const isModel = damage.offset === this.#parts.section(SECTION_MODEL)?.offset
      if (isModel) this.#damages++
      items = [{ ...base, autoMode: undefined }, ...(isModel ? [damage] : [])]
    }
    yield* items
  }

  async *#block(span: BlockSpan): AsyncGenerator<TableLookItem, void, void> {
    const part = await this.#parts.block(span, this.#record?.loadedAt)
    this.#blocks++
    this.#rows += part.block.count
    yield describeBlock(span, part)
    if (!this.#withRows) return
    for (let row = 0; row < part.block.count; row++) yield describeRow(part.block, row)
  }
}

function describeFilter(filter: Filter, lastKey: Key): FilterItem {
  const { keys, lines, probes } = filter
  const hash = new KeyHash()
  let passed = 0
  for (let i = 0; i < ABSENT_KEYS; i++) {
    hashKey(`${lastKey}\0${i}`, hash)
    if (filter.mayContain(hash)) passed++
  }
  return {
    kind: 'filter',
    keys,
    filterBytes: filter.bytes,
    bitsPerKey: (8 * filter.bytes) / Math.max(1, keys),
    probes,
    designRate: designFalsePositiveRate({ keys, lines, probes }),
    measuredRate: passed / ABSENT_KEYS,
    asked: ABSENT_KEYS,
  }
}

function describeBlock(
  span: Pick<BlockItem, 'ordinal' | 'offset'> & { readonly end: number },
  { block, codec }: BlockPart,
): BlockItem {
  return {
    kind: 'block',
    ordinal: span.ordinal,
    offset: span.offset,
    blockBytes: span.end - span.offset,
    type: block.isLarge ? 'large value' : 'rows',
    codec: CODEC_NAMES.get(codec) ?? `codec ${codec}`,
    rows: block.count,
    firstKey: keyToBuffer(block.keyOf(0)),
    lastKey: keyToBuffer(block.keyOf(block.count - 1)),
  }
}

function describeRow(block: Block, row: number): RowItem {
  const isDelete = block.kindAt(row) === ENTRY_DELETE
  return {
    kind: 'row',
    key: keyToBuffer(block.keyOf(row)),
    sequence: block.sequenceAt(row),
    entry: isDelete ? 'delete' : 'put',
    valueBytes: isDelete ? undefined : block.valueLengthAt(row),
  }
}

function optionalBytes(key: Key | undefined): Uint8Array | undefined {
  return key === undefined ? undefined : keyToBuffer(key)
}
