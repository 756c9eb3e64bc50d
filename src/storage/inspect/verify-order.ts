/**
 * Whether what is above is newer: of two tables that share keys, nothing in the upper one may be older than what the lower one holds
 * of the same key, for reads stop at the first table that has anything.
 *
 * Where the sequences of two tables do not interleave, that says it all. Else the rows that both can hold are compared, key by key,
 * the range tombstones of each against the rows of the other.
 *
 * Pinned by test/unit/storage/inspect/verify-order.test.ts.
 */
import type { Key } from '../../base/bytes'
import { escapeKey } from '../../base/bytes'
import { intersectRanges, rangesOverlap } from '../../base/key-range'
import type { KeyRange } from '../../base/key-range'
import type { Sequence } from '../../base/sequence'
import { SEQUENCE_INFINITY } from '../../base/sequence'
import type { VersionCursor } from '../rows/version-cursor'
import type { Table } from '../table/table'
import type { TableSet } from '../table/table-set'

/** Two tables of which the newer one lies above the other. */
interface Pair {
  readonly newer: Table
  readonly older: Table
}

/** Who is told; `older` is the number of the table that holds something newer than the one above it. */
export interface OrderReport {
  damage(older: number, what: string): void
  /** Whether a table can be read; others are left out. */
  isSound(table: number): boolean
  count(bytes: number): undefined | Promise<void>
}

/** Checks the tables of a set against each other. Throws what reading throws. */
export async function verifyOrder(set: TableSet, report: OrderReport): Promise<void> {
  for (const pair of interleavingPairs(set, report)) await new PairCheck(pair, report).run()
}

/** Pairs whose sequences alone do not say that they are in order. */
function* interleavingPairs(set: TableSet, report: OrderReport): Generator<Pair> {
  const { runs } = set
  for (const [i, run] of runs.entries()) {
    for (const below of runs.slice(i + 1)) {
      for (const newer of run.files) {
        for (const older of below.files) {
          if (!rangesOverlap(newer, older)) continue
          if (!report.isSound(newer.number) || !report.isSound(older.number)) continue
          if (newer.properties.firstSequence > older.properties.lastSequence) continue
          yield { newer: newer.table, older: older.table }
        }
      }
    }
  }
}

/** One table's rows within a range. */
class Rows {
  readonly #cursor: VersionCursor
  readonly #end: Key | undefined
  isAtEnd = false

  constructor(table: Table, end: Key | undefined) {
    this.#cursor = table.openCursor({ reverse: false, bulk: true })
    this.#end = end
  }

  get key(): Key {
    return this.#cursor.key
  }

  get sequence(): Sequence {
    return this.#cursor.sequence
  }

  get bytes(): number {
    return this.#cursor.keyLength + this.#cursor.valueLength
  }

  async seek(start: Key): Promise<void> {
    this.#settle(await this.#cursor.seek(start))
  }

  async next(): Promise<void> {
    this.#settle(await this.#cursor.next())
  }

  close(): void {
    this.#cursor.close()
  }

  #settle(more: boolean): void {
    this.isAtEnd = !more || (this.#end !== undefined && this.#cursor.key >= this.#end)
  }
}

class PairCheck {
  readonly #newer: Table
  readonly #older: Table
  readonly #report: OrderReport
  readonly #range: KeyRange

  constructor({ newer, older }: Pair, report: OrderReport) {
    this.#newer = newer
    this.#older = older
    this.#report = report
    this.#range = intersectRanges(newer.properties.bounds, older.properties.bounds)
  }

  async run(): Promise<void> {
    const newer = new Rows(this.#newer, this.#range.end)
    const older = new Rows(this.#older, this.#range.end)
    try {
      await newer.seek(this.#range.start)
      await older.seek(this.#range.start)
      await this.#compare(newer, older)
    } finally {
      newer.close()
      older.close()
    }
  }

  async #compare(newer: Rows, older: Rows): Promise<void> {
    /** The oldest version that the newer table has of its last key. */
    let above: { readonly key: Key; readonly sequence: Sequence } | undefined
    while (!newer.isAtEnd || !older.isAtEnd) {
      const isNewer = !newer.isAtEnd && (older.isAtEnd || newer.key <= older.key)
      const rows = isNewer ? newer : older
      const { key, sequence } = rows
      const rest = this.#report.count(rows.bytes)
      if (isNewer) {
        above = { key, sequence }
        this.#require(!isCovered(this.#older, key, sequence), key)
      } else {
        this.#require(above?.key !== key || above.sequence > sequence, key)
        this.#require((this.#newer.rangeTombstones?.newestCovering(key, sequence) ?? 0) === 0, key)
      }
      if (rest !== undefined) await rest
      await rows.next()
    }
  }

  #require(isInOrder: boolean, key: Key): void {
    if (isInOrder) return
    const [above, below] = [this.#newer.properties.fileNumber, this.#older.properties.fileNumber]
    this.#report.damage(
      below,
      `it holds something of ${escapeKey(key)} that is newer than what table ${above} above it has`,
    )
  }
}

/** Whether a range tombstone of a table is newer than a row of another that lies above it. */
function isCovered(older: Table, key: Key, sequence: Sequence): boolean {
  return (older.rangeTombstones?.newestCovering(key, SEQUENCE_INFINITY) ?? 0) > sequence
}
