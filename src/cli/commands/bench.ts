/**
 * `strictkv bench [DIR]`: about a minute of measurements on this machine and this disk, as a report; everything is removed afterwards.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import path from 'node:path'
import type { Json } from '../answer'
import { answer, printLines } from '../answer'
import type { Measurement } from '../bench/measure'
import { measureAll } from '../bench/measure'
import { benchParent } from '../bench/place'
import type { Command, Invocation } from '../command'
import { EXIT_DONE } from '../exit-codes'
import { bytesText, countText, durationText } from '../figures'
import { countOption } from '../invocation'
import { packageVersion } from '../package-version'
import { startProgress } from '../progress'

const SECONDS_DEFAULT = 60
const SECONDS_MAX = 3600
const ROWS_DEFAULT = 500_000
const ROWS_MAX = 50_000_000

export const benchCommand: Command = {
  name: 'bench',
  summary: 'measure syncs, commits, gets and scans on this machine',
  positionals: ['[DIR]'],
  options: [
    {
      name: 'seconds',
      value: 'COUNT',
      about: `how long to measure, ${SECONDS_DEFAULT} unless given; loading comes on top`,
    },
    { name: 'rows', value: 'COUNT', about: `rows for gets and scans, ${ROWS_DEFAULT} unless given` },
  ],
  help: {
    about: [
      'Measures, in a temporary directory beside DIR (the current directory unless given), what the disk does by itself and what the store makes of it: raw syncs, commits by 1, 16 and 64 clients at a time, gets and scans. The directory is removed afterwards, after Ctrl-C too.',
      'The numbers of two runs can be compared if nothing else ran meanwhile and the raw syncs are alike: those before and after the commits show how steady the disk is. A commit is durable, so a lone client cannot make more of them than raw syncs; many clients share a sync.',
    ],
    examples: [
      { want: 'one minute on the disk of a database', line: 'strictkv bench ./data' },
      { want: 'a quick look', line: 'strictkv bench --seconds 10' },
    ],
  },
  run: async (invocation) => {
    const parent = benchParent(invocation.positionals[0] ?? path.join('.', 'bench'))
    const seconds = countOption(invocation, 'seconds', { min: 1, max: SECONDS_MAX }) ?? SECONDS_DEFAULT
    const rows = countOption(invocation, 'rows', { min: 1, max: ROWS_MAX }) ?? ROWS_DEFAULT
    const directory = mkdtempSync(path.join(parent, '.strictkv-bench-'))
    try {
      await measureIn(invocation, { directory, totalMs: seconds * 1000, rows })
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
    return EXIT_DONE
  },
}

async function measureIn(
  invocation: Invocation,
  where: { readonly directory: string; readonly totalMs: number; readonly rows: number },
): Promise<void> {
  const { terminal, json } = invocation
  if (!json) printLines(terminal, [`StrictKV ${packageVersion()}, ${machineText(terminal.nodeVersion)}`, '', HEADING])
  let progress = startProgress(invocation, { what: 'measuring', unit: 'steps' })
  const found = await measureAll({
    ...where,
    signal: terminal.signal,
    onStep: (what, done, steps) => {
      progress.end()
      progress = startProgress(invocation, { what, unit: 'steps' })
      progress.update(done, steps)
    },
    onMeasured: (measurement) => {
      progress.end()
      if (!json) printLines(terminal, [measurementLine(measurement)])
    },
  }).finally(() => progress.end())
  answer(invocation, { ...machine(terminal.nodeVersion), rows: where.rows, measurements: found.map(toJson) }, [])
}

const COLUMNS = [24, 18, 10, 10, 10] as const
const HEADING = row(['', 'per second', 'median', 'p99', 'longest'])

/** One line of the report. */
export function measurementLine({ name, unit, perSecond, p50Ms, p99Ms, maxMs }: Measurement): string {
  const times = [p50Ms, p99Ms, maxMs].map((ms) => durationText(ms))
  return row([name, `${countText(perSecond)} ${unit}`, ...times])
}

function row(cells: readonly string[]): string {
  const padded = cells.map((cell, index) => (index === 0 ? cell.padEnd(COLUMNS[0]) : cell.padStart(COLUMNS[index]!)))
  return padded.join('').trimEnd()
}

/** What the figures were measured on. */
type Machine = Readonly<Record<'version' | 'node' | 'processor', string> & Record<'cores' | 'memoryBytes', number>>

function machine(nodeVersion: string): Machine {
  const cores = cpus()
  return { version: packageVersion(), node: nodeVersion, cores: cores.length, processor: cores[0]?.model.trim() ?? 'unknown', memoryBytes: totalmem() } // prettier-ignore
}

function machineText(nodeVersion: string): string {
  const { cores, processor, memoryBytes } = machine(nodeVersion)
  return `Node ${nodeVersion}, ${cores} cores (${processor}), ${bytesText(memoryBytes)} of memory`
}

function toJson({ name, unit, perSecond, p50Ms, p99Ms, maxMs }: Measurement): Json {
  return { name, unit, perSecond: Math.round(perSecond), p50Ms, p99Ms, maxMs }
}
