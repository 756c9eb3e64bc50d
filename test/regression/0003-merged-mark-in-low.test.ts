/**
 * Regression 3: an out-edge that rested on merged reads lost its mark when what it led to was forgotten and folded into `low`:
 * the abort claimed a proven cycle (`conservative: false`) where there was none. Found by the random campaign under
 * `readsPerTransactionMax: 2`.
 */
import { SerializationError } from '../../src/base/errors'
import { createStoreSubject } from '../support/harness/store-subject'

test('an abort that rests on merged reads is marked conservative, also after what they missed was forgotten', () => {
  const subject = createStoreSubject({ limits: { readsPerTransactionMax: 2 } })
  const { store } = subject
  const v = store.begin({ label: 'V' })
  for (const key of ['a', 'c', 'e']) void v.get(key)
  const w = store.begin({ label: 'W' })
  w.put('b', Buffer.from('1'))
  w.commit().catch(() => undefined)
  subject.publishThrough(1)
  const t = store.begin({ label: 'T' })
  void t.get('z')
  v.put('k', Buffer.from('1'))
  v.commit().catch(() => undefined)
  subject.publishThrough(2)
  let error: unknown
  try {
    void t.get('k')
  } catch (thrown) {
    error = thrown
  }
  // T missed V, and V missed W only if b, between its reads, counts as read: there is no cycle without that.
  expect(error).toBeInstanceOf(SerializationError)
  expect((error as SerializationError).report).toMatchObject({ conservative: true, reason: 'merged-range' })
})
