/**
 * Regression 2: a deferrable transaction that committed without having read gave the snapshot of its begin in its receipt,
 * while `snapshot` had moved on. Found by the random campaign.
 */
import { createStoreSubject } from '../support/harness/store-subject'

test('the receipt of a deferrable transaction is its snapshot, also in the step in which that has just become safe', async () => {
  const subject = createStoreSubject()
  const { store } = subject
  const w = store.begin()
  void w.get('x')
  const u = store.begin()
  u.put('x', Buffer.from('1'))
  u.commit().catch(() => undefined)
  subject.publishThrough(1)
  const reader = store.begin({ deferrable: true })
  w.put('y', Buffer.from('1'))
  w.commit().catch(() => undefined)
  subject.publishThrough(2)
  // A third commit while the reader starts over: its snapshot follows what is published.
  const later = store.begin()
  later.put('z', Buffer.from('1'))
  later.commit().catch(() => undefined)
  subject.publishThrough(3)
  for (let microtask = 0; microtask < 4; microtask++) {
    if (reader.snapshot > 1) break
    await Promise.resolve()
  }
  const { snapshot } = reader
  const receipt = await reader.commit()
  expect(snapshot).toBeGreaterThan(1)
  expect(receipt.sequence).toBe(snapshot)
})
