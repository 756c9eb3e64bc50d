/**
 * What works on the directory of a database that is not open: the composition root of looking inside, checking and repairing.
 *
 *   runtime/node -> storage/inspect, storage/salvage
 *
 * The functions take a path and the real machine; what they do lies in storage. The command line and applications use the same ones.
 * Nothing here opens a database, and nothing but salvage writes, and that into a new directory. Pinned by test/unit/open/offline.test.ts.
 */
import { describe, inputToKey, keyToBuffer } from './base/bytes'
import { InvalidArgumentError } from './base/errors'
import type { HistoryOptions } from './base/key-history'
import { LIMITS, createLimits } from './base/limits'
import type { ReportRange } from './base/serialization-report'
import { checkHistoryOptions } from './kv/history'
import type { VerifyOptions, VerifyReport } from './base/verification'
import { checkBoolean } from './kv/options'
import { checkVerifyOptions } from './kv/verify'
import { createNodeRuntime } from './runtime/node/node-runtime'
import { readLockOwner } from './runtime/node/lock-owner'
import { CURRENT_FORMATS, readFormatVersions } from './storage/inspect/format-versions'
import type { FileFormat, FormatName } from './storage/inspect/format-versions'
import * as history from './storage/inspect/history'
import * as locks from './storage/inspect/locks'
import * as manifest from './storage/inspect/manifest'
import * as table from './storage/inspect/table'
import type { TableLookItem } from './storage/inspect/table-items'
import * as tableModel from './storage/inspect/table-model'
import * as tree from './storage/inspect/tree'
import * as wal from './storage/inspect/wal'
import { verifyStore } from './storage/inspect/verify-store'
import { salvageStore } from './storage/salvage/salvage'
import type { Loss, SalvageReport as StoredSalvageReport } from './storage/salvage/salvage-report'

/** Which format versions a database is of, and whether this program would rewrite any of its files. */
export interface FormatReport {
  /** The version of each format that this program writes, which is the only one that it reads. */
  readonly current: Readonly<Record<FormatName, number>>
  /** The files that are of a version, in the order of their names. */
  readonly files: readonly FileFormat[]
}

/** The format versions of the files in `path`. Rejects with `InvalidArgumentError` for no path, and `IoError`. */
export async function formatVersions(path: string): Promise<FormatReport> {
  checkPath(path, 'tell the formats of')
  return { current: CURRENT_FORMATS, files: await readFormatVersions(createNodeRuntime(), path) }
}

/**
 * Lists the write-ahead log in `path`: segments, frames, on request every entry, and where it ends and why. Reads files only, of a
 * database that is closed or open elsewhere; damage is an item like others. Iterating rejects with `InvalidArgumentError` where there
 * is no database, and with `IoError`; so do the other looks inside.
 */
export function inspectWal(path: string, options?: wal.WalOptions): AsyncIterable<wal.WalItem> {
  checkPath(path, 'look inside')
  return wal.inspectWal(createNodeRuntime(), path, options)
}

/** Lists the manifest in `path`: its edits one by one, and the state that they lead to. */
export function inspectManifest(
  path: string,
  options?: manifest.ManifestOptions,
): AsyncIterable<manifest.ManifestItem> {
  checkPath(path, 'look inside')
  return manifest.inspectManifest(createNodeRuntime(), path, options)
}

/** Lists table `options.number` in `path`: its parts, what its filter and its learned index do, its blocks, on request its rows. */
export function inspectTable(path: string, options: table.TableLookOptions): AsyncIterable<TableLookItem> {
  checkPath(path, 'look inside')
  return table.inspectTable(createNodeRuntime(), path, options)
}

/** The learned index of a table in `path`, with about `pointsMax` of its separators, to be drawn. */
export async function readTableModel(
  path: string,
  options: { readonly number: number; readonly pointsMax: number },
): Promise<tableModel.TableModel> {
  checkPath(path, 'look inside')
  return tableModel.readTableModel(createNodeRuntime(), path, options)
}

/** The tree of tables in `path`: levels, runs, tables, and what lies under what. */
export async function inspectTree(path: string): Promise<tree.TreeReport> {
  checkPath(path, 'look inside')
  return tree.inspectTree(createNodeRuntime(), path)
}

