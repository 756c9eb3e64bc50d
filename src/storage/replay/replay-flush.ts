/**
 * Writes the pieces of a log that is replayed to tables: in a background thread while the next piece is gathered, here too at the end.
 *
 *     this thread:   read, verify, gather 1 | 2            | 3            | 4            | write 3               | manifest
 *     the other:     starts                 | sort, write, sync 1         | 2                     | 4            |
 *
 * 1. Nothing names a table before the manifest that recovery ends with: given up, none of them stays; after a crash they are
 *    orphans. The manifest takes them in the order of their sequences, whoever has written which.
 * 2. A piece is let go once its table is written. If something fails, all has to be replayed again, under new numbers.
 * 3. A log of one piece is written here: a thread is not started for a short one. Where there is no thread, one piece is written
 *    after the other.
 *
 * Pinned by test/unit/storage/replay/replay-flush.test.ts, test/unit/storage/opening.test.ts and test/crash.
 */
import type { BackgroundWorker } from '../../runtime/runtime'
import { createRetention } from '../compaction/compaction-retention'
import { flushOutput } from '../compaction/flush-job'
import type { JobContext } from '../compaction/job-context'
import { runByteJob } from '../compaction/written-tables'
import { removeQuietly } from '../files/whole-file'
import type { TableFile } from '../table/table-set'
import type { ReplayedRows } from './replayed-rows'

/** What a piece is made of, at least: less is not worth a table of its own. */
export const REPLAY_PIECE_BYTES_MIN = 8 * 1024 * 1024

/**
 * The size of a piece of a log with so many bytes: so that there are several of them to work on at the same time, and hardly more
 * than level 0 holds without a merge.
 */
export function replayPieceBytes(
  logBytes: number,
  limits: { readonly memtableBytesMax: number; readonly levelZeroTablesMax: number },
): number {
  const share = Math.ceil(logBytes / limits.levelZeroTablesMax)
  return Math.min(limits.memtableBytesMax, Math.max(REPLAY_PIECE_BYTES_MIN, share))
}

interface Piece {
  readonly number: number
  readonly rows: ReplayedRows
}

/** The tables of one recovery. */
export class ReplayFlush {
  readonly #context: JobContext
  readonly #inline: BackgroundWorker
  /** Of a thread. */
  readonly #worker: BackgroundWorker
  /** Pieces that nobody has begun to write, the oldest first. */
  #waiting: Piece[] = []
  #pieces = 0
  readonly #filesByPiece = new Map<number, TableFile>()
  #isGivenUp = false
  #isServed = false
  /** Ends when the worker has nothing to do; never rejects. */
  #served: Promise<void> = Promise.resolve()
  #failure: Error | undefined

  /** `context.worker` does the work, if it is begun before `finish`; `inline` the rest. */
  constructor(context: JobContext, inline: BackgroundWorker) {
    this.#context = context
    this.#worker = context.worker
    this.#inline = inline
  }

  /** Takes over the next piece: the worker begins to write it as soon as it can. */
  begin(rows: ReplayedRows): void {
    this.#add(rows)
    if (this.#isServed) return
    this.#isServed = true
    this.#served = this.#serve(this.#worker).finally(() => (this.#isServed = false))
  }

  /** Takes over the last piece, if there is one, and gives the tables of all, open, synced and in order. After a failure none stays. */
  async finish(last?: ReplayedRows): Promise<readonly TableFile[]> {
    const isFirst = this.#pieces === 0
    if (last !== undefined) this.#add(last)
    // Two at a time are no faster where both are this thread.
    const isAlone = isFirst || this.#worker.mode === 'thread'
    if (!isAlone) await this.#served
    await this.#serve(this.#inline)
    await this.#served
    if (this.#failure === undefined) return this.#files
    await this.#remove()
    throw this.#failure
  }

  /** Stops, and removes what was written. Never throws. REQUIRES: not finished. */
  async discard(): Promise<void> {
    this.#isGivenUp = true
    await this.#served
    await this.#remove()
  }

  #add(rows: ReplayedRows): void {
    const number = this.#pieces++
    if (this.#failure === undefined) this.#waiting.push({ number, rows })
  }

  /** Has one piece after the other written, until none waits. Never rejects. */
  async #serve(worker: BackgroundWorker): Promise<void> {
    for (;;) {
      if (this.#failure !== undefined || this.#isGivenUp) this.#waiting = []
      const piece = this.#waiting.shift()
      if (piece === undefined) return
      try {
        await this.#write(piece, worker)
      } catch (error) {
        this.#failure ??= error as Error
      }
    }
  }

  async #write({ number, rows }: Piece, worker: BackgroundWorker): Promise<void> {
    const { tables } = this.#context
    // No commit waits for the disk yet, for which tables are synced piece by piece.
    const limits = { ...this.#context.limits, tableSyncBytes: Infinity }
    const context = { ...this.#context, limits, worker }
    const replay = {
      rows,
      // Nobody reads yet: of each key the newest version is needed.
      retention: createRetention([], rows.through),
      hasOlder: number > 0 || tables.current.count > 0,
      output: flushOutput(context),
    }
    const onProgress = (): void => {
      if (this.#isGivenUp || this.#failure !== undefined) throw new Error('what was replayed is not written any more')
    }
    const written = await runByteJob(
      context,
      { kind: 'replay', replay },
      { isUrgent: true, isPaced: false, onProgress },
    )
    const [file] = written.files
    if (file !== undefined) this.#filesByPiece.set(number, file)
  }

  get #files(): readonly TableFile[] {
    return [...this.#filesByPiece].sort(([a], [b]) => a - b).map(([, file]) => file)
  }

  async #remove(): Promise<void> {
    const { runtime, tables } = this.#context
    const files = this.#files
    this.#filesByPiece.clear()
    for (const file of files) file.table.unpin()
    for (const file of files) await removeQuietly(runtime, tables.path(file.number))
  }
}
