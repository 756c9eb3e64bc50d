/**
 * The optimal streaming fit of a piecewise linear function: each segment is the longest that any line within the error allows.
 *
 * O'Rourke's algorithm (1981) as the PGM-index uses it (Ferragina and Vinciguerra, VLDB 2020). Each point (x, y) is a vertical bar from
 * y - e to y + e, and a line fits if it crosses every bar. The lines that fit all bars so far lie between two extreme ones, of least
 * and greatest slope; each touches an upper end of one bar and a lower end of another:
 *
 *        |     /|       greatest: from a lower end to an upper one
 *     |  |  /   |       least:    from an upper end to a lower one
 *     |/ |      |       A bar that neither extreme's side lets a line reach begins the next segment.
 *
 * When a bar narrows an extreme, its other touching point is found on the convex hull of the ends so far, from where the last search
 * stopped; so a point costs constant time on average, and a longest first segment, then a longest second one, is the fewest of all.
 *
 * Cross products of 48-bit numbers are rounded in doubles where the paper has 128-bit integers. A sign may come out wrong then, and
 * a segment a point too short or an error a little over `errorMax`: whoever uses the fit measures its error (fit-model.ts does).
 *
 * Pinned by test/unit/learned/segment-fitter.test.ts: as few segments as brute force, fewer than greedy fitting.
 */
import { assert } from '../base/assert'

/** A line: y = intercept + slope * (x - origin), slope never negative. */
export interface Line {
  readonly origin: number
  readonly slope: number
  readonly intercept: number
}

/** One of the two convex hulls; points below `start` can touch no extreme line any more. */
class Hull {
  readonly xs: number[] = []
  readonly ys: number[] = []
  start = 0
  size = 0

  reset(): void {
    this.start = 0
    this.size = 0
  }

  push(x: number, y: number): void {
    this.xs[this.size] = x
    this.ys[this.size] = y
    this.size++
  }
}

/** Fits one segment at a time. REQUIRES: x ascends strictly, y does not descend. */
export class SegmentFitter {
  readonly #errorMax: number
  readonly #upper = new Hull()
  readonly #lower = new Hull()
  #points = 0
  #originX = 0
  #lastX = 0
  #y = 0
  // The extreme lines by the points they touch, x counted from the origin: the least slope goes from an upper end (left) to a
  // lower end (right), the greatest from a lower end to an upper one.
  #leastLeftX = 0
  #leastLeftY = 0
  #leastRightX = 0
  #leastRightY = 0
  #greatestLeftX = 0
  #greatestLeftY = 0
  #greatestRightX = 0
  #greatestRightY = 0

  constructor(errorMax: number) {
    assert(errorMax >= 0, 'an error is not negative')
    this.#errorMax = errorMax
  }

