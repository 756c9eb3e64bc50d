/**
 * A bulk load that had been committed was kept, with the half megabyte that it had written its tables in, until the database was
 * closed: only loads that were given up were let go of.
 */
import { createMemoryRuntime } from '../support/memory-runtime/memory-runtime'
import { openLsmDatabase } from '../support/harness/lsm-database'

test('what has been loaded takes no memory for loading any more, however the load has ended', async () => {
  const db = await openLsmDatabase(createMemoryRuntime({ seed: 1 }), '/db', { limits: { reserveBytes: 0 } })
  const loadBytes = (): number => db.stats().memory.parts.loads.bytes
  let during = 0
  function* rows(prefix: string, error?: Error): Generator<readonly [string, string]> {
    for (let i = 0; i < 100; i++) yield [`${prefix} ${String(i).padStart(3, '0')}`, 'value']
    during = loadBytes()
    if (error !== undefined) throw error
  }
  expect(loadBytes()).toBe(0)
  for (const prefix of ['a', 'b', 'c']) await db.load(rows(prefix))
  expect(during).toBeGreaterThan(256 * 1024)
  expect(loadBytes()).toBe(0)
  await expect(db.load(rows('d', new Error('of the application')))).rejects.toThrow('of the application')
  await expect(db.load(rows('b'))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  expect(loadBytes()).toBe(0)
  expect(await db.count()).toBe(300)
  await db.close()
})
