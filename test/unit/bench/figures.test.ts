/** Medians, spreads and percentiles, on numbers small enough to check by hand. */
import { Latencies, median, percentile, spreadOf, spreadOfMetric } from '../../../bench/support/figures'

test('a median is the middle value, or the mean of the two in the middle, in any order of the values', () => {
  expect(median([9, 1, 5])).toBe(5)
  expect(median([10, 1, 9, 2])).toBe(5.5)
  expect(median([])).toBeUndefined()
})

test('values are ordered as numbers, not as texts', () => {
  expect(median([100, 9, 20])).toBe(20)
})

test('a spread has median, extremes and the number of rounds', () => {
  expect(spreadOf([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3, rounds: 3 })
  expect(spreadOf([])).toBeUndefined()
})

test('the spread of a metric passes over samples that do not have it', () => {
  const samples = [{ a: 1 }, { b: 7 }, { a: 3 }]
  expect(spreadOfMetric(samples, 'a')).toEqual({ median: 2, min: 1, max: 3, rounds: 2 })
  expect(spreadOfMetric(samples, 'c')).toBeUndefined()
})

test('a percentile is the value of the nearest rank', () => {
  const hundred = Float64Array.from({ length: 100 }, (_, index) => index + 1)
  expect([0, 0.5, 0.99, 0.999, 1].map((part) => percentile(hundred, part))).toEqual([1, 50, 99, 100, 100])
})

test('latencies are sorted before percentiles are taken, and the longest is the maximum', () => {
  const latencies = new Latencies(10)
  for (const ms of [5, 1, 30, 2, 4]) latencies.record(ms)
  expect(latencies.metrics()).toEqual({ p50Ms: 4, p99Ms: 30, p999Ms: 30, maxMs: 30 })
})

test('latencies beyond the room for them are left out, not written elsewhere', () => {
  const latencies = new Latencies(2)
  for (const ms of [1, 2, 99]) latencies.record(ms)
  expect(latencies.metrics()).toMatchObject({ maxMs: 2 })
})

test('cleared latencies are no metrics', () => {
  const latencies = new Latencies(2)
  latencies.record(1)
  latencies.clear()
  expect(latencies.metrics()).toEqual({})
})
