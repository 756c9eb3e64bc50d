/**
 * The history of one key over the files of a store: every version of it in the log and in tables, newest first.
 *
 *   log      every segment that is there: entries of every frame that verifies
 *   tables   those of the manifest whose bounds hold the key; without a readable manifest, all that are there
 *
 * In a table only blocks that can hold the key are read. A part that cannot be read is named, with the keys between which versions may be
 * missing. The history of an open store is history-live.ts.
 *
 * Pinned by test/unit/storage/inspect/history.test.ts.
 */
import type { Key } from '../../base/bytes'
import { escapeKey } from '../../base/bytes'
import type { HistoryOptions, KeyHistory, VersionPlace } from '../../base/key-history'
import { rangeContains } from '../../base/key-range'
import { SEQUENCE_INFINITY } from '../../base/sequence'
import type { Sequence } from '../../base/sequence'
import type { Runtime } from '../../runtime/runtime'
import { ENTRY_DELETE } from '../engine'
import { parseFileName, tableFileName } from '../files/file-names'
import { databaseMarkOf } from '../manifest/database-mark'
import type { Block } from '../table/block'
import { TableParts } from '../table/table-parts'
import type { BlockSpan } from '../table/table-parts'
import { HistoryGathering } from './history-gathering'
import { gatherFromLog } from './history-log'
import type { Picture, StoreItem } from './picture'
import { takePicture, toDamage, toDamageOrGone, toStoreItem } from './picture'
import { segmentNumbers } from './wal'

/** A history, and what it was taken of. */
export interface StoredHistory extends KeyHistory {
  readonly store: StoreItem
}

/** Reads the history of `key` from the files of a directory. Throws `InvalidArgumentError` if there is no store in it, `IoError`. */
export async function readHistory(
  runtime: Runtime,
  directory: string,
  key: Key,
  options: HistoryOptions = {},
): Promise<StoredHistory> {
  const picture = await takePicture(runtime, directory)
  const gathering = new HistoryGathering(key, options)
  if (picture.damage !== undefined) gathering.damage(picture.damage)
  const { isInUse } = picture
  const mark = picture.state === undefined ? undefined : databaseMarkOf(picture.state)
  await gatherFromLog(runtime, { directory, numbers: segmentNumbers(picture), isInUse, mark }, gathering)
  // After the log, as whoever writes moves versions from there to tables: so none is missed between the two.
  const later = isInUse ? await takePicture(runtime, directory) : picture
  for (const table of tablesWith(later, key)) await gatherFromTable(runtime, later, table, gathering)
  return { store: toStoreItem(picture), ...gathering.finish(undefined) }
}

/** A table to be looked into. */
interface CandidateTable {
  readonly number: number
  readonly level: number | undefined
  readonly loadedAt: Sequence | undefined
}

/** Newest first, as far as the manifest tells. */
function tablesWith(picture: Picture, key: Key): readonly CandidateTable[] {
  if (picture.state === undefined) {
    return picture.names.flatMap((name) => {
      const file = parseFileName(name)
      return file?.kind === 'table' ? [{ number: file.number, level: undefined, loadedAt: undefined }] : []
    })
  }
  return picture.state.tables
    .filter(({ bounds }) => rangeContains(bounds, key))
    .sort((a, b) => a.level - b.level || b.run - a.run)
    .map(({ number, level, loadedAt }) => ({ number, level, loadedAt }))
}

async function gatherFromTable(
  runtime: Runtime,
  { directory, isInUse }: Picture,
  table: CandidateTable,
  gathering: HistoryGathering,
): Promise<void> {
  const file = runtime.files.join(directory, tableFileName(table.number))
  let parts: TableParts | undefined
  try {
    parts = await TableParts.open(runtime, file, table.number)
    await new TableSearch(parts, table, gathering).run()
  } catch (error) {
    const item = await toDamageOrGone(runtime, error, { file, isInUse })
    if (item.kind !== 'damage') return
    const isThere = (await runtime.files.status(file)) !== undefined
    const what = isThere ? item.what : 'the manifest names it, but it is missing'
    gathering.damage({ ...item, what: `${what}; versions in it may be missing` })
  } finally {
    await parts?.close()
  }
}

/** Looks for one key in one table. */
class TableSearch {
  readonly #parts: TableParts
  readonly #table: CandidateTable
  readonly #gathering: HistoryGathering
  readonly #place: VersionPlace

  constructor(parts: TableParts, table: CandidateTable, gathering: HistoryGathering) {
    this.#parts = parts
    this.#table = table
    this.#gathering = gathering
    this.#place = { in: 'table', file: parts.file.path, level: table.level }
  }

  async run(): Promise<void> {
    await this.#attempt('range deletions that hold the key', async () => {
      for (const { start, end, sequence } of await this.#parts.rangeTombstones()) {
        this.#gathering.deleteRange(this.#table.loadedAt ?? sequence, { start, end }, this.#place)
      }
    })
    await this.#attempt('all of its versions', async () => {
      const root = await this.#parts.root()
      for (let page = 0; root !== undefined && page < root.pageEnds.length; page++) {
        await this.#attempt(`versions in blocks ${page * root.pageRows} and following`, async () => {
          for (const span of (await this.#parts.page(root, page)).spans) if (canHold(span, this.#gathering.key)) await this.#search(span) // prettier-ignore
        })
      }
    })
  }

  async #search(span: BlockSpan): Promise<void> {
    const from = span.before === undefined ? 'the first key' : escapeKey(span.before.key)
    await this.#attempt(`versions of keys from ${from} to ${escapeKey(span.separator.key)}`, async () => {
      const { block } = await this.#parts.block(span, this.#table.loadedAt)
      const { key } = this.#gathering
      for (let row = block.lowerBound(key, SEQUENCE_INFINITY); row < block.count && block.keyOf(row) === key; row++) {
        this.#take(block, row)
      }
    })
  }

  #take(block: Block, row: number): void {
    const sequence = block.sequenceAt(row)
    if (block.kindAt(row) === ENTRY_DELETE) {
      this.#gathering.delete(sequence, this.#place)
      return
    }
    const value = { bytes: block.bytes, at: block.valueAt(row), length: block.valueLengthAt(row) }
    this.#gathering.put(sequence, value, this.#place)
  }

  /** Goes on behind damage, and says what may be missing for it. */
  async #attempt(missing: string, step: () => Promise<void>): Promise<void> {
    try {
      await step()
    } catch (error) {
      const damage = toDamage(error, this.#parts.file.path)
      this.#gathering.damage({ ...damage, what: `${damage.what}; ${missing} may be missing` })
    }
  }
}

/** Whether a block can hold a version of the key: it is not behind the block's separator, nor wholly in blocks before. */
function canHold({ before, separator }: BlockSpan, key: Key): boolean {
  if (key > separator.key) return false
  return before === undefined || before.key < key || (before.key === key && before.sequence > 0)
}
