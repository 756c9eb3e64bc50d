/**
 * The commit that has to wait: for the gate, for room in log and memory, or for both.
 *
 *      gate free? --no--> wait for the gate --+        room --gate taken meanwhile--> give the room back, wait again
 *         ^                                   |
 *         +-----------------------------------+
 *
 * Both must be there in one synchronous step, the one that decides. The gate comes first, so that nobody waits at it with
 * room in hand. Most commits find both at once and never come here.
 * Pinned by test/unit/mvcc/read-write-commit.test.ts.
 */
import type { Batch } from '../storage/engine'
import type { CommitReceipt, TransactionState } from './contract'
import type { Environment } from './environment'
import type { Owner } from './wait-queues'
import { isDeletesOnly } from './write-buffer'

/** A transaction that commits. */
export interface RoomSeeker extends Owner {
  readonly state: TransactionState
  readonly batchBytes: number
  /** Rejects the wait for room that is under way; called if the transaction is aborted. */
  stopWaiting: ((error: Error) => void) | undefined
  closedError(): Error
  /** REQUIRES: the gate is free, `batchBytes` are reserved. */
  decide(batch: Batch): Promise<CommitReceipt>
  failCommit(error: unknown): Promise<never>
}

/** Waits until `seeker` can decide, and lets it; `reserving` is a reservation that is under way, if there is one. */
export async function commitWithRoom(
  environment: Environment,
  seeker: RoomSeeker,
  batch: Batch,
  reserving: Promise<void> | undefined,
): Promise<CommitReceipt> {
  const { engine, queues } = environment
  let room = reserving
  try {
    for (;;) {
      if (room === undefined) {
        while (!queues.isGateFree(seeker)) {
          await queues.waitForGate(seeker)
          checkCommitting(seeker)
        }
        room = engine.reserve(seeker.batchBytes, isDeletesOnly(batch)) ?? RESERVED
      }
      await untilAborted(environment, seeker, room)
      if (isCommitting(seeker) && engine.poisoned === undefined && queues.isGateFree(seeker)) break
      engine.unreserve(seeker.batchBytes)
      room = undefined
      checkCommitting(seeker)
    }
  } catch (error) {
    return seeker.failCommit(error)
  }
  return seeker.decide(batch)
}

const RESERVED = Promise.resolve()

/** Waits for room; if the transaction is aborted meanwhile, gives the room back when it comes. */
function untilAborted({ engine }: Environment, seeker: RoomSeeker, room: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    seeker.stopWaiting = reject
    room.then(() => {
      if (isCommitting(seeker)) resolve()
      else engine.unreserve(seeker.batchBytes)
    }, reject)
  })
}

function isCommitting(seeker: RoomSeeker): boolean {
  return seeker.state === 'committing'
}

/** After each wait: between its end and going on, the transaction may have been aborted. */
function checkCommitting(seeker: RoomSeeker): void {
  if (!isCommitting(seeker)) throw seeker.closedError()
}
