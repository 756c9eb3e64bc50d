/**
 * What a look inside a table lists, item by item; plain data for people and programs. Sizes in bytes, keys as bytes.
 *
 * The items as JSON are described in docs/OPERATIONS.md. Pinned by test/unit/storage/inspect/inspect-table.test.ts.
 */
import type { Sequence } from '../../base/sequence'
import type { DamageItem, GoneItem, StoreItem } from './picture'
import type { ModelMeasures } from './table-model'

/** The file. */
export interface TableItem {
  readonly kind: 'table'
  readonly file: string
  readonly number: number
  readonly fileBytes: number
  /** Where the manifest has it; undefined if it does not name the table. */
  readonly level: number | undefined
  readonly run: number | undefined
  /** The sequence of all rows of a table that a bulk load wrote; the file itself has a placeholder. */
  readonly loadedAt: Sequence | undefined
}

/** A part of the file, as the footer lists it. */
export interface SectionItem {
  readonly kind: 'section'
  readonly name: string
  readonly type: number
  readonly offset: number
  readonly sectionBytes: number
}

/** What the table says of itself. */
export interface PropertiesItem {
  readonly kind: 'properties'
  readonly firstSequence: Sequence
  readonly lastSequence: Sequence
  /** Versions, tombstones included, range tombstones not. */
  readonly entries: number
  readonly keys: number
  readonly tombstones: number
  readonly rangeTombstones: number
  readonly keyBytes: number
  readonly valueBytes: number
  readonly dataBlocks: number
  /** Every key and range tombstone lies at or behind `start` and before `end`. */
  readonly start: Uint8Array
  readonly end: Uint8Array | undefined
  readonly firstKey: Uint8Array | undefined
  readonly lastKey: Uint8Array | undefined
}

/** The filter, and how it does. Rates are false positives among absent keys. */
export interface FilterItem {
  readonly kind: 'filter'
  readonly keys: number
  readonly filterBytes: number
  readonly bitsPerKey: number
  readonly probes: number
  readonly designRate: number
  readonly measuredRate: number
  /** Absent keys that it was asked for. */
  readonly asked: number
}

/** A deletion of a range. */
export interface RangeTombstoneItem {
  readonly kind: 'range tombstone'
  readonly sequence: Sequence
  readonly start: Uint8Array
  readonly end: Uint8Array | undefined
}

/** The block index. */
export interface IndexItem {
  readonly kind: 'index'
  readonly blocks: number
  readonly pages: number
  /** What all separators begin with. */
  readonly sharedPrefix: Uint8Array
  /** What `indexMode: 'auto'` makes of it; undefined where its pages or its model cannot be read. */
  readonly autoMode: 'binary' | 'resident' | undefined
}

/** The learned model, and how it does. Errors in blocks. */
export interface ModelItem extends ModelMeasures {
  readonly kind: 'model'
  readonly fittedError: number
  readonly modelBytes: number
  readonly segmentsByLevel: readonly number[]
}

/** A data block. */
export interface BlockItem {
  readonly kind: 'block'
  /** Its place among all blocks; undefined where the index that says it is damaged. */
  readonly ordinal: number | undefined
  readonly offset: number
  /** As it is stored, with its seal. */
  readonly blockBytes: number
  readonly type: 'rows' | 'large value'
  readonly codec: string
  readonly rows: number
  readonly firstKey: Uint8Array
  readonly lastKey: Uint8Array
}

/** A row of the block before. */
export interface RowItem {
  readonly kind: 'row'
  readonly key: Uint8Array
  readonly sequence: Sequence
  readonly entry: 'put' | 'delete'
  /** The length of a put's value. */
  readonly valueBytes: number | undefined
}

/** The last item. */
export interface TableEndItem {
  readonly kind: 'end'
  /** Blocks and rows that could be read. */
  readonly blocks: number
  readonly rows: number
  /** Those of its parts that could not, blocks included. */
  readonly damages: number
}

export type TableLookItem =
  | StoreItem
  | TableItem
  | SectionItem
  | PropertiesItem
  | FilterItem
  | RangeTombstoneItem
  | IndexItem
  | ModelItem
  | BlockItem
  | RowItem
  | TableEndItem
  | DamageItem
  | GoneItem
