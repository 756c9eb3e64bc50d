/**
 * The write buffer agrees with a plain list of writes, as of every ordinal that somebody may still ask for.
 */
import * as fc from 'fast-check'
import type { Key } from '../../../src/base/bytes'
import type { KeyRange } from '../../../src/base/key-range'
import { rangeContains } from '../../../src/base/key-range'
import { ORDINAL_NOW, WriteBuffer } from '../../../src/mvcc/write-buffer'
import { ENTRY_DELETE, ENTRY_DELETE_RANGE, ENTRY_PUT, batchBytes, entryBytes } from '../../../src/storage/engine'

const KEYS: readonly Key[] = ['', 'a', 'a\0', 'b', 'c', 'd', 'e']
const ROOMY = 1_000_000

interface Write {
  readonly ordinal: number
  readonly kind: 'put' | 'delete' | 'range'
  readonly range: KeyRange
  readonly value: string
}

function covers(write: Write, key: Key): boolean {
  return write.kind === 'range' ? rangeContains(write.range, key) : write.range.start === key
}

function newestOf(writes: readonly Write[], key: Key, asOf: number): Write | undefined {
  return writes.filter((write) => write.ordinal <= asOf && covers(write, key)).at(-1)
}

/** What a lookup shows: a value, 'deleted', or undefined for nothing of one's own. */
function shown(write: Write | undefined): string | undefined {
  return write === undefined ? undefined : write.kind === 'put' ? write.value : 'deleted'
}

function lookup(buffer: WriteBuffer, key: Key, asOf: number): string | undefined {
  const found = buffer.lookup(key, asOf)
  if (found === undefined) return undefined
  return found.kind === ENTRY_PUT ? Buffer.from(found.value ?? []).toString() : 'deleted'
}

/** One comparison for everything that can be asked as of an ordinal: a property runs thousands of them. */
function expectSameAsOf(buffer: WriteBuffer, writes: readonly Write[], asOf: number): void {
  const points = KEYS.filter((key) =>
    writes.some(({ kind, range, ordinal }) => kind !== 'range' && range.start === key && ordinal <= asOf),
  )
  const answers = KEYS.map((key) => [
    lookup(buffer, key, asOf),
    buffer.nextKey(key, true, asOf),
    buffer.nextKey(key, false, asOf),
    buffer.previousKey(key, asOf),
  ])
  expect(answers).toEqual(
    KEYS.map((key) => [
      shown(newestOf(writes, key, asOf)),
      points.find((each) => each >= key),
      points.find((each) => each > key),
      points.filter((each) => each < key).at(-1),
    ]),
  )
  expect(buffer.previousKey(undefined, asOf)).toBe(points.at(-1))
  for (const range of [
    { start: '', end: undefined },
    { start: 'a', end: 'd' },
  ]) {
    const parts = buffer.unwrittenParts(range, asOf)
    const unwritten = KEYS.filter((key) => rangeContains(range, key) && newestOf(writes, key, asOf) === undefined)
    expect(parts.flatMap((part) => KEYS.filter((key) => rangeContains(part, key)))).toEqual(unwritten)
    expect(parts.every((part) => part.end === undefined || part.start < part.end)).toBe(true)
    expect(parts.slice(1).every(({ start }, i) => (parts[i]!.end ?? '\xff\xff') < start)).toBe(true)
  }
}

function expectSameBatch(buffer: WriteBuffer, writes: readonly Write[]): void {
  const batch = buffer.batch()
  const kinds = batch.map(({ kind }) => kind)
  expect(kinds.lastIndexOf(ENTRY_DELETE_RANGE)).toBe(kinds.filter((kind) => kind === ENTRY_DELETE_RANGE).length - 1)
  const points = batch.filter(({ kind }) => kind !== ENTRY_DELETE_RANGE)
  expect(new Set(points.map(({ key }) => key)).size).toBe(points.length)
  // Applied by the engine's rule (ranges first, points over them) the batch gives what the transaction saw.
  for (const key of KEYS) {
    const point = points.find((entry) => entry.key === key)
    const isDeleted = batch.some(
      ({ kind, key: start, end }) => kind === ENTRY_DELETE_RANGE && rangeContains({ start, end }, key),
    )
    const value = point?.kind === ENTRY_PUT ? Buffer.from(point.value ?? []).toString() : undefined
    const result = point === undefined ? (isDeleted ? 'deleted' : undefined) : (value ?? 'deleted')
    expect(result).toBe(shown(newestOf(writes, key, ORDINAL_NOW)))
  }
  expect(buffer.isEmpty).toBe(writes.length === 0)
}

const anyStep = fc.record({
  verb: fc.constantFrom('put', 'put', 'delete', 'range', 'hold', 'unhold', 'savepoint', 'rollback', 'sort'),
  key: fc.constantFrom(...KEYS),
  end: fc.option(fc.constantFrom(...KEYS), { nil: undefined }),
})

