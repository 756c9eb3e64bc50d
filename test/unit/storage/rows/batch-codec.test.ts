/** Batches as bytes: what goes in comes out, in no more room than was reserved, and nonsense is refused. */
import * as fc from 'fast-check'
import { BATCH_HEADER_BYTES, decodeBatch, encodeBatch } from '../../../../src/storage/rows/batch-codec'
import { batchBytes, ENTRY_DELETE, ENTRY_DELETE_RANGE, ENTRY_PUT } from '../../../../src/storage/engine'
import type { Batch, BatchEntry } from '../../../../src/storage/engine'

const keys = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).latin1Slice())
const puts: fc.Arbitrary<BatchEntry> = fc
  .tuple(keys, fc.uint8Array({ maxLength: 300 }))
  .map(([key, value]) => ({ kind: ENTRY_PUT, key, value, end: undefined }))
const deletes: fc.Arbitrary<BatchEntry> = keys.map((key) => ({
  kind: ENTRY_DELETE,
  key,
  value: undefined,
  end: undefined,
}))
const ranges: fc.Arbitrary<BatchEntry> = fc
  .tuple(keys, fc.option(keys, { nil: undefined }))
  .map(([key, end]) => ({ kind: ENTRY_DELETE_RANGE, key, value: undefined, end }))
const batches = fc.array(fc.oneof(puts, deletes, ranges), { maxLength: 20 })

function encoded(batch: Batch): Buffer {
  const target = Buffer.alloc(BATCH_HEADER_BYTES + batchBytes(batch))
  return target.subarray(0, encodeBatch(batch, target, 0))
}

function plain(batch: Batch | undefined): unknown {
  return batch?.map(({ kind, key, value, end }) => ({
    kind,
    key,
    end,
    value: value && Buffer.from(value).toString('hex'),
  }))
}

test('a batch comes back as it went in, and takes no more bytes than are reserved for it', () => {
  fc.assert(
    fc.property(batches, (batch) => {
      const bytes = encoded(batch)
      const decoded = decodeBatch(bytes, 0, bytes.length)
      expect(plain(decoded?.batch)).toEqual(plain(batch))
      expect(decoded?.next).toBe(bytes.length)
    }),
  )
})

test('the empty key, the empty value, a range without end and keys of 4 KiB survive', () => {
  const long = 'ÿ'.repeat(4096)
  const batch: Batch = [
    { kind: ENTRY_DELETE_RANGE, key: '', value: undefined, end: undefined },
    { kind: ENTRY_DELETE_RANGE, key: 'a', value: undefined, end: '' },
    { kind: ENTRY_DELETE_RANGE, key: long, value: undefined, end: long.slice(1) },
    { kind: ENTRY_PUT, key: '', value: new Uint8Array(0), end: undefined },
    { kind: ENTRY_PUT, key: '\0ÿ', value: new Uint8Array([0, 255]), end: undefined },
    { kind: ENTRY_DELETE, key: long, value: undefined, end: undefined },
  ]
  const bytes = encoded(batch)
  expect(plain(decodeBatch(bytes, 0, bytes.length)?.batch)).toEqual(plain(batch))
})

test('batches stand one behind the other', () => {
  const first: Batch = [{ kind: ENTRY_DELETE, key: 'a', value: undefined, end: undefined }]
  const second: Batch = []
  const bytes = Buffer.concat([encoded(first), encoded(second)])
  const next = decodeBatch(bytes, 0, bytes.length)!.next
  expect(decodeBatch(bytes, next, bytes.length)).toEqual({ batch: [], next: bytes.length })
})

test('a batch cut short anywhere decodes to undefined', () => {
  fc.assert(
    fc.property(batches, fc.nat(), (batch, cut) => {
      const bytes = encoded(batch)
      expect(decodeBatch(bytes, 0, cut % bytes.length)).toBeUndefined()
    }),
  )
})

test('random bytes decode to undefined or to a batch within them, and never throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), (noise, length) => {
      const bytes = Buffer.concat([Buffer.from([length & 0xff, 0, 0, 0, 2, 0, 0, 0]), Buffer.from(noise)])
      const decoded = decodeBatch(bytes, 0, bytes.length)
      if (decoded !== undefined) expect(decoded.next).toBeLessThanOrEqual(bytes.length)
    }),
    { numRuns: 2000 },
  )
})

test('lengths and counts that reach past the record are refused, however large', () => {
  const bytes = encoded([{ kind: ENTRY_PUT, key: 'k', value: new Uint8Array(3), end: undefined }])
  const refused = (change: (copy: Buffer) => void): void => {
    const copy = Buffer.from(bytes)
    change(copy)
    expect(decodeBatch(copy, 0, copy.length)).toBeUndefined()
  }
  refused((copy) => copy.writeUInt32LE(0xffffffff, 0))
  refused((copy) => copy.writeUInt32LE(0, 0))
  refused((copy) => copy.writeUInt32LE(0xffffffff, 4))
  refused((copy) => copy.writeUInt32LE(0, 4))
  refused((copy) => copy.writeUInt8(7, 8))
  refused((copy) => copy.writeUInt16LE(0xffff, 9))
  refused((copy) => copy.writeUInt32LE(0xfffffff0, 11))
})
