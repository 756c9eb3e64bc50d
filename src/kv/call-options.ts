/**
 * The options of `begin`, `transact`, `snapshot` and the single writes: their types, and their checks at the door. Pure.
 *
 * Pinned by test/unit/kv/begin-options.test.ts, transact.test.ts and snapshot.test.ts.
 */
import { InvalidArgumentError } from '../base/errors'
import type { Limits } from '../base/limits'
import { LIMITS } from '../base/limits'
import type { BeginOptions, CommitReceipt } from '../mvcc/contract'
import type { AbortSignalLike } from './interruption'
import { checkSignal } from './interruption'
import { checkBoolean, checkInteger, checkLabel, checkOneOf, checkOptions, checkTimeout } from './options'

/** When a commit is acknowledged: 'sync' once on disk, 'os' once with the operating system. */
export type Durability = 'sync' | 'os'

/** What a commit returns: its place in commit order, and whether it is on disk. */
export type Receipt = CommitReceipt

/** How a single write is made. */
export interface WriteOptions {
  /** Instead of the database's own. */
  readonly durability?: Durability | undefined
}

/** How a transaction begins by hand. */
export interface TransactionOptions {
  /** Reads the newest published state; only a read of its own can abort it. */
  readonly readOnly?: boolean | undefined
  /** Read-only, and its first read waits until nothing can abort it any more. */
  readonly deferrable?: boolean | undefined
  /** A name for reports and events. */
  readonly label?: string | undefined
  /** Instead of the database's own. */
  readonly durability?: Durability | undefined
  /** 'serializable' (strictly, the default), or 'snapshot': only written keys conflict, and write skew is possible. */
  readonly isolation?: 'serializable' | 'snapshot' | undefined
}

/** How `transact` runs its callback. */
export interface TransactOptions {
  /** After so many losses it gives up with `RetriesExhaustedError`. */
  readonly attemptsMax?: number | undefined
  /** Milliseconds for all attempts together; then it rejects with `TimeoutError`. */
  readonly timeoutMs?: number | undefined
  /** Ends it with `AbortedError`. */
  readonly signal?: AbortSignalLike | undefined
  readonly label?: string | undefined
  readonly readOnly?: boolean | undefined
  readonly durability?: Durability | undefined
}

/** How a snapshot is taken. */
export interface SnapshotOptions {
  /** True (the default): waits for one at which no read-only anomaly can show. False: the newest published, at once. */
  readonly wait?: boolean | undefined
  /** Milliseconds to wait for a safe one; then it rejects with `TimeoutError`. */
  readonly timeoutMs?: number | undefined
  readonly label?: string | undefined
}

const DURABILITIES = ['sync', 'os'] as const
const ISOLATIONS = ['serializable', 'snapshot'] as const
const WRITE = ['durability'] as const
const BEGIN = ['readOnly', 'deferrable', 'label', 'durability', 'isolation'] as const
const TRANSACT = ['attemptsMax', 'timeoutMs', 'signal', 'label', 'readOnly', 'durability'] as const
const SNAPSHOT = ['wait', 'timeoutMs', 'label'] as const

/** Checks the options of `begin`. */
export function checkTransactionOptions(given: TransactionOptions, limits: Limits): void {
  checkOptions(given, BEGIN, 'begin')
  checkBoolean(given.readOnly, 'readOnly')
  checkBoolean(given.deferrable, 'deferrable')
  checkLabel(given.label, limits.labelCharsMax)
  checkOneOf(given.durability, DURABILITIES, 'durability')
  checkOneOf(given.isolation, ISOLATIONS, 'isolation')
  if (given.deferrable === true && given.readOnly === false) {
    throw new InvalidArgumentError(
      'Cannot begin with deferrable: true and readOnly: false: a deferrable transaction only reads',
    )
  }
  if (given.deferrable === true && given.isolation === 'snapshot') {
    throw new InvalidArgumentError(
      "Cannot begin with deferrable: true and isolation: 'snapshot': it waits for serializability",
    )
  }
}

/** Checks the options of `transact`. */
export function checkTransactOptions(given: TransactOptions, limits: Limits): void {
  checkOptions(given, TRANSACT, 'transact')
  checkInteger(given.attemptsMax, LIMITS.attemptsMax.min, LIMITS.attemptsMax.max, 'attemptsMax')
  checkTimeout(given.timeoutMs)
  checkSignal(given.signal)
  checkLabel(given.label, limits.labelCharsMax)
  checkBoolean(given.readOnly, 'readOnly')
  checkOneOf(given.durability, DURABILITIES, 'durability')
}

/** Checks the options of `snapshot`. */
export function checkSnapshotOptions(given: SnapshotOptions, limits: Limits): void {
  checkOptions(given, SNAPSHOT, 'snapshot')
  checkBoolean(given.wait, 'wait')
  checkTimeout(given.timeoutMs)
  checkLabel(given.label, limits.labelCharsMax)
}

/** Checks the options of `put` and `delete` of a database; `call` is which of them. */
export function checkWriteOptions(given: WriteOptions, call: string): void {
  checkOptions(given, WRITE, call)
  checkOneOf(given.durability, DURABILITIES, 'durability')
}

const PLAIN: BeginOptions = {}
const READ_ONLY: BeginOptions = { readOnly: true }

/** The options without those that are undefined, as the store takes them; in a read-only database everything only reads. */
export function toBeginOptions(
  given: TransactionOptions | TransactOptions | undefined,
  readOnlyDatabase: boolean,
): BeginOptions {
  if (given === undefined) return readOnlyDatabase ? READ_ONLY : PLAIN
  const begin: { -readonly [Name in keyof BeginOptions]: BeginOptions[Name] } = {}
  if (given.readOnly === true || readOnlyDatabase) begin.readOnly = true
  if (given.label !== undefined) begin.label = given.label
  if (given.durability !== undefined) begin.durability = given.durability
  if ('deferrable' in given && given.deferrable === true) {
    begin.deferrable = true
    begin.readOnly = true
  }
  if ('isolation' in given && given.isolation !== undefined) begin.isolation = given.isolation
  return begin
}
