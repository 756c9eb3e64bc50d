import { codecProblem, withCodec } from '../../../../src/storage/files/codec-options'

const start = new Map([
  ['codec', 'none'],
  ['database-mark', '0badcafe'],
])

describe("a manifest's options", () => {
  test('name the codec of today, and every other one that blocks may still have', () => {
    const deflated = withCodec(start, 'deflate')
    expect([...deflated]).toEqual([
      ['codec', 'deflate'],
      ['database-mark', '0badcafe'],
    ])
    const plain = withCodec(deflated, 'none')
    expect(plain.get('codec')).toBe('none')
    expect(plain.get('codecs-used')).toBe('deflate')
    const both = withCodec(withCodec(plain, 'zstd'), 'none')
    expect(both.get('codecs-used')).toBe('deflate zstd')
    const again = withCodec(both, 'deflate')
    expect([again.get('codec'), again.get('codecs-used')]).toEqual(['deflate', 'zstd'])
    expect([...withCodec(start, 'none')]).toEqual([...start])
  })

  test('are refused while one of them cannot be read', () => {
    expect(codecProblem(new Map())).toBeUndefined()
    expect(codecProblem(withCodec(withCodec(start, 'deflate'), 'none'))).toBeUndefined()
    expect(codecProblem(new Map([['codec', 'snappy']]))).toMatch(/codec snappy, but this version knows/)
    const used = new Map([
      ['codec', 'none'],
      ['codecs-used', 'deflate lz4'],
    ])
    expect(codecProblem(used)).toMatch(/codec lz4, but/)
  })
})
