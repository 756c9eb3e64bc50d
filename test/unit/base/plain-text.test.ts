/** Which bytes may stand as they are: valid UTF-8 without control characters, and nothing else. */
import { bytesToPlainText, bytesToText } from '../../../src/base/plain-text'

test.each(['', 'alice', 'café', '日本', '😀', '"\\/', ' ', '\ufffd'])('%j is plain text', (text) => {
  expect(bytesToPlainText(Buffer.from(text))).toBe(text)
})

test.each([
  ['NUL', [0x00]],
  ['a line break', [0x61, 0x0a]],
  ['a tab', [0x09]],
  ['escape', [0x1b, 0x5b, 0x33, 0x31, 0x6d]],
  ['DEL', [0x7f]],
  ['a control character of Latin-1', [0xc2, 0x85]],
  ['a line separator', [0xe2, 0x80, 0xa8]],
  ['a mark that turns the direction of writing', [0xe2, 0x80, 0xae]],
  ['a byte order mark', [0xef, 0xbb, 0xbf, 0x61]],
  ['0xff', [0xff]],
  ['a sequence that is cut', [0x61, 0xc3]],
  ['an overlong form', [0xc0, 0xaf]],
  ['a surrogate', [0xed, 0xa0, 0x80]],
  ['a code point beyond the last', [0xf4, 0x90, 0x80, 0x80]],
])('%s makes it no plain text', (_what, bytes) => {
  expect(bytesToPlainText(Buffer.from(bytes))).toBeUndefined()
})

test('text may hold control characters, and comes back the same', () => {
  expect(bytesToText(Buffer.from('a\n\u0000b'))).toBe('a\n\u0000b')
  expect(bytesToText(Buffer.from([0x61, 0xff]))).toBeUndefined()
})

test('a part of a larger memory is read as the part that it is', () => {
  const memory = new Uint8Array([0xff, 0x61, 0x62, 0xff])
  expect(bytesToPlainText(memory.subarray(1, 3))).toBe('ab')
})
