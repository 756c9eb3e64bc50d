/**
 * What the oracles drive: the part of the store's contract that small schedules and the simulated workloads use.
 *
 * The real `Store` fits it as it is; the baseline policies of test/support/policies implement it too, so one driver and one
 * checker judge them all. `publish` moves the published sequence by hand; everything else is synchronous.
 */
import type { Store, StoreTransaction } from '../../../src/mvcc/contract'

/** The part of a transaction that is driven. */
export type SubjectTransaction = Pick<
  StoreTransaction,
  'id' | 'snapshot' | 'state' | 'get' | 'openCursor' | 'put' | 'delete' | 'deleteRange' | 'commit' | 'rollback'
>

/** The part of the store that is driven. */
export interface SubjectStore {
  begin(options?: { readonly readOnly?: boolean; readonly label?: string }): SubjectTransaction
  get: Store['get']
  openCursor: Store['openCursor']
}

/** A store and the hand that publishes. */
export interface Subject {
  readonly store: SubjectStore
  /** Publishes everything through `sequence`, which is decided, in one synchronous step. */
  publishThrough(sequence: number): void
  /** Whether the abort of this transaction admits that bounded memory forced it. */
  isConservative?(transaction: SubjectTransaction): boolean
  /** Throws if something is left behind although nothing runs. */
  checkAtRest?(): void
}
