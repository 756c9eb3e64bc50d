/**
 * Durations of any number of calls in constant memory: percentiles to three digits, the greatest exactly.
 */
import { createHistogram } from 'node:perf_hooks'
import type { Sample } from './figures'

const NS_PER_MS = 1e6

/** What was recorded since the last `clear`. */
export class DurationHistogram {
  readonly #histogram = createHistogram({ figures: 3 })
  #maxMs = 0
  #count = 0

  record(ms: number): void {
    // Zero has no place in it.
    this.#histogram.record(Math.max(1, Math.round(ms * NS_PER_MS)))
    if (ms > this.#maxMs) this.#maxMs = ms
    this.#count++
  }

  get count(): number {
    return this.#count
  }

  clear(): void {
    this.#histogram.reset()
    this.#maxMs = 0
    this.#count = 0
  }

  /** Percentiles as metrics, `p99Ms` or, with a prefix, `<prefix>P99Ms`; nothing where nothing was recorded. */
  metrics(prefix = ''): Sample {
    if (this.#count === 0) return {}
    const at = (percent: number): number => Math.min(this.#maxMs, this.#histogram.percentile(percent) / NS_PER_MS)
    const named = { p50Ms: at(50), p99Ms: at(99), p999Ms: at(99.9), maxMs: this.#maxMs }
    if (prefix === '') return named
    return Object.fromEntries(
      Object.entries(named).map(([name, ms]) => [`${prefix}${name[0]!.toUpperCase()}${name.slice(1)}`, ms]),
    )
  }
}
