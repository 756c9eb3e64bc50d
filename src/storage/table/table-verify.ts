/**
 * Reads a whole table and checks it against itself, beyond what reading checks by the way.
 *
 * 1. Every checksum, those of the resident sections read again from the file.
 * 2. Entries stand in internal order; kinds are known, and the mark "same key as before" is right.
 * 3. Each block's entries lie at or before its separator and behind the one before.
 * 4. The filter lets every key pass, and the learned model, where there is one, knows the place of every separator.
 * 5. Counts, sizes, bounds and sequences are what the properties say.
 *
 * Throws `CorruptionError` at the first block that is wrong. Reads past the block cache. Pinned by test/unit/storage/table/table-verify.test.ts.
 */
import type { Key } from '../../base/bytes'
import { rangeContains } from '../../base/key-range'
import type { Sequence } from '../../base/sequence'
import type { Block } from './block'
import { KIND_MASK } from './block-format'
import { BlockStretches } from './block-stretches'
import { ENTRY_DELETE, ENTRY_PUT } from '../engine'
import { hashKey, KeyHash } from './filter'
import type { TableBlocks } from './table-blocks'
import { readTableContents } from './table-contents'
import type { TableContents } from './table-contents'
import { corrupt } from './table-format'

/** Verifies the table that `blocks` belongs to. */
export async function verifyTable(blocks: TableBlocks, fileNumber: number): Promise<void> {
  const contents = await readTableContents(blocks.file, fileNumber)
  const { index, model } = contents
  if (model !== undefined && !index.agreesWith(model)) {
    const place = { file: blocks.file.path, offset: index.root.dataBytes }
    throw corrupt(place, 'the learned model does not know where the separators are')
  }
  const stretches = new BlockStretches(blocks)
  const check = new TableCheck(blocks.file.path, contents, blocks.loadedAt)
  for (let ordinal = 0; ordinal < contents.index.count; ordinal++) {
    check.block(await stretches.block(ordinal), ordinal)
  }
  check.end()
}

class TableCheck {
  readonly #path: string
  readonly #contents: TableContents
  readonly #loadedAt: Sequence | undefined
  readonly #hash = new KeyHash()
  #offset = 0
  #lastKey: Key | undefined
  #lastSequence: Sequence = 0
  #entries = 0
  #keys = 0
  #tombstones = 0
  #keyBytes = 0
  #valueBytes = 0
  #least: Sequence = Infinity
  #greatest: Sequence = 0

  constructor(path: string, contents: TableContents, loadedAt: Sequence | undefined) {
    this.#path = path
    this.#contents = contents
    this.#loadedAt = loadedAt
  }

  #require(condition: boolean, why: string): void {
    if (!condition) throw corrupt({ file: this.#path, offset: this.#offset }, why)
  }

  block(block: Block, ordinal: number): void {
    const { index } = this.#contents
    this.#offset = index.blockOffset(ordinal)
    for (let row = 0; row < block.count; row++) this.#row(block, row, ordinal)
    this.#require(
      index.find(this.#lastKey!, this.#lastSequence) === ordinal,
      `block ${ordinal} does not lie between its separators`,
    )
  }

  #row(block: Block, row: number, ordinal: number): void {
    const key = block.keyOf(row)
    const sequence = block.sequenceAt(row)
    const isSame = key === this.#lastKey
    this.#require(
      this.#lastKey === undefined || (isSame ? sequence < this.#lastSequence : key > this.#lastKey),
      `row ${row} of block ${ordinal} is out of order`,
    )
    this.#require(block.isOlderAt(row) === isSame, `row ${row} of block ${ordinal} has a wrong mark of its predecessor`)
    const kind = block.storedKindAt(row) & KIND_MASK
    this.#require(kind === ENTRY_PUT || kind === ENTRY_DELETE, `row ${row} of block ${ordinal} is of no known kind`)
    if (row === 0) {
      this.#require(
        this.#contents.index.find(key, sequence) === ordinal,
        `block ${ordinal} begins before its separator`,
      )
    }
    if (!isSame) this.#newKey(key, ordinal)
    this.#lastKey = key
    this.#lastSequence = sequence
    this.#entries++
    if (kind === ENTRY_DELETE) this.#tombstones++
    this.#keyBytes += key.length
    this.#valueBytes += block.valueLengthAt(row)
    this.#least = Math.min(this.#least, sequence)
    this.#greatest = Math.max(this.#greatest, sequence)
  }

  #newKey(key: Key, ordinal: number): void {
    const { filter, properties } = this.#contents
    this.#keys++
    if (this.#keys === 1) this.#require(key === properties.firstKey, 'the first key is not the one in the properties')
    this.#require(rangeContains(properties.bounds, key), `a key of block ${ordinal} lies outside the table's bounds`)
    if (filter === undefined) return
    hashKey(key, this.#hash)
    this.#require(filter.mayContain(this.#hash), `the filter denies a key of block ${ordinal}`)
  }

  end(): void {
    const { properties, rangeTombstones } = this.#contents
    for (const tombstone of rangeTombstones?.list() ?? []) {
      this.#least = Math.min(this.#least, tombstone.sequence)
      this.#greatest = Math.max(this.#greatest, tombstone.sequence)
    }
    this.#require(this.#lastKey === properties.lastKey, 'the last key is not the one in the properties')
    this.#require(
      this.#entries === properties.entries &&
        this.#keys === properties.keys &&
        this.#tombstones === properties.tombstones &&
        this.#keyBytes === properties.keyBytes &&
        this.#valueBytes === properties.valueBytes,
      'the counts in the properties are not those of the data',
    )
    const first = this.#loadedAt ?? properties.firstSequence
    const last = this.#loadedAt ?? properties.lastSequence
    this.#require(
      this.#least === first && this.#greatest === last,
      'the sequences in the properties are not those of the data',
    )
  }
}
