/**
 * Draws the cycle of an abort report: each transaction stands above what has to come after it, and the last one leads back.
 *
 *   ╭─▶ alice
 *   │     │  read "bob" as it was before bob wrote it: it comes before bob
 *   │   bob
 *   │     │  read "alice" as it was before alice wrote it: it comes before alice
 *   ╰─────╯
 *
 * The demo and the shell draw with it. Pure; knows no databases. Pinned by test/cli/cycle-drawing.test.ts.
 */
import type { CycleEdge, SerializationReport, TxRef } from '../index'
import { bytesToTyped } from './byte-text'
import type { Paint } from './paint'

/** The most characters of a key that a drawing shows. */
const PLACE_CHARS_MAX = 60

/** The lines of the drawing; none for a report without a cycle (too old). */
export function drawCycle(report: SerializationReport, paint: Paint): string[] {
  if (report.cycle.length === 0) return []
  const { bold, dim, yellow } = paint
  const lines = report.cycle.flatMap((edge, index) => [
    `  ${yellow(index === 0 ? '╭─▶' : '│  ')} ${bold(nameOf(edge.from))}`,
    `  ${yellow('│')}     ${yellow('│')}  ${dim(`${because(edge)}: it comes before ${nameOf(edge.to)}`)}`,
  ])
  const isClosed = report.reason !== 'summary'
  return [...lines, isClosed ? `  ${yellow('╰─────╯')}` : `  ${yellow('╰─ ? ─╯')}`]
}

/** How drawings and explanations name a transaction: by its label, where it has one. */
export function nameOf({ id, label }: Pick<TxRef, 'id' | 'label'>): string {
  return label ?? (id === 0 ? 'a lone read' : `transaction ${id}`)
}

/** A key, a range, or nothing that is known, as text. */
export function placeText({ key, range }: Pick<CycleEdge, 'key' | 'range'>): string {
  if (key !== undefined) return textOf(key)
  if (range === undefined) return 'something'
  const end = range.end === undefined ? 'the last key' : textOf(range.end)
  return `the range from ${textOf(range.start)} to ${end}`
}

function because(edge: CycleEdge): string {
  const to = nameOf(edge.to)
  if (edge.kind === 'rw') return `read ${placeText(edge)} as it was before ${to} wrote it`
  if (edge.kind === 'ww') return `wrote ${placeText(edge)}, which ${to} overwrote`
  return `had committed when ${to} began`
}

function textOf(bytes: Uint8Array): string {
  return bytesToTyped(bytes, PLACE_CHARS_MAX)
}
