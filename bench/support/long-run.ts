/**
 * A run in one go, not in rounds: named samples, taken one after the other, with the machine they were taken on.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { withBenchDirectory } from './bench-directory'
import { machineNow } from './conductor'
import type { Run } from './conductor'
import type { Sample } from './figures'
import { circumstancesOf } from './report'
import type { Table } from './report'
import { printReport } from './terminal'

/** Where a run comes from and goes to. */
interface LongRunOptions {
  readonly rows: number
  readonly directory: string | undefined
  readonly from: string | undefined
  readonly json: string | undefined
  readonly markdown: boolean
}

/** Measures in a directory of its own, or takes what was kept; keeps it where asked; prints. */
export async function runLong(
  options: LongRunOptions,
  measure: (directory: string) => Promise<Readonly<Record<string, Sample>>>,
  tablesOf: (run: Run) => Table[],
): Promise<void> {
  const { from, json, markdown } = options
  const run = from === undefined ? await measured(options, measure) : (JSON.parse(readFileSync(from, 'utf8')) as Run)
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(run, undefined, 1)}\n`)
  printReport(circumstancesOf(run), tablesOf(run), markdown)
}

async function measured(
  { rows, directory }: LongRunOptions,
  measure: (directory: string) => Promise<Readonly<Record<string, Sample>>>,
): Promise<Run> {
  const begun = new Date().toISOString()
  const loadBefore = loadavg()[0]!
  const samplesByCase = await withBenchDirectory(directory, measure)
  const round = { samplesByCase, loadBefore, loadAfter: loadavg()[0]! }
  return { machine: machineNow(), begun, sampleMs: 0, rows, rounds: [round] }
}
