/**
 * Commits that are decided and wait for the log: acknowledged in commit order, in the step that publishes them.
 *
 * Also here: whoever else waits for the log to move on (commits without writes whose snapshot is not published, lone reads
 * whose test failed, deferrable readers). After the log has failed, commits get `CommitOutcomeUnknownError` and the
 * others, which wrote nothing, `PoisonedError`. Pinned by test/unit/mvcc/acknowledgements.test.ts, test/regression/0034-acknowledged-commits-let-go.test.ts.
 * Spec: SSI!Publish, SSI!LogFails, MVCC!Publish.
 */
import { CommitOutcomeUnknownError, PoisonedError } from '../base/errors'
import type { Sequence } from '../base/sequence'
import { Deferred } from './deferred'

/** Told once: without an error when acknowledged, with one when the log failed. */
export type Acknowledged = (error: Error | undefined) => void

/** A decided commit that waits. An object of the committing transaction, so that none has to be made for each commit. */
export interface PendingCommit {
  readonly commitSequence: Sequence
  /** Told once: without an error when acknowledged, with one when the log failed. */
  acknowledged(error: Error | undefined): void
}

/** The slots of those that were told, at the front of the queue, are given back when there are more of them than this, and than of others. */
const TOLD_SLOTS_MAX = 1024

interface PendingReader {
  readonly snapshot: Sequence
  readonly acknowledged: Acknowledged
}

/** See the file's header. */
export class Acknowledgements {
  /** Ascending by sequence, from `#front` on; whoever was told is gone from its slot, for under a steady load the queue never runs empty. */
  #commits: (PendingCommit | undefined)[] = []
  #front = 0
  #readers: PendingReader[] = []
  #nextPublish: Deferred<void> | undefined = undefined
  #failure: Error | undefined = undefined

  /** Why the log failed, if it did. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** Decided commits that are not acknowledged. */
  get size(): number {
    return this.#commits.length - this.#front + this.#readers.length
  }

  /** REQUIRES: its sequence is greater than those added before. */
  addCommit(commit: PendingCommit): void {
    this.#commits.push(commit)
  }

  /** A commit without writes that read what is not published yet. */
  addReader(snapshot: Sequence, acknowledged: Acknowledged): void {
    if (this.#failure === undefined) this.#readers.push({ snapshot, acknowledged })
    else acknowledged(createPoisonedError('finish a read of unpublished commits', this.#failure))
  }

  /** Resolves after the next publish; rejects with `PoisonedError`. */
  nextPublish(): Promise<void> {
    if (this.#failure !== undefined) {
      return Promise.reject(createPoisonedError('wait for a commit that was in flight', this.#failure))
    }
    this.#nextPublish ??= new Deferred()
    return this.#nextPublish.promise
  }

  /** ATOMIC: acknowledges everything through `sequence`. */
  publish(sequence: Sequence): void {
    for (let next = this.#commits[this.#front]; next !== undefined; next = this.#commits[this.#front]) {
      if (next.commitSequence > sequence) break
      this.#commits[this.#front++] = undefined
      next.acknowledged(undefined)
    }
    this.#giveBackSlots()
    if (this.#readers.length > 0) this.#publishReaders(sequence)
    const waiting = this.#nextPublish
    this.#nextPublish = undefined
    waiting?.resolve()
  }

  #giveBackSlots(): void {
    const { length } = this.#commits
    if (this.#front < length && (this.#front < TOLD_SLOTS_MAX || this.#front * 2 < length)) return
    this.#commits = this.#commits.slice(this.#front)
    this.#front = 0
  }

  #publishReaders(sequence: Sequence): void {
    const readers = this.#readers
    this.#readers = readers.filter((reader) => reader.snapshot > sequence)
    for (const reader of readers) {
      if (reader.snapshot <= sequence) reader.acknowledged(undefined)
    }
  }

  /** The log has failed: nothing that waits will ever be published. */
  fail(cause: Error): void {
    this.#failure = cause
    const commits = this.#commits.slice(this.#front).filter((commit) => commit !== undefined)
    const readers = this.#readers
    this.#commits = []
    this.#front = 0
    this.#readers = []
    for (const commit of commits) {
      commit.acknowledged(
        new CommitOutcomeUnknownError(
          `Cannot tell whether commit ${String(commit.commitSequence)} is on disk: the log failed while it was in flight; reopen the database to see`,
          commit.commitSequence,
          cause,
        ),
      )
    }
    for (const { acknowledged } of readers)
      acknowledged(createPoisonedError('finish a read of unpublished commits', cause))
    this.#nextPublish?.reject(createPoisonedError('wait for a commit that was in flight', cause))
    this.#nextPublish = undefined
  }
}

/** The error of whoever depended on commits that the failed log will never publish. */
export function createPoisonedError(doing: string, cause: Error): PoisonedError {
  return new PoisonedError(`Cannot ${doing}: the log failed (${cause.message}); reopen the database`, cause)
}
