/**
 * What works on the directory of a database that is not open: the composition root of looking inside, checking and repairing.
 *
 *   runtime/node -> storage/inspect, storage/salvage
 *
 * The functions take a path and the real machine; what they do lies in storage. The command line and applications use the same ones.
 * Nothing here opens a database, and nothing but salvage writes, and that into a new directory. Pinned by test/unit/open/offline.test.ts.
 */
import { describe, inputToKey } from './base/bytes'
import { InvalidArgumentError } from './base/errors'
import type { HistoryOptions } from './base/key-history'
import { LIMITS } from './base/limits'
import { checkHistoryOptions } from './kv/history'
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

/** Refuses what cannot be a path; `doing` is what the message says could not be done. */
function checkPath(path: unknown, doing: string): void {
  if (typeof path === 'string' && path !== '' && !path.includes('\0')) return
  throw new InvalidArgumentError(`Cannot ${doing} ${describe(path)}: the path must name a directory`)
}
