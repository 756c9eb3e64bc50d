/**
 * The tree of tables, drawn: a row for each run, the newest above, and in it a box for each table where its keys lie.
 *
 *     level 0   [======]     [====]
 *               [===================]
 *     level 1   [====][====][===]
 *
 * From left to right stand the bounds of all tables in the order of keys, evenly spaced: so what lies over what can be seen, whatever the
 * keys look like. The darker a box, the larger its table. Pure. Pinned by test/cli/svg.test.ts.
 */
import { bytesToTyped } from '../byte-text'
import { bytesText, countText } from '../figures'
import type { TreeReport, TreeTable } from '../../storage/inspect/tree'
import { COLOURS, escapeText } from './plot'

const WIDTH = 960
const LEFT = 110
const RIGHT = 20
const TOP = 44
const ROW = 22
const BOX = 16
const LEVEL_GAP = 12
const FADED_MIN = 0.25
const KEY_CHARS_MAX = 40

/** The picture. */
export function drawTree(report: TreeReport): string {
  const drawn = report.levels.flatMap(({ runs }) => runs.flatMap(({ tables }) => tables))
  const place = placesOf(drawn)
  const largest = drawn.reduce((most, { bytes }) => Math.max(most, bytes), 1)
  const body: string[] = []
  let y = TOP
  for (const { level, runs, bytes, tables } of report.levels) {
    body.push(`<text x="10" y="${y + 12}" font-weight="600">level ${level}</text>`)
    body.push(`<text x="10" y="${y + 26}" font-size="10">${escapeText(bytesText(bytes))}, ${countText(tables)}</text>`)
    const colour = COLOURS[level % COLOURS.length]!
    for (const run of runs) {
      body.push(...run.tables.map((table) => boxOf(table, { place, y, colour, share: table.bytes / largest })))
      y += ROW
    }
    y += LEVEL_GAP + (runs.length === 1 ? ROW / 2 : 0)
  }
  const title = `${countText(report.tables)} tables, ${bytesText(report.bytes)}, ${countText(report.entries)} entries`
  return framed(title, body, y + LEVEL_GAP)
}

interface BoxOptions {
  readonly place: (bound: Uint8Array | undefined) => number
  readonly y: number
  readonly colour: string
  /** Of the largest table. */
  readonly share: number
}

function boxOf(table: TreeTable, { place, y, colour, share }: BoxOptions): string {
  const from = place(table.start)
  const width = Math.max(1, place(table.end) - from - 1)
  const end = table.end === undefined ? 'the last key' : bytesToTyped(table.end, KEY_CHARS_MAX)
  const about = `table ${table.number}: ${bytesText(table.bytes)}, ${countText(table.entries)} entries, from ${bytesToTyped(table.start, KEY_CHARS_MAX)} to ${end}`
  const opacity = (FADED_MIN + (1 - FADED_MIN) * share).toFixed(2)
  const shape = `x="${from.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${BOX}" fill="${colour}" fill-opacity="${opacity}" stroke="${colour}"`
  return `<rect ${shape}><title>${escapeText(about)}</title></rect>`
}

/** Where a bound stands; the end that is none stands behind all. */
function placesOf(tables: readonly TreeTable[]): (bound: Uint8Array | undefined) => number {
  const nameOf = (bound: Uint8Array): string => Buffer.from(bound).toString('latin1')
  const bounds = new Set(tables.flatMap(({ start, end }) => (end === undefined ? [start] : [start, end])).map(nameOf))
  const isOpen = tables.some(({ end }) => end === undefined)
  const rankByName = new Map([...bounds].sort(compareTexts).map((name, rank) => [name, rank]))
  const steps = Math.max(1, bounds.size - 1 + (isOpen ? 1 : 0))
  const step = (WIDTH - LEFT - RIGHT) / steps
  return (bound) => LEFT + step * (bound === undefined ? steps : rankByName.get(nameOf(bound))!)
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function framed(title: string, body: readonly string[], height: number): string {
  const font = 'font-family="system-ui, sans-serif" font-size="12"'
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" ${font}>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="10" y="22" font-size="14" font-weight="600">${escapeText(title)}</text>`,
    ...body,
    '</svg>',
    '',
  ].join('\n')
}
