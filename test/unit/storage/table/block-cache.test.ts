import { Block, parseBlock } from '../../../../src/storage/table/block'
import { BlockCache } from '../../../../src/storage/table/block-cache'
import { BlockBuilder, createBlockTarget } from '../../../../src/storage/table/block-builder'
import { BLOCK_ROWS, sealBlock } from '../../../../src/storage/table/table-format'

function blockOf(valueBytes: number): Block {
  const builder = new BlockBuilder(4096)
  const row = { keyBytes: Buffer.from('key'), keyLength: 3, valueBytes: Buffer.alloc(valueBytes), valueAt: 0, valueLength: valueBytes } // prettier-ignore
  builder.add(row, 1, 0)
  const target = createBlockTarget(8192)
  const payloadBytes = builder.encodeInto(target, 0)
  const length = sealBlock(target.bytes, { at: 0, payloadBytes, type: BLOCK_ROWS, seed: 0, offset: 0 })
  const bytes = Buffer.allocUnsafeSlow(length)
  target.bytes.copy(bytes)
  return parseBlock(bytes, { file: 'test', seed: 0, offset: 0 })
}

describe('the block cache', () => {
  it('keeps at most bytesMax, by real sizes, and pushes out what was used least recently', () => {
    const bytesMax = blockOf(2000).memoryBytes * 20
    const cache = new BlockCache({ bytesMax })
    const shelf = cache.openShelf(100)
    for (let ordinal = 0; ordinal < 100; ordinal++) {
      shelf.put(ordinal, blockOf(2000))
      expect(shelf.get(0)).toBeInstanceOf(Block)
      cache.checkInvariants()
      expect(cache.bytes).toBeLessThanOrEqual(bytesMax)
    }
    expect([cache.blocks, shelf.blocks]).toEqual([20, 20])
    expect(shelf.get(50)).toBeUndefined()
    expect(shelf.get(99)).toBeInstanceOf(Block)
    expect([cache.hits, cache.misses]).toEqual([101, 1])
  })

  it('charges blocks of different sizes what they take', () => {
    const cache = new BlockCache({ bytesMax: 20_000 })
    const shelf = cache.openShelf(100)
    for (let ordinal = 0; ordinal < 100; ordinal++) {
      shelf.put(ordinal, blockOf(20 * ordinal))
      cache.checkInvariants()
      expect(cache.bytes).toBeLessThanOrEqual(20_000)
    }
  })

  it('does not keep a block that would push out most others', () => {
    const cache = new BlockCache({ bytesMax: blockOf(10).memoryBytes * 8 })
    const shelf = cache.openShelf(3)
    shelf.put(1, blockOf(10))
    shelf.put(2, blockOf(2000))
    expect([shelf.get(1), shelf.get(2)]).toEqual([expect.any(Block), undefined])
    cache.checkInvariants()
  })

  it('keeps nothing with bytesMax 0', () => {
    const cache = new BlockCache({ bytesMax: 0 })
    const shelf = cache.openShelf(3)
    shelf.put(1, blockOf(10))
    expect([shelf.get(1), cache.blocks, cache.bytes, cache.misses]).toEqual([undefined, 0, 0, 1])
    shelf.close()
  })

  it('drops the blocks of a table that closes, and keeps those of others', () => {
    const cache = new BlockCache({ bytesMax: 1 << 20 })
    const [a, b] = [cache.openShelf(3), cache.openShelf(2)]
    for (let ordinal = 0; ordinal < 3; ordinal++) a.put(ordinal, blockOf(10))
    for (let ordinal = 0; ordinal < 2; ordinal++) b.put(ordinal, blockOf(10))
    a.close()
    expect([cache.blocks, a.blocks, b.blocks]).toEqual([2, 0, 2])
    const c = cache.openShelf(3)
    expect(c.get(0)).toBeUndefined()
    c.put(0, blockOf(10))
    expect([cache.blocks, b.blocks, c.blocks]).toEqual([3, 2, 1])
    cache.checkInvariants()
  })
})
