/**
 * Turns a run into tables: for a terminal, and as Markdown for docs/PERFORMANCE.md. Pure.
 *
 * Pinned by test/unit/bench/report.test.ts.
 */
import type { CaseEntry } from './catalogue'
import { CASES } from './catalogue'
import type { Run } from './conductor'
import { median, spreadOf, spreadOfMetric } from './figures'
import type { Sample, Spread } from './figures'
import { judge, shown } from './targets'
import type { Verdict } from './targets'

/** A table: a title, column heads, rows. */
export interface Table {
  readonly title: string
  readonly heads: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** A sync below this is one of a disk that answers from its cache or flash, above it one that a host delays. */
const FAST_SYNC_MS = 1

/** Everything worth printing of a run, in order; tables without rows are left out. */
export function tablesOf(run: Run): Table[] {
  return [
    rateTable(run),
    logTable(run),
    latencyTable(run),
    memoryTable(run),
    verdictTable(judge(run)),
    roundTable(run),
  ].filter((table) => table.rows.length > 0)
}

/** Where and how it was measured, one fact a line. */
export function circumstancesOf(run: Run): string[] {
  const { machine, rounds } = run
  const loads = rounds.flatMap((round) => [round.loadBefore, round.loadAfter])
  return [
    `${machine.processor}, ${machine.processors} processors, Node ${machine.node}, ${machine.platform}`,
    `begun ${run.begun}; ${run.sampleMs === 0 ? '' : `${rounds.length} rounds, ${run.sampleMs} ms a case; `}${shown(run.rows)} rows loaded`,
    `load of the machine (1-minute mean, this run included): ${shown(Math.min(...loads))} to ${shown(Math.max(...loads))}`,
  ]
}

/** The samples of a case, round by round. */
export function samplesOf(run: Run, name: string): Sample[] {
  return run.rounds.map(({ samplesByCase }) => samplesByCase[name]).filter((sample) => sample !== undefined)
}

function measuredCases(run: Run): CaseEntry[] {
  return CASES.filter((entry) => samplesOf(run, entry.name).length > 0)
}

/** A metric as `median (min-max)`; empty where it was not measured. */
export function cell(samples: readonly Sample[], metric: string): string {
  return spreadText(spreadOfMetric(samples, metric))
}

/** A spread as `median (min-max)`. */
export function spreadText(spread: Spread | undefined): string {
  if (spread === undefined) return ''
  return spread.rounds === 1
    ? shown(spread.median)
    : `${shown(spread.median)} (${shown(spread.min)}-${shown(spread.max)})`
}

function rateTable(run: Run): Table {
  const rows = measuredCases(run).map((entry) => {
    const samples = samplesOf(run, entry.name)
    const limit = limitOf(run, entry)
    return [
      entry.title,
      `${cell(samples, 'perSecond')} ${entry.unit}`,
      limit === undefined ? '' : shown(limit.perSecond),
      limit === undefined ? '' : limit.share,
      cell(samples, 'cpuMicroseconds'),
    ]
  })
  return { title: 'Rates', heads: ['what', 'median (min-max)', 'limit/s', 'of the limit', 'CPU us each'], rows }
}

/** The limit's median, and the median share of it round by round. */
function limitOf(run: Run, entry: CaseEntry): { perSecond: number; share: string } | undefined {
  const limits: number[] = []
  const shares: number[] = []
  for (const { samplesByCase } of run.rounds) {
    const sample = samplesByCase[entry.name]
    const limit = sample?.['limitPerSecond'] ?? samplesByCase[entry.limit ?? '']?.['perSecond']
    if (sample === undefined || limit === undefined) continue
    limits.push(limit)
    if (sample['unsteady'] === undefined) shares.push((sample['perSecond'] ?? 0) / limit)
  }
  const perSecond = median(limits)
  if (perSecond === undefined) return undefined
  const share = spreadOf(shares)
  return {
    perSecond,
    share: share === undefined ? 'unsteady disk' : `${shown(share.median)}${droppedRounds(limits, shares)}`,
  }
}

function droppedRounds(limits: readonly number[], shares: readonly number[]): string {
  const dropped = limits.length - shares.length
  return dropped === 0 ? '' : ` (${dropped} unsteady left out)`
}

function logTable(run: Run): Table {
  const metrics = [
    'commitsPerSync',
    'syncsPerSecond',
    'syncsOfLimit',
    'logBytesPerCommit',
    'flushes',
    'stalls',
    'aborts',
  ]
  return {
    title: 'The log',
    heads: ['what', 'commits per sync', 'syncs/s', 'of the raw rate', 'log bytes each', 'flushes', 'stalls', 'aborts'],
    rows: metricRows(run, 'syncsPerSecond', metrics),
  }
}

function latencyTable(run: Run): Table {
  const table = { title: 'Latency of commits, ms', heads: ['what', 'p50', 'p99', 'p99.9', 'max'] }
  return { ...table, rows: metricRows(run, 'p50Ms', ['p50Ms', 'p99Ms', 'p999Ms', 'maxMs']) }
}

function metricRows(run: Run, present: string, metrics: readonly string[]): string[][] {
  return measuredCases(run).flatMap((entry) => {
    const samples = samplesOf(run, entry.name)
    if (spreadOfMetric(samples, present) === undefined) return []
    return [[entry.title, ...metrics.map((metric) => cell(samples, metric))]]
  })
}

function memoryTable(run: Run): Table {
  const samples = samplesOf(run, 'load')
  const heads = ['MiB per million rows', 'heap', 'external', 'array buffers, shared ones too', 'resident set']
  if (samples.length === 0) return { title: 'Memory', heads, rows: [] }
  const row = (title: string, prefix: string): string[] => [
    title,
    ...['HeapMiB', 'ExternalMiB', 'ArrayBuffersMiB', 'RssMiB'].map((metric) => cell(samples, prefix + metric)),
  ]
  return {
    title: 'Memory',
    heads,
    rows: [row('in the memtable', 'memtable'), row('in tables, after a flush', 'tables')],
  }
}

/** How it stands against targets. */
export function verdictTable(verdicts: readonly Verdict[]): Table {
  const rows = verdicts.map(({ name, outcome, reached }) => [name, outcome, reached])
  return { title: 'Targets', heads: ['what', 'outcome', 'reached'], rows }
}

function roundTable(run: Run): Table {
  const rows = run.rounds.map(({ samplesByCase, loadBefore, loadAfter }, index) => {
    const syncs = ['raw-thread', 'raw-inline', 'raw-pool'].map((name) => samplesByCase[name]?.['msPerSync'])
    return [
      String(index + 1),
      ...syncs.map((ms) => (ms === undefined ? '' : `${shown(ms)} (${ms < FAST_SYNC_MS ? 'fast' : 'slow'})`)),
      `${shown(loadBefore)} to ${shown(loadAfter)}`,
    ]
  })
  return { title: 'Rounds', heads: ['round', 'ms a sync: I/O thread', 'inline', 'shared pool', 'load'], rows }
}

/** A table with columns side by side. */
export function tableToText({ title, heads, rows }: Table): string {
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column]!.length)))
  const line = (cells: readonly string[]): string => cells.map((text, column) => text.padEnd(widths[column]!)).join('  ').trimEnd() // prettier-ignore
  return [title, line(heads), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}

/** The same in Markdown. */
export function tableToMarkdown({ title, heads, rows }: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [`### ${title}`, '', line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n')
}
