import { createLimits } from '../../../../src/base/limits'
import { MemtableRoom } from '../../../../src/storage/memtable/memtable-room'

const KiB = 1024

describe('the room of a memtable', () => {
  test('ends with its own bytes', () => {
    const room = new MemtableRoom(createLimits({ memtableBytesMax: 16 * KiB }))
    expect(room.isFull(16 * KiB - 1)).toBe(false)
    expect(room.isFull(16 * KiB)).toBe(true)
  })

  test('ends with the bytes of the log since it was begun', () => {
    const room = new MemtableRoom(createLimits({ walBytesMax: 64 * KiB }))
    room.logged(64 * KiB - 1)
    expect(room.isFull(0)).toBe(false)
    room.logged(64 * KiB)
    expect(room.isFull(0)).toBe(true)
    room.begin()
    expect(room.isFull(0)).toBe(false)
    room.logged(128 * KiB - 1)
    expect(room.isFull(0)).toBe(false)
    room.logged(128 * KiB)
    expect(room.isFull(0)).toBe(true)
  })
})
