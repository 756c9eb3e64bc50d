/** `db.stats()`: all of it, in one plain object, memory as the sum of its parts. */
import { MEMORY_PARTS } from '../../../src/kv/database-stats'
import { openLsmDatabase } from '../../support/harness/lsm-database'
import { createMemoryRuntime } from '../../support/memory-runtime/memory-runtime'
import { createFixture } from './fixture'

test('memory is the sum of its parts, each named once, and so is its budget', async () => {
  const db = await openLsmDatabase(createMemoryRuntime({ seed: 1 }), '/db', { limits: { reserveBytes: 0 } })
  await db.put('a', '1')
  const tx = db.begin()
  await tx.get('a')
  const { memory, storage } = db.stats()
  expect([...MEMORY_PARTS].sort()).toEqual(Object.keys(memory.parts).sort())
  let [bytes, budgetBytes] = [0, 0]
  for (const part of MEMORY_PARTS) {
    bytes += memory.parts[part].bytes
    budgetBytes += memory.parts[part].budgetBytes
  }
  expect(memory).toMatchObject({ bytes, budgetBytes })
  expect(memory.parts.conflicts.bytes).toBeGreaterThan(0)
  expect(memory.parts.memtable.bytes).toBeGreaterThan(0)
  expect(storage).not.toHaveProperty('memory')
  tx.rollback()
  await db.close()
})

test('it can be printed as JSON, but for errors, and taking it changes nothing', async () => {
  const { db } = createFixture()
  await db.put('a', '1')
  const before = JSON.stringify(db.stats())
  expect(JSON.parse(before)).toMatchObject({ transactions: { commits: 1 }, memory: { parts: {} } })
  expect(JSON.stringify(db.stats())).toBe(before)
  await db.close()
  expect(() => db.stats()).toThrow('closed')
})

test('who reads at the oldest sequence is named, by its label or by what it is, with what it lies behind', async () => {
  const { db } = createFixture()
  expect(db.stats().transactions.oldestReader).toBeUndefined()
  await db.put('a', '1')
  const snapshot = await db.snapshot({ label: 'report' })
  const tx = db.begin()
  await db.put('a', '2')
  await db.put('a', '3')
  const { oldestReader, retentionFloor } = db.stats().transactions
  expect(oldestReader).toMatchObject({ kind: 'snapshot', label: 'report', sequence: 1, commitsBehind: 2 })
  expect(retentionFloor).toBe(1)
  expect(JSON.parse(JSON.stringify(db.stats()))).toMatchObject({ transactions: { oldestReader: { label: 'report' } } })
  snapshot.close()
  expect(db.stats().transactions.oldestReader).toMatchObject({ kind: 'transaction', id: tx.id, label: undefined })
  tx.rollback()
  await db.close()
})
