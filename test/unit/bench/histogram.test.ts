/** Percentiles of durations in constant memory. */
import { DurationHistogram } from '../../../bench/support/histogram'

test('percentiles are exact to a thousandth, the greatest is exact', () => {
  const histogram = new DurationHistogram()
  for (let turn = 1; turn <= 10_000; turn++) histogram.record(turn / 100)
  const { p50Ms, p99Ms, p999Ms, maxMs } = histogram.metrics()
  for (const [found, right] of [[p50Ms, 50], [p99Ms, 99], [p999Ms, 99.9]] as const) expect(Math.abs(found! / right - 1)).toBeLessThan(0.001) // prettier-ignore
  expect(maxMs).toBe(100)
})

test('durations from nothing to hours have their place', () => {
  const histogram = new DurationHistogram()
  for (const ms of [0, 0.0001, 7_200_000]) histogram.record(ms)
  expect(histogram.metrics()).toMatchObject({ maxMs: 7_200_000 })
  expect(histogram.metrics()['p50Ms']).toBeLessThan(0.001)
})

test('metrics carry a prefix where one is given; there are none of nothing', () => {
  const histogram = new DurationHistogram()
  expect(histogram.metrics('sync')).toEqual({})
  histogram.record(3)
  expect(Object.keys(histogram.metrics('sync'))).toEqual(['syncP50Ms', 'syncP99Ms', 'syncP999Ms', 'syncMaxMs'])
  histogram.clear()
  expect(histogram.metrics()).toEqual({})
  expect(histogram.count).toBe(0)
})
