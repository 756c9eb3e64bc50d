/**
 * What a transaction's explanation says: reads, writes, edges, waits, and what a commit would come to, as data.
 *
 * It names transactions, keys and sequences in the words of docs/ISOLATION.md, never internal objects, and is a picture of
 * one moment: nothing in it changes afterwards. explain.ts takes it.
 */
import type { ReportRange, SerializationReport, TxRef } from '../base/serialization-report'
import type { Sequence } from '../base/sequence'
import type { TransactionState } from './transaction-state'

/** The first entries of a list, at most `explanationEntriesMax`, and how many there are in all. */
export interface ExplainedList<Entry> {
  readonly first: readonly Entry[]
  readonly total: number
}

/** A key or a range of keys; just one of the two is there. */
export interface ExplainedPlace {
  readonly key?: Uint8Array
  readonly range?: ReportRange
  /** Whether bounded memory made it wider than what was read: what rests on it is conservative. */
  readonly merged: boolean
}

/** A buffered write. */
export interface ExplainedWrite {
  readonly kind: 'put' | 'delete' | 'deleteRange'
  readonly key?: Uint8Array
  readonly range?: ReportRange
}

/** An edge: `from` comes before `to` in every serial order, since it read (rw) or blindly wrote (ww) what `to` wrote later. */
export interface ExplainedEdge extends ExplainedPlace {
  readonly from: TxRef
  readonly to: TxRef
  readonly kind: 'rw' | 'ww'
}

/** What a transaction waits for, and who has to let go first. */
export interface ExplainedWait {
  readonly for: 'key' | 'gate' | 'safe-snapshot'
  readonly key?: Uint8Array
  readonly behind?: { readonly id: number; readonly label?: string }
}

/** What a commit at this moment would come to. */
export type CommitForecast =
  | { readonly outcome: 'accepted' }
  | {
      readonly outcome: 'refused'
      readonly message: string
      /** Missing where it is not the rules that refuse it: the log has failed. */
      readonly report?: SerializationReport
    }

/** See the file's header. */
export interface TransactionExplanation {
  readonly id: number
  readonly label?: string
  readonly state: TransactionState
  /** Declared read-only. */
  readonly readOnly: boolean
  readonly isolation: 'serializable' | 'snapshot'
  /** Whether nothing it reads can be part of an anomaly, so that its reads are not registered (deferrable). */
  readonly safe: boolean
  /** The sequence it reads at. */
  readonly snapshot: Sequence
  /** Its place in commit order, once decided. */
  readonly commit?: Sequence
  /** It comes after everything decided up to here; above the snapshot where `floorReader` raised it. */
  readonly floor: Sequence
  /** The reader without writes that raised the floor: it read what this one overwrites. */
  readonly floorReader?: TxRef
  /** The least commit sequence reachable from it through transactions already forgotten. */
  readonly low?: Sequence
  /** Reader registrations; of a declared reader the floors that it has left and nobody has raised further. */
  readonly reads: ExplainedList<ExplainedPlace>
  /** Buffered writes; none once decided. */
  readonly writes: ExplainedList<ExplainedWrite>
  /** Out-edges: whom it missed. */
  readonly missed: ExplainedList<ExplainedEdge>
  /** In-edges: who missed it. Of an open transaction those that its commit would add, as its writes are now. */
  readonly missedBy: ExplainedList<ExplainedEdge>
  /** Keys whose queue it heads (`getForUpdate`). */
  readonly holds: ExplainedList<Uint8Array>
  readonly waits: readonly ExplainedWait[]
  /** Undefined once it has been decided or has ended. */
  readonly commitNow?: CommitForecast
  /** Why every further operation fails, once it was doomed or aborted otherwise. */
  readonly error?: Error
}
