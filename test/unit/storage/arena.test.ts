import { Arena } from '../../../src/storage/arena'

describe('an arena', () => {
  it('keeps every value where it was put, whatever its length', () => {
    const arena = new Arena()
    const lengths = [0, 1, 65_535, 65_536, 65_537, 262_144, 262_145, 1_048_576, 5_000_000, 0, 1, 262_144, 262_144, 262_144, 262_144, 3] // prettier-ignore
    const places = lengths.map((length, i) => arena.put(Buffer.alloc(length, i + 1)))
    expect(new Set(places.filter((_, i) => lengths[i]! > 0)).size).toBe(lengths.filter((length) => length > 0).length)
    lengths.forEach((length, i) => {
      const [chunk, at] = [arena.chunkOf(places[i]!), arena.offsetOf(places[i]!)]
      expect(chunk.subarray(at, at + length).equals(Buffer.alloc(length, i + 1))).toBe(true)
      expect(chunk.buffer).toBeInstanceOf(SharedArrayBuffer)
    })
    const held = lengths.reduce((sum, length) => sum + length, 0)
    expect(arena.valueBytes).toBe(held)
    expect(arena.memoryBytes).toBeGreaterThanOrEqual(held)
    expect(arena.memoryBytes).toBeLessThan(held + 3 * 1_048_576)
  })

  it('takes little memory for little content', () => {
    const arena = new Arena()
    expect(arena.memoryBytes).toBe(0)
    arena.put(Buffer.alloc(10))
    expect(arena.memoryBytes).toBe(65_536)
  })

  it('knows its own places only', () => {
    const arena = new Arena()
    arena.put(Buffer.alloc(10))
    expect(() => arena.chunkOf(1_048_576)).toThrow('a place lies in a chunk')
  })
})
