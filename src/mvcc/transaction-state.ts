/**
 * Where a transaction stands between begin and its end; a file of its own, since contract and explanation both speak of it.
 */

/**
 * 'open' until commit is called; 'committing' until decided; 'decided' until acknowledged; then 'committed'.
 * 'rolled-back' and 'aborted' (doomed, a failed read or commit, a refused deadlock) are ends too.
 */
export type TransactionState = 'open' | 'committing' | 'decided' | 'committed' | 'rolled-back' | 'aborted'
