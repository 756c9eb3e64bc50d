/**
 * The public exports of the package, and nothing else; docs/API.md describes them.
 *
 * The classes are exported for `instanceof` and for their types; only the database makes them.
 */
export { open } from './open'
export type { LimitOptions, OpenOptions } from './open'
export {
  formatVersions,
  inspectLocks,
  inspectManifest,
  inspectTable,
  inspectTree,
  inspectWal,
  readHistory,
  readTableModel,
} from './offline'
export { salvage, verify } from './offline'
export type { SalvageLoss, SalvageOptions, SalvageReport } from './offline'
export type { Damage, StopSignal, VerifiedFile, VerifyOptions, VerifyProgress, VerifyReport } from './base/verification'
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
export type { DatabaseStats, MemoryPartName, MemoryStats } from './kv/database-stats'
export { dump } from './kv/dump'
export type { DumpOptions } from './kv/dump'
export type { DatabaseEvent } from './kv/events'
export type { AbortSignalLike } from './kv/interruption'
export type { LoadOptions, LoadPair, LoadPairs, LoadProgress, LoadReceipt } from './kv/load'
export { loadDump, readDump } from './kv/load-dump'
export type { DumpChunks, LoadDumpOptions, LoadDumpReceipt, ReadDumpOptions } from './kv/load-dump'
export { prometheusText } from './kv/prometheus-text'
export type { RangeBounds, ScanOptions } from './kv/range-options'
export { Savepoint } from './kv/savepoint'
export { Scan } from './kv/scan'
export { Snapshot } from './kv/snapshot'
export type { DurationStats, LevelStats, LogStats, MemoryPart, StorageStats, WaitStats } from './kv/storage-stats'
export { Transaction } from './kv/transaction'
export type { HistoryDamage, HistoryOptions, KeyHistory, KeyVersion, VersionPlace } from './base/key-history'
export type { LockOwner } from './runtime/lock-owner'
export type { FileFormat, FormatName } from './storage/inspect/format-versions'
export type { StoredHistory } from './storage/inspect/history'
export type { LocksReport } from './storage/inspect/locks'
export type { ManifestItem, ManifestOptions } from './storage/inspect/manifest'
export type { DamageItem, GoneItem, StoreItem } from './storage/inspect/picture'
export type { TableLookOptions } from './storage/inspect/table'
export type { TableLookItem } from './storage/inspect/table-items'
export type { TableModel } from './storage/inspect/table-model'
export type { TreeReport } from './storage/inspect/tree'
export type { WalItem, WalOptions } from './storage/inspect/wal'
