/**
 * Plots as SVG text: lines, dots and bars on linear or logarithmic axes. Pure; nothing but what the commands and the pages of this
 * repository need.
 *
 * Colours are those that people who see few of them can tell apart (Okabe and Ito). Pinned by test/cli/svg.test.ts.
 */

/** A line through points, or dots at them. */
export interface Series {
  /** In the legend, unless it is empty. */
  readonly name: string
  readonly points: readonly (readonly [x: number, y: number])[]
  /** Whether it is dots; what the plot says unless given. */
  readonly asDots?: boolean
}

/** One plot. */
export interface Plot {
  readonly title: string
  readonly xLabel: string
  readonly yLabel: string
  readonly series: readonly Series[]
  readonly isLogX?: boolean
  readonly isLogY?: boolean
  readonly asDots?: boolean
}

/** Bars in groups. */
export interface BarPlot {
  readonly title: string
  readonly yLabel: string
  readonly groups: readonly { readonly name: string; readonly values: readonly (number | undefined)[] }[]
  readonly names: readonly string[]
  readonly isLogY?: boolean
}

/** For drawings that are no plots, too. */
export const COLOURS = [
  '#0072b2',
  '#e69f00',
  '#009e73',
  '#d55e00',
  '#cc79a7',
  '#56b4e9',
  '#999933',
  '#332288',
  '#000000',
]
const [WIDTH, HEIGHT] = [760, 320]
const MARGIN = { left: 70, right: 150, top: 34, bottom: 46 }

/** Text between two tags. Characters that XML cannot hold are no part of any text that is shown. */
export function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

/** Maps values to places between two ends. */
function scale(
  values: readonly number[],
  from: number,
  to: number,
  isLog: boolean,
): { at: (value: number) => number; ticks: number[] } {
  // prettier-ignore
  const usable = values.filter((value) => Number.isFinite(value) && (!isLog || value > 0))
  const greatest = Math.max(...usable, isLog ? 1 : 0)
  if (isLog) {
    const [low, high] = [Math.floor(Math.log10(Math.min(...usable, greatest))), Math.ceil(Math.log10(greatest) + 1e-9)]
    const span = Math.max(1, high - low)
    const ticks = Array.from({ length: span + 1 }, (_, i) => 10 ** (low + i))
    return { at: (value) => from + ((Math.log10(Math.max(value, 10 ** low)) - low) / span) * (to - from), ticks }
  }
  const least = Math.min(...usable, 0)
  const rough = (greatest - least) / 5 || 1
  const unit = 10 ** Math.floor(Math.log10(rough))
  const step = unit * ([1, 2, 5, 10].find((factor) => factor * unit >= rough) ?? 10)
  const ticks: number[] = []
  for (let i = Math.ceil(least / step); i * step <= greatest * 1.0001; i++) ticks.push(i * step)
  return { at: (value) => from + ((value - least) / (greatest - least || 1)) * (to - from), ticks }
}

function tickText(value: number): string {
  if (value >= 1e6) return `${value / 1e6}M`
  if (value >= 1e3) return `${value / 1e3}k`
  return String(Number(value.toPrecision(6)))
}

function frame(title: string, body: readonly string[]): string {
  const font = 'font-family="system-ui, sans-serif" font-size="12"'
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" ${font}>`
  const background = `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`
  const heading = `<text x="${MARGIN.left}" y="20" font-size="14" font-weight="600">${escapeText(title)}</text>`
  return [head, background, heading, ...body, '</svg>', ''].join('\n')
}

function yAxis(axis: { at: (value: number) => number; ticks: number[] }, label: string): string[] {
  const right = WIDTH - MARGIN.right
  const middle = (HEIGHT - MARGIN.bottom + MARGIN.top) / 2
  return [
    ...axis.ticks.map((tick) => {
      const y = axis.at(tick).toFixed(1)
      return `<line x1="${MARGIN.left}" x2="${right}" y1="${y}" y2="${y}" stroke="#dddddd"/><text x="${MARGIN.left - 6}" y="${y}" dy="4" text-anchor="end">${tickText(tick)}</text>`
    }),
    `<text transform="translate(16 ${middle}) rotate(-90)" text-anchor="middle">${escapeText(label)}</text>`,
  ]
}

