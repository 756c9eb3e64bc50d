/**
 * `db.checkpoint`: a consistent copy of the database in a directory of its own, made while the database is in use.
 *
 *   safe snapshot awaited, its files held from the step that takes it -> copied -> files let go
 *
 * The time budget is for all of it: when it is over, the signal fires, or the database is closed before the copy has begun, nothing is
 * left behind.
 * Pinned by test/unit/kv/checkpoint.test.ts and test/contract/storage/checkpoint.test.ts.
 */
import { describe } from '../base/bytes'
import { InvalidArgumentError } from '../base/errors'
import type { Store } from '../mvcc/contract'
import type { Runtime } from '../runtime/runtime'
import type { AbortSignalLike } from './interruption'
import { Interruption, checkSignal } from './interruption'
import { checkOptions, checkTimeout } from './options'
import type { Waits } from './waits'

/** How a checkpoint is made. */
export interface CheckpointOptions {
  /** Milliseconds for all of it, the wait for a safe snapshot included; then it rejects with `TimeoutError`. */
  readonly timeoutMs?: number | undefined
  /** Ends it with `AbortedError`. */
  readonly signal?: AbortSignalLike | undefined
}

/** What a checkpoint came to. */
export interface CheckpointReceipt {
  /** The last commit in it: it has all up to here, and none that came later. */
  readonly sequence: number
  /** Files of tables. */
  readonly tables: number
  /** Bytes of tables that are hard links to the database's own files: they take no space. */
  readonly bytesLinked: number
  /** Bytes copied: the end of the log, and tables too where hard links are not to be had. */
  readonly bytesCopied: number
}

/** What a checkpoint needs of its database. */
export interface CheckpointHost {
  readonly runtime: Runtime
  readonly store: Store
  readonly waits: Waits
  /** Throws if the database is closing. */
  checkOpen(): void
}

/** Checks what `checkpoint` is given. */
export function checkCheckpointArguments(directory: unknown, options: CheckpointOptions | undefined): void {
  if (typeof directory !== 'string' || directory === '' || directory.includes('\0')) {
    throw new InvalidArgumentError(
      `Cannot write a checkpoint to ${describe(directory)}: the path must name a directory`,
    )
  }
  if (options === undefined) return
  checkOptions(options, CHECKPOINT, 'checkpoint')
  checkTimeout(options.timeoutMs)
  checkSignal(options.signal)
}

const CHECKPOINT = ['timeoutMs', 'signal'] as const

/** Makes one. REQUIRES: the arguments were checked. */
export async function writeCheckpoint(
  host: CheckpointHost,
  directory: string,
  { timeoutMs, signal }: CheckpointOptions,
): Promise<CheckpointReceipt> {
  const { runtime, store, waits } = host
  const interruption = new Interruption(runtime, { timeoutMs, signal, what: 'checkpoint' })
  try {
    const held = await waits.during(store.safeCheckpoint(), interruption)
    try {
      host.checkOpen()
      return await held.write(directory, () => interruption.check())
    } finally {
      held.release()
    }
  } finally {
    interruption.dispose()
  }
}
