/**
 * The learned index of a table, drawn: where each separator stands and what the segments say of it, and how far off they are.
 *
 * Pure: figures in (storage/inspect/table-model.ts), SVG text out. Pinned by test/cli/svg.test.ts.
 */
import type { ModelPoint, TableModel } from '../../storage/inspect/table-model'
import { plotToSvg, stackPlots } from './plot'
import type { Series } from './plot'

/** How far off each prediction is. */
export function modelErrorPlot(title: string, name: string, points: readonly ModelPoint[]): string {
  const series = [{ name, points: points.map(({ position, error }) => [position, error] as const) }]
  return plotToSvg({ title, xLabel: 'block', yLabel: 'predicted - actual', series, asDots: true })
}

/** Both: the fit above, its errors below. `name` is what the titles call the table. */
export function drawTableModel(model: TableModel, name: string): string {
  const { points, lines, blocks, measures, isStored } = model
  const least = Math.min(points[0]?.number ?? 0, lines[0]?.from.number ?? 0)
  const greatest = Math.max(points.at(-1)?.number ?? 0, lines.at(-1)?.to.number ?? 0)
  // Numbers have 48 bits: as shares of the table's own range they can be read.
  const share = (number: number): number => (number - least) / Math.max(1, greatest - least)
  const series: Series[] = [
    { name: 'separators', asDots: true, points: points.map(({ number, position }) => [share(number), position]) },
    ...lines.map(({ from, to }, i) => ({
      name: i === 0 ? 'segments' : '',
      points: [
        [share(from.number), from.position],
        [share(to.number), to.position],
      ] as const,
    })),
  ]
  const origin = isStored ? 'as stored' : 'fitted for this picture'
  const fit = plotToSvg({
    title: `${name}: ${lines.length} ${lines.length === 1 ? 'segment' : 'segments'} for ${blocks} blocks, ${origin}`,
    xLabel: "key, as a share of the table's range of keys",
    yLabel: 'block',
    series,
  })
  const title = `Prediction error: ${measures.largestError} at most, ${measures.meanError.toFixed(2)} on average`
  return stackPlots([fit, modelErrorPlot(title, 'separators', points)])
}
