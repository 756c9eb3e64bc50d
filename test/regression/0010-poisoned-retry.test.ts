/**
 * After the log had failed, a read-write transaction at the published sequence that lost a conflict against a commit in
 * flight got a retryable `SerializationError`. No retry can win against what will never be published: `transact` went on
 * until its attempts were spent. It gets `PoisonedError`, as a declared reader does.
 */
import { createLimits } from '../../src/base/limits'
import { createTransactionStore } from '../../src/mvcc/transaction-store'
import { createMemoryEngine } from '../../src/storage/memory/memory-engine'
import { createMemoryRuntime } from '../support/memory-runtime/memory-runtime'

test('0010: a conflict with a commit that will never be published is not retryable', async () => {
  const runtime = createMemoryRuntime({ seed: 1 })
  const engine = createMemoryEngine({ runtime, publishing: 'manual' })
  const store = createTransactionStore(runtime, engine, createLimits(), { durability: 'sync' })
  const w = store.begin()
  await w.get('x')
  w.put('y', Buffer.from('w'))
  const u = store.begin()
  u.put('x', Buffer.from('u'))
  const uCommitted = u.commit()
  engine.publishThrough(1)
  await uCommitted
  const t = store.begin()
  const inFlight = w.commit()
  engine.poison(new Error('the disk is gone'))
  await expect(inFlight).rejects.toMatchObject({ code: 'COMMIT_OUTCOME_UNKNOWN' })
  expect(t.snapshot).toBe(1)
  expect(() => t.get('y')).toThrow(expect.objectContaining({ code: 'POISONED', retryable: false }) as Error)
  expect(t.state).toBe('aborted')
})
