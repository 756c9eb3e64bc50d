import { ByteReader, ByteWriter } from '../../../../src/storage/files/byte-codec'

describe('the byte codec', () => {
  test('reads back what was written, across every growth', () => {
    const writer = new ByteWriter()
    const numbers = [0, 1, 255, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1]
    for (let round = 0; round < 60; round++) {
      writer.u8(round)
      writer.latin1('\0\xff'.repeat(round))
      for (const number of numbers) writer.u53(number)
      writer.u32(round * 1_000_000)
    }
    const reader = new ByteReader(writer.finish())
    for (let round = 0; round < 60; round++) {
      expect(reader.u8()).toBe(round)
      expect(reader.latin1()).toBe('\0\xff'.repeat(round))
      for (const number of numbers) expect(reader.u53()).toBe(number)
      expect(reader.u32()).toBe(round * 1_000_000)
    }
    expect(reader.done).toBe(true)
    expect(reader.failed).toBe(false)
  })

  test('never reads past its end, and says so', () => {
    for (const read of ['u8', 'u32', 'u53', 'latin1'] as const) {
      const reader = new ByteReader(
        Buffer.from([9, 0, 0, 0, 1, 2, 3, 4]),
        0,
        read === 'u8' ? 0 : read === 'u53' ? 7 : 3,
      )
      expect(reader[read]()).toBe(read === 'latin1' ? '' : 0)
      expect(reader.failed).toBe(true)
      expect(reader.done).toBe(true)
    }
    expect(new ByteReader(Buffer.from([9, 0, 0, 0, 1, 2])).latin1()).toBe('')
  })

  test('refuses numbers beyond 2^53 - 1', () => {
    const reader = new ByteReader(Buffer.alloc(8, 0xff))
    expect(reader.u53()).toBe(0)
    expect(reader.failed).toBe(true)
  })
})
