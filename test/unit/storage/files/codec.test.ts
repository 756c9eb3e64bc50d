import zlib from 'node:zlib'
import { CODEC_DEFLATE, CODEC_NAMES, CODEC_NONE, CODEC_ZSTD, Codecs, codecs } from '../../../../src/storage/files/codec'
import type { Compression } from '../../../../src/storage/files/codec'

const { deflateRawSync, inflateRawSync } = zlib
/** A runtime that has no zstd, and one that has something in its place. */
const without: Compression = { deflateRawSync, inflateRawSync }
const withZstd: Compression = {
  ...without,
  zstdCompressSync: (bytes) => zlib.deflateSync(bytes),
  zstdDecompressSync: (bytes, options) => zlib.inflateSync(bytes, options),
}
const text = Buffer.from('a row of a block like the one before it; '.repeat(200))

describe('a codec', () => {
  test.each([
    ['deflate', codecs],
    ['zstd', new Codecs(withZstd)],
  ] as const)('%s gives back what it was given, of any size', (name, of) => {
    const codec = of.named(name)
    for (const bytes of [Buffer.from('x'), text, Buffer.alloc(300_000), zlib.gzipSync(text)]) {
      const stored = codec.compress(bytes)
      expect(Buffer.from(codec.decompress(stored, bytes.length)).equals(bytes)).toBe(true)
    }
    expect(codec.compress(text).length).toBeLessThan(text.length / 10)
  })

  test.each([
    ['deflate', codecs],
    ['zstd', new Codecs(withZstd)],
  ] as const)('%s never gives more or less than the size known before', (name, of) => {
    const codec = of.named(name)
    const bomb = codec.compress(Buffer.alloc(20 * 1024 * 1024))
    expect(bomb.length).toBeLessThan(100_000)
    expect(() => codec.decompress(bomb, 4096)).toThrow()
    const stored = codec.compress(text)
    expect(() => codec.decompress(stored, text.length - 1)).toThrow()
    expect(() => codec.decompress(stored, text.length + 1)).toThrow()
    expect(() => codec.decompress(stored.subarray(0, stored.length - 9), text.length)).toThrow()
    expect(() => codec.decompress(Buffer.from('no output of a codec'), text.length)).toThrow()
  })

  test('that the runtime lacks, or that this version does not know, is named with what to do', () => {
    const old = new Codecs(without)
    expect(old.problem('none')).toBeUndefined()
    expect(old.problem('deflate')).toBeUndefined()
    expect(old.problem('zstd')).toBe('this runtime has no zstd; Node has it from 22.15 on')
    expect(old.problem('brotli')).toBe('this version knows the codecs none, deflate, zstd')
    expect(old.withId(CODEC_ZSTD)).toBeUndefined()
    expect(old.problemOfId(CODEC_ZSTD)).toContain('no zstd')
    expect(old.problemOfId(77)).toContain('this version knows')
    expect(() => old.named('zstd')).toThrow('only where the runtime has it')
    expect(new Codecs(withZstd).problem('zstd')).toBeUndefined()
  })

  test('has the number that it has on disk', () => {
    expect([CODEC_NONE, CODEC_DEFLATE, CODEC_ZSTD]).toEqual([0, 1, 2])
    expect(codecs.named('deflate')).toBe(codecs.withId(CODEC_DEFLATE))
    expect(codecs.withId(CODEC_NONE)).toBeUndefined()
    expect(new Codecs(withZstd).withId(CODEC_ZSTD)).toBeDefined()
    expect(CODEC_NAMES).toEqual(['none', 'deflate', 'zstd'])
  })

  test('zstd is there exactly where the runtime has it', () => {
    expect(codecs.problem('zstd') === undefined).toBe('zstdCompressSync' in zlib)
  })
})
