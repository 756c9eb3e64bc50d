/**
 * lmdb at its best reasonable settings: synchronous reads from the memory map, writes batched by lmdb in a thread of its own.
 *
 * Durable: `overlappingSync: false`, so that the promise of a transaction says that it is on disk (measured, as fast as
 * overlapping and waiting for `flushed`). Relaxed: `noSync` with `useWritemap`, twice as fast as without the map.
 */
import { open } from 'lmdb'
import { requireValue } from '../support/contender'
import type { Contender, OpenContender } from '../support/contender'
import { checkRow } from '../support/requests'

type Page = readonly { readonly key: string; readonly value: Uint8Array }[]

const SORTED_ROWS_PER_TRANSACTION = 10_000
/** Address space, most of it never touched. */
const MAP_BYTES_PER_ROW = 1_024
const MAP_BYTES_MIN = 1 << 30

export const openContender: OpenContender = async (directory, { durability, rows }): Promise<Contender> => {
  const db = open<Buffer, string>({
    path: directory,
    noSubdir: false,
    encoding: 'binary',
    overlappingSync: false,
    mapSize: Math.max(MAP_BYTES_MIN, rows * MAP_BYTES_PER_ROW),
    ...(durability === 'os' ? { noSync: true, useWritemap: true } : {}),
  })
  const transaction = (readKey: string, writeKey: string, value: Uint8Array) => (): void => {
    requireValue(db.getBinaryFast(readKey))
    void db.put(writeKey, value as Buffer)
  }
  return {
    getSync: (key) => db.getBinary(key),
    getBorrowed: (key) => db.getBinaryFast(key),
    // Its declaration is that of many keys.
    get: (key) => db.getAsync(key) as unknown as Promise<Uint8Array | undefined>,
    scanRows: (from, count) => {
      let found = 0
      for (const { key, value } of db.getRange({ start: from, limit: count, snapshot: false })) {
        checkRow([key, value])
        found++
      }
      return found
    },
    scanPages: (from, count) => {
      // Declared as a promise; without an asynchronous decoder it is the array itself.
      const page = db.getRange({ start: from, limit: count, snapshot: false }).asArray as unknown as Page
      for (const { key, value } of page) checkRow([key, value])
      return page.length
    },
    putMany: async (keys, values) => {
      await db.batch(() => {
        for (let index = 0; index < keys.length; index++) void db.put(keys[index]!, values[index] as Buffer)
      })
    },
    loadSorted: (pairs) => {
      const iterator = pairs[Symbol.iterator]()
      for (let isOver = false; !isOver;) {
        db.transactionSync(() => {
          for (let count = 0; count < SORTED_ROWS_PER_TRANSACTION; count++) {
            const { done, value } = iterator.next()
            isOver = done === true
            if (isOver) return
            const [key, bytes] = value as readonly [string, Uint8Array]
            db.putSync(key, bytes as Buffer, { append: true })
          }
        })
      }
    },
    commit: async (readKey, writeKey, value) => {
      await db.transaction(transaction(readKey, writeKey, value))
    },
    commitAlone: (readKey, writeKey, value) => db.transactionSync(transaction(readKey, writeKey, value)),
    settle: () => Promise.resolve(),
    // A copy without free pages could be made by `backup`; the database itself stays as large as it is.
    compact: () => undefined,
    close: () => db.close(),
  }
}
