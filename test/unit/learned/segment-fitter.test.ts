import * as fc from 'fast-check'
import { SegmentFitter } from '../../../src/learned/segment-fitter'
import type { Line } from '../../../src/learned/segment-fitter'
import { check } from '../storage/rows/version-model'

const file = 'test/unit/learned/segment-fitter.test.ts'

interface Point {
  readonly x: number
  readonly y: number
}

interface Fitted {
  readonly line: Line
  readonly points: readonly Point[]
}

/** The segments of the streaming fit. */
function fit(points: readonly Point[], errorMax: number): Fitted[] {
  const fitter = new SegmentFitter(errorMax)
  const fitted: Fitted[] = []
  let segment: Point[] = []
  for (const point of points) {
    if (!fitter.add(point.x, point.y)) {
      fitted.push({ line: fitter.finish(), points: segment })
      segment = []
      expect(fitter.add(point.x, point.y)).toBe(true)
    }
    segment.push(point)
  }
  if (segment.length > 0) fitted.push({ line: fitter.finish(), points: segment })
  return fitted
}

/**
 * Whether any line passes every point within the error, in exact arithmetic: it does if no upper end lies below the line through
 * two lower ends around it, or the other way round, that is, if the steepest slope demanded is at most the flattest allowed.
 */
function hasLine(points: readonly Point[], errorMax: number): boolean {
  // The greatest lower bound of the slope against the least upper bound, as fractions of big integers.
  let [greatestY, greatestX, leastY, leastX] = [undefined, 1n, undefined, 1n] as [bigint | undefined, bigint, bigint | undefined, bigint] // prettier-ignore
  for (let i = 0; i < points.length; i++) {
    for (let j = i + 1; j < points.length; j++) {
      const dx = BigInt(points[j]!.x) - BigInt(points[i]!.x)
      const dy = BigInt(points[j]!.y) - BigInt(points[i]!.y)
      const low = dy - 2n * BigInt(errorMax)
      const high = dy + 2n * BigInt(errorMax)
      if (greatestY === undefined || low * greatestX > greatestY * dx) [greatestY, greatestX] = [low, dx]
      if (leastY === undefined || high * leastX < leastY * dx) [leastY, leastX] = [high, dx]
    }
  }
  return greatestY === undefined || leastY === undefined || greatestY * leastX <= leastY * greatestX
}

/** The fewest segments, by trying every way to cut: quadratic, and each piece judged in exact arithmetic. */
function fewestSegments(points: readonly Point[], errorMax: number): number {
  const fewest = [0]
  for (let end = 1; end <= points.length; end++) {
    let best = Infinity
    for (let start = end - 1; start >= 0; start--) {
      if (!hasLine(points.slice(start, end), errorMax)) break
      best = Math.min(best, fewest[start]! + 1)
    }
    fewest.push(best)
  }
  return fewest[points.length]!
}

/** Greedy fitting as in FITing-tree: a cone from the segment's first point, narrowed by each further one. */
function greedySegments(points: readonly Point[], errorMax: number): number {
  let segments = 0
  let first: Point | undefined
  let [least, greatest] = [0, 0]
  for (const { x, y } of points) {
    if (first !== undefined) {
      const slopes = { low: (y - errorMax - first.y) / (x - first.x), high: (y + errorMax - first.y) / (x - first.x) }
      least = Math.max(least, slopes.low)
      greatest = Math.min(greatest, slopes.high)
      if (least <= greatest) continue
    }
    first = { x, y }
    ;[least, greatest] = [-Infinity, Infinity]
    segments++
  }
  return segments
}

const pointLists = (xMax: number, length: number): fc.Arbitrary<Point[]> =>
  fc
    .array(fc.tuple(fc.integer({ min: 1, max: xMax }), fc.integer({ min: 0, max: 3 })), { maxLength: length })
    .map((steps) => {
      let [x, y] = [0, 0]
      return steps.map(([dx, dy]) => ({ x: (x += dx), y: (y += dy) }))
    })

describe('the optimal fit', () => {
  it('takes as few segments as the best of all ways to cut, found by brute force', async () => {
    await check(
      file,
      fc.property(pointLists(12, 24), fc.integer({ min: 0, max: 3 }), (points, errorMax) => {
        expect(fit(points, errorMax)).toHaveLength(fewestSegments(points, errorMax))
      }),
      300,
    )
  })

  it('passes every point within the error, and never descends', async () => {
    await check(
      file,
      fc.property(pointLists(1000, 200), fc.integer({ min: 0, max: 8 }), (points, errorMax) => {
        for (const { line, points: covered } of fit(points, errorMax)) {
          expect(line.slope).toBeGreaterThanOrEqual(0)
          for (const { x, y } of covered) {
            const error = Math.abs(line.intercept + line.slope * (x - line.origin) - y)
            if (error > errorMax + 1e-6) expect(error).toBeLessThanOrEqual(errorMax)
          }
        }
      }),
      300,
    )
  })

  it('takes fewer segments than greedy fitting on a curve, and never more', async () => {
    const curve = Array.from({ length: 20_000 }, (_, i) => ({ x: Math.floor(i ** 1.7) + i, y: i }))
    const [optimal, greedy] = [fit(curve, 8).length, greedySegments(curve, 8)]
    expect(optimal).toBeLessThan(greedy * 0.85)
    await check(
      file,
      fc.property(pointLists(1000, 200), fc.integer({ min: 1, max: 8 }), (points, errorMax) => {
        expect(fit(points, errorMax).length).toBeLessThanOrEqual(greedySegments(points, errorMax))
      }),
    )
  })

  it('of a single point is level, of two passes both', () => {
    expect(fit([{ x: 7, y: 3 }], 2)[0]!.line).toEqual({ origin: 7, slope: 0, intercept: 3 })
    const { line } = fit([{ x: 10, y: 0 }, { x: 20, y: 5 }], 0)[0]! // prettier-ignore
    expect(line).toEqual({ origin: 10, slope: 0.5, intercept: 0 })
  })

  it('refuses points out of order', () => {
    const fitter = new SegmentFitter(1)
    fitter.add(5, 0)
    expect(() => fitter.add(5, 1)).toThrow('points arrive in ascending order')
  })
})
