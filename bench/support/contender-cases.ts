/**
 * What is measured of each contender: reads and scans over a loaded database, commits, loads; the same code for all.
 *
 * Durability is equal on both sides of every ratio. A commit is 'durable' (on disk when acknowledged) or 'relaxed' (with the
 * operating system, so that it survives the death of the process). A load is relaxed while it runs and counts until every
 * byte is on disk: at its end every file is synced, whoever wrote it. Values do not compress and differ in each write, because an
 * engine may skip a write that changes nothing.
 */
import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { diskBytes } from './bench-directory'
import { withProcessorTime } from './case-contract'
import type { CaseSet, MeasureOptions } from './case-contract'
import { runClients } from './closed-loop'
import type { Contender, ContenderDurability, OpenContender } from './contender'
import type { Sample } from './figures'
import { VALUE_BYTES, createRandom, keyOf, shuffledOrdinals } from './keys'
import { drawRequests, isValue, measureReads, measureScans, nextKey } from './requests'
import type { Reader, Requests } from './requests'

const ROWS_PER_TRANSACTION = 1_000
const SEED = 7
const POOL_BYTES = 1 << 20
/** Odd, so that values begin everywhere in the pool. */
const POOL_STRIDE = 127
const SCAN_ROWS = 100
const CLIENTS_MAX = 256
const KEYS_PER_CLIENT = 1_024
const MIB = 1024 * 1024

const pool = randomBytes(POOL_BYTES)

/** A value that does not compress; neighbouring numbers give different ones. */
function valueOf(number: number): Uint8Array {
  const at = (number * POOL_STRIDE) % (POOL_BYTES - VALUE_BYTES)
  return pool.subarray(at, at + VALUE_BYTES)
}

/** Reads and scans over one loaded database. */
export async function openReadCases(openContender: OpenContender, options: MeasureOptions): Promise<CaseSet> {
  const { rows } = options
  const contender = await openLoaded(openContender, options, 'os')
  await contender.settle()
  const requests = drawRequests(rows)
  const cases = new Map<string, (ms: number) => Promise<Sample>>()
  const { getSync, getBorrowed, get, scanRows, scanPages } = contender
  for (const distribution of ['uniform', 'zipfian'] as const) {
    const asked = requests[distribution]
    if (getSync !== undefined) cases.set(`get-sync-${distribution}`, (ms) => measureReads(asked, ms, synchronous(getSync))) // prettier-ignore
    if (getBorrowed !== undefined) cases.set(`get-borrowed-${distribution}`, (ms) => measureReads(asked, ms, synchronous(getBorrowed))) // prettier-ignore
    if (get !== undefined) cases.set(`get-${distribution}`, (ms) => measureReads(asked, ms, asynchronous(get)))
  }
  if (scanRows !== undefined) cases.set('scan-rows', (ms) => measureShortScans(requests.uniform, ms, scanRows))
  if (scanPages !== undefined) cases.set('scan-pages', (ms) => measureShortScans(requests.uniform, ms, scanPages))
  return { run: (name, ms) => runNamed(cases, name, ms), close: async () => contender.close() }
}

function synchronous(get: (key: string) => Uint8Array | undefined): Reader {
  return (keys, from, to) => {
    let found = 0
    for (let index = from; index < to; index++) found += isValue(get(keys[index]!))
    return found
  }
}

function asynchronous(get: (key: string) => Promise<Uint8Array | undefined>): Reader {
  return async (keys, from, to) => {
    let found = 0
    for (let index = from; index < to; index++) found += isValue(await get(keys[index]!))
    return found
  }
}

function measureShortScans(
  requests: Requests,
  ms: number,
  scan: (from: string, rows: number) => number | Promise<number>,
): Promise<Sample> {
  return measureScans(ms, () => async () => scan(nextKey(requests), SCAN_ROWS))
}

/** Commits of closed-loop clients on keys of their own, all over two loaded databases: one durable, one relaxed. */
export async function openCommitCases(openContender: OpenContender, options: MeasureOptions): Promise<CaseSet> {
  const keysByClient = clientKeys(options.rows)
  const contenders: Contender[] = []
  const cases = new Map<string, (ms: number) => Promise<Sample>>()
  for (const [kind, durability] of [
    ['durable', 'sync'],
    ['relaxed', 'os'],
  ] as const) {
    const contender = await openLoaded(openContender, options, durability)
    contenders.push(contender)
    await contender.settle()
    for (const clients of [1, 16, 64, CLIENTS_MAX]) {
      cases.set(`${kind}-${clients}`, (ms) => measureCommits(contender, keysByClient.slice(0, clients), ms))
    }
  }
  const close = async (): Promise<void> => {
    for (const contender of contenders) await contender.close()
  }
  return { run: (name, ms) => runNamed(cases, name, ms), close }
}

