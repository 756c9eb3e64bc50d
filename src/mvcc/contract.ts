/**
 * What the transaction layer offers to the layer above: transactions, lone reads, snapshots, the gate, figures.
 *
 * kv/ is written against this file alone. Everything here speaks in keys (flat latin1 strings), half-open ranges and
 * sequences; copying and checking of user input, retries, cursors as iterators and guards against misuse are kv's.
 * Rules are named as the design page of isolation names them; the implementation is `TransactionStore`.
 */
import type { Key } from '../base/bytes'
import type { KeyRange } from '../base/key-range'
import type { Sequence } from '../base/sequence'
import type { SerializationReport } from '../base/serialization-report'
import type { Durability, EngineCheckpoint } from '../storage/engine'
import type { TransactionExplanation } from './explanation'
import type { TransactionState } from './transaction-state'

export type { TransactionState } from './transaction-state'

/** How a transaction begins. */
export interface BeginOptions {
  /** Declared read-only: reads the newest published sequence, never aborted but by a read of its own. */
  readonly readOnly?: boolean
  /** Implies `readOnly`: its first read waits until its snapshot is safe. */
  readonly deferrable?: boolean
  readonly label?: string
  readonly durability?: Durability
  readonly isolation?: 'serializable' | 'snapshot'
}

/** What a commit returns. */
export interface CommitReceipt {
  /** The place in commit order; without writes, the snapshot. */
  readonly sequence: Sequence
  /** Whether it is on disk (false: handed to the operating system). */
  readonly durable: boolean
}

/** A synchronous answer where possible, a promise where something must be fetched or waited for. */
export type Now<T> = T | Promise<T>

/**
 * One transaction. Every operation throws (or rejects with) the stored error once it is aborted, and
 * `TransactionClosedError` once it has ended otherwise; errors that depend on waiting come as rejections.
 */
export interface StoreTransaction {
  readonly id: number
  readonly label: string | undefined
  readonly readOnly: boolean
  readonly state: TransactionState
  /** The sequence it reads at; may move forward in `getForUpdate`, and for a deferrable one until its first read. */
  readonly snapshot: Sequence
  /** On the monotonic clock, in milliseconds. */
  readonly begunMs: number

  get(key: Key): Now<Buffer | undefined>
  getSync(key: Key): Buffer | undefined
  /** Queues for the key, first in first out, then reads it. Throws `ReadOnlyError`; rejects with `DeadlockError`. */
  getForUpdate(key: Key): Now<Buffer | undefined>
  /** Rows of `range` with the transaction's own writes as of now; registers what it delivers, as it delivers it. */
  openCursor(range: KeyRange, options: { readonly reverse: boolean }): StoreCursor
  /** Buffered; `value` belongs to the transaction from here on. Throws `SerializationError` for a certain lost update. */
  put(key: Key, value: Uint8Array): void
  delete(key: Key): void
  deleteRange(range: KeyRange): void
  savepoint(): StoreSavepoint
  /**
   * Decides, makes durable, acknowledges. Rejects with `SerializationError`, `PoisonedError`, `DiskFullError`,
   * `StalledError`, `DeadlockError` (while waiting at the gate), `CommitOutcomeUnknownError`; the transaction has then ended.
   */
  commit(): Promise<CommitReceipt>
  /** Idempotent; does nothing once `commit` has been called. */
  rollback(): void
  /**
   * Ends the transaction with `error`, which its pending waits and later operations then throw (a time budget is spent, a
   * signal fired). Does nothing once it is decided or has ended.
   */
  abort(error: Error): void
  /** What is known of it now, and what a commit would come to. Changes nothing; works in every state. */
  explain(): TransactionExplanation
}

/** Something that is waited for and can be given up: `cancel` rejects `result` with `error`, unless it has come already. */
export interface Waiting<T> {
  readonly result: Promise<T>
  cancel(error: Error): void
}

/** Undoes writes, never reads. */
export interface StoreSavepoint {
  /** Undoes the writes made since; closes cursors opened since; the savepoint and those nested in it are then released. */
  rollback(): void
  /** Keeps the writes. Idempotent, as is rollback. */
  release(): void
}

/** The row under a cursor, until the cursor moves. */
export interface StoreRow {
  readonly key: Key
  /** A copy of the key that the caller owns. */
  keyBuffer(): Buffer
  /** A copy of the value that the caller owns. */
  value(): Buffer
}

/** A cursor over rows; the contract of `EngineCursor`, with errors of the transaction. */
export interface StoreCursor extends StoreRow {
  next(): Now<boolean>
  /**
   * Moves over up to `rows` rows in one step and calls `visit` with each; resolves to how many there were, fewer than
   * `rows` only at the end. They are registered together when they are handed over.
   */
  nextPage(rows: number, visit: (row: StoreRow) => void): Now<number>
  close(): void
}

/** A read-only view at one sequence whose reads never fail and are not tracked. */
export interface StoreSnapshot {
  readonly sequence: Sequence
  readonly label: string | undefined
  readonly begunMs: number
  get(key: Key): Now<Buffer | undefined>
  getSync(key: Key): Buffer | undefined
  openCursor(range: KeyRange, options: { readonly reverse: boolean }): StoreCursor
  close(): void
}

/** Files held for a copy of the database at one sequence; see `EngineCheckpoint`. */
export type StoreCheckpoint = EngineCheckpoint