/** Who has the database in `path` open for writing. */
export async function inspectLocks(path: string): Promise<locks.LocksReport> {
  checkPath(path, 'look inside')
  return locks.inspectLocks(createNodeRuntime(), path, readLockOwner)
}

/** Every version of `key` that the files in `path` still have, newest first, and where each one lies. `db.history` is the same of an open database. */
export async function readHistory(
  path: string,
  key: string | Uint8Array,
  options?: HistoryOptions,
): Promise<history.StoredHistory> {
  checkPath(path, 'look inside')
  checkHistoryOptions(options)
  return history.readHistory(createNodeRuntime(), path, inputToKey(key, LIMITS.keyBytesMax.max), options)
}

/**
 * Reads every file of the database in `path`, which nobody may have open for writing, and checks all that can be: checksums, order, bounds,
 * filters, indexes and their models, figures, the log, the manifest, and what they say of each other. Goes on behind damage, of which the
 * report tells; changes nothing. Rejects with `InvalidArgumentError` where there is no database, `DatabaseLockedError`, `AbortedError`,
 * and with `IoError` where the system does not hand a file over: that is no damage.
 */
export async function verify(path: string, options: VerifyOptions = {}): Promise<VerifyReport> {
  checkPath(path, 'verify')
  checkVerifyOptions(options)
  return verifyStore(createNodeRuntime(), path, options)
}

/** What `salvage` takes, beside what `verify` does. */
export interface SalvageOptions extends VerifyOptions {
  /**
   * Whether to read tables that look like those of a bulk load, though no manifest says any more that the load was committed. Their rows
   * lose against anything else that is known of a key. False unless given.
   */
  readonly takeLoads?: boolean | undefined
}

/** A loss or a doubt of a salvage: what, where, and which keys and commits it may concern. */
export interface SalvageLoss {
  /** The name in the directory. */
  readonly file: string
  readonly offset: number
  /** In bytes; undefined where nobody knows. */
  readonly length: number | undefined
  readonly what: string
  /** Keys outside are not concerned; no `end`: up to the last key. */
  readonly range: ReportRange
  /** Commits outside are not concerned; undefined where nobody knows. */
  readonly sequences: { readonly first: number; readonly last: number } | undefined
}

/** What came of a salvage. Of a key in the range of no loss and no doubt the newest version was saved. */
export interface SalvageReport extends Omit<StoredSalvageReport, 'losses' | 'doubts'> {
  readonly losses: readonly SalvageLoss[]
  readonly doubts: readonly SalvageLoss[]
}

/**
 * Builds a new database in the directory `target`, which must be empty or not there, from all that can be read of the damaged one in `path`,
 * and tells every loss. `path` is only read. Rejects with `InvalidArgumentError`, `DatabaseLockedError`, `AbortedError`, `IoError`,
 * `DiskFullError`; then `target` holds no database.
 */
export async function salvage(path: string, target: string, options: SalvageOptions = {}): Promise<SalvageReport> {
  checkPath(path, 'salvage')
  checkPath(target, 'salvage to')
  checkVerifyOptions(options, 'salvage', ['takeLoads'])
  checkBoolean(options.takeLoads, 'takeLoads')
  const places = { directory: path, target }
  const report = await salvageStore(createNodeRuntime(), places, { ...options, limits: createLimits() })
  return { ...report, losses: report.losses.map(lossWithBytes), doubts: report.doubts.map(lossWithBytes) }
}

function lossWithBytes(loss: Loss): SalvageLoss {
  const start = keyToBuffer(loss.range.start)
  const { end } = loss.range
  return { ...loss, range: end === undefined ? { start } : { start, end: keyToBuffer(end) } }
}

/** Refuses what cannot be a path; `doing` is what the message says could not be done. */
function checkPath(path: unknown, doing: string): void {
  if (typeof path === 'string' && path !== '' && !path.includes('\0')) return
  throw new InvalidArgumentError(`Cannot ${doing} ${describe(path)}: the path must name a directory`)
}
