/**
 * What the parts of the transaction layer share: one of each, created by the store, handed to transactions and reads.
 *
 * It is data and small notes to the store; it decides nothing.
 */
import type { Limits } from '../base/limits'
import { MisuseError, TransactionClosedError } from '../base/errors'
import type { SerializationError } from '../base/errors'
import type { Runtime } from '../runtime/runtime'
import type { Engine } from '../storage/engine'
import type { Acknowledgements } from './acknowledgements'
import type { Chain, Link } from './chain'
import type { ConflictGraph } from './conflict-graph'
import type { StoreSnapshot, StoreTransaction } from './contract'
import type { SnapshotSet } from './snapshots'
import type { WaitQueues } from './wait-queues'

/** The place of something open among all that is. */
export type OpenLink = Link<StoreTransaction | StoreSnapshot>

/** See the file's header. */
export interface Environment {
  readonly runtime: Runtime
  readonly engine: Engine
  readonly limits: Limits
  readonly graph: ConflictGraph
  readonly queues: WaitQueues
  readonly acknowledgements: Acknowledgements
  /** Snapshots that storage must keep and the conflict graph need not know (safe or outside the guarantee). */
  readonly untracked: SnapshotSet
  /** Transactions and snapshots that have not ended, oldest first. */
  readonly open: Chain<StoreTransaction | StoreSnapshot>
  /** The error of a reader whose test failed: `error`, or `PoisonedError` once the log has failed. */
  poisonedInstead(error: Error): Error
  /** Counts and reports an abort. */
  aborted(error: Error): void
  /** A decision begins (+1) or is over (-1): the aborts that it brings about are reported when it is. */
  deciding(change: 1 | -1): void
  /** A commit has begun (+1) or ended (-1) to run. */
  committing(change: 1 | -1): void
  /** A commit was acknowledged. */
  committed(): void
}

/** Whether an error is the abort of a transaction by the conflict rules. */
export function isSerializationError(error: unknown): error is SerializationError {
  return error instanceof Error && (error as Partial<SerializationError>).code === 'SERIALIZATION'
}

/** What an operation on a transaction that is not open (and not aborted with an error of its own) throws. */
export function createClosedError(transaction: StoreTransaction): Error {
  const { id, label, state } = transaction
  const name = label === undefined ? `transaction ${String(id)}` : `transaction ${String(id)} (${label})`
  if (state === 'committing') {
    return new MisuseError(`Cannot use ${name} while it commits: await commit() first, then begin another`)
  }
  const ended = state === 'rolled-back' ? 'been rolled back' : 'been committed'
  return new TransactionClosedError(`Cannot use ${name}: it has ${ended}; begin another`)
}
