/**
 * better-sqlite3 at its best reasonable settings: WAL, a table without row numbers, prepared statements, a large page cache, the
 * file mapped into memory. Durable: synchronous = FULL; relaxed: NORMAL. (SQLite's own default is FULL, that of this build NORMAL.)
 *
 * Every call blocks the event loop, so clients take turns and more of them make nothing faster.
 */
import path from 'node:path'
import Database from 'better-sqlite3'
import { CACHE_BYTES, requireValue } from '../support/contender'
import type { Contender, OpenContender } from '../support/contender'
import { checkRow } from '../support/requests'

const KIB = 1024
const MAP_BYTES = 8 * 1024 * 1024 * 1024

type Pair = [string, Buffer]

export const openContender: OpenContender = async (directory, { durability }): Promise<Contender> => {
  const db = new Database(path.join(directory, 'database'))
  db.pragma('journal_mode = WAL')
  db.pragma(`synchronous = ${durability === 'sync' ? 'FULL' : 'NORMAL'}`)
  db.pragma(`cache_size = -${CACHE_BYTES / KIB}`)
  db.pragma(`mmap_size = ${MAP_BYTES}`)
  db.exec('CREATE TABLE IF NOT EXISTS pairs (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID')
  const get = db.prepare<[string], Buffer>('SELECT value FROM pairs WHERE key = ?').pluck()
  const put = db.prepare<[string, Uint8Array]>('REPLACE INTO pairs VALUES (?, ?)')
  const scan = db
    .prepare<[string, number], Pair>('SELECT key, value FROM pairs WHERE key >= ? ORDER BY key LIMIT ?')
    .raw()
  const commit = db.transaction((readKey: string, writeKey: string, value: Uint8Array) => {
    requireValue(get.get(readKey))
    put.run(writeKey, value)
  }).immediate
  return {
    getSync: (key) => get.get(key),
    scanRows: (from, rows) => {
      let count = 0
      for (const row of scan.iterate(from, rows)) {
        checkRow(row)
        count++
      }
      return count
    },
    scanPages: (from, rows) => {
      const page = scan.all(from, rows)
      for (const row of page) checkRow(row)
      return page.length
    },
    putMany: db.transaction((keys: readonly string[], values: readonly Uint8Array[]) => {
      for (let index = 0; index < keys.length; index++) put.run(keys[index]!, values[index]!)
    }),
    loadSorted: db.transaction((rows: Iterable<readonly [string, Uint8Array]>) => {
      for (const [key, value] of rows) put.run(key, value)
    }),
    commit,
    settle: () => {
      db.pragma('wal_checkpoint(TRUNCATE)')
      return Promise.resolve()
    },
    compact: () => {
      db.exec('VACUUM')
      db.pragma('wal_checkpoint(TRUNCATE)')
    },
    close: () => {
      db.close()
    },
  }
}
