/**
 * Checks that an abort report tells the truth: its edges exist in the recorded history, follow one another, and close.
 *
 * An rw edge without a place stands for a path through transactions that the store has forgotten: for it only the ends are
 * checked. Lone reads have no record of their own here (their id is 0).
 */
import type { CycleEdge, SerializationReport, TxRef } from '../../../src/base/serialization-report'
import type { Candidate } from './checker'
import type { TransactionRecord } from './history'
import { describeRecord } from './history'
import type { Interval } from './intervals'
import { intervalsOverlap, pointInterval, setsOverlap } from './intervals'
import { OracleViolation } from './schedule-runner'

/** Throws `OracleViolation` where a report that claims a proven cycle does not hold. */
export function checkReport(
  report: SerializationReport,
  recordOf: (id: number) => TransactionRecord | undefined,
  victim: { readonly record: TransactionRecord; readonly candidate: Candidate },
): void {
  const fail = (why: string): never => {
    throw new OracleViolation('wrong state', `report: ${why}: ${JSON.stringify(report)}`)
  }
  const { cycle } = report
  if (cycle.length < 2) fail('a cycle has at least two edges')
  if (cycle[0]!.from.id !== report.victim.id || cycle.at(-1)!.to.id !== report.victim.id)
    fail('it begins and ends at the victim')
  cycle.forEach((edge, i) => {
    if (i > 0 && cycle[i - 1]!.to.id !== edge.from.id) fail('each edge begins where the last one ended')
    const from = resolve(edge.from, victim, recordOf)
    const to = resolve(edge.to, victim, recordOf)
    if (from === undefined || to === undefined || holds(edge, from, to)) return
    fail(`edge ${i} does not exist between ${describeRecord(from)} and ${describeRecord(to)}`)
  })
}

function resolve(
  ref: TxRef,
  victim: { readonly record: TransactionRecord; readonly candidate: Candidate },
  recordOf: (id: number) => TransactionRecord | undefined,
): TransactionRecord | undefined {
  if (ref.id !== victim.record.id) return recordOf(ref.id)
  // The victim would have been the newest.
  return { ...victim.record, ...victim.candidate, reads: [...victim.candidate.reads], commit: Infinity }
}

function holds(edge: CycleEdge, from: TransactionRecord, to: TransactionRecord): boolean {
  if (edge.kind === 'real-time') return from.commit !== undefined && from.commit <= to.snapshot
  const place = placeOf(edge)
  if (place === undefined) return true
  if (to.commit === undefined || !to.writes.some((one) => intervalsOverlap(one, place))) return false
  const later = to.commit
  if (edge.kind === 'ww') {
    return from.commit !== undefined && from.commit < later && setsOverlap(from.writes, [place])
  }
  return from.reads.some((read) => later > read.snapshot && setsOverlap(read.ranges, [place]))
}

function placeOf(edge: CycleEdge): Interval | undefined {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')
  if (edge.key !== undefined) return pointInterval(text(edge.key))
  if (edge.range === undefined) return undefined
  return { start: text(edge.range.start), end: edge.range.end === undefined ? undefined : text(edge.range.end) }
}
