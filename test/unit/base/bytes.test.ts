import * as fc from 'fast-check'
import {
  bytesToKey,
  escapeKey,
  flattenKey,
  inputToKey,
  inputToLookupKey,
  inputToValue,
  keySuccessor,
  keyToBuffer,
} from '../../../src/base/bytes'
import { InvalidArgumentError, LimitExceededError } from '../../../src/base/errors'
import { isEmptyRange, prefixRange, rangeContains } from '../../../src/base/key-range'

const anyBytes = fc.uint8Array({ maxLength: 12 })

test('the order of keys is the unsigned order of their bytes, and keys come back as they were', () => {
  fc.assert(
    fc.property(anyBytes, anyBytes, (a, b) => {
      const [left, right] = [bytesToKey(a), bytesToKey(b)]
      expect(left < right).toBe(Buffer.compare(a, b) < 0)
      expect(Buffer.compare(keyToBuffer(left), a)).toBe(0)
    }),
  )
})

test('a string stands for its UTF-8 bytes, whether ASCII or not', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (text) => {
      expect(keyToBuffer(inputToKey(text, 4096)).toString('hex')).toBe(Buffer.from(text, 'utf8').toString('hex'))
    }),
  )
})

test('a key for a lookup is the key, whatever was passed, and flattening it changes nothing', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 20 }), anyBytes), (input) => {
      const key = inputToKey(input, 4096)
      expect(inputToLookupKey(input, 4096)).toBe(key)
      expect(flattenKey(inputToLookupKey(input, 4096))).toBe(key)
    }),
  )
  const long = 'k'.repeat(5000)
  expect(flattenKey(inputToLookupKey(long.slice(3), 5000))).toBe(long.slice(3))
})

test('what is passed in may change afterwards', () => {
  const input = Buffer.from('abc')
  const [key, value] = [inputToKey(input, 10), inputToValue(input, 10)]
  input.fill(0)
  expect(key).toBe('abc')
  expect(value.toString()).toBe('abc')
})

test('lone surrogates, other types and too many bytes are refused', () => {
  for (const convert of [inputToKey, inputToLookupKey, inputToValue]) {
    expect(() => convert('\ud800', 10)).toThrow(InvalidArgumentError)
    expect(() => convert(7 as unknown as string, 10)).toThrow(InvalidArgumentError)
    expect(() => convert('ééé', 5)).toThrow(LimitExceededError)
    expect(() => convert(new Uint8Array(6), 5)).toThrow(LimitExceededError)
    expect(convert('', 0)).toHaveLength(0)
  }
})

test('no key lies between a key and its successor, and a prefix range holds exactly what begins with it', () => {
  fc.assert(
    fc.property(anyBytes, anyBytes, (a, b) => {
      const [key, other] = [bytesToKey(a), bytesToKey(b)]
      expect(other > key && other < keySuccessor(key)).toBe(false)
      expect(rangeContains(prefixRange(key), other)).toBe(other.startsWith(key))
      expect(rangeContains(prefixRange(key), key + other)).toBe(true)
    }),
  )
  expect(prefixRange('\xff\xff').end).toBeUndefined()
  expect(isEmptyRange({ start: 'b', end: 'b' })).toBe(true)
})

test('keys are shown escaped and cut', () => {
  expect(escapeKey('a\\\x00\xff')).toBe('"a\\\\\\x00\\xff"')
  expect(escapeKey('x'.repeat(500), 10)).toBe(`"${'x'.repeat(10)}..." (500 bytes)`)
})