describe('the write buffer', () => {
  test('agrees with a list of writes about lookups, neighbours, unwritten parts and the batch', () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 40 }), (steps) => {
        const buffer = new WriteBuffer(ROOMY)
        let writes: Write[] = []
        let made = 0
        const cursors: number[] = []
        const savepoints: number[] = []
        for (const { verb, key, end } of steps) {
          const value = `v${String(made++)}`
          if (verb === 'put' || verb === 'delete') {
            if (verb === 'put') buffer.put(key, Buffer.from(value))
            else buffer.delete(key)
            writes.push({ ordinal: buffer.ordinal, kind: verb, range: { start: key, end: undefined }, value })
          } else if (verb === 'range') {
            const before = buffer.ordinal
            buffer.deleteRange({ start: key, end })
            if (end !== undefined && end <= key) expect(buffer.ordinal).toBe(before)
            else writes.push({ ordinal: buffer.ordinal, kind: 'range', range: { start: key, end }, value })
          } else if (verb === 'hold') {
            buffer.hold()
            cursors.push(buffer.ordinal)
          } else if (verb === 'unhold' && cursors.length > 0) {
            buffer.unhold()
            cursors.shift()
          } else if (verb === 'savepoint') {
            buffer.hold()
            savepoints.push(buffer.ordinal)
          } else if (verb === 'rollback' && savepoints.length > 0) {
            const ordinal = savepoints.pop()!
            // Cursors opened since are closed first.
            while (cursors.length > 0 && cursors.at(-1)! > ordinal) {
              cursors.pop()
              buffer.unhold()
            }
            buffer.rollbackTo(ordinal)
            buffer.unhold()
            writes = writes.filter((write) => write.ordinal <= ordinal)
          } else if (verb === 'sort') {
            buffer.nextKey('', true, ORDINAL_NOW)
          }
          for (const asOf of [...cursors, ...savepoints, ORDINAL_NOW]) expectSameAsOf(buffer, writes, asOf)
          expectSameBatch(buffer, writes)
        }
      }),
      { numRuns: 150 },
    )
  })

  test('a range deletion hides the puts before it from the batch, not those after it', () => {
    const buffer = new WriteBuffer(ROOMY)
    buffer.put('a', Buffer.from('before'))
    buffer.deleteRange({ start: 'a', end: 'c' })
    buffer.put('b', Buffer.from('after'))
    expect(buffer.batch().map(({ kind, key }) => [kind, key])).toEqual([
      [ENTRY_DELETE_RANGE, 'a'],
      [ENTRY_PUT, 'b'],
    ])
  })

  test('deleting what is absent is a write', () => {
    const buffer = new WriteBuffer(ROOMY)
    buffer.delete('k')
    expect(buffer.isEmpty).toBe(false)
    expect(buffer.batch()).toMatchObject([{ kind: ENTRY_DELETE, key: 'k' }])
  })

  describe('its size', () => {
    const value = Buffer.alloc(100)
    const entry = entryBytes({ kind: ENTRY_PUT, key: 'k', value, end: undefined })

    test('counts the newest write of a key, and refuses what would exceed the limit without a trace', () => {
      const buffer = new WriteBuffer(2 * entry)
      for (let i = 0; i < 10; i++) buffer.put('k', value)
      buffer.put('l', value)
      expect(() => {
        buffer.put('m', value)
      }).toThrow(/^Cannot write "m": .*transactionBytesMax \(234 bytes\)/)
      expect(() => {
        buffer.deleteRange({ start: 'a', end: 'b' })
      }).toThrow(expect.objectContaining({ code: 'LIMIT_EXCEEDED' }) as Error)
      expect(batchBytes(buffer.batch())).toBe(2 * entry)
      expect(buffer.lookup('m', ORDINAL_NOW)).toBeUndefined()
    })

    test('counts older writes while they are kept, and gives them back on rollback', () => {
      const buffer = new WriteBuffer(2 * entry)
      buffer.put('k', value)
      buffer.hold()
      const { ordinal } = buffer
      buffer.put('k', value)
      expect(() => {
        buffer.put('k', value)
      }).toThrow('transactionBytesMax')
      buffer.rollbackTo(ordinal)
      buffer.unhold()
      buffer.put('l', value)
    })

    test('is given back once nobody can ask for the older writes any more: savepoints in a row do not add up', () => {
      const buffer = new WriteBuffer(4 * entry)
      for (let i = 0; i < 100; i++) {
        buffer.hold()
        buffer.put('k', value)
        buffer.unhold()
        buffer.put('k', value)
      }
      expect(batchBytes(buffer.batch())).toBe(entry)
    })

    test('does not grow where every write of a key happens under a savepoint of its own', () => {
      const buffer = new WriteBuffer(4 * entry)
      for (let i = 0; i < 100; i++) {
        buffer.hold()
        buffer.put('k', value)
        buffer.unhold()
      }
      expect(batchBytes(buffer.batch())).toBe(entry)
    })
  })

  test('older writes are let go of once', () => {
    expect(() => {
      new WriteBuffer(ROOMY).unhold()
    }).toThrow('older writes are let go of once')
  })
})
