/** What the long benchmarks show, their targets on either side of the bound, and the tools themselves on few rows. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import type { Run } from '../../../bench/support/conductor'
import type { Sample } from '../../../bench/support/figures'
import { LARGE_TARGETS, OPEN_LOOP_TARGETS, largeTablesOf, openLoopTablesOf } from '../../../bench/support/long-report'
import type { Table } from '../../../bench/support/report'
import { judge } from '../../../bench/support/targets'

const repository = path.resolve(__dirname, '../../..')

function runOf(samplesByCase: Readonly<Record<string, Sample>>): Run {
  return {
    machine: { processor: 'a processor', processors: 2, node: 'v20.0.0', platform: 'linux x64' },
    begun: '2026-01-01T00:00:00.000Z',
    sampleMs: 0,
    rows: 1_000,
    rounds: [{ samplesByCase, loadBefore: 0, loadAfter: 0 }],
  }
}

function tableOf(tables: readonly Table[], title: string): Table | undefined {
  return tables.find((table) => table.title === title)
}

test.each([
  ['load', 'amplification', 10, 'write amplification, the log apart'],
  ['load', 'spaceOfLive', 1.15, 'space at rest'],
  ['crashed', 'msPer100MiB', 1_000, 'open after kill -9'],
  ['reads', 'blocksPresent', 1.05, 'get of a key that is there'],
  ['reads', 'blocksAbsent', 0.05, 'get of a key that is not'],
  ['compact', 'loopDelayP99Ms', 10, 'event-loop delay while compacting'],
])('of %s, %s is met up to %p and missed above', (of, metric, bound, name) => {
  const outcome = (value: number): string | undefined =>
    judge(runOf({ [of]: { [metric]: value } }), LARGE_TARGETS).find((verdict) => verdict.name === name)?.outcome
  expect([outcome(bound), outcome(bound * 1.01)]).toEqual(['met', 'missed'])
})

test('a commit that waited eleven milliseconds for storage misses the target of the open loop', () => {
  const [verdict] = judge(runOf({ 'open-loop': { stallLongestMs: 11 } }), OPEN_LOOP_TARGETS)
  expect(verdict).toMatchObject({ outcome: 'missed', reached: '11 (<= 10) ms, the longest' })
})

test('a table holds what was measured, with a dash where only another column was', () => {
  const tables = largeTablesOf(runOf({ clean: { openMs: 12 }, crashed: { openMs: 400, logMiB: 50, msPer100MiB: 800 } }))
  expect(tableOf(tables, 'Opening')?.rows).toEqual([
    ['log', '-', '50 MiB'],
    ['open', '12 ms', '400 ms'],
    ['open, for 100 MiB of log', '-', '800 ms'],
  ])
  expect(tableOf(tables, 'Data blocks')).toBeUndefined()
})

test('the open loop shows its latency beside what a sync takes', () => {
  const tables = openLoopTablesOf(runOf({ 'open-loop': { p999Ms: 5, syncP999Ms: 4 }, capacity: { perSecond: 100 } }))
  expect(tableOf(tables, 'Open loop')?.rows).toEqual([['p99.9', '5 ms']])
  expect(tableOf(tables, 'What a sync takes in the same minutes')?.rows).toEqual([['p99.9', '4 ms']])
  expect(tableOf(tables, 'Capacity, closed loop of 64 clients')?.rows).toEqual([['commits', '100 a second']])
})

describe('the tools', () => {
  let parent: string

  beforeEach(() => {
    parent = mkdtempSync(path.join(repository, 'node_modules', '.bench-test-'))
  })
  afterEach(() => {
    rmSync(parent, { recursive: true, force: true })
  })

  async function measured(tool: string, ...options: string[]): Promise<{ run: Run; printed: string }> {
    const [json, place] = [path.join(parent, 'run.json'), path.join(parent, 'place')]
    const command = ['-r', 'ts-node/register/transpile-only', path.join('bench', tool)]
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [...command, ...options, '--json', json, '--directory', place],
      { cwd: repository },
    )
    expect(readdirSync(place)).toEqual([])
    return { run: JSON.parse(readFileSync(json, 'utf8')) as Run, printed: stdout }
  }

  test('bench:large loads, reads, compacts, opens, is killed, and finds every acknowledged row', async () => {
    const { run, printed } = await measured('large.ts', '--rows', '3000')
    const samples = run.rounds[0]!.samplesByCase
    expect(Object.keys(samples)).toEqual(['load', 'reads', 'compact', 'clean', 'crashed'])
    expect(samples['load']).toMatchObject({ count: 3_000, flushes: 1 })
    expect(samples['load']?.['amplification']).toBeGreaterThan(0.5)
    expect(samples['load']?.['streamCommits']).toBeGreaterThan(0)
    expect(samples['reads']?.['blocksPresent']).toBeGreaterThanOrEqual(1)
    expect(samples['clean']?.['logRows']).toBe(0)
    expect(samples['crashed']?.['logRows']).toBeGreaterThan(0)
    expect(judge(run, LARGE_TARGETS).filter(({ outcome }) => outcome === 'not measured')).toEqual([])
    for (const title of ['Memory of the process', 'What others notice', 'Targets']) expect(printed).toContain(title)
  }, 180_000)

  test('bench:open-loop measures a capacity, then commits at a share of it', async () => {
    const { run } = await measured('open-loop.ts', '--rows', '3000', '--minutes', '0.01', '--capacity-seconds', '0.2')
    const { capacity, 'open-loop': openLoop } = run.rounds[0]!.samplesByCase
    expect(openLoop?.['meantPerSecond']).toBe(Math.max(1, Math.round(0.7 * (capacity?.['perSecond'] ?? NaN))))
    expect(openLoop?.['count']).toBeGreaterThan(0)
    expect(openLoop?.['syncP50Ms']).toBeGreaterThan(0)
    expect(judge(run, OPEN_LOOP_TARGETS).filter(({ outcome }) => outcome === 'not measured')).toEqual([])
  }, 180_000)
})
