import { readFileSync } from 'node:fs'
import path from 'node:path'
import { CorruptionError, UnsupportedFormatError } from '../../../../src/base/errors'
import { parseBlock } from '../../../../src/storage/table/block'
import { CODEC_DEFLATE, codecs } from '../../../../src/storage/files/codec'
import {
  BlockCompressor,
  expandBlock,
  LARGE_PAYLOAD_BYTES_MAX,
  ROWS_PAYLOAD_BYTES_MAX,
} from '../../../../src/storage/table/compressed-block'
import {
  BLOCK_LARGE_VALUE,
  BLOCK_ROWS,
  fileSeed,
  sealBlock,
  sealedBytes,
} from '../../../../src/storage/table/table-format'
import type { BlockType } from '../../../../src/storage/table/table-format'

const place = { file: 'test/000007.table', seed: fileSeed(7), offset: 4096 }
const compressor = new BlockCompressor({ codec: 'deflate', payloadBytesMax: 1024 * 1024 })
const text = Buffer.from('one row, another row, and one more like these; '.repeat(90))

/** Seals what a hostile writer may have put in the place of a compressed payload. */
function seal(payload: Uint8Array, type: BlockType = BLOCK_ROWS, codec = CODEC_DEFLATE): Buffer {
  const bytes = Buffer.alloc(sealedBytes(payload.length))
  bytes.set(payload)
  const { seed, offset } = place
  sealBlock(bytes, { at: 0, payloadBytes: payload.length, type, seed, offset, codec })
  return bytes
}

function shrunk(plain: Buffer): Buffer {
  const bytes = Buffer.from(plain)
  const length = compressor.shrink(bytes, 0, plain.length)
  expect(length).toBeGreaterThan(0)
  return bytes.subarray(0, length)
}

/** A header over some output of a codec. */
function withHeader(plainBytes: number, outputBytes: number, output: Uint8Array): Buffer {
  const header = Buffer.alloc(8)
  header.writeUInt32LE(plainBytes, 0)
  header.writeUInt32LE(outputBytes, 4)
  return Buffer.concat([header, output])
}

describe('a compressed block', () => {
  test('expands to the payload that it was made of, zeros up to a multiple of four, type and codec none', () => {
    for (const length of [100, 101, 102, 103]) {
      const expanded = expandBlock(seal(shrunk(text.subarray(0, length * 4 - (length % 4)))), place, BLOCK_ROWS)
      const plain = text.subarray(0, length * 4 - (length % 4))
      expect(expanded.subarray(0, plain.length).equals(plain)).toBe(true)
      expect(expanded.length).toBe(sealedBytes(plain.length))
      expect(expanded.subarray(plain.length, -8).every((byte) => byte === 0)).toBe(true)
      expect([...expanded.subarray(-8)]).toEqual([0, BLOCK_ROWS, 0, 0, 0, 0, 0, 0])
    }
  })

  test('is given back as it is where it was stored plain', () => {
    const plain = seal(text, BLOCK_ROWS, 0)
    expect(expandBlock(plain, place, BLOCK_ROWS)).toBe(plain)
  })

  test('is not made where that saves less than an eighth, or of more than the limit', () => {
    const noise = Buffer.from(codecs.named('deflate').compress(Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 7919 + ((i * i) >> 3)) & 0xff)))) // prettier-ignore
    const before = Buffer.from(noise)
    expect(compressor.shrink(noise, 0, noise.length)).toBe(0)
    expect(noise.equals(before)).toBe(true)
    const small = new BlockCompressor({ codec: 'deflate', payloadBytesMax: text.length - 1 })
    expect(small.shrink(Buffer.from(text), 0, text.length)).toBe(0)
    expect(small.shrink(Buffer.from(text), 0, text.length - 1)).toBeGreaterThan(0)
  })

  const output = codecs.named('deflate').compress(text)
  const bomb = codecs.named('deflate').compress(Buffer.alloc(64 * 1024 * 1024))

  test.each([
    ['that is shorter than its header', Buffer.alloc(4), /shorter than its header/],
    ['that says it is empty', withHeader(0, output.length, output), /cannot have 0 bytes/],
    ['that says it is a byte shorter', withHeader(text.length - 1, output.length, output), /does not decompress/],
    ['that says it is a byte longer', withHeader(text.length + 1, output.length, output), /does not decompress/],
    ['whose output reaches past it', withHeader(text.length, output.length + 9, output), /length is wrong/],
    ['with more behind its output', withHeader(text.length, output.length - 8, output), /length is wrong/],
    ['whose output is cut', withHeader(text.length, output.length - 9, output.subarray(9)), /does not decompress/],
    [
      'that would be 64 MiB, and says so',
      withHeader(64 * 1024 * 1024, bomb.length, bomb),
      /cannot have 67108864 bytes/,
    ],
    ['that would be 64 MiB, and says less', withHeader(4096, bomb.length, bomb), /does not decompress/],
    ['that says the most there is', withHeader(0xffff_ffff, output.length, output), /cannot have 4294967295 bytes/],
  ])('%s is corruption', (_, payload, why) => {
    for (const type of [BLOCK_ROWS, BLOCK_LARGE_VALUE] as const) {
      const read = (): unknown => parseBlock(seal(payload, type), place)
      expect(read).toThrow(CorruptionError)
      expect(read).toThrow(why)
      expect(read).toThrow('test/000007.table at offset 4096')
    }
  })

  test('takes no memory before its size is known to be possible for its type', () => {
    const allocate = jest.spyOn(Buffer, 'allocUnsafeSlow')
    for (const [type, most] of [[BLOCK_ROWS, ROWS_PAYLOAD_BYTES_MAX], [BLOCK_LARGE_VALUE, LARGE_PAYLOAD_BYTES_MAX]] as const) {
      const sealed = seal(withHeader(most + 1, output.length, output), type)
      expect(() => expandBlock(sealed, place, type)).toThrow(`cannot have ${most + 1} bytes`)
    } // prettier-ignore
    expect(allocate).not.toHaveBeenCalled()
    allocate.mockRestore()
  })

  test('is the worked example of docs/FORMATS.md', () => {
    const page = readFileSync(path.join(__dirname, '../../../../docs/FORMATS.md'), 'utf8')
    const [, example] = /<!-- example: compressed block, 108 bytes -->\n```text\n([^`]*)```/.exec(page)!
    const lines = [...example!.matchAll(/^ {2}[0-9a-f]{4} {2}((?:[0-9a-f]{2} ?)+)/gm)].map(([, hex]) => hex!)
    const sealed = Buffer.from(lines.join('').replaceAll(' ', ''), 'hex')
    expect(sealed.length).toBe(108)
    const block = parseBlock(sealed, { ...place, offset: 0 })
    const rows = Array.from({ length: block.count }, (_, row) => {
      const at = block.valueAt(row)
      return [block.keyOf(row), block.sequenceAt(row), block.bytes.latin1Slice(at, at + block.valueLengthAt(row))]
    })
    expect(rows).toEqual(Array.from({ length: 8 }, (_, i) => [`user/${i}`, i + 1, 'on call']))
  })

  test('with a codec that nobody knows is refused by name, not as damage', () => {
    const read = (): unknown => parseBlock(seal(text, BLOCK_ROWS, 9), place)
    expect(read).toThrow(UnsupportedFormatError)
    expect(read).toThrow(/block at offset 4096 has codec 9, but this version knows the codecs none, deflate, zstd/)
  })
})
