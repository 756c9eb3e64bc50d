/** On the live path, under every index mode: each table that its filter lets a get into costs one data block, no more and no less. */
import { withDatabase } from './option-world'

const keyOf = (i: number): Buffer => Buffer.from([0x6b, i >> 8, i & 255])

test.each(['auto', 'binary', 'resident', 'lean'] as const)(
  'indexMode: with %s a get reads one data block of each table probed, false positives of filters included',
  async (indexMode) => {
    await withDatabase({ indexMode, blockBytes: 256, blockCacheBytesMax: 0, levelZeroTablesMax: 64 }, async (db) => {
      for (let round = 0; round < 3; round++) {
        await db.transact((tx) => {
          for (let i = round; i < 600; i += 2) tx.put(keyOf(i), 'v'.repeat(110))
        })
        await db.flush()
      }
      const before = db.stats().storage
      let present = 0
      for (let i = 0; i < 1200; i++) if ((await db.get(keyOf(i))) !== undefined) present++
      const { blockReads, filter, index } = db.stats().storage
      expect(present).toBe(600)
      const probed = filter.checks - before.filter.checks - (filter.negatives - before.filter.negatives)
      expect(blockReads - before.blockReads).toBe(probed)
      expect(probed - present).toBe(filter.falsePositives - before.filter.falsePositives)
      expect(index.modelHits > 0).toBe(indexMode !== 'binary')
    })
  },
)