function legend(names: readonly string[]): string[] {
  let rows = 0
  return names.flatMap((name, i) => {
    if (name === '') return []
    const y = MARGIN.top + 8 + 18 * rows++
    const x = WIDTH - MARGIN.right + 14
    return `<rect x="${x}" y="${y - 8}" width="12" height="10" fill="${COLOURS[i % COLOURS.length]!}"/><text x="${x + 18}" y="${y + 1}">${escapeText(name)}</text>`
  })
}

/** Plots one below the other, as one picture. */
export function stackPlots(svgs: readonly string[]): string {
  const height = HEIGHT * svgs.length
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}">`
  const parts = svgs.map((svg, i) => `<svg x="0" y="${HEIGHT * i}" width="${WIDTH}" height="${HEIGHT}">\n${svg}</svg>`)
  return [head, ...parts, '</svg>', ''].join('\n')
}

/** A plot of lines or dots. */
export function plotToSvg(plot: Plot): string {
  const points = plot.series.flatMap((series) => series.points)
  const x = scale(points.map(([value]) => value), MARGIN.left, WIDTH - MARGIN.right, plot.isLogX === true) // prettier-ignore
  const y = scale(points.map(([, value]) => value), HEIGHT - MARGIN.bottom, MARGIN.top, plot.isLogY === true) // prettier-ignore
  const bottom = HEIGHT - MARGIN.bottom
  const body = yAxis(y, plot.yLabel)
  for (const tick of x.ticks) {
    body.push(`<text x="${x.at(tick).toFixed(1)}" y="${bottom + 18}" text-anchor="middle">${tickText(tick)}</text>`)
  }
  body.push(`<text x="${(MARGIN.left + WIDTH - MARGIN.right) / 2}" y="${HEIGHT - 8}" text-anchor="middle">${escapeText(plot.xLabel)}</text>`) // prettier-ignore
  plot.series.forEach((series, i) => {
    const colour = COLOURS[i % COLOURS.length]!
    const places = series.points.map(([px, py]) => `${x.at(px).toFixed(1)},${y.at(py).toFixed(1)}`)
    if (series.asDots ?? plot.asDots === true)
      body.push(...places.map((place) => `<circle cx="${place.split(',')[0]!}" cy="${place.split(',')[1]!}" r="1" fill="${colour}"/>`)) // prettier-ignore
    else body.push(`<polyline points="${places.join(' ')}" fill="none" stroke="${colour}" stroke-width="1.6"/>`)
  })
  return frame(plot.title, [...body, ...legend(plot.series.map(({ name }) => name))])
}

/** A plot of bars in groups. */
export function barsToSvg(plot: BarPlot): string {
  const values = plot.groups.flatMap((group) => group.values.filter((value) => value !== undefined))
  const y = scale(values, HEIGHT - MARGIN.bottom, MARGIN.top, plot.isLogY === true)
  const bottom = HEIGHT - MARGIN.bottom
  const body = yAxis(y, plot.yLabel)
  const wide = (WIDTH - MARGIN.left - MARGIN.right) / Math.max(1, plot.groups.length)
  const bar = (wide * 0.8) / Math.max(1, plot.names.length)
  plot.groups.forEach((group, i) => {
    const left = MARGIN.left + wide * (i + 0.1)
    group.values.forEach((value, j) => {
      if (value === undefined) return
      const top = y.at(value)
      body.push(`<rect x="${(left + bar * j).toFixed(1)}" y="${top.toFixed(1)}" width="${(bar * 0.92).toFixed(1)}" height="${Math.max(0, bottom - top).toFixed(1)}" fill="${COLOURS[j % COLOURS.length]!}"/>`) // prettier-ignore
    })
    body.push(`<text x="${(left + wide * 0.4).toFixed(1)}" y="${bottom + 18}" text-anchor="middle" font-size="10">${escapeText(group.name)}</text>`) // prettier-ignore
  })
  return frame(plot.title, [...body, ...legend(plot.names)])
}
