/** Waiting for a sequence to be durable. */
import { SyncWaiters } from '../../../../src/storage/log/log-sync-waiters'

test('those whose sequence is durable are released in order, the others go on waiting', async () => {
  const waiters = new SyncWaiters()
  const released: number[] = []
  for (const sequence of [3, 3, 5, 9]) void waiters.wait(sequence).then(() => released.push(sequence))
  waiters.settle(2)
  await Promise.resolve()
  expect(released).toEqual([])
  waiters.settle(5)
  await Promise.resolve()
  expect(released).toEqual([3, 3, 5])
  expect(waiters.isEmpty).toBe(false)
  waiters.settle(9)
  expect(waiters.isEmpty).toBe(true)
})

test('all are rejected at once when the log has failed', async () => {
  const waiters = new SyncWaiters()
  const waiting = [waiters.wait(1), waiters.wait(2)]
  waiters.rejectAll(new Error('poisoned'))
  for (const one of waiting) await expect(one).rejects.toThrow('poisoned')
  expect(waiters.isEmpty).toBe(true)
})
