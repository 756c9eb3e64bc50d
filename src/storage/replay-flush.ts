/**
 * Writes memtables that replay has filled to tables, in a background thread, while replay fills the next.
 *
 *     this thread:   read, verify, insert piece 1 | piece 2               | piece 3               | last   | manifest
 *     the other:                                  | write, sync 1         | write, sync 2         | 3     | last |
 *
 * 1. Tables are written in the order of their sequences, one at a time. Nothing names them before the manifest that recovery ends
 *    with: given up, none of them stays; after a crash they are orphans.
 * 2. The memtables stay as they are: if writing fails, all can be written again under new numbers (a full disk, recovery.ts).
 * 3. What is written last is written here if nothing was before: a thread is not started for a short log.
 *
 * Pinned by test/unit/storage/replay-flush.test.ts, test/unit/storage/opening.test.ts and test/crash.
 */
import type { BackgroundWorker } from '../runtime/runtime'
import { createRetention } from './compaction/compaction-retention'
import { writeMemtable } from './compaction/flush-job'
import type { JobContext } from './compaction/job-context'
import { removeQuietly } from './files/whole-file'
import type { FrozenMemtable } from './memtable/memtables'
import type { TableFile } from './table/table-set'

/** What a piece is made of, at least: less is not worth a table of its own. */
export const REPLAY_PIECE_BYTES_MIN = 8 * 1024 * 1024
/** What the rows of a log take in a memtable, at most about, for a byte of its files. */
const MEMORY_PER_LOG_BYTE = 2

/**
 * The size at which a memtable that is filled by replay is frozen, for a log of so many bytes: so that there are several of them to
 * work on at the same time, and hardly more than level 0 holds without a merge.
 */
export function replayPieceBytes(
  logBytes: number,
  limits: { readonly memtableBytesMax: number; readonly levelZeroTablesMax: number },
): number {
  const share = (logBytes * MEMORY_PER_LOG_BYTE) / limits.levelZeroTablesMax
  return Math.min(limits.memtableBytesMax, Math.max(REPLAY_PIECE_BYTES_MIN, share))
}

/** The places of so many rows are handed over at a time: nobody else waits for the event loop yet. */
const PLACES_EACH_MAX = 65_536

/** The tables of one recovery. */
export class ReplayFlush {
  readonly #context: JobContext
  readonly #inline: BackgroundWorker
  /** Of a thread. */
  readonly #worker: BackgroundWorker
  readonly #files: TableFile[] = []
  /** Memtables taken over, the oldest first. */
  #added = 0
  #hasBegun = false
  #isGivenUp = false
  /** Ends with the last memtable taken over; never rejects. */
  #tail: Promise<void> = Promise.resolve()
  #failure: Error | undefined

  /** `context.worker` does the work, if it is begun before `finish`; `inline` otherwise. */
  constructor(context: JobContext, inline: BackgroundWorker) {
    this.#context = context
    this.#worker = context.worker
    this.#inline = inline
  }

  /** Begins to write the next memtable, as soon as those before it are written. REQUIRES: it does not change any more. */
  begin(frozen: FrozenMemtable): void {
    this.#hasBegun = true
    this.#add(frozen)
  }

  /**
   * Writes the rest of `frozen`, which begins with those begun already, and gives the tables of all, open, synced and in order. After
   * a failure none of them stays.
   */
  async finish(frozen: readonly FrozenMemtable[]): Promise<readonly TableFile[]> {
    for (const rest of frozen.slice(this.#added)) this.#add(rest)
    await this.#tail
    if (this.#failure === undefined) return this.#files
    await this.#remove()
    throw this.#failure
  }

  /** Stops, and removes what was written. Never throws. REQUIRES: not finished. */
  async discard(): Promise<void> {
    this.#isGivenUp = true
    await this.#tail
    await this.#remove()
  }

  #add(frozen: FrozenMemtable): void {
    this.#added++
    this.#tail = this.#tail.then(async () => {
      if (this.#failure !== undefined || this.#isGivenUp) return
      try {
        await this.#write(frozen)
      } catch (error) {
        this.#failure = error as Error
      }
    })
  }

  async #write({ memtable, through }: FrozenMemtable): Promise<void> {
    const { tables } = this.#context
    const worker = this.#hasBegun ? this.#worker : this.#inline
    // No commit waits for the disk yet, for which tables are synced piece by piece.
    const limits = { ...this.#context.limits, tableSyncBytes: Infinity }
    const { file } = await writeMemtable({ ...this.#context, limits, worker }, memtable, {
      // Nobody reads yet: of each key the newest version is needed.
      retention: createRetention([], through),
      hasOlder: this.#files.length > 0 || tables.current.count > 0,
      placesEachMax: PLACES_EACH_MAX,
      isPaced: false,
      onProgress: () => {
        if (this.#isGivenUp) throw new Error('what was replayed is not written any more')
      },
    })
    if (file !== undefined) this.#files.push(file)
  }

  async #remove(): Promise<void> {
    const { runtime, tables } = this.#context
    for (const file of this.#files) file.table.unpin()
    for (const file of this.#files) await removeQuietly(runtime, tables.path(file.number))
    this.#files.length = 0
  }
}
