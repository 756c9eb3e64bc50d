/**
 * How a transaction is named in messages, and what is said to those who use one that has ended.
 */
import { DatabaseClosedError, TransactionClosedError } from '../base/errors'
import type { StoreTransaction, TransactionState } from '../mvcc/contract'

const HOW: Record<TransactionState, string> = {
  open: 'it is open',
  committing: 'its commit has been called and is running',
  decided: 'its commit has been called and is running',
  committed: 'it has been committed; begin another one',
  'rolled-back': 'it has been rolled back; begin another one',
  aborted: 'it has been aborted; begin another one',
}

/** As in 'transaction 7 "transfer"'. */
export function nameTransaction({ id, label }: StoreTransaction): string {
  return label === undefined ? `transaction ${id}` : `transaction ${id} "${label}"`
}

/** For a call on a transaction that is not open any more. */
export function closedTransaction(transaction: StoreTransaction, call: string): TransactionClosedError {
  return new TransactionClosedError(`Cannot ${call} in ${nameTransaction(transaction)}: ${HOW[transaction.state]}`)
}

/** What ends a transaction that was open when its database was closed. */
export function closedUnder(transaction: StoreTransaction): DatabaseClosedError {
  const name = nameTransaction(transaction)
  return new DatabaseClosedError(`Cannot go on with ${name}: the database has been closed, which rolled it back`)
}
