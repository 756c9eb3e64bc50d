/** Keys and values as they are typed, printed, and given in JSON. */
import fc from 'fast-check'
import { bytesToJson, bytesToTyped, typedToBytes } from '../../src/cli/byte-text'

test.each([
  ['alice', Buffer.from('alice')],
  ['', Buffer.of()],
  ['é', Buffer.of(0xc3, 0xa9)],
  ['0x', Buffer.of()],
  ['0x00fF', Buffer.of(0x00, 0xff)],
  ['""', Buffer.of()],
  ['"a b"', Buffer.from('a b')],
  ['"a\\"b\\\\c"', Buffer.from('a"b\\c')],
  ['"\\n\\t\\x00\\xFF"', Buffer.of(0x0a, 0x09, 0x00, 0xff)],
  ['"é"', Buffer.of(0xc3, 0xa9)],
  ['"0x00"', Buffer.from('0x00')],
  ["it's", Buffer.from("it's")],
  ['a"b', Buffer.from('a"b')],
])('%s can be typed', (typed, bytes) => {
  expect(typedToBytes(typed, 'KEY')).toEqual(bytes)
})

test.each([
  ['0xabc', 'Cannot use 0xabc as KEY: a byte has two hexadecimal digits; to mean these characters, put them in double quotes: "0xabc"'],
  ['0xzz', 'Cannot use 0xzz as KEY: behind 0x come hexadecimal digits; to mean these characters, put them in double quotes: "0xzz"'],
  ['"a', 'Cannot use "a as KEY: the closing quote is missing'],
  ['"a\\"', 'Cannot use "a\\" as KEY: the closing quote is missing'],
  ['"a"b', 'Cannot use "a"b as KEY: there is something behind the closing quote'],
  ['"\\q"', 'Cannot use "\\q" as KEY: \\q is no escape; there are \\" \\\\ \\n \\t and \\xHH'],
  ['"\\x0"', 'Cannot use "\\x0" as KEY: \\x is no escape; there are \\" \\\\ \\n \\t and \\xHH'],
])('%j cannot be meant', (typed, sentence) => {
  expect(() => typedToBytes(typed, 'KEY')).toThrow(sentence)
}) // prettier-ignore

// Not in the table: half a character has no place in the title of a test.
test('half a character cannot be meant', () => {
  expect(() => typedToBytes('\ud800', 'KEY')).toThrow('Cannot use KEY: it is no valid Unicode; give its bytes as 0x...')
  expect(() => typedToBytes('"\ud800"', 'KEY')).toThrow('Cannot use KEY: it is no valid Unicode')
})

test('what is printed is plain ASCII and can be typed again, whatever the bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const printed = bytesToTyped(bytes)
      expect(printed).toMatch(/^"[ -~]*"$/)
      expect(typedToBytes(printed, 'KEY')).toEqual(Buffer.from(bytes))
    }),
  )
})

test('what is long can be cut, and says so', () => {
  expect(bytesToTyped(Buffer.from('abcdef'), 3)).toBe('"abc..." (6 bytes)')
  expect(bytesToTyped(Buffer.from('abc'), 3)).toBe('"abc"')
})

test.each([
  ['alice', { text: 'alice' }],
  ['', { text: '' }],
  ['é"', { text: 'é"' }],
  ['a\nb', { hex: '610a62' }],
])('in JSON %j is %j', (text, json) => {
  expect(bytesToJson(Buffer.from(text))).toEqual(json)
})

test('bytes that are no UTF-8 are hexadecimal in JSON', () => {
  expect(bytesToJson(new Uint8Array([0, 0xff, 0x61]).subarray(1))).toEqual({ hex: 'ff61' })
})
