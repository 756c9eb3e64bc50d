/**
 * Savepoints nest, undo writes, and end with those inside them.
 */
import { Savepoints } from '../../../src/mvcc/savepoints'
import { ORDINAL_NOW, WriteBuffer } from '../../../src/mvcc/write-buffer'

function createWorld(): {
  readonly writes: WriteBuffer
  readonly savepoints: Savepoints
  readonly undone: number[]
  put(key: string, value: string): void
  get(key: string): string | undefined
  fail(error: Error): void
} {
  const writes = new WriteBuffer(1_000_000)
  const undone: number[] = []
  let ended: Error | undefined
  const savepoints = new Savepoints(
    writes,
    () => {
      if (ended !== undefined) throw ended
    },
    (ordinal) => undone.push(ordinal),
  )
  return {
    writes,
    savepoints,
    undone,
    put: (key, value) => {
      writes.put(key, Buffer.from(value))
    },
    get: (key) => {
      const value = writes.lookup(key, ORDINAL_NOW)?.value
      return value === undefined ? undefined : Buffer.from(value).toString()
    },
    fail: (error) => {
      ended = error
    },
  }
}

describe('savepoints', () => {
  test('a rollback brings back what was there, a release keeps what was written', () => {
    const { savepoints, put, get } = createWorld()
    put('k', 'first')
    const one = savepoints.begin()
    put('k', 'second')
    put('l', 'new')
    one.rollback()
    expect([get('k'), get('l')]).toEqual(['first', undefined])
    const two = savepoints.begin()
    put('k', 'third')
    two.release()
    expect(get('k')).toBe('third')
  })

  test('an inner rollback leaves the outer writes; an outer one undoes released inner ones', () => {
    const { savepoints, put, get } = createWorld()
    const outer = savepoints.begin()
    put('k', 'outer')
    const inner = savepoints.begin()
    put('k', 'inner')
    inner.rollback()
    expect(get('k')).toBe('outer')
    const released = savepoints.begin()
    put('k', 'released')
    released.release()
    outer.rollback()
    expect(get('k')).toBeUndefined()
  })

  test('ending one ends those nested in it; what has ended does nothing any more', () => {
    const { savepoints, put, get, undone } = createWorld()
    const outer = savepoints.begin()
    const inner = savepoints.begin()
    outer.release()
    put('k', 'kept')
    inner.rollback()
    outer.rollback()
    outer.release()
    expect(get('k')).toBe('kept')
    expect(undone).toEqual([])
    expect(savepoints.isAnyOpen).toBe(false)
  })

  test('says whether any is open', () => {
    const { savepoints } = createWorld()
    expect(savepoints.isAnyOpen).toBe(false)
    const outer = savepoints.begin()
    const inner = savepoints.begin()
    inner.release()
    expect(savepoints.isAnyOpen).toBe(true)
    outer.rollback()
    expect(savepoints.isAnyOpen).toBe(false)
  })

  test('tells up to which write is undone before anything is', () => {
    const { savepoints, put, undone, writes } = createWorld()
    put('k', 'first')
    const { ordinal } = writes
    const savepoint = savepoints.begin()
    put('k', 'second')
    savepoint.rollback()
    expect(undone).toEqual([ordinal])
  })

  test('range deletions are undone as well', () => {
    const { savepoints, put, get, writes } = createWorld()
    put('b', 'there')
    const savepoint = savepoints.begin()
    writes.deleteRange({ start: 'a', end: 'c' })
    expect(get('b')).toBeUndefined()
    savepoint.rollback()
    expect(get('b')).toBe('there')
  })

  test('keep nothing once all have ended', () => {
    const { savepoints, writes } = createWorld()
    const [outer] = [savepoints.begin(), savepoints.begin(), savepoints.begin()]
    outer.rollback()
    expect(() => {
      writes.unhold()
    }).toThrow('older writes are let go of once')
  })

  test('throw what the transaction ended with', () => {
    const { savepoints, fail } = createWorld()
    const savepoint = savepoints.begin()
    fail(new Error('it has ended'))
    expect(() => {
      savepoint.rollback()
    }).toThrow('it has ended')
    expect(() => {
      savepoint.release()
    }).toThrow('it has ended')
  })
})
