/**
 * What an abort says: the cycle that committing would have closed, as data and as one sentence.
 *
 * The report names transactions, keys and sequences, never internal objects; it is what `SerializationError.report` holds.
 */
import type { Sequence } from './sequence'

/** A transaction as a report names it. */
export interface TxRef {
  /** Unique in this process; counts from 1. */
  readonly id: number
  readonly label?: string
  /** The sequence it reads at. */
  readonly snapshot: Sequence
  /** Its place in commit order, where it has one. */
  readonly commit?: Sequence
}

/** A range of keys in a report; `end` is excluded, and missing where there is no upper bound. */
export interface ReportRange {
  readonly start: Uint8Array
  readonly end?: Uint8Array
}

/** One edge of a cycle: `from` comes before `to` in every serial order. */
export interface CycleEdge {
  readonly from: TxRef
  readonly to: TxRef
  /** rw: `from` read what `to` overwrote; ww: `to` overwrote `from`; real-time: `from` committed before `to` took its snapshot. */
  readonly kind: 'rw' | 'ww' | 'real-time'
  readonly key?: Uint8Array
  readonly range?: ReportRange
  /** For real-time edges: the commit sequence of `from`. */
  readonly sequence?: Sequence
}

/** Why a transaction was aborted. */
export type AbortReason = 'cycle' | 'lost-update' | 'stale-read-only' | 'summary' | 'merged-range' | 'too-old'

/** The whole report of an abort. */
export interface SerializationReport {
  readonly victim: TxRef
  readonly reason: AbortReason
  /** True where bounded memory, not a proven cycle, forced the abort. */
  readonly conservative: boolean
  /** The edges in order; the last one ends where the first begins. Empty for 'too-old'. */
  readonly cycle: readonly CycleEdge[]
  /** The transaction with an rw edge out to the first of the cycle to commit (Tin -> pivot -> Tout). */
  readonly pivot?: TxRef
}
