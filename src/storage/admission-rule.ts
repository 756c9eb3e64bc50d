/**
 * Whether a commit may go on, from what is in memory and in level 0 and from what merging is behind: a pure decision.
 *
 * The debt comes first: a commit that waits for it waits for a slice of a merge at a time. The other two are hard stops,
 * which end with a whole job, and are there for work that does not come at all.
 *
 * Pinned by test/unit/storage/admission-rule.test.ts; decision 0015.
 */
import type { Limits } from '../base/limits'
import { MERGE_BYTES_PER_BYTE } from './compaction/merge-credit'

/** What keeps commits waiting. */
export type StallKind = 'mergeDebt' | 'memtables' | 'levelZero'

/** What keeps commits waiting, as it is now. */
export interface AdmissionState {
  /** Undefined, as `cause` is, while commits may go on. */
  readonly kind: StallKind | undefined
  readonly cause: string | undefined
  /** The failure of the work that would end the wait. */
  readonly failure: Error | undefined
}

/** What the decision is made from. */
export interface AdmissionFigures {
  readonly memtablesFrozen: number
  /** The memtable that takes writes is full, with what has been let in and is not appended yet. */
  readonly isFull: boolean
  readonly levelZeroRuns: number
  readonly mergeDebtBytes: number
  /** A flush or merge runs or is about to: what is owed is being done. */
  readonly isWorking: boolean
  readonly flushFailure: Error | undefined
  readonly mergeFailure: Error | undefined
}

const GO_ON: AdmissionState = { kind: undefined, cause: undefined, failure: undefined }

/** What a commit meets. */
export function admissionState(now: AdmissionFigures, limits: Limits): AdmissionState {
  const { memtablesFrozen, levelZeroRuns, mergeDebtBytes, flushFailure, mergeFailure } = now
  if (memtablesFrozen >= limits.memtablesFrozenMax && now.isFull) {
    return {
      kind: 'memtables',
      cause: `${memtablesFrozen} frozen memtables wait for their flush`,
      failure: flushFailure,
    }
  }
  // A limit below the one at which merging starts would never be left.
  if (levelZeroRuns >= Math.max(limits.levelZeroTablesMax, limits.levelZeroTablesStall)) {
    return { kind: 'levelZero', cause: `${levelZeroRuns} tables of level 0 wait for a merge`, failure: mergeFailure }
  }
  // Without work under way nothing would ever end the wait: then what is owed is not there to be done.
  if (now.isWorking && mergeDebtBytes > debtBytesMax(limits)) {
    return { kind: 'mergeDebt', cause: `${mergeDebtBytes} bytes of merging are owed`, failure: undefined }
  }
  return GO_ON
}

/** What may be owed: never less than what two full memtables grant before anything of theirs can be done. */
export function debtBytesMax(limits: Limits): number {
  return Math.max(limits.mergeDebtBytesMax, 2 * MERGE_BYTES_PER_BYTE * limits.memtableBytesMax)
}
