import { Arena, byteOf, wordOf } from '../../../../src/storage/memtable/arena'

describe('an arena', () => {
  it('gives every stretch memory of its own, zeroed, seen as bytes and as words', () => {
    const arena = new Arena()
    const lengths = [0, 1, 65_535, 65_536, 65_537, 262_144, 262_145, 1_048_576, 5_000_000, 1, 262_144, 262_144, 262_144, 262_144, 3] // prettier-ignore
    const places = lengths.map((length) => arena.take(length))
    expect(places).not.toContain(0)
    lengths.forEach((length, i) => {
      if (length === 0) return
      const [bytes, at] = [arena.bytesAt(places[i]!), byteOf(places[i]!)]
      expect(bytes.subarray(at, at + length).equals(Buffer.alloc(length))).toBe(true)
      expect(bytes.buffer).toBeInstanceOf(SharedArrayBuffer)
      bytes.fill(i + 1, at, at + length)
    })
    lengths.forEach((length, i) => {
      const [bytes, at] = [arena.bytesAt(places[i]!), byteOf(places[i]!)]
      expect(bytes.subarray(at, at + length).equals(Buffer.alloc(length, i + 1))).toBe(true)
      if (length >= 4) expect(arena.wordsAt(places[i]!)[wordOf(places[i]!)]).toBe((i + 1) * 0x01010101)
    })
    const held = lengths.reduce((sum, length) => sum + length, 0)
    expect(arena.memoryBytes).toBeGreaterThanOrEqual(held)
    expect(arena.memoryBytes).toBeLessThan(held + 3 * 1_048_576)
  })

  it('takes little memory for little content', () => {
    const arena = new Arena()
    expect(arena.memoryBytes).toBe(0)
    arena.take(10)
    expect(arena.memoryBytes).toBe(65_536)
  })

  it('knows its own places only', () => {
    const arena = new Arena()
    arena.take(10)
    expect(() => arena.bytesAt(262_144)).toThrow('a place lies in a chunk')
    expect(() => arena.wordsAt(262_144)).toThrow('a place lies in a chunk')
  })
})
