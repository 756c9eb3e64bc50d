/** The whole tool, from the command line to the tables, on small cases of every process: real directories, real commits. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import type { Run } from '../../../bench/support/conductor'

const repository = path.resolve(__dirname, '../../..')
const run = promisify(execFile)
let directory: string

beforeEach(() => {
  directory = mkdtempSync(path.join(repository, 'node_modules', '.bench-test-'))
})
afterEach(() => {
  rmSync(directory, { recursive: true, force: true })
})

async function smoke(...options: string[]): Promise<string> {
  const tool = ['-r', 'ts-node/register/transpile-only', path.join('bench', 'smoke.ts')]
  const { stdout } = await run(process.execPath, [...tool, ...options], { cwd: repository })
  return stdout
}

test('cases of every process are measured, written, printed, and leave nothing behind', async () => {
  const json = path.join(directory, 'run.json')
  const cases = ['raw-thread', 'durable-16', 'counter-64', 'get-zipfian', 'scan-100-pages', 'load']
  const only = cases.flatMap((name) => ['--only', name])
  const place = path.join(directory, 'place')
  const size = ['--rounds', '2', '--sample-ms', '40', '--rows', '3000']
  const printed = await smoke(...size, ...only, '--json', json, '--directory', place)

  const { rounds } = JSON.parse(readFileSync(json, 'utf8')) as Run
  expect(rounds).toHaveLength(2)
  for (const { samplesByCase } of rounds) {
    for (const name of cases) expect(samplesByCase[name]?.['perSecond']).toBeGreaterThan(0)
    expect(samplesByCase['limit-get-zipfian']?.['perSecond']).toBeGreaterThan(0)
    expect(samplesByCase['durable-16']?.['commitsPerSync']).toBeGreaterThanOrEqual(1)
    expect(samplesByCase['get-zipfian']?.['inTables']).toBeCloseTo(0.5, 5)
  }
  for (const title of ['Rates', 'The log', 'Latency of commits, ms', 'Memory', 'Targets', 'Rounds']) {
    expect(printed).toContain(title)
  }
  expect(readdirSync(place)).toEqual([])

  const again = await smoke('--from', json, '--markdown')
  expect(again).toContain('| durable, 16 clients |')
}, 180_000)

test('a case that does not exist is refused before anything is measured', async () => {
  await expect(smoke('--only', 'nothing')).rejects.toThrow('Cannot measure "nothing"')
})
