/**
 * What bench:peers measures, as data: engines, workloads, who has which, and what each has to reach against the fastest peer.
 *
 * A workload is measured of each engine in turn, so that what is compared was measured within seconds. Pinned by
 * test/unit/bench/peers.test.ts.
 */
import type { CaseEntry } from './catalogue'
import { selectCases } from './catalogue'

/** This store's name among the engines. */
export const OURS = 'strictkv'

/** One engine that is measured. */
export interface EngineEntry {
  readonly name: string
  /** Its module, from this directory. */
  readonly module: string
  /** How it does transactions, and what its durable and its relaxed commits promise. */
  readonly about: readonly [transactions: string, durable: string, relaxed: string]
  /** Workloads that it has no way of doing. */
  readonly lacks: readonly string[]
}

/** One thing that is measured of every engine that has it. */
export interface WorkloadEntry extends CaseEntry {
  /** What of ours it is compared with where we have no such thing ourselves. */
  readonly comparedWith?: string
  /** Workloads of peers that count as the same thing; only this one unless given. */
  readonly against?: readonly string[]
  /** The ratio to the fastest peer that has to be reached, and what to aim at then. */
  readonly reach?: number
  readonly aim?: number
}

const BORROWED = ['get-borrowed-uniform', 'get-borrowed-zipfian']

export const ENGINES: readonly EngineEntry[] = [
  {
    name: OURS,
    module: 'strictkv-contender',
    about: [
      'interactive (begin, awaited get, put, commit), concurrent, strictly serializable',
      "durability 'sync'",
      "durability 'os', synced within 100 ms",
    ],
    lacks: BORROWED,
  },
  {
    name: 'lmdb',
    module: '../peers/lmdb',
    about: [
      'serializable; a callback without awaits inside `transaction`, one at a time, batched by lmdb; `transactionSync` at 1 client',
      'overlappingSync: false: the promise resolves once it is flushed',
      'noSync and useWritemap: kept if the process dies, the file may be broken after a power cut',
    ],
    lacks: [],
  },
  {
    name: 'classic-level',
    module: '../peers/classic-level',
    about: ['none: a get, then a put on its own; no isolation', 'sync: true', 'sync: false'],
    lacks: BORROWED,
  },
  {
    name: 'better-sqlite3',
    module: '../peers/better-sqlite3',
    about: [
      'serializable; BEGIN IMMEDIATE, one at a time, blocking the event loop; more clients wait',
      'WAL, synchronous = FULL',
      'WAL, synchronous = NORMAL',
    ],
    lacks: [...BORROWED, 'get-uniform', 'get-zipfian'],
  },
]

const reads = { process: 'reads', unit: 'reads/s' }
const scans = { process: 'reads', unit: 'rows/s' }
const commits = { process: 'commits', unit: 'commits/s' }
const loads = { process: 'load', isAlone: true, unit: 'rows/s' } as const

/** Everything that is measured, in the order of the report. */
export const WORKLOADS: readonly WorkloadEntry[] = [
  { name: 'get-sync-zipfian', title: 'get, synchronous, zipfian', ...reads, reach: 1, aim: 2 },
  { name: 'get-sync-uniform', title: 'get, synchronous, uniform', ...reads, reach: 1, aim: 1.5 },
  { name: 'get-borrowed-zipfian', title: 'get, valid until the next, zipfian', ...reads, comparedWith: 'get-sync-zipfian' }, // prettier-ignore
  { name: 'get-borrowed-uniform', title: 'get, valid until the next, uniform', ...reads, comparedWith: 'get-sync-uniform' }, // prettier-ignore
  { name: 'get-zipfian', title: 'get, asynchronous, zipfian', ...reads, reach: 1, aim: 2 },
  { name: 'get-uniform', title: 'get, asynchronous, uniform', ...reads, reach: 1, aim: 1.5 },
  { name: 'scan-rows', title: 'scans of 100, row by row', ...scans, reach: 1, aim: 1.3 },
  { name: 'scan-pages', title: 'scans of 100, as pages', ...scans, against: ['scan-rows', 'scan-pages'], reach: 1.5, aim: 3 }, // prettier-ignore
  { name: 'load-random', title: 'load in random order, 1,000 rows a transaction', ...loads, reach: 0.7, aim: 1 },
  { name: 'load-sorted', title: 'load in ascending order', ...loads, reach: 1, aim: 2 },
  { name: 'durable-1', title: 'durable commits, 1 client', ...commits },
  { name: 'durable-16', title: 'durable commits, 16 clients', ...commits, reach: 2, aim: 5 },
  { name: 'durable-64', title: 'durable commits, 64 clients', ...commits, reach: 2, aim: 5 },
  { name: 'durable-256', title: 'durable commits, 256 clients', ...commits, reach: 2, aim: 5 },
  { name: 'relaxed-1', title: 'relaxed commits, 1 client', ...commits },
  { name: 'relaxed-16', title: 'relaxed commits, 16 clients', ...commits },
  { name: 'relaxed-64', title: 'relaxed commits, 64 clients', ...commits, reach: 1, aim: 2 },
  { name: 'relaxed-256', title: 'relaxed commits, 256 clients', ...commits },
]

/** The name of the case in which a workload is measured of an engine. */
export function caseNameOf(engine: string, workload: string): string {
  return `${engine}/${workload}`
}

/** The cases of the engines and workloads asked for; all engines, all workloads where none is named. Throws for unknown names. */
export function peerCases(engines: readonly string[], only: readonly string[]): CaseEntry[] {
  for (const name of engines) engineNamed(name)
  const measured = ENGINES.filter(({ name }) => engines.length === 0 || engines.includes(name))
  return selectCases(only, WORKLOADS).flatMap((workload) =>
    measured
      .filter(({ lacks }) => !lacks.includes(workload.name))
      .map(({ name }) => ({
        ...workload,
        name: caseNameOf(name, workload.name),
        process: `${workload.process}-${name}`,
      })),
  )
}

/** The module of an engine, from this directory. Throws if there is no such engine. */
export function moduleOf(engine: string): string {
  return engineNamed(engine).module
}

function engineNamed(name: string): EngineEntry {
  const found = ENGINES.find((engine) => engine.name === name)
  if (found === undefined) throw new Error(`Cannot measure "${name}": the engines are ${ENGINES.map((engine) => engine.name).join(', ')}`) // prettier-ignore
  return found
}
