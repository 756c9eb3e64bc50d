/**
 * Conducts a run: starts the processes, has each case measured once per round, in interleaved order, and collects.
 *
 *     warm-up:  a short sample of every case, thrown away
 *     round 1:  a b c d ...     round 2:  b c d ... a     round 3:  c d ... a b      (nothing is always first)
 *
 * One process measures at a time; the others wait for orders and use no processor. The load of the machine is noted with each
 * round: figures of a busy machine are worth as much as that says.
 */
import { mkdirSync, mkdtempSync } from 'node:fs'
import { availableParallelism, cpus, loadavg } from 'node:os'
import path from 'node:path'
import type { CaseEntry } from './catalogue'
import type { Sample } from './figures'
import { MeasuringChild } from './measuring-child'

/** Where it ran. */
export interface Machine {
  readonly processor: string
  readonly processors: number
  readonly node: string
  readonly platform: string
}

/** One round of every case. */
export interface Round {
  readonly samplesByCase: Readonly<Record<string, Sample>>
  /** Processes that wanted to run, mean of the last minute, before and after. Two of them or so are this run. */
  readonly loadBefore: number
  readonly loadAfter: number
}

/** Everything that was measured. */
export interface Run {
  readonly machine: Machine
  readonly begun: string
  /** How long a case was measured; 0 where each took as long as it took. */
  readonly sampleMs: number
  readonly rows: number
  readonly rounds: readonly Round[]
}

/** How to run. */
export interface ConductOptions {
  readonly cases: readonly CaseEntry[]
  readonly rounds: number
  readonly sampleMs: number
  readonly warmUpMs: number
  readonly rows: number
  readonly directory: string
  readonly onProgress: (text: string) => void
  /** The module of the processes that measure, in this directory; `measuring-process` unless given. */
  readonly module?: string
  /** What those processes find in their environment beside what this one has. */
  readonly environment?: Readonly<Record<string, string>>
}

/** Runs everything. Rejects with the first failure of any case. */
export async function conduct(options: ConductOptions): Promise<Run> {
  const { cases, rounds, sampleMs, warmUpMs, rows } = options
  const processes = new Map<string, MeasuringChild>()
  const begun = new Date().toISOString()
  const measured: Round[] = []
  try {
    for (const name of new Set(cases.flatMap((entry) => (entry.isAlone === true ? [] : entry.process)))) {
      options.onProgress(`setting up ${name}`)
      processes.set(name, await startChild(name, options))
    }
    const measure = async (entry: CaseEntry, ms: number): Promise<Sample> => {
      const process = processes.get(entry.process)
      return process === undefined ? measureAlone(entry, ms, options) : process.measure(entry.name, ms)
    }
    for (const entry of cases) if (processes.has(entry.process)) await measure(entry, warmUpMs)
    for (let round = 0; round < rounds; round++) {
      const loadBefore = loadavg()[0]!
      const samplesByCase: Record<string, Sample> = {}
      for (const [index, entry] of rotated(cases, round).entries()) {
        options.onProgress(`round ${round + 1} of ${rounds}: ${entry.name} (${index + 1} of ${cases.length})`)
        samplesByCase[entry.name] = await measure(entry, sampleMs)
      }
      measured.push({ samplesByCase, loadBefore, loadAfter: loadavg()[0]! })
    }
  } finally {
    for (const process of processes.values()) await process.end()
  }
  return { machine: machineNow(), begun, sampleMs, rows, rounds: measured }
}

/** `cases` with another one first in each round. */
export function rotated<T>(cases: readonly T[], round: number): T[] {
  const first = cases.length === 0 ? 0 : round % cases.length
  return [...cases.slice(first), ...cases.slice(0, first)]
}

/** A process of that name with a directory of its own. */
function startChild(name: string, options: ConductOptions): Promise<MeasuringChild> {
  mkdirSync(options.directory, { recursive: true })
  const directory = mkdtempSync(path.join(options.directory, `${name}-`))
  const { rows, environment = {} } = options
  return MeasuringChild.start(options.module ?? 'measuring-process', { process: name, directory, rows }, environment)
}

async function measureAlone(entry: CaseEntry, ms: number, options: ConductOptions): Promise<Sample> {
  const process = await startChild(entry.process, options)
  try {
    return await process.measure(entry.name, ms)
  } finally {
    await process.end()
  }
}

/** The machine that this runs on. */
export function machineNow(): Machine {
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    processors: availableParallelism(),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
  }
}
