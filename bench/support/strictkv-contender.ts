/**
 * StrictKV, the built package of this repository, as one of those that are measured: every transaction strictly serializable.
 */
import { open } from 'strictkv'
import type { Database } from 'strictkv'
import { CACHE_BYTES, requireValue } from './contender'
import type { Contender, OpenContender } from './contender'
import { checkRow } from './requests'
import { settle } from './settling'

const SORTED_ROWS_PER_TRANSACTION = 10_000

/** `db.load`, which not every build has. */
interface Loading {
  readonly load?: (rows: Iterable<readonly [string, Uint8Array]>) => Promise<unknown>
}

export const openContender: OpenContender = async (directory, { durability }): Promise<Contender> => {
  const db = await open(directory, { durability, blockCacheBytesMax: CACHE_BYTES })
  return {
    getSync: (key) => db.getSync(key),
    get: (key) => db.get(key),
    scanRows: async (from, rows) => {
      let count = 0
      for await (const row of db.scan({ gte: from, limit: rows })) {
        checkRow(row)
        count++
      }
      return count
    },
    scanPages: async (from, rows) => {
      let count = 0
      for await (const page of db.scan({ gte: from, limit: rows }).pages(rows)) {
        for (const row of page) checkRow(row)
        count += page.length
      }
      return count
    },
    putMany: (keys, values) => putMany(db, keys, values),
    loadSorted: (rows) => loadSorted(db, rows),
    commit: async (readKey, writeKey, value) => {
      const tx = db.begin()
      requireValue(await tx.get(readKey))
      tx.put(writeKey, value)
      await tx.commit()
    },
    settle: () => settle(db),
    compact: () => db.compact(),
    close: () => db.close(),
  }
}

async function putMany(db: Database, keys: readonly string[], values: readonly Uint8Array[]): Promise<void> {
  const tx = db.begin()
  for (let index = 0; index < keys.length; index++) tx.put(keys[index]!, values[index]!)
  await tx.commit()
}

async function loadSorted(db: Database & Loading, rows: Iterable<readonly [string, Uint8Array]>): Promise<void> {
  if (typeof db.load === 'function') {
    await db.load(rows)
    return
  }
  let tx = db.begin()
  let count = 0
  for (const [key, value] of rows) {
    tx.put(key, value)
    if (++count % SORTED_ROWS_PER_TRANSACTION > 0) continue
    await tx.commit()
    tx = db.begin()
  }
  await tx.commit()
}
