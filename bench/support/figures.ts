/**
 * Numbers drawn from samples: medians, spread, percentiles. Pure.
 *
 * Rates drift on shared machines, so a figure is the median of several rounds and is always shown with its spread; a latency
 * is a percentile of all calls of one round, and the median of that over the rounds. Pinned by test/unit/bench/figures.test.ts.
 */

/** What one run of a case measured, by name of the metric. */
export type Sample = Readonly<Record<string, number>>

/** A metric over the rounds. */
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
  readonly rounds: number
}

/** The middle of `values`, or the mean of the two in the middle; undefined of none. */
export function median(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined
  const ascending = [...values].sort((a, b) => a - b)
  const middle = ascending.length >>> 1
  return ascending.length % 2 === 1 ? ascending[middle] : (ascending[middle - 1]! + ascending[middle]!) / 2
}

/** Median and extremes of `values`; undefined of none. */
export function spreadOf(values: readonly number[]): Spread | undefined {
  const middle = median(values)
  if (middle === undefined) return undefined
  return { median: middle, min: Math.min(...values), max: Math.max(...values), rounds: values.length }
}

/** The spread of one metric over the samples that have it. */
export function spreadOfMetric(samples: readonly Sample[], metric: string): Spread | undefined {
  return spreadOf(samples.flatMap((sample) => sample[metric] ?? []))
}

/** The value below which `part` (0 to 1) of `ascending` lies, by nearest rank. REQUIRES: not empty. */
export function percentile(ascending: Float64Array, part: number): number {
  const rank = Math.ceil(part * ascending.length)
  return ascending[Math.min(ascending.length, Math.max(1, rank)) - 1]!
}

/** How long calls took, in milliseconds, in memory that is taken once: recording allocates nothing. */
export class Latencies {
  readonly #ms: Float64Array
  #recorded = 0

  /** Beyond `callsMax` calls are counted but not kept. */
  constructor(callsMax: number) {
    this.#ms = new Float64Array(callsMax)
  }

  /** Forgets everything. */
  clear(): void {
    this.#recorded = 0
  }

  record(ms: number): void {
    if (this.#recorded < this.#ms.length) this.#ms[this.#recorded] = ms
    this.#recorded++
  }

  /** Percentiles as metrics; nothing where nothing was recorded. */
  metrics(): Sample {
    if (this.#recorded === 0) return {}
    const ascending = this.#ms.slice(0, this.#recorded).sort()
    return {
      p50Ms: percentile(ascending, 0.5),
      p99Ms: percentile(ascending, 0.99),
      p999Ms: percentile(ascending, 0.999),
      maxMs: ascending.at(-1)!,
    }
  }
}
