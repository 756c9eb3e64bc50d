/**
 * Every limit of the store in one table: name with its unit last, default, least and greatest value, and what it bounds.
 *
 * `open` accepts each of them as an option under its name, validated here; docs/LIMITS.md is printed from this table and a
 * test holds the two together. A queue, buffer or loop without an entry here is a defect.
 */
import { InvalidArgumentError } from './errors'
import { describe } from './bytes'

const KiB = 1024
const MiB = 1024 * KiB
const GiB = 1024 * MiB

interface Limit {
  readonly initial: number
  readonly min: number
  readonly max: number
  readonly about: string
}

/** The table itself. */
export const LIMITS = {
  keyBytesMax: { initial: 4 * KiB, min: 1, max: 4 * KiB, about: 'length of a key' },
  valueBytesMax: { initial: 16 * MiB, min: 0, max: 16 * MiB, about: 'length of a value' },
  transactionBytesMax: {
    initial: 32 * MiB,
    min: 4 * KiB,
    max: 32 * MiB,
    about: 'keys and values written by one transaction',
  },
  transactionsActiveMax: { initial: 10_000, min: 1, max: 1_000_000, about: 'transactions open at a time' },
  loadsActiveMax: {
    initial: 16,
    min: 1,
    max: 1_024,
    about: 'bulk loads under way at a time: each has a file and buffers of its own',
  },
  operationsPerTurnMax: {
    initial: 256,
    min: 1,
    max: 1_000_000,
    about: 'synchronously completed operations before one yields to the event loop',
  },
  attemptsMax: { initial: 100, min: 1, max: 1_000_000, about: 'attempts of one transact call' },
  starvationLossesMax: {
    initial: 5,
    min: 1,
    max: 1_000_000,
    about: 'losses of one transact call before it takes the commit gate',
  },
  retryMsMin: {
    initial: 1,
    min: 1,
    max: 60_000,
    about: 'bound of the first random pause between attempts of transact',
  },
  retryMsMax: { initial: 100, min: 1, max: 3_600_000, about: 'bound to which those pauses double' },
  labelCharsMax: { initial: 256, min: 1, max: 65_536, about: 'length of a label' },
  pageRowsMax: { initial: 65_536, min: 1, max: 1_000_000, about: 'rows in one page of a scan' },
  gateLeaseMs: { initial: 1_000, min: 1, max: 3_600_000, about: 'time a transact call may hold the commit gate' },
  snapshotAgeMsWarn: {
    initial: 60_000,
    min: 1,
    max: 86_400_000,
    about: 'age at which an open transaction or snapshot raises an event',
  },
  readsPerTransactionMax: {
    initial: 20_000,
    min: 2,
    max: 100_000_000,
    about: 'point reads of one transaction registered exactly; beyond it neighbours merge into ranges',
  },
  registrationsMax: {
    initial: 2_000_000,
    min: 2,
    max: 1_000_000_000,
    about: 'reader registrations, retained writes and edges held exactly; beyond it the oldest commits are summarized',
  },
  retainedExactMax: {
    initial: 100_000,
    min: 0,
    max: 100_000_000,
    about: 'committed transactions retained with their reads and edges; beyond it the oldest are summarized',
  },
  retainedCommitsMax: {
    initial: 500_000,
    min: 1,
    max: 100_000_000,
    about: 'committed transactions retained in the conflict graph; beyond it the oldest reader is too old',
  },
  explanationEntriesMax: {
    initial: 1_000,
    min: 1,
    max: 1_000_000,
    about: 'entries of each list in the explanation of a transaction; the rest is counted',
  },
  memtableBytesMax: { initial: 32 * MiB, min: 16 * KiB, max: 1 * GiB, about: 'size at which a memtable is frozen' },
  memtablesFrozenMax: { initial: 2, min: 1, max: 64, about: 'frozen memtables waiting for flush before commits wait' },
  walBytesMax: { initial: 128 * MiB, min: 64 * KiB, max: 16 * GiB, about: 'log bytes at which the memtable is frozen' },
  segmentBytesMin: { initial: 1 * MiB, min: 16 * KiB, max: 64 * MiB, about: 'size of the first log segment' },
  segmentBytesMax: { initial: 64 * MiB, min: 16 * KiB, max: 1 * GiB, about: 'size to which log segments grow' },
  logGroupBytesMax: {
    initial: 4 * MiB,
    min: 4 * KiB,
    max: 16 * MiB,
    about: 'commits gathered for one log write before others wait; a larger one is written alone',
  },
  logSliceBytes: { initial: 256 * KiB, min: 4 * KiB, max: 4 * MiB, about: 'zeros written ahead at a time' },
  logIdleMs: {
    initial: 5,
    min: 1,
    max: 3_600_000,
    about: 'idle time of the log after which it writes a witness behind the last commit',
  },
  syncIntervalMs: { initial: 100, min: 1, max: 3_600_000, about: "time after which commits under 'os' are synced" },
  blockBytes: { initial: 4 * KiB, min: 256, max: 64 * KiB, about: 'target size of a table block' },
  compressedBlockBytes: {
    initial: 16 * KiB,
    min: 256,
    max: 64 * KiB,
    about: 'target size of a block of the last level where blocks are compressed; at least blockBytes',
  },
  compressedValueBytesMax: {
    initial: 256 * KiB,
    min: 0,
    max: 17 * MiB,
    about: 'size of a block beyond which it is never compressed: decompressing one blocks the thread that reads it',
  },
  blockCacheBytesMax: { initial: 128 * MiB, min: 0, max: 64 * GiB, about: 'parsed blocks kept in memory' },
  filterBitsPerKey: { initial: 10, min: 0, max: 32, about: 'filter bits for each key of a table' },
  tableBytesMin: {
    initial: 2 * MiB,
    min: 4 * KiB,
    max: 1 * GiB,
    about: 'size of the tables of level 1; those of each deeper level are levelSizeRatio times larger',
  },
  tableBytesMax: { initial: 64 * MiB, min: 4 * KiB, max: 1 * GiB, about: 'size to which tables grow with their level' },
  tableSyncBytes: {
    initial: 4 * MiB,
    min: 4 * KiB,
    max: 1 * GiB,
    about: 'bytes of a table under construction after which it is synced, so that commits wait for no more at the disk',
  },
  openTablesMax: {
    initial: 512,
    min: 1,
    max: 65_536,
    about: 'table files open at a time; others are opened again when they are read',
  },
  levelZeroTablesMax: { initial: 4, min: 1, max: 64, about: 'tables in level 0 before they are compacted' },
  levelZeroTablesStall: { initial: 12, min: 2, max: 1_024, about: 'tables in level 0 at which commits wait' },
  levelSizeRatio: {
    initial: 4,
    min: 2,
    max: 32,
    about: 'runs of a level above the last before they are merged, and how many times larger each level is',
  },
  levelBytesBase: {
    initial: 128 * MiB,
    min: 32 * KiB,
    max: 64 * GiB,
    about: 'size of level 1 as the last one before it becomes level 2',
  },
  mergeDebtBytesMax: {
    initial: 512 * MiB,
    min: 0,
    max: 1024 * GiB,
    about: 'bytes that flushes and merges may be behind what commits have granted before commits wait',
  },
  restMs: {
    initial: 5_000,
    min: 1,
    max: 86_400_000,
    about: 'time without commits after which what lies above the last level is merged into it',
  },
  manifestRoomBytes: {
    initial: 256 * KiB,
    min: 16 * KiB,
    max: 64 * MiB,
    about: 'room for edits in a manifest before a new one is begun',
  },
  mergeSliceBytes: {
    initial: 64 * KiB,
    min: 1 * KiB,
    max: 64 * MiB,
    about: 'bytes a flush or merge handles before it lets others run',
  },
  reserveBytes: {
    initial: 8 * MiB,
    min: 0,
    max: 1 * GiB,
    about: 'disk space kept aside for deletes, compaction and opening',
  },
  backoffMsMin: { initial: 10, min: 1, max: 60_000, about: 'first pause after a failed background job' },
  backoffMsMax: { initial: 5_000, min: 1, max: 3_600_000, about: 'longest pause after failed background jobs' },
} as const satisfies Record<string, Limit>

/** The name of a limit, as an option of `open`. */
export type LimitName = keyof typeof LIMITS

/** A value for every limit. */
export type Limits = Readonly<Record<LimitName, number>>

/** The names in the table's order. */
export const LIMIT_NAMES = Object.keys(LIMITS) as readonly LimitName[]

/**
 * The default of every limit with `given` over it.
 * Throws `InvalidArgumentError` for a value that is no integer within the limit's bounds.
 */
export function createLimits(given: Partial<Record<LimitName, unknown>> = {}): Limits {
  const limits: Partial<Record<LimitName, number>> = {}
  for (const name of LIMIT_NAMES) limits[name] = validated(name, given[name])
  return limits as Limits
}

function validated(name: LimitName, value: unknown): number {
  const limit = LIMITS[name]
  if (value === undefined) return limit.initial
  if (typeof value !== 'number' || !Number.isInteger(value) || value < limit.min || value > limit.max) {
    throw new InvalidArgumentError(
      `Cannot use ${describe(value)} as ${name}: it must be an integer from ${String(limit.min)} to ${String(limit.max)} (${limit.about})`,
    )
  }
  return value
}
