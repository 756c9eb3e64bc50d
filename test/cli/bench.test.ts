/** The self-measurement measures everything, reports it, and leaves nothing behind. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { measureAll } from '../../src/cli/bench/measure'
import { benchParent } from '../../src/cli/bench/place'
import { measurementLine } from '../../src/cli/commands/bench'
import { runCommand, useDirectories } from './test-terminal'

const createDirectory = useDirectories()

test('gives a rate for each measurement, and removes its directory', async () => {
  const top = createDirectory()
  const { code, out, err } = await runCommand(['bench', path.join(top, 'data'), '--seconds=1', '--rows=500', '--json'])
  expect([code, err]).toEqual([0, ''])
  const { measurements } = JSON.parse(out) as { measurements: { name: string; perSecond: number; maxMs: number }[] }
  expect(measurements.map(({ name }) => name)).toEqual([
    'raw sync, before', 'commits, 1 at a time', 'commits, 16 at a time', 'commits, 64 at a time', 'raw sync, after',
    'gets, random keys', 'scans of 100 rows',
  ]) // prettier-ignore
  for (const { perSecond, maxMs } of measurements) {
    expect(perSecond).toBeGreaterThan(0)
    expect(maxMs).toBeGreaterThan(0)
  }
  expect(readdirSync(top)).toEqual([])
})

test('ends soon after Ctrl-C, and removes its directory', async () => {
  const top = createDirectory()
  const { code } = await runCommand(['bench', path.join(top, 'data'), '--seconds=3600'], {
    onOut: (_text, interrupt) => interrupt(),
  })
  expect(code).toBe(130)
  expect(readdirSync(top)).toEqual([])
})

test('an interruption in each of its steps ends it', async () => {
  for (let step = 0; step < 7; step++) {
    const abort = new AbortController()
    const measuring = measureAll({
      directory: createDirectory(),
      totalMs: 140,
      rows: 100,
      signal: abort.signal,
      onStep: (_what, done) => (done === step ? abort.abort(new Error(`in step ${step}`)) : undefined),
      onMeasured: () => undefined,
    })
    await expect(measuring).rejects.toThrow(`in step ${step}`)
  }
})

test('the directory is made beside the one that is named', () => {
  const top = createDirectory()
  mkdirSync(path.join(top, 'data'))
  writeFileSync(path.join(top, 'file'), '')
  expect(benchParent(path.join(top, 'data'))).toBe(top)
  expect(benchParent(path.join(top, 'not-yet'))).toBe(top)
  expect(() => benchParent(path.join(top, 'no', 'where'))).toThrow('there is no such directory')
  expect(() => benchParent(path.join(top, 'file'))).toThrow('there is no such directory')
})

test('a line of the report is a row of figures', () => {
  const measurement = { name: 'commits, 16 at a time', unit: 'commits', perSecond: 12345.6, p50Ms: 0.5, p99Ms: 2.25, maxMs: 31 } // prettier-ignore
  expect(measurementLine(measurement)).toBe('commits, 16 at a time       12,346 commits    500 us    2.3 ms     31 ms')
})
