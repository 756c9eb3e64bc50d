/** Plots are well-formed, show every series and bar, and escape what they are given. */
import { barsToSvg, plotToSvg } from '../../../bench/support/svg'

/** Every element is closed, or closes itself. */
function isWellFormed(svg: string): boolean {
  const open: string[] = []
  for (const [, closing, name, own] of svg.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)) {
    if (closing === '/') {
      if (open.pop() !== name) return false
    } else if (own === '') open.push(name!)
  }
  return open.length === 0
}

test('a plot of lines has one line a series, on linear and logarithmic axes', () => {
  const series = [
    { name: 'a < b', points: [[1, 1], [10, 5], [1000, 70]] as const }, // prettier-ignore
    { name: 'c & d', points: [[1, 3], [1000, 9]] as const }, // prettier-ignore
  ]
  for (const isLog of [false, true]) {
    const svg = plotToSvg({ title: 'x & y', xLabel: 'keys', yLabel: 'ns', series, isLogX: isLog, isLogY: isLog })
    expect(isWellFormed(svg)).toBe(true)
    expect(svg.match(/<polyline/g)).toHaveLength(2)
    expect(svg).toContain('a &lt; b')
    expect(svg).toContain('x &amp; y')
    expect(svg).not.toContain('NaN')
  }
})

test('a plot of dots has one dot a point', () => {
  const points = Array.from({ length: 50 }, (_, i) => [i, (i % 7) - 3] as const)
  const svg = plotToSvg({ title: 't', xLabel: 'x', yLabel: 'y', series: [{ name: 'errors', points }], asDots: true })
  expect(svg.match(/<circle/g)).toHaveLength(50)
  expect(isWellFormed(svg)).toBe(true)
})

test('a plot of bars has one bar a value, and none where there is no value', () => {
  const groups = [
    { name: 'one', values: [1, 2, undefined] },
    { name: 'two', values: [3, 4, 1000] },
  ]
  const svg = barsToSvg({ title: 't', yLabel: 'ns', groups, names: ['a', 'b', 'c'] })
  // Beside the bars: the background and a square for each name.
  expect(svg.match(/<rect/g)).toHaveLength(5 + 1 + 3)
  expect(isWellFormed(svg)).toBe(true)
})
