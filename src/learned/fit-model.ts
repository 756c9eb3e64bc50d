/**
 * Fits a model to ascending numbers, level by level, and measures on every number how far off it is.
 *
 * What is predicted is the lower bound, so a run of equal numbers is the point (number, first position) and, since every
 * number above it belongs behind the run, the point (number + 1, position behind the run). A number that stands alone needs no second
 * point: just above it the answer is one further on, which costs the measured error one at most.
 *
 * Measured, not believed: after fitting, `predict`'s own arithmetic is run at each number and at each number + 1, the two ends of every
 * gap; a prediction rises with its number, so no number inside a gap is further off. Rounding of the fit therefore shows up as a
 * larger error of one segment, never as a wrong window.
 *
 * Pinned by test/unit/learned/fit-model.test.ts and piecewise-model.test.ts.
 */
import { assert } from '../base/assert'
import { PiecewiseModel, SEGMENT_DOUBLES, SEGMENT_WORDS } from './piecewise-model'
import type { ModelCounters } from './piecewise-model'
import { SegmentFitter } from './segment-fitter'

/** Numbers must be below it: they are six bytes. */
export const NUMBER_END = 2 ** 48
/** The error that levels above the lowest are fitted with: few enough segments to walk over. */
const UPPER_ERROR_MAX = 4
const ROUNDING = 0.5

/** Segments under construction, of all levels. */
class Segments {
  doubles = new Float64Array(SEGMENT_DOUBLES * 64)
  words = new Uint32Array(SEGMENT_WORDS * 64)
  size = 0

  push(key: number, slope: number, intercept: number, first: number): void {
    if (SEGMENT_WORDS * this.size === this.words.length) this.#grow()
    this.doubles[SEGMENT_DOUBLES * this.size] = key
    this.doubles[SEGMENT_DOUBLES * this.size + 1] = slope
    this.doubles[SEGMENT_DOUBLES * this.size + 2] = intercept + ROUNDING
    this.words[SEGMENT_WORDS * this.size] = first
    this.size++
  }

  #grow(): void {
    const doubles = new Float64Array(2 * this.doubles.length)
    doubles.set(this.doubles)
    this.doubles = doubles
    const words = new Uint32Array(2 * this.words.length)
    words.set(this.words)
    this.words = words
  }

  /** As `PiecewiseModel` predicts. */
  predict(segment: number, number: number): number {
    const at = SEGMENT_DOUBLES * segment
    const first = this.words[SEGMENT_WORDS * segment]!
    const next = this.words[SEGMENT_WORDS * segment + SEGMENT_WORDS]!
    const position = this.doubles[at + 2]! + this.doubles[at + 1]! * (number - this.doubles[at]!)
    if (!(position > first)) return first
    return position < next ? Math.floor(position) : next
  }

  /** Widens a segment's error to what is seen at `number`, whose place is `position`. */
  measure(segment: number, number: number, position: number): void {
    const error = Math.abs(this.predict(segment, number) - position)
    const at = SEGMENT_WORDS * segment + 1
    if (error > this.words[at]!) this.words[at] = error
  }
}

/**
 * Fits a model to `numbers` with at most `errorMax` positions of error where doubles allow it.
 * REQUIRES: integers from 0 below 2^48, ascending, equal ones allowed, at least one.
 */
export function fitModel(numbers: Float64Array, errorMax: number, counters?: ModelCounters): PiecewiseModel {
  const count = numbers.length
  assert(count > 0, 'a model is fitted to numbers')
  assert(numbers[0]! >= 0 && numbers[count - 1]! < NUMBER_END, 'numbers have 48 bits')
  const segments = new Segments()
  const segmentsByLevel = [fitLowest(numbers, errorMax, segments)]
  measureLowest(numbers, segments)
  let start = 0
  while (segmentsByLevel.at(-1)! > 1) {
    const below = { start, count: segmentsByLevel.at(-1)! }
    start = segments.size
    segmentsByLevel.push(fitUpper(below, segments))
    measureUpper(below, start, segments)
  }
  const parts = {
    count,
    last: numbers[count - 1]!,
    segmentsByLevel,
    doubles: segments.doubles.slice(0, SEGMENT_DOUBLES * segments.size),
    words: segments.words.slice(0, SEGMENT_WORDS * segments.size),
  }
  return new PiecewiseModel(parts, counters)
}

