/**
 * Whether the next group waits for those who are about to be told that theirs is done: a pure decision and its two measures.
 *
 * In a closed loop half of the clients fill the next group while the other half's is in flight, for ever: each sync carries
 * half of them. If the group that fills is written at once, the disk never rests; if it waits until those who are told now
 * have committed again (one turn's microtasks, no timer), one sync carries them all:
 *
 *     at once:   one half every max(write, turn of one half)           waiting:   all every write + turn of all
 *
 * So waiting pays exactly where the turn of all takes less than a write, as on a disk whose sync takes milliseconds, and
 * never costs more than that turn. Pinned by test/unit/storage/log/log-company.test.ts.
 */

/** Weight of the newest measure in the moving averages. */
const NEWEST_WEIGHT = 0.2

/** Moving averages of how long a write and a turn take; times in milliseconds on the monotonic clock. */
export class GroupTiming {
  #writeBeganMs = 0
  #writeMs = 0
  #toldMs = 0
  #told = 0
  #turnMsPerCommit = 0

  writeBegan(nowMs: number): void {
    this.#writeBeganMs = nowMs
  }

  writeEnded(nowMs: number): void {
    this.#writeMs = moved(this.#writeMs, nowMs - this.#writeBeganMs)
  }

  /** `commits` callers are being told now. */
  told(nowMs: number, commits: number): void {
    this.#toldMs = nowMs
    this.#told = commits
  }

  /** They have done what they do in this turn. */
  turnEnded(nowMs: number): void {
    if (this.#told === 0) return
    this.#turnMsPerCommit = moved(this.#turnMsPerCommit, (nowMs - this.#toldMs) / this.#told)
    this.#told = 0
  }

  /** Whether a group of `waiting` commits should wait for the turn of those whose `ended` commits are done. */
  isWorthWaiting(ended: number, waiting: number): boolean {
    return isCompanyWorthIt({ writeMs: this.#writeMs, turnMs: this.#turnMsPerCommit * (ended + waiting) })
  }
}

/** The decision: a turn of all callers (`turnMs`) takes less than a write. */
export function isCompanyWorthIt({ writeMs, turnMs }: { readonly writeMs: number; readonly turnMs: number }): boolean {
  return turnMs < writeMs
}

function moved(average: number, newest: number): number {
  return average === 0 ? newest : average + (newest - average) * NEWEST_WEIGHT
}
