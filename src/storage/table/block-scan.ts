/**
 * Finds the sealed blocks of a table without its index: what a header says of its block's length is tried, and a seal that fits
 * the file and the place is proof.
 *
 *   | block | block | damaged |  ?  ?  ?  | block |      behind a block the next one begins; behind damage every fourth byte is tried
 *
 * A seal is 32 bits, and what it seals has to add up besides: what looks like a block and is none is as good as impossible.
 * Pinned by test/unit/storage/table/block-scan.test.ts.
 */
import { CorruptionError } from '../../base/errors'
import type { Sequence } from '../../base/sequence'
import type { FileWindow } from '../files/file-window'
import { CODEC_NONE } from '../files/codec'
import type { RangeTombstone } from '../rows/version-cursor'
import { parseBlock } from './block'
import type { Block } from './block'
import { LARGE_HEADER_BYTES, ROWS_HEADER_BYTES } from './block-format'
import { LARGE_PAYLOAD_BYTES_MAX, ROWS_PAYLOAD_BYTES_MAX } from './compressed-block'
import {
  BLOCK_ALIGNMENT_BYTES, BLOCK_LARGE_VALUE, BLOCK_ROWS, fileSeed, openSealed, sealedBytes, SECTION_PROPERTIES,
  SECTION_RANGE_TOMBSTONES, TRAILER_BYTES,
} from './table-format' // prettier-ignore
import { decodeProperties, decodeRangeTombstones, propertiesBytes, rangeTombstonesBytes } from './table-sections'
import type { StoredProperties } from './table-sections'

/** A data block where it was found; valid until the next one is asked for. */
export interface FoundBlock {
  readonly offset: number
  readonly length: number
  readonly block: Block
}

/** What else was found on the way, where the footer does not say it. */
export interface FoundSections {
  properties: StoredProperties | undefined
  rangeTombstones: readonly RangeTombstone[] | undefined
}

/** How a table is scanned. */
export interface BlockScanOptions {
  readonly fileNumber: number
  /** Data is looked for from here on, 0 unless given, in bytes. */
  readonly from?: number | undefined
  /** Data is looked for up to here, in bytes. */
  readonly end: number
  readonly loadedAt?: Sequence | undefined
  /** Sections are looked for too. */
  readonly sections?: boolean | undefined
  /** Called now and then with bytes that were passed; what it throws ends the scan. */
  readonly count: (bytes: number) => undefined | Promise<void>
}

/** A trailer's codec and type stand in its first two bytes, zeros behind them. */
const TRAILER_HEAD_BYTES = 4
/** Bytes without a block are counted so many at a time. */
const COUNT_EACH_BYTES = 4096
/** Larger sections are not found without the footer. */
const SECTION_BYTES_MAX = 128 * 1024

/** One scan over a file, front to back. */
export class BlockScan {
  readonly sections: FoundSections = { properties: undefined, rangeTombstones: undefined }
  readonly #window: FileWindow
  readonly #options: BlockScanOptions
  readonly #seed: number
  #at = 0

  constructor(window: FileWindow, options: BlockScanOptions) {
    this.#window = window
    this.#options = options
    this.#seed = fileSeed(options.fileNumber)
    this.#at = options.from ?? 0
  }

