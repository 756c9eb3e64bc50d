/** Figures as people read them. */
import { bytesText, countOf, countText, durationText } from '../../src/cli/figures'

test.each([
  [0, '0 bytes'],
  [1, '1 byte'],
  [1023, '1023 bytes'],
  [1024, '1.0 KiB'],
  [1536, '1.5 KiB'],
  [1024 * 1024 - 1, '1.0 MiB'],
  [5 * 1024 ** 3, '5.0 GiB'],
  [3 * 1024 ** 5, '3072.0 TiB'],
])('%d bytes are %s', (bytes, text) => expect(bytesText(bytes)).toBe(text))

test.each([
  [0, '0'],
  [999, '999'],
  [1000, '1,000'],
  [1234567.4, '1,234,567'],
  [-1234, '-1,234'],
])('%d is %s', (count, text) => expect(countText(count)).toBe(text))

test.each([
  [0.0124, '12 us'],
  [3.44, '3.4 ms'],
  [56.2, '56 ms'],
  [5600, '5.6 s'],
  [125_000, '2 min 5 s'],
])('%d ms are %s', (ms, text) => expect(durationText(ms)).toBe(text))

test('one is singular', () => {
  expect([countOf(0, 'row'), countOf(1, 'row'), countOf(1200, 'row')]).toEqual(['0 rows', '1 row', '1,200 rows'])
})
