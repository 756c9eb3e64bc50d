/** What a report shows of a run, and that it invents nothing. */
import type { Run } from '../../../bench/support/conductor'
import type { Sample } from '../../../bench/support/figures'
import { circumstancesOf, tableToMarkdown, tableToText, tablesOf } from '../../../bench/support/report'
import type { Table } from '../../../bench/support/report'

function runOf(...rounds: Readonly<Record<string, Sample>>[]): Run {
  return {
    machine: { processor: 'a processor', processors: 2, node: 'v20.0.0', platform: 'linux x64' },
    begun: '2026-01-01T00:00:00.000Z',
    sampleMs: 100,
    rows: 1_000,
    rounds: rounds.map((samplesByCase, index) => ({ samplesByCase, loadBefore: index, loadAfter: index + 0.5 })),
  }
}

function tableOf(run: Run, title: string): Table | undefined {
  return tablesOf(run).find((table) => table.title === title)
}

test('a rate is shown as median and spread, beside the limit of the same sample', () => {
  const round = (perSecond: number): Record<string, Sample> => ({ 'durable-1': { perSecond, limitPerSecond: 1_000 } })
  const rates = tableOf(runOf(round(600), round(500), round(900)), 'Rates')
  expect(rates?.rows).toEqual([['durable, 1 client', '600 (500-900) commits/s', '1,000', '0.6', '']])
})

test('a limit measured by another case is taken from the same round', () => {
  const run = runOf(
    { 'scan-pages': { perSecond: 50 }, 'limit-scan-pages': { perSecond: 100 } },
    { 'scan-pages': { perSecond: 5 }, 'limit-scan-pages': { perSecond: 10 } },
  )
  expect(tableOf(run, 'Rates')?.rows.at(-1)?.slice(2, 4)).toEqual(['55', '0.5'])
})

test('rounds with an unsteady disk are left out of the share, and their number is shown', () => {
  const run = runOf(
    { 'durable-1': { perSecond: 60, limitPerSecond: 100 } },
    { 'durable-1': { perSecond: 60, limitPerSecond: 10, unsteady: 1 } },
  )
  expect(tableOf(run, 'Rates')?.rows[0]?.[3]).toBe('0.6 (1 unsteady left out)')
})

test('only what was measured has a row, and tables without rows are left out', () => {
  const titles = tablesOf(runOf({ 'raw-thread': { perSecond: 1, msPerSync: 1 } })).map(({ title }) => title)
  expect(titles).toEqual(['Rates', 'Targets', 'Rounds'])
})

test('each round shows in which speed the disk was', () => {
  const run = runOf({ 'raw-thread': { msPerSync: 0.1 } }, { 'raw-thread': { msPerSync: 4 } })
  expect(tableOf(run, 'Rounds')?.rows.map((row) => row[1])).toEqual(['0.1 (fast)', '4 (slow)'])
})

test('the circumstances name machine, time and load', () => {
  expect(circumstancesOf(runOf({}, {})).join('\n')).toMatch(/a processor.*v20.0.0[^]*2 rounds, 100 ms[^]*: 0 to 1.5$/)
})

test('tables are printed in columns, and as Markdown with one bar more than columns', () => {
  const table = { title: 'T', heads: ['what', 'rate'], rows: [['a long name', '1']] }
  expect(tableToText(table)).toBe('T\nwhat         rate\n-----------  ----\na long name  1')
  expect(tableToMarkdown(table)).toBe('### T\n\n| what | rate |\n| --- | --- |\n| a long name | 1 |')
})
