/**
 * Merge credit: how much flushing and merging the commits so far have paid for, and how far the work is behind or ahead.
 *
 *   granted  - - - - - - - - - - - - - -+- - - - - - - - - - -> bytes of work
 *                   commits, idle time  |  debt: what is granted and not done. Commits wait while it is too large
 *   done     ---------------------------+
 *
 * Every byte committed while there is work grants `MERGE_BYTES_PER_BYTE` bytes of it, what it costs on its way to the last level
 * (decision 0014). So the levels stay in order if jobs do what was granted, and they need not do it sooner: while commits flow, a
 * job goes on as they grant, in slices; time without commits grants too, so that it ends at full speed once they pause.
 *
 * 1. Idle time never makes debt: it only lets jobs run ahead of the commits.
 * 2. When nothing is left to do nothing is owed, and nothing more is granted before there is work again: else each memtable that fills
 *    would leave behind the credit for doing all that follows at once.
 * 3. Work that could not wait (`isUrgent`) is not held against what follows.
 *
 * Numbers only: who waits is admission.ts, what is done engine-jobs.ts. Pinned by test/unit/storage/compaction/merge-credit.test.ts; decision 0015.
 */

/** Bytes of flushing and merging that a committed byte grants. */
export const MERGE_BYTES_PER_BYTE = 6

/** Bytes of work that a millisecond without commits grants: about what one core can merge. */
const IDLE_BYTES_PER_MS = 128 * 1024
/** How far idle time lets merges run ahead, in milliseconds of it. */
const IDLE_LEAD_MS = 1

/** The account of one engine. */
export class MergeCredit {
  #grantedBytes = 0
  #doneBytes = 0
  /** Granted by idle time. */
  #idleBytes = 0
  /** Nothing is left to do, and nothing has been done since. */
  #isSettled = false
  /** Commits came since the last look at the clock. */
  #isBusy = false
  #lookedAtMs: number

  constructor(nowMs: number) {
    this.#lookedAtMs = nowMs
  }

  /** What commits have paid for and nobody has done yet, in bytes; never negative. */
  get debtBytes(): number {
    return Math.max(0, this.#grantedBytes - this.#doneBytes)
  }

  /** A commit of `bytes`. */
  commit(bytes: number): void {
    this.#isBusy = true
    if (!this.#isSettled) this.#grantedBytes += bytes * MERGE_BYTES_PER_BYTE
  }

  /** `bytes` of a flush or merge are done. `isUrgent`: it did not wait for credit. */
  work(bytes: number, isUrgent: boolean): void {
    this.#isSettled = false
    this.#doneBytes += bytes
    const ahead = Math.max(0, this.#doneBytes - this.#grantedBytes)
    const byIdle = Math.min(ahead, this.#idleBytes)
    this.#idleBytes -= byIdle
    this.#grantedBytes += isUrgent ? ahead : byIdle
  }

  /** Whether a job may do its next slice now; asked between slices, and again every millisecond or so while it may not. */
  mayGoOn(nowMs: number): boolean {
    const idleMs = this.#isBusy ? 0 : Math.max(0, nowMs - this.#lookedAtMs)
    this.#isBusy = false
    this.#lookedAtMs = nowMs
    const lead = this.#doneBytes - this.#grantedBytes + IDLE_LEAD_MS * IDLE_BYTES_PER_MS
    this.#idleBytes = Math.max(0, Math.min(lead, this.#idleBytes + idleMs * IDLE_BYTES_PER_MS))
    return this.#grantedBytes + this.#idleBytes > this.#doneBytes
  }

  /** Nothing is left to flush or merge. */
  settle(): void {
    this.#isSettled = true
    this.#grantedBytes = this.#doneBytes
    this.#idleBytes = 0
  }
}
