/**
 * Limits of the storage at (or next to) the least that is allowed: everything is flushed after a few commits, every merge has
 * many tables and levels, nothing is cached, and every job yields all the time.
 */
import type { LimitName } from '../../../src/base/limits'
import { LIMITS } from '../../../src/base/limits'

/** For a database whose transactions write at most 256 KiB. */
export const LEAST_LIMITS = {
  transactionBytesMax: 256 * 1024,
  memtableBytesMax: LIMITS.memtableBytesMax.min,
  memtablesFrozenMax: LIMITS.memtablesFrozenMax.min,
  walBytesMax: LIMITS.walBytesMax.min,
  segmentBytesMin: LIMITS.segmentBytesMin.min,
  segmentBytesMax: 4 * LIMITS.segmentBytesMax.min,
  blockBytes: LIMITS.blockBytes.min,
  blockCacheBytesMax: LIMITS.blockCacheBytesMax.min,
  tableBytesMax: LIMITS.tableBytesMax.min,
  levelZeroTablesMax: LIMITS.levelZeroTablesMax.min,
  levelZeroTablesStall: LIMITS.levelZeroTablesStall.min,
  levelSizeRatio: LIMITS.levelSizeRatio.min,
  levelBytesBase: LIMITS.levelBytesBase.min,
  manifestRoomBytes: LIMITS.manifestRoomBytes.min,
  mergeSliceBytes: LIMITS.mergeSliceBytes.min,
  reserveBytes: LIMITS.reserveBytes.min,
} as const satisfies Partial<Record<LimitName, number>>
