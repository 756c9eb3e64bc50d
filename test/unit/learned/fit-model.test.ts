import { fitModel, NUMBER_END } from '../../../src/learned/fit-model'
import { SEGMENT_WORDS } from '../../../src/learned/piecewise-model'
import { numberSets } from './number-sets'

/** The greatest error stored for a segment of level 0. */
function errorOf(numbers: Float64Array, errorMax: number): number {
  const { parts, segments } = fitModel(numbers, errorMax)
  let error = 0
  for (let segment = 0; segment < segments; segment++) {
    error = Math.max(error, parts.words[SEGMENT_WORDS * segment + 1]!)
  }
  return error
}

describe('fitting', () => {
  it('keeps to its error, one more for numbers that are absent, wherever doubles allow it', () => {
    for (const [name, numbers] of numberSets(10_000)) {
      for (const errorMax of [2, 8, 32]) {
        const error = errorOf(numbers, errorMax)
        if (error > errorMax + 1) expect({ name, errorMax, error }).toEqual({ name, errorMax, error: errorMax + 1 })
      }
    }
  })

  it('takes one segment for numbers in a line, whatever their step', () => {
    for (const step of [1, 3, 1000, 2 ** 30]) {
      expect(
        fitModel(
          Float64Array.from({ length: 10_000 }, (_, i) => i * step),
          1,
        ).segments,
      ).toBe(1)
    }
  })

  it('takes fewer segments for a larger error, and levels until one segment remains', () => {
    const numbers = numberSets(20_000).get('exponential gaps, many')!
    const counts = [1, 4, 16, 64].map((errorMax) => fitModel(numbers, errorMax).segments)
    expect(counts).toEqual([...counts].sort((a, b) => b - a))
    expect(counts[0]).toBeGreaterThan(5 * counts[3]!)
    const { segmentsByLevel } = fitModel(numbers, 1).parts
    expect(segmentsByLevel.length).toBeGreaterThan(1)
    for (let level = 1; level < segmentsByLevel.length; level++) {
      expect(segmentsByLevel[level]! * 2).toBeLessThanOrEqual(segmentsByLevel[level - 1]!)
    }
  })

  it('refuses numbers that descend, are beyond 48 bits, or none', () => {
    expect(() => fitModel(new Float64Array(0), 8)).toThrow('fitted to numbers')
    expect(() => fitModel(Float64Array.of(3, 2), 8)).toThrow('numbers ascend')
    expect(() => fitModel(Float64Array.of(-1, 2), 8)).toThrow('48 bits')
    expect(() => fitModel(Float64Array.of(1, NUMBER_END), 8)).toThrow('48 bits')
  })
})
