/**
 * `flush()` and `compact()` of a database that is written to all the time did not return: flushes and merges ran in one turn of their
 * queue until nothing was left to do, and commits made more all the while.
 */
import { withDatabase } from '../options/option-world'

test('flush and compact return while others keep writing', async () => {
  await withDatabase({ memtableBytesMax: 64 * 1024, tableBytesMax: 16 * 1024, durability: 'os' }, async (db) => {
    let isOver = false
    const write = async (client: number): Promise<void> => {
      for (let i = 0; !isOver; i++) await db.put(`${client}/${i % 500}`, Buffer.alloc(200, i))
    }
    const clients = [0, 1, 2, 3].map(write)
    for (let i = 0; i < 3; i++) {
      await db.flush()
      await db.compact()
    }
    isOver = true
    await Promise.all(clients)
    expect((await db.get('0/0'))?.length).toBe(200)
  })
})
