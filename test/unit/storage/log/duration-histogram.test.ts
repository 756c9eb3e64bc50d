/** Recent durations in bounded memory: percentiles within a tenth, and old samples that are forgotten. */
import fc from 'fast-check'
import { DurationHistogram } from '../../../../src/storage/log/duration-histogram'

test('an empty one has nothing to say', () => {
  expect(new DurationHistogram().figures()).toEqual({ count: 0, totalMs: 0, medianMs: 0, p99Ms: 0, longestMs: 0 })
})

test('one sample is all of its figures', () => {
  const histogram = new DurationHistogram()
  histogram.record(3)
  expect(histogram.figures()).toEqual({ count: 1, totalMs: 3, medianMs: 3, p99Ms: 3, longestMs: 3 })
})

test('percentiles of up to a thousand samples are at most a tenth above those of the samples, and never below', () => {
  const durations = fc.array(fc.double({ min: 0.001, max: 50_000, noNaN: true }), { minLength: 1, maxLength: 999 })
  fc.assert(
    fc.property(durations, (samples) => {
      const histogram = new DurationHistogram()
      for (const ms of samples) histogram.record(ms)
      const sorted = [...samples].sort((a, b) => a - b)
      const at = (share: number): number => sorted[Math.ceil(samples.length * share) - 1]!
      const { count, medianMs, p99Ms, longestMs } = histogram.figures()
      expect(count).toBe(samples.length)
      expect(longestMs).toBe(sorted.at(-1))
      for (const [shown, exact] of [
        [medianMs, at(0.5)],
        [p99Ms, at(0.99)],
      ] as const) {
        // prettier-ignore
        expect(shown).toBeGreaterThanOrEqual(exact * (1 - 1e-9))
        expect(shown).toBeLessThanOrEqual(exact * 1.1)
      }
    }),
    { numRuns: 200 },
  )
})

test('what is older than two thousand samples is forgotten, but for count and total', () => {
  const histogram = new DurationHistogram()
  histogram.record(5_000)
  for (let i = 0; i < 999; i++) histogram.record(1)
  // Still among the last two thousand.
  expect(histogram.figures().longestMs).toBe(5_000)
  for (let i = 0; i < 1000; i++) histogram.record(1)
  expect(histogram.figures()).toMatchObject({ count: 2000, totalMs: 6_999, longestMs: 1, medianMs: 1 })
})

test('durations beyond both ends count as the nearest that there are', () => {
  const histogram = new DurationHistogram()
  histogram.record(0)
  histogram.record(10 ** 9)
  expect(histogram.figures()).toMatchObject({ count: 2, longestMs: 10 ** 9 })
  expect(histogram.figures().p99Ms).toBeGreaterThan(50_000)
})
