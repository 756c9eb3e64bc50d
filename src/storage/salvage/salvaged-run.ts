/**
 * A cursor over the readable rows of salvaged tables that do not overlap, one behind the other; it has one table open at a time.
 *
 * It moves forward from the start only. Pinned by test/unit/storage/salvage/salvage.test.ts.
 */
import { assert } from '../../base/assert'
import type { Key } from '../../base/bytes'
import type { Sequence } from '../../base/sequence'
import { ENTRY_PUT } from '../engine'
import { copyInto } from '../files/bytes-in-place'
import { tableFileName } from '../files/file-names'
import { toProblem } from '../files/file-problem'
import type { VersionCursor, VersionKind } from '../rows/version-cursor'
import type { Block } from '../table/block'
import { SalvagedRows } from './salvaged-table'
import type { SalvagedTable, SalvageSource } from './salvaged-table'

const KEY_BYTES_MAX = 0x1_0000
const NO_BYTES = new Uint8Array(0)

/** The rows of several tables, ascending. */
export class SalvagedRun implements VersionCursor {
  readonly #source: SalvageSource
  readonly #tables: readonly SalvagedTable[]
  #next = 0
  #rows: SalvagedRows | undefined
  #block: Block | undefined
  #row = 0
  #key: Key | undefined
  /** The greatest sequence met so far. */
  greatest: Sequence = 0

  readonly keyBytes: Buffer = Buffer.allocUnsafeSlow(KEY_BYTES_MAX)
  keyLength = 0
  sequence: Sequence = 0
  kind: VersionKind = ENTRY_PUT

  /** `tables` ascending, without overlap. */
  constructor(source: SalvageSource, tables: readonly SalvagedTable[]) {
    this.#source = source
    this.#tables = tables
  }

  get key(): Key {
    return (this.#key ??= this.keyBytes.latin1Slice(0, this.keyLength))
  }

  get valueBytes(): Uint8Array {
    return this.#block?.bytes ?? NO_BYTES
  }

  get valueAt(): number {
    return this.#block!.valueAt(this.#row)
  }

  get valueLength(): number {
    return this.#block!.valueLengthAt(this.#row)
  }

  seek(key: Key | undefined): Promise<boolean> {
    assert(key === undefined && this.#next === 0, 'a salvaged run is read once, from its start')
    return this.#nextBlock()
  }

  next(): boolean | Promise<boolean> {
    const block = this.#block
    if (block === undefined) return false
    return this.#row + 1 < block.count ? this.#load(block, this.#row + 1) : this.#nextBlock()
  }

  close(): void {
    void this.#rows?.close()
    this.#rows = undefined
    this.#block = undefined
  }

  async #nextBlock(): Promise<boolean> {
    for (;;) {
      this.#rows ??= await this.#openNext()
      if (this.#rows === undefined) return false
      const block = await this.#rows.next()
      if (block !== undefined) {
        this.#block = block
        copyInto(this.keyBytes, 0, block.bytes, block.prefixAt, block.prefixLength)
        return this.#load(block, 0)
      }
      this.#rows.tell()
      this.greatest = Math.max(this.greatest, this.#rows.greatest)
      await this.#rows.close()
      this.#rows = undefined
      this.#block = undefined
    }
  }

  async #openNext(): Promise<SalvagedRows | undefined> {
    for (;;) {
      const table = this.#tables[this.#next]
      if (table === undefined) return undefined
      this.#next++
      try {
        return await SalvagedRows.open(this.#source, table)
      } catch (error) {
        const { what } = toProblem(error, table.path, { offset: 0, length: 0 })
        const { bounds: range, sequences, number, fileBytes: length } = table
        this.#source.losses.lose({ file: tableFileName(number), length, what, range, sequences })
      }
    }
  }

  #load(block: Block, row: number): true {
    const start = block.restStart(row)
    const length = block.restEnd(row) - start
    copyInto(this.keyBytes, block.prefixLength, block.bytes, block.keysAt + start, length)
    this.keyLength = block.prefixLength + length
    this.#key = undefined
    this.#row = row
    this.sequence = block.sequenceAt(row)
    this.kind = block.kindAt(row)
    return true
  }
}
