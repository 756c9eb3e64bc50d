/**
 * What the oracles know of a history: white-box records of transactions, nothing of how the store decides.
 *
 * A record says which sequence the transaction read at, what it was actually shown that was not its own, what it wrote, and
 * where it stands in commit order. From these alone the guarantee can be decided (see checker.ts).
 */
import type { Interval } from './intervals'

/** 'declared' covers deferrable ones; a lone read is a declared reader of one operation. */
export type TransactionKind = 'read-write' | 'declared' | 'lone' | 'snapshot-isolation'

/** Keys shown at one moment, minus those where the transaction was shown its own write. */
export interface ReadRecord {
  readonly ranges: readonly Interval[]
  /** The sequence the data came from: normally the transaction's snapshot, kept apart because that may move. */
  readonly snapshot: number
}

/** One transaction as the oracles see it. Mutable while it runs. */
export interface TransactionRecord {
  readonly id: number
  readonly name: string
  readonly kind: TransactionKind
  snapshot: number
  /** Undefined while undecided, and for ever for one without writes. */
  commit: number | undefined
  readonly reads: ReadRecord[]
  /** Every key it puts or deletes; a range deletion is an interval. */
  writes: readonly Interval[]
}

/** A fresh record. */
export function createRecord(id: number, name: string, kind: TransactionKind, snapshot: number): TransactionRecord {
  return { id, name, kind, snapshot, commit: undefined, reads: [], writes: [] }
}

/** One line for people. */
export function describeRecord(record: TransactionRecord): string {
  const ranges = (list: readonly Interval[]) =>
    list.map(({ start, end }) => (end === `${start}\0` ? start : `[${start}, ${end ?? '...'})`)).join(' ')
  const reads = record.reads.map((read) => `${ranges(read.ranges)}@${read.snapshot}`).join(' ')
  const place = record.commit === undefined ? 'no commit' : `commit ${record.commit}`
  return `${record.name} (${record.kind}, snapshot ${record.snapshot}, ${place}) read {${reads}} wrote {${ranges(record.writes)}}`
}
