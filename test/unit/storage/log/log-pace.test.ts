/** How large the next segment is and how far it should be filled: the pure decisions. */
import { createLimits } from '../../../../src/base/limits'
import {
  bytesToHold,
  firstSegmentBytes,
  groupCost,
  nextSegmentBytes,
  preparedGoal,
  usableBytes,
} from '../../../../src/storage/log/log-pace'

const MiB = 1024 * 1024

test('segments double from the least size to the greatest', () => {
  const limits = createLimits()
  const sizes = [firstSegmentBytes(limits)]
  for (let i = 0; i < 8; i++) sizes.push(nextSegmentBytes(sizes[i]!, limits))
  expect(sizes.map((bytes) => bytes / MiB)).toEqual([1, 2, 4, 8, 16, 32, 64, 64, 64])
})

test('after a segment made larger for one commit the sizes go back to the limit', () => {
  expect(nextSegmentBytes(40 * MiB, createLimits({ segmentBytesMax: 2 * MiB }))).toBe(2 * MiB)
})

test('a least size above the greatest is no reason to make a segment larger', () => {
  const limits = createLimits({ segmentBytesMin: MiB, segmentBytesMax: 16 * 1024 })
  expect(firstSegmentBytes(limits)).toBe(16 * 1024)
  expect(nextSegmentBytes(16 * 1024, limits)).toBe(16 * 1024)
})

test('a group costs whole pages, its header included; none costs nothing', () => {
  expect([0, 1, 4096 - 72, 4096 - 71].map(groupCost)).toEqual([0, 4096, 4096, 8192])
})

test('a segment made to hold something has that much to use, and a page for the last frame besides', () => {
  for (const bytes of [1, 4096, 33 * MiB]) {
    expect(usableBytes(bytesToHold(bytes))).toBeGreaterThanOrEqual(bytes)
    expect(bytesToHold(bytes)).toBeLessThan(bytes + 4 * 4096)
  }
  expect(usableBytes(4096)).toBe(0)
})

describe('the pace of filling', () => {
  const goals = (segmentBytes: number, target: number): number[] =>
    Array.from({ length: 101 }, (_, percent) =>
      preparedGoal({ segmentBytes, usedBytes: (segmentBytes * percent) / 100 }, target),
    )

  test('a segment of the same size is filled at twice the consumption, from one quarter to three quarters', () => {
    const at = goals(64 * MiB, 64 * MiB)
    expect([0, 25, 50, 75, 100].map((percent) => at[percent]! / MiB)).toEqual([0, 0, 32, 64, 64])
    for (let i = 1; i < at.length; i++) expect(at[i]! - at[i - 1]!).toBeLessThanOrEqual(2 * 0.64 * MiB + 1)
  })

  test('one of twice the size is complete at three quarters too, at no more than 8/3 of the consumption', () => {
    const at = goals(MiB, 2 * MiB)
    expect(at[75]).toBeCloseTo(2 * MiB)
    expect(at[0]).toBe(0)
    for (let i = 1; i < at.length; i++) expect(at[i]! - at[i - 1]!).toBeLessThanOrEqual((8 / 3) * 0.01 * MiB + 1)
  })

  test('a much larger one is complete in time as well', () => {
    expect(goals(MiB, 40 * MiB)[76]).toBe(40 * MiB)
  })
})