  /** The next data block; undefined behind the last one. Throws `IoError`. */
  async next(): Promise<FoundBlock | undefined> {
    const { end, count } = this.#options
    let counted = this.#at
    while (this.#at + TRAILER_BYTES <= end) {
      const offset = this.#at
      const found = await this.#blockAt(offset)
      if (found !== undefined) {
        this.#at += found.length
        const rest = count(this.#at - counted)
        if (rest !== undefined) await rest
        return found
      }
      this.#at += (await this.#sectionAt(offset)) ?? BLOCK_ALIGNMENT_BYTES
      if (this.#at - counted < COUNT_EACH_BYTES) continue
      const rest = count(this.#at - counted)
      counted = this.#at
      if (rest !== undefined) await rest
    }
    return undefined
  }

  async #blockAt(offset: number): Promise<FoundBlock | undefined> {
    const head =
      this.#window.loaded(offset, LARGE_HEADER_BYTES) ?? (await this.#window.bytesAt(offset, LARGE_HEADER_BYTES))
    if (head.length < TRAILER_BYTES) return undefined
    for (const { length, isCompressed } of await this.#guesses(Buffer.from(head), offset)) {
      const block = await this.#tryBlock(offset, length, isCompressed)
      if (block !== undefined) return { offset, length, block }
    }
    return undefined
  }

  /** What lengths a block that begins with `head` can have. */
  async #guesses(head: Buffer, offset: number): Promise<{ length: number; isCompressed: boolean }[]> {
    const guesses: { length: number; isCompressed: boolean }[] = []
    const rows = rowsColumnsBytes(head)
    if (rows !== undefined) {
      const ends = await this.#window.bytesAt(offset + rows.endsAt, 4)
      if (ends.length === 4) {
        const payload = rows.fixedBytes + ends.readUInt16LE(0) + ends.readUInt16LE(2)
        guesses.push({ length: sealedBytes(payload), isCompressed: false })
      }
    }
    const large = largePayloadBytes(head)
    if (large !== undefined) guesses.push({ length: sealedBytes(large), isCompressed: false })
    const compressed = compressedPayloadBytes(head)
    if (compressed !== undefined) guesses.push({ length: sealedBytes(compressed), isCompressed: true })
    return guesses.filter(({ length }) => offset + length <= this.#options.end)
  }

  async #tryBlock(offset: number, length: number, isCompressed: boolean): Promise<Block | undefined> {
    const trailer = await this.#window.bytesAt(offset + length - TRAILER_BYTES, TRAILER_HEAD_BYTES)
    const [codec, type, zero] = [trailer[0]!, trailer[1]!, trailer.readUInt16LE(2)]
    if ((codec !== CODEC_NONE) !== isCompressed || (type !== BLOCK_ROWS && type !== BLOCK_LARGE_VALUE)) return undefined
    if (zero !== 0) return undefined
    const place = { file: this.#window.file.path, seed: this.#seed, offset }
    try {
      return parseBlock(await this.#window.bytesAt(offset, length), place, this.#options.loadedAt)
    } catch (error) {
      if (error instanceof CorruptionError) return undefined
      throw error
    }
  }

  /** The length of a section that stands at `offset`, which is kept; undefined if none does. */
  async #sectionAt(offset: number): Promise<number | undefined> {
    if (this.#options.sections !== true) return undefined
    const rest =
      this.#window.loaded(offset, SECTION_BYTES_MAX) ?? (await this.#window.bytesAt(offset, SECTION_BYTES_MAX))
    for (const type of [SECTION_PROPERTIES, SECTION_RANGE_TOMBSTONES] as const) {
      const payload = type === SECTION_PROPERTIES ? propertiesBytes(rest) : rangeTombstonesBytes(rest)
      if (payload === undefined) continue
      const length = sealedBytes(payload)
      if (length > rest.length || rest[length - TRAILER_BYTES + 1] !== type) continue
      if (this.#keepSection(type, Buffer.from(rest.subarray(0, length)), offset)) return length
    }
    return undefined
  }

  #keepSection(
    type: typeof SECTION_PROPERTIES | typeof SECTION_RANGE_TOMBSTONES,
    sealed: Buffer,
    offset: number,
  ): boolean {
    const place = { file: this.#window.file.path, seed: this.#seed, offset }
    try {
      const payload = openSealed(sealed, place, type)
      if (type === SECTION_PROPERTIES) this.sections.properties = decodeProperties(payload, place)
      else this.sections.rangeTombstones = decodeRangeTombstones(payload, place)
      return true
    } catch (error) {
      if (error instanceof CorruptionError) return false
      throw error
    }
  }
}

/** Where the last ends of a block of rows stand, and the bytes of all that does not depend on them; undefined if it is none. */
function rowsColumnsBytes(head: Buffer): { endsAt: number; fixedBytes: number } | undefined {
  if (head.length < ROWS_HEADER_BYTES) return undefined
  const count = head.readUInt16LE(0)
  const deltaBytes = head[12]!
  const kindColumn = head[13]!
  if (count === 0 || (deltaBytes !== 0 && deltaBytes !== 4 && deltaBytes !== 8) || kindColumn > 1) return undefined
  if (head.readUInt16LE(14) !== 0) return undefined
  const fixedBytes = ROWS_HEADER_BYTES + (8 + deltaBytes + kindColumn) * count + head.readUInt16LE(2)
  return { endsAt: ROWS_HEADER_BYTES + 8 * count - 4, fixedBytes }
}

function largePayloadBytes(head: Buffer): number | undefined {
  if (head.length < LARGE_HEADER_BYTES || head.readUInt16LE(0) !== 1 || head.readUInt32LE(16) !== 0) return undefined
  const payload = LARGE_HEADER_BYTES + head.readUInt16LE(2) + head.readUInt32LE(20)
  return payload <= LARGE_PAYLOAD_BYTES_MAX ? payload : undefined
}

function compressedPayloadBytes(head: Buffer): number | undefined {
  const plain = head.readUInt32LE(0)
  const output = head.readUInt32LE(4)
  const isPossible = plain > 0 && plain <= Math.max(ROWS_PAYLOAD_BYTES_MAX, LARGE_PAYLOAD_BYTES_MAX) && output <= plain
  return isPossible ? 8 + output : undefined
}
