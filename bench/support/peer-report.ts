/**
 * Turns a run of bench:peers into tables: every engine beside the others, and this store's ratio to the fastest peer. Pure.
 *
 * A ratio is formed within a round, of what was measured within seconds, and is the median over the rounds. Pinned by
 * test/unit/bench/peers.test.ts.
 */
import type { Run } from './conductor'
import { spreadOf } from './figures'
import type { Spread } from './figures'
import { ENGINES, OURS, WORKLOADS, caseNameOf } from './peer-catalogue'
import type { EngineEntry, WorkloadEntry } from './peer-catalogue'
import { cell, samplesOf, spreadText, verdictTable } from './report'
import type { Table } from './report'
import { judge } from './targets'
import type { Samples, Target } from './targets'

const PEERS = ENGINES.filter(({ name }) => name !== OURS)

/** Everything worth printing of a run, in order; tables without rows are left out. */
export function peerTablesOf(run: Run): Table[] {
  const latency = (metric: string, title: string): Table => metricTable(run, metric, `${title} of commits, ms`)
  const tables = [
    rateTable(run),
    verdictTable(judge(run, PEER_TARGETS)),
    latency('p50Ms', 'Median latency'),
    latency('p999Ms', 'p99.9 latency'),
    metricTable(run, 'cpuMicroseconds', 'Processor time for each, us'),
    metricTable(run, 'restMiB', 'Disk at rest, MiB'),
    metricTable(run, 'closedMiB', 'Disk after compacting and closing, MiB'),
    aboutTable(run),
  ]
  return tables.filter((table) => table.rows.length > 0)
}

/** This store's rate over that of the fastest peer, in one round; undefined where either was not measured. */
export function ratioToFastestPeer(workload: WorkloadEntry, samples: Samples): number | undefined {
  const rate = (engine: string, name: string): number | undefined => samples[caseNameOf(engine, name)]?.['perSecond']
  const ours = rate(OURS, workload.comparedWith ?? workload.name)
  const names = workload.against ?? [workload.name]
  const peers = PEERS.flatMap((peer) => names.flatMap((name) => rate(peer.name, name) ?? []))
  return ours === undefined || peers.length === 0 ? undefined : ours / Math.max(...peers)
}

/** The ratios that performance has to reach. */
export const PEER_TARGETS: readonly Target[] = WORKLOADS.flatMap((workload) => {
  const { title, reach, aim } = workload
  if (reach === undefined) return []
  const text = `x the fastest peer${aim === undefined ? '' : `; aim ${String(aim)}`}`
  const value = (samples: Samples): number | undefined => ratioToFastestPeer(workload, samples)
  return [{ name: title, alternatives: [[{ text, atLeast: reach, value }]] }]
})

function ratioOf(run: Run, workload: WorkloadEntry): Spread | undefined {
  return spreadOf(run.rounds.flatMap(({ samplesByCase }) => ratioToFastestPeer(workload, samplesByCase) ?? []))
}

function enginesOf(run: Run): EngineEntry[] {
  return ENGINES.filter(({ name }) => WORKLOADS.some((workload) => samplesOf(run, caseNameOf(name, workload.name)).length > 0)) // prettier-ignore
}

function rateTable(run: Run): Table {
  const table = metricTable(run, 'perSecond', 'Rates')
  const titles = new Map(WORKLOADS.map((workload) => [workload.title, workload]))
  const rows = table.rows.map((row) => {
    const workload = titles.get(row[0]!)!
    return [`${row[0]!}, ${workload.unit}`, ...row.slice(1), spreadText(ratioOf(run, workload))]
  })
  return { ...table, heads: [...table.heads, `${OURS} / fastest peer`], rows }
}

function metricTable(run: Run, metric: string, title: string): Table {
  const engines = enginesOf(run)
  const rows = WORKLOADS.flatMap((workload) => {
    const cells = engines.map(({ name }) => cell(samplesOf(run, caseNameOf(name, workload.name)), metric))
    return cells.every((text) => text === '') ? [] : [[workload.title, ...cells.map((text) => (text === '' ? '-' : text))]] // prettier-ignore
  })
  return { title, heads: ['what', ...engines.map(({ name }) => name)], rows }
}

function aboutTable(run: Run): Table {
  const heads = ['engine', 'transactions', 'durable', 'relaxed']
  return { title: 'What is promised', heads, rows: enginesOf(run).map(({ name, about }) => [name, ...about]) }
}
