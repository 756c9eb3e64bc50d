// A process that loads rows into a new database and says how much memory it takes: run with --expose-gc.
//
//   node --expose-gc load-child.cjs <library> <directory> <options as JSON> <rows> <rows between samples>
//
// 20-byte keys in scattered order, 100-byte values, 100 rows a transaction, 8 transactions at a time. A sample is what is in use after
// full collections: the heap, and beside it array buffers, shared ones included; and what stats().memory says at that moment. The first
// one is taken before the load.
// Prints one line of JSON.
'use strict'

const [library, directory, options, rowsText, everyText] = process.argv.slice(2)
const { open } = require(library)

const ROWS_PER_TRANSACTION = 100
const TRANSACTIONS_AT_A_TIME = 8
/** A prime that divides no round number: its multiples, modulo the number of rows, are every number once. */
const STEP = 7919

/** Bytes in use, after full collections. `external` counts array buffers but for shared ones, `arrayBuffers` those too. */
function memoryInUse(db) {
  global.gc()
  global.gc()
  const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage()
  const { bytes, budgetBytes } = db.stats().memory
  return { heapUsed, external, arrayBuffers, rss, shown: { bytes, budgetBytes } }
}

async function main() {
  const rows = Number(rowsText)
  const every = Number(everyText)
  const db = await open(directory, JSON.parse(options))
  await db.put('first', 'so that everything is set up')
  const before = memoryInUse(db)
  const samples = []
  let next = 0
  let sampleAt = every
  const key = (i) => `key ${String((i * STEP) % rows).padStart(16, '0')}`
  const client = async () => {
    while (next < rows) {
      const from = next
      next = Math.min(rows, next + ROWS_PER_TRANSACTION)
      const to = next
      await db.transact((tx) => {
        for (let i = from; i < to; i++) tx.put(key(i), Buffer.alloc(100, i))
      })
      if (next < sampleAt) continue
      sampleAt += every
      samples.push(memoryInUse(db))
    }
  }
  await Promise.all(Array.from({ length: TRANSACTIONS_AT_A_TIME }, client))
  await db.compact()
  const after = memoryInUse(db)
  const { filter, indexBytes, blockCache, levels, tables } = db.stats().storage
  const count = await db.count()
  await db.close()
  const stored = { filterBytes: filter.bytes, indexBytes, cacheBytes: blockCache.bytes, tables, bytes: levels.reduce((all, level) => all + level.bytes, 0) } // prettier-ignore
  process.stdout.write(`${JSON.stringify({ before, samples, after, count, stored })}\n`)
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`)
  process.exitCode = 1
})
