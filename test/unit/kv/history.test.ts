/** `db.history`: what it gives, and what it refuses. */
import { DatabaseClosedError, InvalidArgumentError, LimitExceededError } from '../../../src/base/errors'
import { openLsmDatabase } from '../../support/harness/lsm-database'
import { createMemoryRuntime } from '../../support/memory-runtime/memory-runtime'

test('every version of a key is given, the newest first', async () => {
  const db = await openLsmDatabase(createMemoryRuntime(), '/db')
  await db.put('alice', 'on')
  await db.delete('alice')
  await db.put('alice', Buffer.from('off'))
  const { key, versions, publishedSequence } = await db.history('alice')
  expect(Buffer.from(key).toString()).toBe('alice')
  expect(versions.map(({ sequence, kind, value }) => [sequence, kind, value?.toString()])).toEqual([
    [3, 'put', 'off'],
    [2, 'delete', undefined],
    [1, 'put', 'on'],
  ])
  expect(publishedSequence).toBe(3)
  expect((await db.history(Buffer.from('alice'), { versionsMax: 1 })).versions).toHaveLength(1)
  expect((await db.history('alice', { valueBytesMax: 2 })).versions.map(({ value }) => value?.toString())).toEqual([undefined, undefined, 'on']) // prettier-ignore
  await db.close()
})

test('wrong arguments are refused, and so is a closed database', async () => {
  const db = await openLsmDatabase(createMemoryRuntime(), '/db')
  for (const options of [{ versionsMax: 0 }, { versionsMax: 1.5 }, { valueBytesMax: -1 }, { versions: 1 }, 3]) {
    await expect(db.history('k', options as never)).rejects.toThrow(InvalidArgumentError)
  }
  await expect(db.history(3 as never)).rejects.toThrow(InvalidArgumentError)
  await expect(db.history('k'.repeat(5000))).rejects.toThrow(LimitExceededError)
  await db.close()
  await expect(db.history('k')).rejects.toThrow(DatabaseClosedError)
})
