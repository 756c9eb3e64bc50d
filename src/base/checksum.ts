/**
 * CRC-32 (the one of zlib, IEEE 802.3): the checksum of every record and block.
 *
 * `zlib.crc32` runs at about 5 GB/s but a native call costs more than a short record; below `NATIVE_BYTES_MIN` a table in
 * TypeScript is faster. Both give the same number: pinned by test/unit/base/checksum.test.ts.
 */
import { crc32 as nativeCrc32 } from 'node:zlib'

const NATIVE_BYTES_MIN = 128

const TABLE = createTable()

/** CRC-32 of `bytes[start, end)`, continuing from `seed` (the CRC of what came before); an unsigned 32-bit number. */
export function crc32(bytes: Uint8Array, start = 0, end = bytes.length, seed = 0): number {
  if (end - start >= NATIVE_BYTES_MIN) {
    return nativeCrc32(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), seed)
  }
  let crc = ~seed
  for (let i = start; i < end; i++) crc = (TABLE[(crc ^ (bytes[i] ?? 0)) & 0xff] ?? 0) ^ (crc >>> 8)
  return ~crc >>> 0
}

function createTable(): Int32Array {
  const table = new Int32Array(256)
  for (let n = 0; n < 256; n++) {
    let c = n
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1
    table[n] = c
  }
  return table
}
