/**
 * Decides, from how long recent reads took, whether a block is read at once or through the thread pool.
 *
 * Where the page cache has the block, a synchronous read takes 1-2 us and a trip through the pool 30-50; where a disk has to move, it
 * would block the whole application. So a table reads synchronously while the median of its recent reads is below READ_MS_FAST, and
 * as long as this turn's budget lasts. Slow tables try one read in PROBE_READS synchronously, to notice that the page cache has warmed.
 *
 * Pure but for the budget's call of the scheduler. Pinned by test/unit/storage/table/read-pace.test.ts.
 */
import type { Scheduler } from '../../runtime/runtime'

/** A read below this is worth waiting for. */
export const READ_MS_FAST = 0.1
/** Reads that the moving median looks back on. */
export const READS_REMEMBERED = 32
/** Of a slow table's reads, one in this many is tried synchronously. */
export const PROBE_READS = 64
/** Synchronous reads of one turn may take this long together. */
export const SYNC_READ_MS_PER_TURN_MAX = 4
/** Larger blocks are read asynchronously wherever possible. */
export const SYNC_READ_BYTES_MAX = 256 * 1024

/** How fast one table's reads have been lately. */
export class ReadPace {
  /** A ring of the last reads: 1 for a slow one. */
  readonly #slow = new Uint8Array(READS_REMEMBERED)
  #next = 0
  #count = 0
  #slowCount = 0
  #sinceProbe = 0

  /** Whether the next read should be synchronous. Asking counts towards the next probe. */
  shouldReadSync(): boolean {
    if (this.isFast) return true
    this.#sinceProbe++
    if (this.#sinceProbe < PROBE_READS) return false
    this.#sinceProbe = 0
    return true
  }

  /** Whether the median of the remembered reads is below READ_MS_FAST. */
  get isFast(): boolean {
    return this.#slowCount * 2 <= this.#count
  }

  /** Remembers a read that took so many milliseconds. */
  record(ms: number): void {
    const slow = ms < READ_MS_FAST ? 0 : 1
    const at = this.#next
    this.#slowCount += slow - this.#slow[at]!
    this.#slow[at] = slow
    this.#next = (at + 1) % READS_REMEMBERED
    if (this.#count < READS_REMEMBERED) this.#count++
  }
}

/** What all tables of a store may spend on synchronous reads in one turn of the event loop. */
export class SyncReadBudget {
  readonly #scheduler: Scheduler
  readonly #msMax: number
  #spentMs = 0
  #armed = false

  constructor(scheduler: Scheduler, msMax: number = SYNC_READ_MS_PER_TURN_MAX) {
    this.#scheduler = scheduler
    this.#msMax = msMax
  }

  get lasts(): boolean {
    return this.#spentMs < this.#msMax
  }

  spend(ms: number): void {
    this.#spentMs += ms
    if (this.#armed) return
    this.#armed = true
    void this.#scheduler.nextTurn().then(() => {
      this.#spentMs = 0
      this.#armed = false
    })
  }
}
