import { Block, parseBlock } from '../../../src/storage/block'
import { BlockCache } from '../../../src/storage/block-cache'
import { BlockBuilder, createBlockTarget } from '../../../src/storage/block-builder'
import { BLOCK_ROWS, sealBlock } from '../../../src/storage/table-format'

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
    const block = blockOf(1000)
    const bytesMax = block.memoryBytes * 20
    const cache = new BlockCache({ bytesMax })
    for (let id = 0; id < 100; id++) {
      cache.put(id, blockOf(1000))
      expect(cache.get(0)).toBeInstanceOf(Block)
      cache.checkInvariants()
      expect(cache.bytes).toBeLessThanOrEqual(bytesMax)
    }
    expect(cache.blocks).toBe(20)
    expect(cache.get(50)).toBeUndefined()
    expect(cache.get(99)).toBeInstanceOf(Block)
    expect([cache.hits, cache.misses]).toEqual([101, 1])
  })

  it('does not keep a block that would push out most others', () => {
    const cache = new BlockCache({ bytesMax: blockOf(10).memoryBytes * 8 })
    cache.put(1, blockOf(10))
    cache.put(2, blockOf(2000))
    expect([cache.get(1), cache.get(2)]).toEqual([expect.any(Block), undefined])
  })

  it('keeps nothing with bytesMax 0', () => {
    const cache = new BlockCache({ bytesMax: 0 })
    cache.put(1, blockOf(10))
    expect([cache.get(1), cache.blocks, cache.bytes, cache.misses]).toEqual([undefined, 0, 0, 1])
    cache.releaseIds(cache.takeIds(3), 3)
  })

  it('drops the blocks of a table that closes, and gives its numbers to the next one', () => {
    const cache = new BlockCache({ bytesMax: 1 << 20 })
    const [a, b] = [cache.takeIds(3), cache.takeIds(2)]
    for (const id of [a, a + 1, a + 2, b, b + 1]) cache.put(id, blockOf(10))
    cache.releaseIds(a, 3)
    expect(cache.blocks).toBe(2)
    expect(cache.takeIds(2)).toBe(b + 2)
    expect(cache.takeIds(3)).toBe(a)
    expect(cache.get(a)).toBeUndefined()
    expect(cache.get(b)).toBeInstanceOf(Block)
  })
})
