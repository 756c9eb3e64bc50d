/**
 * A write outside a transaction: begin, write, commit, in one call.
 *
 * Such a transaction reads nothing, so no conflict can abort it; only bounded memory could doom it while it waits, and then
 * it is begun again. Pinned by test/unit/kv/database.test.ts.
 */
import { DeadlockError, SerializationError } from '../base/errors'
import type { BeginOptions, CommitReceipt, Store, StoreTransaction } from '../mvcc/contract'

/** Commits what `write` does; at most `attemptsMax` times. */
export function writeOnce(
  store: Store,
  begin: BeginOptions | undefined,
  write: (transaction: StoreTransaction) => void,
  attemptsMax: number,
): Promise<CommitReceipt> {
  const transaction = store.begin(begin)
  try {
    write(transaction)
  } catch (error) {
    transaction.rollback()
    throw error
  }
  return transaction.commit().catch((error: unknown) => {
    const isLoss = error instanceof SerializationError || error instanceof DeadlockError
    if (!isLoss || attemptsMax <= 1) throw error
    return writeOnce(store, begin, write, attemptsMax - 1)
  })
}
