/**
 * classic-level (LevelDB) at its best reasonable settings: a large cache, a write buffer as large as StrictKV's memtable, no
 * compression, since the values do not compress, and everything compacted before reads are measured.
 *
 * It has batches, but nothing between a read and a write: a commit is a get and then a put, with no isolation. Concurrent synced
 * writes share a sync as far as the shared thread pool brings them together, so that pool is large in every process.
 */
import { ClassicLevel } from 'classic-level'
import { CACHE_BYTES, requireValue } from '../support/contender'
import type { Contender, OpenContender } from '../support/contender'
import { checkRow } from '../support/requests'

const WRITE_BUFFER_BYTES = 32 * 1024 * 1024
const SORTED_ROWS_PER_BATCH = 10_000
/** More than a page of rows, so that one call brings it. */
const HIGH_WATER_MARK_BYTES = 64 * 1024

export const openContender: OpenContender = async (directory, { durability }): Promise<Contender> => {
  const sync = durability === 'sync'
  const db = new ClassicLevel<string, Uint8Array>(directory, {
    keyEncoding: 'utf8',
    valueEncoding: 'buffer',
    cacheSize: CACHE_BYTES,
    writeBufferSize: WRITE_BUFFER_BYTES,
    compression: false,
  })
  await db.open()
  const compact = (): Promise<void> => db.compactRange('', '~')
  const iterate = (from: string, limit: number) => db.iterator({ gte: from, limit, highWaterMarkBytes: HIGH_WATER_MARK_BYTES }) // prettier-ignore
  return {
    getSync: (key) => db.getSync(key),
    get: (key) => db.get(key),
    scanRows: async (from, rows) => {
      let count = 0
      for await (const row of iterate(from, rows)) {
        checkRow(row)
        count++
      }
      return count
    },
    scanPages: async (from, rows) => {
      const page = await iterate(from, rows).all()
      for (const row of page) checkRow(row)
      return page.length
    },
    putMany: async (keys, values) => {
      const batch = db.batch()
      for (let index = 0; index < keys.length; index++) batch.put(keys[index]!, values[index]!)
      await batch.write()
    },
    loadSorted: async (rows) => {
      let batch = db.batch()
      for (const [key, value] of rows) {
        batch.put(key, value)
        if (batch.length < SORTED_ROWS_PER_BATCH) continue
        await batch.write()
        batch = db.batch()
      }
      await batch.write()
    },
    commit: async (readKey, writeKey, value) => {
      requireValue(db.getSync(readKey))
      await db.put(writeKey, value, { sync })
    },
    settle: compact,
    compact,
    close: () => db.close(),
  }
}
