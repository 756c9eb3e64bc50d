/**
 * How long something took lately: a bounded histogram, from which the median, the 99th percentile and the longest are read.
 *
 *   bucket i:  from LEAST_MS * RATIO^i to RATIO times that     a percentile is off by a tenth at most, upwards
 *
 * Two generations of GENERATION_SAMPLES each: the young one takes samples, and when it is full the old one is forgotten and it
 * becomes the old one. So figures are those of the last 1,000 to 2,000 samples, in two kilobytes, whatever happened before.
 *
 * It knows no clock. Pinned by test/unit/storage/log/duration-histogram.test.ts.
 */

/** What a histogram says. Count and total are of all samples, the others of recent ones; milliseconds, 0 where there is none. */
export interface DurationFigures {
  readonly count: number
  readonly totalMs: number
  readonly medianMs: number
  readonly p99Ms: number
  readonly longestMs: number
}

const LEAST_MS = 0.001
const BUCKETS_PER_DOUBLING = 8
/** Up to a minute; what takes longer is in the last one. */
const BUCKETS = 26 * BUCKETS_PER_DOUBLING
const GENERATION_SAMPLES = 1000

interface Generation {
  readonly counts: Uint32Array
  samples: number
  longestMs: number
}

/** See the file's header. */
export class DurationHistogram {
  #young = createGeneration()
  #old = createGeneration()
  #count = 0
  #totalMs = 0

  record(ms: number): void {
    this.#count++
    this.#totalMs += ms
    const generation = this.#young
    generation.counts[bucketOf(ms)]!++
    generation.longestMs = Math.max(generation.longestMs, ms)
    if (++generation.samples < GENERATION_SAMPLES) return
    this.#young = this.#old
    clear(this.#young)
    this.#old = generation
  }

  figures(): DurationFigures {
    const longestMs = Math.max(this.#young.longestMs, this.#old.longestMs)
    return {
      count: this.#count,
      totalMs: this.#totalMs,
      medianMs: Math.min(this.#percentile(0.5), longestMs),
      p99Ms: Math.min(this.#percentile(0.99), longestMs),
      longestMs,
    }
  }

  /** The upper end of the bucket that holds the sample at that share of the recent ones. */
  #percentile(share: number): number {
    const samples = this.#young.samples + this.#old.samples
    const rank = Math.ceil(samples * share)
    let seen = 0
    for (let bucket = 0; bucket < BUCKETS && rank > 0; bucket++) {
      seen += this.#young.counts[bucket]! + this.#old.counts[bucket]!
      if (seen >= rank) return LEAST_MS * 2 ** ((bucket + 1) / BUCKETS_PER_DOUBLING)
    }
    return 0
  }
}

function bucketOf(ms: number): number {
  if (!(ms > LEAST_MS)) return 0
  return Math.min(BUCKETS - 1, Math.floor(Math.log2(ms / LEAST_MS) * BUCKETS_PER_DOUBLING))
}

function createGeneration(): Generation {
  return { counts: new Uint32Array(BUCKETS), samples: 0, longestMs: 0 }
}

function clear(generation: Generation): void {
  generation.counts.fill(0)
  generation.samples = 0
  generation.longestMs = 0
}