/** The segments of the longest-first fit of points; `close` ends the last. */
class LevelFit {
  readonly #fitter: SegmentFitter
  readonly #segments: Segments
  #first = 0
  count = 0

  constructor(errorMax: number, segments: Segments) {
    this.#fitter = new SegmentFitter(errorMax)
    this.#segments = segments
  }

  add(x: number, y: number): void {
    if (this.#fitter.add(x, y)) return
    this.#end()
    this.#first = y
    this.#fitter.add(x, y)
  }

  #end(): void {
    const { origin, slope, intercept } = this.#fitter.finish()
    this.#segments.push(origin, slope, intercept, this.#first)
    this.count++
  }

  /** Adds the closing segment that is none: it holds where the level ends. */
  close(end: number): number {
    this.#end()
    this.#segments.push(Infinity, 0, -ROUNDING, end)
    return this.count
  }
}

function fitLowest(numbers: Float64Array, errorMax: number, segments: Segments): number {
  const count = numbers.length
  const fit = new LevelFit(errorMax, segments)
  for (let i = 0; i < count;) {
    const number = numbers[i]!
    let next = i + 1
    while (next < count && numbers[next]! === number) next++
    assert(next === count || numbers[next]! > number, 'numbers ascend')
    fit.add(number, i)
    if (next > i + 1 && next < count && numbers[next]! > number + 1) fit.add(number + 1, next)
    i = next
  }
  return fit.close(count)
}

function measureLowest(numbers: Float64Array, segments: Segments): void {
  const count = numbers.length
  const { doubles } = segments
  let segment = 0
  for (let i = 0; i < count;) {
    const number = numbers[i]!
    let next = i + 1
    while (next < count && numbers[next]! === number) next++
    // A segment begins at a number, or one above a run of equal ones.
    while (doubles[SEGMENT_DOUBLES * (segment + 1)]! <= number) segment++
    segments.measure(segment, number, i)
    if (next === count) return
    if (doubles[SEGMENT_DOUBLES * (segment + 1)]! <= number + 1) segment++
    segments.measure(segment, number + 1, next)
    // The far end of the gap, if there is one, lies in the same segment.
    if (numbers[next]! > number + 1) segments.measure(segment, numbers[next]! - 1, next)
    i = next
  }
}

/** A level to be predicted by another: where its segments begin among all, and how many there are. */
interface LevelBelow {
  readonly start: number
  readonly count: number
}

function fitUpper(below: LevelBelow, segments: Segments): number {
  const fit = new LevelFit(UPPER_ERROR_MAX, segments)
  for (let i = 0; i < below.count; i++) fit.add(segments.doubles[SEGMENT_DOUBLES * (below.start + i)]!, i)
  return fit.close(below.count)
}

/** Asked for is the last segment that begins at or before a number: from its first number to just before the next one's. */
function measureUpper(below: LevelBelow, start: number, segments: Segments): void {
  const { doubles } = segments
  let segment = start
  for (let i = 0; i < below.count; i++) {
    const at = SEGMENT_DOUBLES * (below.start + i)
    const number = doubles[at]!
    while (doubles[SEGMENT_DOUBLES * (segment + 1)]! <= number) segment++
    segments.measure(segment, number, i)
    const end = i + 1 < below.count ? doubles[at + SEGMENT_DOUBLES]! - 1 : NUMBER_END - 1
    segments.measure(segment, end, i)
  }
}