  /** Takes the point into the segment; false if no line fits it with the others: `finish` the segment, then add it again. */
  add(x: number, y: number): boolean {
    if (this.#points === 0) return this.#begin(x, y)
    assert(x > this.#lastX, 'points arrive in ascending order')
    const dx = x - this.#originX
    const high = y + this.#errorMax
    const low = y - this.#errorMax
    if (this.#points === 1) {
      this.#leastRightX = dx
      this.#leastRightY = low
      this.#greatestRightX = dx
      this.#greatestRightY = high
      this.#upper.push(dx, high)
      this.#lower.push(dx, low)
    } else {
      const leastX = this.#leastRightX - this.#leastLeftX
      const leastY = this.#leastRightY - this.#leastLeftY
      const greatestX = this.#greatestRightX - this.#greatestLeftX
      const greatestY = this.#greatestRightY - this.#greatestLeftY
      // The bar lies wholly below the line of least slope, or wholly above that of the greatest.
      if ((high - this.#leastRightY) * leastX < leastY * (dx - this.#leastRightX)) return false
      if ((low - this.#greatestRightY) * greatestX > greatestY * (dx - this.#greatestRightX)) return false
      if ((high - this.#greatestLeftY) * greatestX < greatestY * (dx - this.#greatestLeftX))
        this.#lowerGreatest(dx, high)
      if ((low - this.#leastLeftY) * leastX > leastY * (dx - this.#leastLeftX)) this.#raiseLeast(dx, low)
    }
    this.#points++
    this.#lastX = x
    return true
  }

  #begin(x: number, y: number): true {
    this.#originX = x
    this.#lastX = x
    this.#y = y
    this.#points = 1
    this.#upper.reset()
    this.#lower.reset()
    this.#leastLeftX = 0
    this.#leastLeftY = y + this.#errorMax
    this.#greatestLeftX = 0
    this.#greatestLeftY = y - this.#errorMax
    this.#upper.push(0, y + this.#errorMax)
    this.#lower.push(0, y - this.#errorMax)
    return true
  }

  /** The upper end (x, y) lies below the line of greatest slope: that line now ends here. */
  #lowerGreatest(x: number, y: number): void {
    const { xs, ys, size, start } = this.#lower
    let at = start
    // The slope from each lower end to here falls and then rises along the hull: the least is the touching one.
    for (let i = start + 1; i < size; i++) {
      if ((y - ys[i]!) * (x - xs[at]!) > (y - ys[at]!) * (x - xs[i]!)) break
      at = i
    }
    this.#greatestLeftX = xs[at]!
    this.#greatestLeftY = ys[at]!
    this.#greatestRightX = x
    this.#greatestRightY = y
    this.#lower.start = at
    const upper = this.#upper
    while (upper.size >= upper.start + 2 && turn(upper, x, y) <= 0) upper.size--
    upper.push(x, y)
  }

  /** The lower end (x, y) lies above the line of least slope: that line now ends here. */
  #raiseLeast(x: number, y: number): void {
    const { xs, ys, size, start } = this.#upper
    let at = start
    for (let i = start + 1; i < size; i++) {
      if ((y - ys[i]!) * (x - xs[at]!) < (y - ys[at]!) * (x - xs[i]!)) break
      at = i
    }
    this.#leastLeftX = xs[at]!
    this.#leastLeftY = ys[at]!
    this.#leastRightX = x
    this.#leastRightY = y
    this.#upper.start = at
    const lower = this.#lower
    while (lower.size >= lower.start + 2 && turn(lower, x, y) >= 0) lower.size--
    lower.push(x, y)
  }

  /** Ends the segment: a line in the middle of those that fit. REQUIRES: it has a point. */
  finish(): Line {
    assert(this.#points > 0, 'a segment has a point')
    const isPoint = this.#points === 1
    this.#points = 0
    if (isPoint) return { origin: this.#originX, slope: 0, intercept: this.#y }
    const leastX = this.#leastRightX - this.#leastLeftX
    const leastY = this.#leastRightY - this.#leastLeftY
    const greatestX = this.#greatestRightX - this.#greatestLeftX
    const greatestY = this.#greatestRightY - this.#greatestLeftY
    // Where y does not descend, a slope of zero fits whenever a negative one does.
    const slope = Math.max(0, (leastY / leastX + greatestY / greatestX) / 2)
    // Every line through the crossing of the extremes with a slope between theirs crosses every bar.
    const cross = leastX * greatestY - leastY * greatestX
    let share = 0
    if (cross !== 0) {
      const dx = this.#greatestLeftX - this.#leastLeftX
      const dy = this.#greatestLeftY - this.#leastLeftY
      share = (dx * greatestY - dy * greatestX) / cross
    }
    const x = this.#leastLeftX + share * leastX
    const y = this.#leastLeftY + share * leastY
    return { origin: this.#originX, slope, intercept: y - slope * x }
  }
}

/** Which way the hull's last two points and (x, y) turn: above zero to the left. */
function turn(hull: Hull, x: number, y: number): number {
  const { xs, ys, size } = hull
  const aX = xs[size - 2]!
  const aY = ys[size - 2]!
  return (xs[size - 1]! - aX) * (y - aY) - (ys[size - 1]! - aY) * (x - aX)
}
