/** Pictures are well-formed, show every series, bar, segment and table, and escape what they are given. */
import { drawTableModel } from '../../src/cli/svg/model-drawing'
import { barsToSvg, plotToSvg, stackPlots } from '../../src/cli/svg/plot'
import { drawTree } from '../../src/cli/svg/tree-drawing'
import { fitModel } from '../../src/learned/fit-model'
import { measureModel, predictionErrors, segmentLines } from '../../src/storage/inspect/table-model'
import type { TreeReport, TreeTable } from '../../src/storage/inspect/tree'

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

test('plots are put one below the other, and series of one plot may be dots or lines, named or not', () => {
  const dots = { name: 'dots', asDots: true, points: [[1, 1], [2, 2]] as const } // prettier-ignore
  const lines = [{ name: 'line', points: [[1, 1], [2, 2]] as const }, { name: '', points: [[2, 2], [3, 1]] as const }] // prettier-ignore
  const plot = plotToSvg({ title: 't', xLabel: 'x', yLabel: 'y', series: [dots, ...lines] })
  expect(plot.match(/<circle/g)).toHaveLength(2)
  expect(plot.match(/<polyline/g)).toHaveLength(2)
  // Two names in the legend, each with its colour.
  expect(plot.match(/width="12" height="10"/g)).toHaveLength(2)
  const stack = stackPlots([plot, plot])
  expect(isWellFormed(stack)).toBe(true)
  expect(stack.match(/<svg/g)).toHaveLength(5)
})

test('a learned index is drawn with a dot for each separator and a line for each segment', () => {
  const numbers = Float64Array.from({ length: 300 }, (_, i) => i * i)
  const model = fitModel(numbers, 4)
  const svg = drawTableModel(
    {
      file: '0000000007.table',
      blocks: numbers.length,
      isStored: true,
      fittedError: 4,
      segmentsByLevel: model.parts.segmentsByLevel,
      measures: measureModel(model, numbers),
      points: predictionErrors(model, numbers, 1000),
      lines: segmentLines(model),
    },
    'table <7>',
  )
  expect(isWellFormed(svg)).toBe(true)
  expect(svg).toContain('table &lt;7>')
  expect(svg.match(/<polyline/g)).toHaveLength(model.segments)
  expect(svg.match(/<circle/g)).toHaveLength(600)
  expect(svg).not.toContain('NaN')
})

describe('a tree', () => {
  const table = (number: number, start: string, end: string | undefined, bytes = 1000): TreeTable => ({
    number,
    file: `${number}.table`,
    bytes,
    entries: 10,
    firstSequence: 1,
    lastSequence: 2,
    start: Buffer.from(start),
    end: end === undefined ? undefined : Buffer.from(end),
    loadedAt: undefined,
    tablesBelow: 0,
    bytesBelow: 0,
  })
  const report = (runsByLevel: readonly (readonly (readonly TreeTable[])[])[]): TreeReport => ({
    store: { kind: 'store', directory: 'd', isInUse: false, manifest: 'm' },
    flushedThrough: 2,
    tables: runsByLevel.flat(2).length,
    bytes: 0,
    entries: 0,
    damages: [],
    levels: runsByLevel.map((runs, level) => ({
      level,
      tables: runs.flat().length,
      bytes: 0,
      entries: 0,
      runs: runs.map((tables, i) => ({ run: runs.length - i, bytes: 0, tables })),
    })),
  })
  /** Left and right of each box, by the number of its table. */
  const boxes = (svg: string): Map<number, [left: number, right: number, y: number]> =>
    new Map(
      [...svg.matchAll(/<rect x="([\d.]+)" y="(\d+)" width="([\d.]+)"[^>]*><title>table (\d+)/g)].map((match) => {
        const [x, y, width, number] = match.slice(1).map(Number) as [number, number, number, number]
        return [number, [x, x + width, y]]
      }),
    )

  test('has a box for each table where its keys lie, runs and levels below each other', () => {
    const svg = drawTree(
      report([
        [[table(3, 'b', 'q')], [table(1, 'a', 'c'), table(2, 'p', 'r')]],
        [[table(4, '', 'b'), table(5, 'b', 'p'), table(6, 'p', undefined)]],
      ]),
    )
    expect(isWellFormed(svg)).toBe(true)
    const found = boxes(svg)
    expect([...found.keys()].sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6])
    const [left, right, y] = [0, 1, 2].map((i) => (number: number) => found.get(number)![i]!)
    // 3 overlaps 1 and 2, and lies above them; 4, 5 and 6 lie side by side below all.
    expect(left!(3)).toBeLessThan(right!(1))
    expect(right!(3)).toBeGreaterThan(left!(2))
    expect(right!(4)).toBeLessThanOrEqual(left!(5))
    expect(right!(5)).toBeLessThanOrEqual(left!(6))
    expect(right!(6)).toBeGreaterThan(right!(2))
    expect(y!(3)).toBeLessThan(y!(1))
    expect(y!(1)).toBe(y!(2))
    expect(y!(2)).toBeLessThan(y!(4))
  })

  test('may be empty, and shows hostile keys escaped', () => {
    expect(isWellFormed(drawTree(report([])))).toBe(true)
    const svg = drawTree(report([[[table(1, '<&"\x00\xff', undefined)]]]))
    expect(isWellFormed(svg)).toBe(true)
    expect(svg).toContain('&lt;&amp;')
    expect(svg).not.toContain('\x00')
  })
})
