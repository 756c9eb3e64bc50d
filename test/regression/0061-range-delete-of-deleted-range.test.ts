/**
 * Regression 61: rule 3 for range deletes looked only at keys that somebody had put or deleted one by one. A transaction that
 * deleted a range which it had read, and which another's range delete had emptied meanwhile, was told at its commit only, not at
 * the write. Found by the paths over the state graph of SSI.tla.
 */
import { SerializationError } from '../../src/base/errors'
import { createStoreSubject } from '../support/harness/store-subject'

const RANGE = { start: 'a', end: 'c' }

/** What deleting the range throws after `read`, when another has deleted it meanwhile. */
function deleteAfter(read: (tx: ReturnType<ReturnType<typeof createStoreSubject>['store']['begin']>) => void): unknown {
  const { store, publishThrough } = createStoreSubject()
  const tx = store.begin({ label: 'T' })
  read(tx)
  const other = store.begin({ label: 'W' })
  other.deleteRange(RANGE)
  other.commit().catch(() => undefined)
  publishThrough(1)
  try {
    tx.deleteRange(RANGE)
    return undefined
  } catch (error) {
    return error
  }
}

describe('a range delete over a range that another range delete has emptied', () => {
  test('is a certain lost update if a key in it was read', () => {
    const error = deleteAfter((tx) => tx.getSync('b'))
    expect(error).toBeInstanceOf(SerializationError)
    expect((error as SerializationError).report).toMatchObject({ reason: 'lost-update', conservative: false })
  })

  test('is one if a range that overlaps it was read', () => {
    const error = deleteAfter((tx) => {
      void tx.openCursor({ start: 'b', end: 'z' }, { reverse: false }).nextPage(9, () => undefined)
    })
    expect(error).toBeInstanceOf(SerializationError)
  })

  test('is none if only something beside it was read', () => {
    expect(deleteAfter((tx) => tx.getSync('c'))).toBeUndefined()
    expect(deleteAfter((tx) => void tx.openCursor({ start: 'c', end: 'z' }, { reverse: false }).next())).toBeUndefined()
  })
})
