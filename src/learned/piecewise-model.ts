/**
 * A learned index over ascending numbers (a PGM-index): predicts where a number would stand, and how far off that can be.
 *
 * Level 0 predicts positions in the array of numbers; each level above predicts a segment of the level below; the top has one segment.
 *
 *   level 1   [ one segment ]            which segment of level 0?
 *   level 0   [ / ][ _/ ][ / ]           which position?
 *   numbers   3 4 6 8 8 8 9 40 41 90     looked at within the segment's error alone
 *
 * 1. What is predicted is the *lower bound*: the position of the first number at or above the one asked for.
 * 2. Errors were measured on every number and every gap between two (fit-model.ts). A prediction is cut to where its segment's numbers
 *    begin and the next one's begin; within them it rises with the number, so the error at the ends of a gap bounds the error inside it.
 * 3. Nothing here is believed: `seek` accepts a position only if the number before it is smaller and the one at it is not, and where
 *    the window has no such position it searches the whole array. A model that lies costs time, never an answer.
 *
 * Numbers are integers from 0 below 2^48, exact in doubles. What it does not do: fit (fit-model.ts), or know bytes on disk.
 * Pinned by test/unit/learned/piecewise-model.test.ts.
 */
import { assert } from '../base/assert'

/** Doubles of a segment: where it begins, slope, intercept (with the half that rounds already added). */
export const SEGMENT_DOUBLES = 3
/** Words of a segment: the position of its first number, and its error. */
export const SEGMENT_WORDS = 2
/** Up to this error the window is walked from its middle; a wider one is halved. */
const WALK_ERROR_MAX = 12

/** What a model consists of; level 0 first. Each level is closed by a segment that is none: its first position is the level's end. */
export interface ModelParts {
  /** Length of the array of numbers. */
  readonly count: number
  /** The last of the numbers: whatever is above it stands behind all of them, and no segment has to say so. */
  readonly last: number
  /** Number of segments of each level, the closing one not counted; the last level has one. */
  readonly segmentsByLevel: readonly number[]
  readonly doubles: Float64Array
  readonly words: Uint32Array
}

/** How seeks ended; shared by all models of a store. */
export interface ModelCounters {
  /** In the model's window. */
  hits: number
  /** Outside it: the whole array was searched. */
  fallbacks: number
}

/** A model in memory. */
export class PiecewiseModel {
  readonly parts: ModelParts
  /** Segments of level 0. */
  readonly segments: number
  readonly #doubles: Float64Array
  readonly #words: Uint32Array
  readonly #count: number
  readonly #last: number
  readonly #top: number
  /** Where each level's segments begin. */
  readonly #starts: Uint32Array
  /** Error of the last `predict`. */
  error = 0
  readonly counters: ModelCounters

  constructor(parts: ModelParts, counters: ModelCounters = { hits: 0, fallbacks: 0 }) {
    const { count, last, segmentsByLevel, doubles, words } = parts
    const total = segmentsByLevel.reduce((sum, segments) => sum + segments + 1, 0)
    assert(count > 0 && count <= 0x7fff_ffff, 'a model has numbers, and no more than a small integer counts')
    assert(segmentsByLevel.at(-1) === 1, 'a model ends in one segment')
    assert(doubles.length === SEGMENT_DOUBLES * total, 'a model has the doubles of its segments')
    assert(words.length === SEGMENT_WORDS * total, 'a model has the words of its segments')
    this.parts = parts
    this.counters = counters
    this.segments = segmentsByLevel[0]!
    this.#doubles = doubles
    this.#words = words
    this.#count = count
    this.#last = last
    this.#top = segmentsByLevel.length - 1
    this.#starts = new Uint32Array(segmentsByLevel.length)
    for (let level = 1; level < segmentsByLevel.length; level++) {
      this.#starts[level] = this.#starts[level - 1]! + segmentsByLevel[level - 1]! + 1
    }
  }

  get levels(): number {
    return this.#top + 1
  }

  /** Memory taken. */
  get bytes(): number {
    return this.#doubles.byteLength + this.#words.byteLength + this.#starts.byteLength
  }

