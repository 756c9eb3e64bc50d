/**
 * Everything that bench:smoke measures, as data: which process measures it, what it is called, and what its limit is.
 *
 * Cases of one process share what is expensive to set up (a loaded database); a case of process 'load' gets a fresh process
 * each time, because what it measures is memory. What a case does is in the file named like its process.
 */

/** One thing that is measured, over and over. */
export interface CaseEntry {
  readonly name: string
  /** While one process measures, the others are idle. */
  readonly process: string
  /** Whether each sample gets a process of its own. */
  readonly isAlone?: true
  readonly title: string
  /** Of the metric `perSecond`. */
  readonly unit: string
  /** The case that measures the limit of this one, in the same round; samples that measure theirs themselves have `limitPerSecond`. */
  readonly limit?: string
}

const commits = 'commits' as const
const reads = 'reads' as const
const limits = 'limits' as const

/** All cases, in the order of the report. */
export const CASES: readonly CaseEntry[] = [
  { name: 'raw-thread', process: commits, title: 'raw: 4 KiB + fdatasync, I/O thread', unit: 'syncs/s' },
  { name: 'raw-inline', process: commits, title: 'raw: the same inline', unit: 'syncs/s' },
  { name: 'raw-pool', process: commits, title: 'raw: the same through the shared pool', unit: 'syncs/s' },
  { name: 'durable-1', process: commits, title: 'durable, 1 client', unit: 'commits/s' },
  { name: 'durable-1-inline', process: commits, title: 'durable, 1 client, logMode inline', unit: 'commits/s' },
  { name: 'durable-16', process: commits, title: 'durable, 16 clients', unit: 'commits/s' },
  { name: 'durable-64', process: commits, title: 'durable, 64 clients', unit: 'commits/s' },
  { name: 'durable-256', process: commits, title: 'durable, 256 clients', unit: 'commits/s' },
  { name: 'durable-64-pbkdf2', process: commits, title: 'durable, 64 clients, 4 pbkdf2 jobs', unit: 'commits/s' },
  {
    name: 'durable-64-snapshot',
    process: commits,
    title: 'durable, 64 clients, isolation snapshot',
    unit: 'commits/s',
  },
  { name: 'counter-64', process: commits, title: 'one counter, 64 clients, getForUpdate', unit: 'commits/s' },
  { name: 'counter-64-transact', process: commits, title: 'one counter, 64 clients, transact', unit: 'commits/s' },
  { name: 'os-1', process: commits, title: "durability 'os', 1 client", unit: 'commits/s' },
  { name: 'os-64', process: commits, title: "durability 'os', 64 clients", unit: 'commits/s' },
  { name: 'os-64-snapshot', process: commits, title: "durability 'os', 64 clients, isolation snapshot", unit: 'commits/s' }, // prettier-ignore
  { name: 'limit-get-sync-uniform', process: limits, title: 'limit: Map.get + copy, uniform', unit: 'reads/s' },
  { name: 'limit-get-sync-zipfian', process: limits, title: 'limit: Map.get + copy, zipfian', unit: 'reads/s' },
  { name: 'limit-get-uniform', process: limits, title: 'limit: the same, awaited, uniform', unit: 'reads/s' },
  { name: 'limit-get-zipfian', process: limits, title: 'limit: the same, awaited, zipfian', unit: 'reads/s' },
  { name: 'get-sync-uniform', process: reads, title: 'db.getSync, uniform', unit: 'reads/s', limit: 'limit-get-sync-uniform' }, // prettier-ignore
  { name: 'get-sync-zipfian', process: reads, title: 'db.getSync, zipfian', unit: 'reads/s', limit: 'limit-get-sync-zipfian' }, // prettier-ignore
  { name: 'get-uniform', process: reads, title: 'db.get, uniform', unit: 'reads/s', limit: 'limit-get-uniform' },
  { name: 'get-zipfian', process: reads, title: 'db.get, zipfian', unit: 'reads/s', limit: 'limit-get-zipfian' },
  { name: 'tx-get-sync-uniform', process: reads, title: 'tx.getSync, uniform', unit: 'reads/s', limit: 'limit-get-sync-uniform' }, // prettier-ignore
  { name: 'tx-get-sync-zipfian', process: reads, title: 'tx.getSync, zipfian', unit: 'reads/s', limit: 'limit-get-sync-zipfian' }, // prettier-ignore
  { name: 'tx-get-uniform', process: reads, title: 'tx.get, uniform', unit: 'reads/s', limit: 'limit-get-uniform' },
  { name: 'tx-get-zipfian', process: reads, title: 'tx.get, zipfian', unit: 'reads/s', limit: 'limit-get-zipfian' },
  { name: 'limit-scan-pages', process: limits, title: 'limit: pages of 256 copied rows', unit: 'rows/s' },
  { name: 'limit-scan-rows', process: limits, title: 'limit: copied rows one by one', unit: 'rows/s' },
  { name: 'scan-pages', process: reads, title: 'scan, pages(256)', unit: 'rows/s', limit: 'limit-scan-pages' },
  { name: 'scan-rows', process: reads, title: 'scan, row by row', unit: 'rows/s', limit: 'limit-scan-rows' },
  { name: 'scan-100-pages', process: reads, title: 'scans of 100 rows, pages(100)', unit: 'rows/s', limit: 'limit-scan-pages' }, // prettier-ignore
  { name: 'scan-100-rows', process: reads, title: 'scans of 100 rows, row by row', unit: 'rows/s', limit: 'limit-scan-rows' }, // prettier-ignore
  { name: 'tx-scan-100-pages', process: reads, title: 'scans of 100 rows in transactions, pages(100)', unit: 'rows/s', limit: 'limit-scan-pages' }, // prettier-ignore
  { name: 'load', process: 'load', isAlone: true, title: "load, random order, 1,000 rows a transaction, 'os'", unit: 'rows/s' }, // prettier-ignore
]

/** The entry of that name. Throws if there is none. */
export function caseNamed(name: string): CaseEntry {
  const found = CASES.find((entry) => entry.name === name)
  if (found === undefined) throw new Error(`Cannot measure "${name}": there is no such case`)
  return found
}

/**
 * The cases of `all` that `only` asks for, by name, beginning of a name, or process; with the limits they are shown beside.
 * All without it. Throws if no case is asked for so.
 */
export function selectCases(only: readonly string[], all: readonly CaseEntry[] = CASES): CaseEntry[] {
  if (only.length === 0) return [...all]
  for (const wanted of only) {
    if (!all.some((entry) => isAskedFor(entry, wanted))) throw new Error(`Cannot measure "${wanted}": there is no such case`) // prettier-ignore
  }
  const names = new Set<string>()
  for (const entry of all) {
    if (!only.some((wanted) => isAskedFor(entry, wanted))) continue
    names.add(entry.name)
    if (entry.limit !== undefined) names.add(entry.limit)
  }
  return all.filter((entry) => names.has(entry.name))
}

function isAskedFor(entry: CaseEntry, wanted: string): boolean {
  return entry.name === wanted || entry.process === wanted || entry.name.startsWith(`${wanted}-`)
}
