import { crc32 as nativeCrc32 } from 'node:zlib'
import { crc32 } from '../../../src/base/checksum'

test('the table and the native checksum give the same number at every length around the switch', () => {
  const bytes = Uint8Array.from({ length: 400 }, (_, i) => (i * 37) & 0xff)
  for (let end = 0; end <= bytes.length; end++) {
    expect(crc32(bytes, 0, end)).toBe(nativeCrc32(bytes.subarray(0, end)))
    expect(crc32(bytes, end)).toBe(nativeCrc32(bytes.subarray(end)))
  }
})

test('a checksum continues from a seed, and knows the standard check value', () => {
  const bytes = Buffer.from('123456789')
  expect(crc32(bytes)).toBe(0xcbf43926)
  for (let cut = 0; cut <= bytes.length; cut++) expect(crc32(bytes, cut, 9, crc32(bytes, 0, cut))).toBe(0xcbf43926)
})
