/**
 * The public exports of the package, and nothing else; docs/API.md describes them.
 *
 * The classes are exported for `instanceof` and for their types; only the database makes them.
 */
export { open } from './open'
export type { LimitOptions, OpenOptions } from './open'
export { formatVersions } from './offline'
export type { FormatReport } from './offline'
export { InvariantError } from './base/assert'
export {
  AbortedError,
  CommitOutcomeUnknownError,
  CorruptionError,
  DatabaseClosedError,
  DatabaseLockedError,
  DeadlockError,
  DiskFullError,
  InvalidArgumentError,
  IoError,
  LimitExceededError,
  MisuseError,
  PoisonedError,
  ReadOnlyError,
  RetriesExhaustedError,
  SerializationError,
  StalledError,
  StrictKvError,
  TimeoutError,
  TransactionClosedError,
  UnsupportedFormatError,
} from './base/errors'
export type { StrictKvErrorCode } from './base/errors'
export type { AbortReason, CycleEdge, ReportRange, SerializationReport, TxRef } from './base/serialization-report'
export type {
  CommitForecast,
  ExplainedEdge,
  ExplainedList,
  ExplainedPlace,
  ExplainedWait,
  ExplainedWrite,
  TransactionExplanation,
} from './mvcc/explanation'
export type { TransactionState } from './mvcc/transaction-state'
export type { Bytes, BytesInput, Row } from './kv/bytes-type'
export type {
  Durability,
  Receipt,
  SnapshotOptions,
  TransactOptions,
  TransactionOptions,
  WriteOptions,
} from './kv/call-options'
export type { Guards } from './kv/callback-guard'
export type { CheckpointOptions, CheckpointReceipt } from './kv/checkpoint'
export { Database } from './kv/database'
export { dump } from './kv/dump'
export type { DumpOptions } from './kv/dump'
export type { DatabaseEvent } from './kv/events'
export type { AbortSignalLike } from './kv/interruption'
export type { LoadOptions, LoadPair, LoadPairs, LoadProgress, LoadReceipt } from './kv/load'
export { loadDump, readDump } from './kv/load-dump'
export type { DumpChunks, LoadDumpOptions, LoadDumpReceipt, ReadDumpOptions } from './kv/load-dump'
export type { DatabaseStats, StorageStats } from './kv/operations'
export type { RangeBounds, ScanOptions } from './kv/range-options'
export { Savepoint } from './kv/savepoint'
export { Scan } from './kv/scan'
export { Snapshot } from './kv/snapshot'
export { Transaction } from './kv/transaction'
export type { FileFormat, FormatName } from './storage/inspect/format-versions'