/** Random keys for each client, no two clients with the same one. */
function clientKeys(rows: number): string[][] {
  const random = createRandom(SEED)
  const share = Math.floor(rows / CLIENTS_MAX)
  if (share < 2) throw new Error(`Cannot give ${CLIENTS_MAX} clients keys of their own out of ${rows}`)
  return Array.from({ length: CLIENTS_MAX }, (_, client) =>
    Array.from({ length: KEYS_PER_CLIENT }, () => keyOf(client + CLIENTS_MAX * Math.floor(random() * share))),
  )
}

function measureCommits(contender: Contender, keysByClient: readonly string[][], ms: number): Promise<Sample> {
  const clients = keysByClient.length
  const alone = clients === 1 ? contender.commitAlone : undefined
  const commit = alone ?? contender.commit.bind(contender)
  let written = 0
  return runClients(clients, ms, async (client, turn, latencies) => {
    const keys = keysByClient[client]!
    const sinceMs = performance.now()
    await commit(keys[turn % KEYS_PER_CLIENT]!, keys[(turn + 1) % KEYS_PER_CLIENT]!, valueOf(written++))
    latencies.record(performance.now() - sinceMs)
  })
}

/** One load of an empty database, in random or ascending order; then what it takes on disk. For a process of its own. */
export function openLoadCases(openContender: OpenContender, options: MeasureOptions): Promise<CaseSet> {
  const { directory, rows } = options
  const measure = async (load: (contender: Contender) => Promise<void>): Promise<Sample> => {
    const contender = await openContender(directory, { durability: 'os', rows })
    const sinceMs = performance.now()
    await load(contender)
    syncFiles(directory)
    const seconds = (performance.now() - sinceMs) / 1000
    await contender.settle()
    const restMiB = diskBytes(directory) / MIB
    await contender.compact()
    await contender.close()
    return { count: rows, perSecond: rows / seconds, restMiB, closedMiB: diskBytes(directory) / MIB }
  }
  const cases = new Map<string, (ms: number) => Promise<Sample>>([
    ['load-random', () => measure((contender) => loadRandom(contender, rows))],
    ['load-sorted', () => measure(async (contender) => contender.loadSorted(ascendingRows(rows)))],
  ])
  return Promise.resolve({ run: (name, ms) => runNamed(cases, name, ms), close: () => Promise.resolve() })
}

async function openLoaded(
  openContender: OpenContender,
  { directory, rows }: MeasureOptions,
  durability: ContenderDurability,
): Promise<Contender> {
  const place = path.join(directory, durability)
  mkdirSync(place)
  const loading = await openContender(place, { durability: 'os', rows })
  await loadRandom(loading, rows)
  if (durability === 'os') return loading
  await loading.close()
  return openContender(place, { durability, rows })
}

async function loadRandom(contender: Contender, rows: number): Promise<void> {
  const ordinals = shuffledOrdinals(rows, createRandom(SEED))
  for (let row = 0; row < rows; row += ROWS_PER_TRANSACTION) {
    const batch = ordinals.subarray(row, row + ROWS_PER_TRANSACTION)
    const keys = Array.from(batch, keyOf)
    const values = Array.from(batch, valueOf)
    await contender.putMany(keys, values)
  }
}

function* ascendingRows(rows: number): Generator<readonly [string, Uint8Array]> {
  for (let ordinal = 0; ordinal < rows; ordinal++) yield [keyOf(ordinal), valueOf(ordinal)]
}

function syncFiles(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue
    const file = openSync(path.join(entry.parentPath, entry.name), 'r')
    fsyncSync(file)
    closeSync(file)
  }
}

async function runNamed(
  cases: ReadonlyMap<string, (ms: number) => Promise<Sample>>,
  name: string,
  ms: number,
): Promise<Sample> {
  // prettier-ignore
  const workload = name.slice(name.indexOf('/') + 1)
  const measure = cases.get(workload)
  if (measure === undefined) throw new Error(`Cannot measure "${name}": this engine has no such way`)
  return withProcessorTime(() => measure(ms), 'count')
}