/**
 * Rows that become one commit, past log and memory. After a rejection, or `discard`, nothing of it stays. Errors are those of
 * `EngineLoad`.
 */
export interface StoreLoad {
  /** One more row, copied. A promise where the caller must wait before the next. REQUIRES: keys ascend. */
  add(key: Key, value: Uint8Array): undefined | Promise<void>
  /** Decides and acknowledges. REQUIRES: a row was added. */
  commit(): Promise<CommitReceipt>
  /** Idempotent, never rejects; does nothing once committed. */
  discard(): Promise<void>
}

/** The transaction layer. */
export interface Store {
  /** Synchronous. Throws `LimitExceededError` beyond `transactionsActiveMax`. */
  begin(options?: BeginOptions): StoreTransaction
  /**
   * Waits for the commit gate (first in, first out), then begins under it: nobody else's writes are decided until this
   * transaction has ended or `gateLeaseMs` has passed, so its commit cannot lose.
   */
  beginUnderGate(options?: BeginOptions): Waiting<StoreTransaction>

  /** A lone read: at the published sequence, tracked, never failing with `SerializationError`. */
  get(key: Key): Now<Buffer | undefined>
  /** The same at once; makes the log durable inline first if its test fails. */
  getSync(key: Key): Buffer | undefined
  /** One lone reader of several keys, all at one sequence. */
  getMany(keys: readonly Key[]): Now<(Buffer | undefined)[]>
  /** A lone scan: registers all of `range` in its first step, at one sequence. */
  openCursor(range: KeyRange, options: { readonly reverse: boolean }): StoreCursor

  /** A snapshot at the newest published sequence, at once: outside the guarantee (it may show the read-only anomaly). */
  snapshot(label?: string): StoreSnapshot
  /** A safe snapshot: waits for one. */
  safeSnapshot(label?: string): Waiting<StoreSnapshot>
  /** The files of a safe snapshot, held from the step on that takes it: waits for one. Whoever gets it lets it go. */
  safeCheckpoint(): Waiting<StoreCheckpoint>

  /**
   * Begins a bulk load of ascending rows into an empty range. Throws `LimitExceededError` beyond `loadsActiveMax`, and what
   * `EngineLoad` may throw.
   */
  load(label?: string): StoreLoad

  /** Transactions and snapshots that are open, oldest first. */
  open(): Iterable<StoreTransaction | StoreSnapshot>
  /** Resolves when no commit is running. */
  settled(): Promise<void>
  stats(): StoreStats
  /** Throws `InvariantError` if any structure contradicts itself. For tests. */
  checkInvariants(): void
}

/** One of the transactions or snapshots that are open. */
export interface OpenFigures {
  readonly kind: 'transaction' | 'snapshot'
  /** Of a transaction, as reports of conflicts name it. */
  readonly id: number | undefined
  readonly label: string | undefined
  /** What it reads at. */
  readonly sequence: Sequence
  readonly ageMs: number
}

/**
 * Sizes of the transaction layer's state: counts, but where a unit is named. At rest everything but the counters and sequences is 0.
 * Taken by one walk over the transactions and snapshots that are open; nothing else is visited.
 */
export interface StoreStats {
  readonly decided: Sequence
  readonly published: Sequence
  /** Transactions and snapshots that are open, and bulk loads under way. */
  readonly transactionsActive: number
  readonly snapshotsActive: number
  readonly loadsActive: number
  /** Those that were opened first; undefined if none is open. */
  readonly oldestOpenTransaction: OpenFigures | undefined
  readonly oldestOpenSnapshot: OpenFigures | undefined
  /**
   * The one that reads at the least sequence of all that are open, the first opened of several: as long as it is open, the
   * versions that it reads are kept. `commitsBehind`: how many commits have been decided since. Undefined if none is open. Whoever still
   * waits for a safe snapshot is not one of them.
   */
  readonly oldestReader: (OpenFigures & { readonly commitsBehind: number }) | undefined
  /** The oldest sequence at which somebody may still read: newer versions of a key do not let go of the one that is read there. */
  readonly retentionFloor: Sequence
  /** Nodes of the conflict graph: active, and committed but not forgotten. Of those last, how many there are, and how many only as summaries. */
  readonly nodes: number
  readonly commitsRetained: number
  readonly commitsSummarized: number
  readonly edges: number
  /** Keys with a registration or a retained write, and how many of either. */
  readonly keyRecords: number
  readonly pointReads: number
  readonly retainedWrites: number
  readonly rangeReads: number
  readonly rangeDeletes: number
  readonly readerFloors: number
  /** What all that takes in memory, open transactions but for what they have written included, and at most by `registrationsMax`, `retainedCommitsMax` and `transactionsActiveMax`. */
  readonly conflictBytes: number
  readonly conflictBudgetBytes: number
  readonly queuedKeys: number
  /** The least snapshot that the conflict graph knows of. */
  readonly oldestSnapshot: Sequence | undefined
  readonly commits: number
  readonly aborts: number
  readonly conservativeAborts: number
  readonly deadlocks: number
  readonly searches: number
  /** Graph nodes visited by all searches together. */
  readonly searchVisits: number
}

/** What the composition root may set. */
export interface StoreOptions {
  readonly durability: Durability
  /** Called synchronously with every abort. Must not throw. */
  readonly onAbort?: (report: SerializationReport, message: string) => void
}
