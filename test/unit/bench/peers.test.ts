/** The comparison with other engines: its ratios, on figures made up, and the tool itself, on this store alone. */
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import type { Run } from '../../../bench/support/conductor'
import type { Sample } from '../../../bench/support/figures'
import { parsePeerOptions } from '../../../bench/support/options'
import { ENGINES, OURS, WORKLOADS, moduleOf, peerCases } from '../../../bench/support/peer-catalogue'
import { PEER_TARGETS, peerTablesOf, ratioToFastestPeer } from '../../../bench/support/peer-report'
import { judge } from '../../../bench/support/targets'

const repository = path.resolve(__dirname, '../../..')

/** Rates by case. */
function samplesOf(rates: Readonly<Record<string, number>>): Record<string, Sample> {
  return Object.fromEntries(Object.entries(rates).map(([name, perSecond]) => [name, { perSecond }]))
}

function runOf(...rounds: Readonly<Record<string, number>>[]): Run {
  return {
    machine: { processor: 'a processor', processors: 2, node: 'v20.0.0', platform: 'linux x64' },
    begun: '2026-01-01T00:00:00.000Z',
    sampleMs: 100,
    rows: 1_000,
    rounds: rounds.map((rates) => ({ samplesByCase: samplesOf(rates), loadBefore: 0, loadAfter: 0 })),
  }
}

function ratioOf(workload: string, rates: Readonly<Record<string, number>>): number | undefined {
  const entry = WORKLOADS.find(({ name }) => name === workload)!
  return ratioToFastestPeer(entry, samplesOf(rates))
}

test('the ratio is to the fastest peer, whoever that is', () => {
  expect(ratioOf('durable-16', { 'strictkv/durable-16': 60, 'lmdb/durable-16': 20, 'classic-level/durable-16': 30 })).toBe(2) // prettier-ignore
  expect(ratioOf('durable-16', { 'strictkv/durable-16': 60 })).toBeUndefined()
  expect(ratioOf('durable-16', { 'lmdb/durable-16': 20 })).toBeUndefined()
})

test('pages stand against the faster of both forms of a peer, row by row only against the same', () => {
  const rates = { 'strictkv/scan-pages': 60, 'strictkv/scan-rows': 30, 'lmdb/scan-pages': 10, 'lmdb/scan-rows': 20 }
  expect(ratioOf('scan-pages', rates)).toBe(3)
  expect(ratioOf('scan-rows', rates)).toBe(1.5)
})

test("a read that lends its answer stands against this store's read that gives it away, and is no target", () => {
  expect(ratioOf('get-borrowed-uniform', { 'strictkv/get-sync-uniform': 50, 'lmdb/get-borrowed-uniform': 100 })).toBe(0.5) // prettier-ignore
  expect(PEER_TARGETS.map(({ name }) => name)).not.toContain('get, valid until the next, uniform')
})

test('a target is judged by the median of the ratios within rounds', () => {
  const round = (ours: number, theirs: number): Record<string, number> => ({
    'strictkv/durable-64': ours,
    'lmdb/durable-64': theirs,
  })
  const verdictOn = (run: Run): string | undefined =>
    judge(run, PEER_TARGETS).find(({ name }) => name === 'durable commits, 64 clients')?.outcome
  // The machine became ten times slower after the first round: rates fall, ratios stay.
  expect(verdictOn(runOf(round(210, 100), round(21, 10)))).toBe('met')
  expect(verdictOn(runOf(round(190, 100), round(19, 10), round(900, 100)))).toBe('missed')
})

test('tables show who was measured, with a dash for what an engine does not have', () => {
  const run = runOf({ 'strictkv/get-uniform': 40, 'lmdb/get-uniform': 20, 'better-sqlite3/get-sync-uniform': 10 })
  const [rates] = peerTablesOf(run)
  expect(rates?.heads).toEqual(['what', 'strictkv', 'lmdb', 'better-sqlite3', 'strictkv / fastest peer'])
  expect(rates?.rows).toEqual([
    ['get, synchronous, uniform, reads/s', '-', '-', '10', ''],
    ['get, asynchronous, uniform, reads/s', '40', '20', '-', '2'],
  ])
  expect(
    peerTablesOf(run)
      .at(-1)
      ?.rows.map(([name]) => name),
  ).toEqual(['strictkv', 'lmdb', 'better-sqlite3'])
})

test('an engine is measured next to the others of the same workload, without what it lacks', () => {
  const names = peerCases([], ['get-uniform', 'durable-16']).map(({ name }) => name)
  expect(names).toEqual([
    ...['strictkv', 'lmdb', 'classic-level'].map((engine) => `${engine}/get-uniform`),
    ...ENGINES.map(({ name }) => `${name}/durable-16`),
  ])
  expect(() => peerCases(['leveldb'], [])).toThrow('"leveldb"')
  expect(() => peerCases([], ['durable-17'])).toThrow('"durable-17"')
})

test('every engine has its module, and what it lacks exists', () => {
  for (const { name, lacks } of ENGINES) {
    expect(existsSync(path.join(repository, 'bench', 'support', `${moduleOf(name)}.ts`))).toBe(true)
    for (const workload of lacks) expect(WORKLOADS.map((entry) => entry.name)).toContain(workload)
  }
})

test('the lock file of the other engines names no registry, and the builds of every platform, or npm ci refuses it', () => {
  const text = readFileSync(path.join(repository, 'bench', 'peers', 'package-lock.json'), 'utf8')
  expect(text).not.toContain('"resolved"')
  const { packages } = JSON.parse(text) as {
    packages: Record<string, { readonly optionalDependencies?: Record<string, string> }>
  }
  const builds = Object.values(packages).flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies))
  expect(builds.length).toBeGreaterThan(0)
  expect(builds.filter((name) => packages[`node_modules/${name}`] === undefined)).toEqual([])
})

test('--engine may be repeated, beside all options of rounds', () => {
  const options = parsePeerOptions(['--engine', 'lmdb', '--engine', OURS, '--rounds', '2'])
  expect(options).toMatchObject({ engines: ['lmdb', OURS], rounds: 2, rows: 1_000_000 })
})

test('this store is measured in every workload that it has, without any other engine installed', async () => {
  const parent = mkdtempSync(path.join(repository, 'node_modules', '.bench-test-'))
  try {
    const json = path.join(parent, 'run.json')
    const place = path.join(parent, 'place')
    const tool = ['-r', 'ts-node/register/transpile-only', path.join('bench', 'peers.ts')]
    const size = ['--rounds', '1', '--sample-ms', '40', '--rows', '3000', '--engine', OURS]
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [...tool, ...size, '--json', json, '--directory', place],
      { cwd: repository },
    )
    const { rounds } = JSON.parse(readFileSync(json, 'utf8')) as Run
    const cases = peerCases([OURS], [])
    for (const { name } of cases) expect(rounds[0]?.samplesByCase[name]?.['perSecond']).toBeGreaterThan(0)
    expect(cases).toHaveLength(WORKLOADS.length - 2)
    expect(rounds[0]?.samplesByCase['strictkv/load-random']?.['closedMiB']).toBeGreaterThan(0)
    expect(stdout).toContain('Disk at rest, MiB')
    expect(readdirSync(place)).toEqual([])
  } finally {
    rmSync(parent, { recursive: true, force: true })
  }
}, 180_000)
