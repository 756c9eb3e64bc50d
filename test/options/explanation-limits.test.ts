/** The limit of a transaction's explanation: at two values, and what that changes. */
import { keyNumber, withDatabase } from './option-world'

test('explanationEntriesMax: each list holds so many entries at most, and counts the others', async () => {
  for (const explanationEntriesMax of [2, 3]) {
    await withDatabase({ explanationEntriesMax }, async (db) => {
      const tx = db.begin()
      for (let i = 0; i < 5; i++) {
        await tx.get(keyNumber(i))
        tx.put(keyNumber(i), '1')
      }
      const { reads, writes } = tx.explain()
      expect([reads.first.length, reads.total]).toEqual([explanationEntriesMax, 5])
      expect([writes.first.length, writes.total]).toEqual([explanationEntriesMax, 5])
    })
  }
})
