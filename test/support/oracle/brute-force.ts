/**
 * The second opinion: tries every serial order of a tiny history and replays it.
 *
 * An order is right if each key's versions come in commit order, everything that committed at or below a transaction's
 * snapshot comes before it, and every read, replayed at the reader's place, shows the version it really showed. No graph, no
 * edges: only the words of the guarantee. Factorial: at most eight transactions.
 * Pinned by test/unit/oracle/checker.test.ts, where it must agree with checker.ts on hundreds of thousands of histories.
 */
import type { TransactionRecord } from './history'
import type { Interval } from './intervals'
import { cellKeys, intervalContains } from './intervals'

const RECORDS_MAX = 8

interface Replayed {
  readonly record: TransactionRecord
  /** For each cell: the commit of the version that was shown (0: none), or undefined if not read. */
  readonly shown: readonly (number | undefined)[]
  readonly writes: readonly boolean[]
}

/** Whether some strict serial order explains the history. */
export function hasSerialOrder(records: readonly TransactionRecord[]): boolean {
  if (records.length > RECORDS_MAX) throw new Error(`brute force takes at most ${RECORDS_MAX} transactions`)
  const cells = cellKeys(
    records.flatMap((record) => [...record.writes, ...record.reads.flatMap((read) => read.ranges)]),
  )
  const all = records.map((record) => toReplayed(record, records, cells))
  return extendOrder(all, new Array<number>(cells.length).fill(0), [])
}

function toReplayed(record: TransactionRecord, all: readonly TransactionRecord[], cells: readonly string[]): Replayed {
  const reads = record.kind === 'snapshot-isolation' ? [] : record.reads
  const shown = cells.map((cell) => {
    const read = reads.find(({ ranges }) => covers(ranges, cell))
    return read === undefined ? undefined : versionAt(all, cell, read.snapshot)
  })
  const disagreeing = cells.some((cell, i) =>
    reads.some((read) => covers(read.ranges, cell) && versionAt(all, cell, read.snapshot) !== shown[i]),
  )
  // Two different answers for one key fit no serial order: a version that never existed says so.
  const shownOnce = disagreeing ? shown.map((version) => (version === undefined ? undefined : -1)) : shown
  return { record, shown: shownOnce, writes: cells.map((cell) => covers(record.writes, cell)) }
}

function covers(ranges: readonly Interval[], key: string): boolean {
  return ranges.some((range) => intervalContains(range, key))
}

/** The commit of the newest version of `key` at or below `sequence`. */
function versionAt(all: readonly TransactionRecord[], key: string, sequence: number): number {
  const commits = all.filter(({ writes }) => covers(writes, key)).map(({ commit }) => commit ?? Infinity)
  return Math.max(0, ...commits.filter((commit) => commit <= sequence))
}

/** `newest`: for each cell the commit of its newest version after `placed`. */
function extendOrder(left: readonly Replayed[], newest: readonly number[], placed: readonly Replayed[]): boolean {
  if (left.length === 0) return true
  return left.some((next) => {
    const others = left.filter((other) => other !== next)
    const isTooEarly = others.some(({ record }) => record.commit !== undefined && record.commit <= next.record.snapshot)
    if (isTooEarly) return false
    if (next.shown.some((version, i) => version !== undefined && version !== newest[i])) return false
    const commit = next.record.commit ?? 0
    if (next.writes.some((isWritten, i) => isWritten && newest[i]! > commit)) return false
    const after = newest.map((version, i) => (next.writes[i] ? commit : version))
    return extendOrder(others, after, [...placed, next])
  })
}