  /** The position predicted for `number`, from 0 to the count; `error` then says how far off it should be at most. */
  predict(number: number): number {
    if (number > this.#last) {
      this.error = 0
      return this.#count
    }
    let segment = this.#starts[this.#top]!
    for (let level = this.#top; level > 0; level--) segment = this.#childOf(level, segment, number)
    this.error = this.#words[SEGMENT_WORDS * segment + 1]!
    return this.#positionIn(segment, number)
  }

  /** A segment's prediction, cut to where its own positions can be. */
  #positionIn(segment: number, number: number): number {
    const doubles = this.#doubles
    const words = this.#words
    const at = SEGMENT_DOUBLES * segment
    const first = words[SEGMENT_WORDS * segment]!
    const next = words[SEGMENT_WORDS * segment + SEGMENT_WORDS]!
    const position = doubles[at + 2]! + doubles[at + 1]! * (number - doubles[at]!)
    // Written so that a NaN of a lying model is cut too.
    if (!(position > first)) return first
    // Rounds down: it is above `first`, and shorter on the way than Math.floor.
    return position < next ? position >>> 0 : next
  }

  /** The segment of the level below in which `number` lies: the last that begins at or before it; the first if none does. */
  #childOf(level: number, segment: number, number: number): number {
    const doubles = this.#doubles
    const start = this.#starts[level - 1]!
    const end = this.#starts[level]! - 1
    const predicted = start + this.#positionIn(segment, number)
    const error = this.#words[SEGMENT_WORDS * segment + 1]!
    let child = predicted < end ? predicted : end - 1
    if (error <= WALK_ERROR_MAX) {
      let steps = error + 1
      while (child > start && doubles[SEGMENT_DOUBLES * child]! > number && steps-- > 0) child--
      while (child + 1 < end && doubles[SEGMENT_DOUBLES * child + SEGMENT_DOUBLES]! <= number && steps-- > 0) child++
      if (steps >= 0) return child
    }
    let low = start
    let high = end
    while (high - low > 1) {
      const middle = (low + high) >>> 1
      if (doubles[SEGMENT_DOUBLES * middle]! <= number) low = middle
      else high = middle
    }
    return low
  }

  /**
   * The lower bound of `number` in `numbers`: the first position whose number is at or above it, or the count.
   * REQUIRES: `numbers` ascends and has the count's length; the model may have been fitted to anything.
   */
  seek(numbers: Float64Array, number: number): number {
    const count = this.#count
    let at = this.predict(number)
    const error = this.error
    if (error <= WALK_ERROR_MAX) {
      let steps = error
      if (at < count && numbers[at]! < number) {
        // The step that ends the walk needs none left over: the window's last position is its own end.
        do at++
        while (at < count && numbers[at]! < number && --steps > 0)
        if (at === count || numbers[at]! >= number) {
          this.counters.hits++
          return at
        }
      } else {
        while (at > 0 && numbers[at - 1]! >= number && steps-- > 0) at--
        if (at === 0 || numbers[at - 1]! < number) {
          this.counters.hits++
          return at
        }
      }
    } else {
      const low = at > error ? at - error : 0
      const high = at + error < count ? at + error : count
      if ((low === 0 || numbers[low - 1]! < number) && (high === count || numbers[high]! >= number)) {
        this.counters.hits++
        return lowerBound(numbers, number, low, high)
      }
    }
    this.counters.fallbacks++
    return lowerBound(numbers, number, 0, count)
  }

  checkInvariants(): void {
    const { segmentsByLevel } = this.parts
    for (let level = 0; level < segmentsByLevel.length; level++) {
      const start = this.#starts[level]!
      const end = start + segmentsByLevel[level]!
      for (let segment = start; segment < end; segment++) {
        const at = SEGMENT_DOUBLES * segment
        assert(this.#doubles[at + 1]! >= 0, 'predictions do not descend')
        assert(segment === start || this.#doubles[at]! > this.#doubles[at - SEGMENT_DOUBLES]!, 'segments ascend')
        const first = SEGMENT_WORDS * segment
        assert(this.#words[first]! < this.#words[first + SEGMENT_WORDS]!, 'a segment has positions of its own')
      }
      const below = level === 0 ? this.#count : segmentsByLevel[level - 1]!
      assert(this.#words[SEGMENT_WORDS * end] === below, 'a level ends where what it predicts ends')
    }
  }
}

/** The first position in `[low, high)` of ascending numbers whose number is at or above `number`, or `high`. */
export function lowerBound(numbers: Float64Array, number: number, low: number, high: number): number {
  while (low < high) {
    const middle = (low + high) >>> 1
    if (numbers[middle]! < number) low = middle + 1
    else high = middle
  }
  return low
}
