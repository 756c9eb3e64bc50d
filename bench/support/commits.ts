/**
 * Commits: durable and relaxed, alone and by many clients, on distinct keys and on one; and the raw disk beside them.
 *
 * Each durable sample stands between two short raw measurements in the same mode and under the same load, because a disk
 * on a shared machine changes its speed from one second to the next: a ratio to a raw rate of another minute says nothing.
 *
 *     | raw, a quarter | clients ............ | raw, a quarter |      limitPerSecond = mean of the two
 *
 * A sample whose two raw rates differ by more than RAW_DRIFT_MAX is `unsteady`: it is counted, and left out of ratios.
 */
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { open } from 'strictkv'
import type { Database } from 'strictkv'
import { withProcessorTime } from './case-contract'
import type { CaseSet, MeasureOptions } from './case-contract'
import { logMetrics, runClients, withBusyPool } from './closed-loop'
import type { ClientStep } from './closed-loop'
import type { Sample } from './figures'
import { VALUE_BYTES, keyOf } from './keys'
import { RawDisk } from './raw-disk'
import type { RawMode } from './raw-disk'

const CLIENTS_MAX = 256
const KEYS_PER_CLIENT = 64
const BUSY_JOBS = 4
const RAW_DRIFT_MAX = 2
const COUNTER = 'counter'
const value = Buffer.alloc(VALUE_BYTES, 0x76)
const keysByClient = Array.from({ length: CLIENTS_MAX }, (_, client) =>
  Array.from({ length: KEYS_PER_CLIENT }, (_, turn) => keyOf(client * KEYS_PER_CLIENT + turn)),
)

/** The three databases of this process, by how they commit. */
type DatabaseKind = 'thread' | 'inline' | 'os'

/** How a case differs from "durable, in the thread, reading one key and writing one". */
interface CommitCase {
  readonly clients: number
  readonly database?: DatabaseKind
  readonly isolation?: 'snapshot'
  readonly isPoolBusy?: true
  readonly step?: (db: Database) => ClientStep
}

const CASES = new Map<string, CommitCase>([
  ['durable-1', { clients: 1 }],
  ['durable-1-inline', { clients: 1, database: 'inline' }],
  ['durable-16', { clients: 16 }],
  ['durable-64', { clients: 64 }],
  ['durable-256', { clients: 256 }],
  ['durable-64-pbkdf2', { clients: 64, isPoolBusy: true }],
  ['durable-64-snapshot', { clients: 64, isolation: 'snapshot' }],
  ['counter-64', { clients: 64, step: countByHand }],
  ['counter-64-transact', { clients: 64, step: countByTransact }],
  ['os-1', { clients: 1, database: 'os' }],
  ['os-64', { clients: 64, database: 'os' }],
  ['os-64-snapshot', { clients: 64, database: 'os', isolation: 'snapshot' }],
])

/** The cases of process 'commits'. */
export async function openCommitCases(options: MeasureOptions): Promise<CaseSet> {
  const disk = await RawDisk.open(options.directory)
  const databases = new Map<DatabaseKind, Database>()
  for (const kind of ['thread', 'inline', 'os'] as const) databases.set(kind, await openDatabase(options, kind))
  const run = (name: string, ms: number): Promise<Sample> => {
    if (name.startsWith('raw-')) return measureRaw(disk, name.slice('raw-'.length) as RawMode, ms)
    const commitCase = CASES.get(name)
    if (commitCase === undefined) throw new Error(`Cannot measure "${name}": no case of commits has that name`)
    const measure = (): Promise<Sample> => measureCommits(disk, databases.get(commitCase.database ?? 'thread')!, commitCase, ms) // prettier-ignore
    return commitCase.isPoolBusy === true ? withBusyPool(BUSY_JOBS, measure) : measure()
  }
  const close = async (): Promise<void> => {
    for (const db of databases.values()) await db.close()
    await disk.close()
  }
  return { run, close }
}

async function openDatabase(options: MeasureOptions, kind: DatabaseKind): Promise<Database> {
  const directory = path.join(options.directory, kind)
  mkdirSync(directory)
  const db = await open(directory, {
    durability: kind === 'os' ? 'os' : 'sync',
    logMode: kind === 'inline' ? 'inline' : 'thread',
  })
  await db.transact((tx) => {
    for (const key of keysByClient.flat()) tx.put(key, value)
    tx.put(COUNTER, '0')
  })
  return db
}

async function measureRaw(disk: RawDisk, mode: RawMode, ms: number): Promise<Sample> {
  const perSecond = await disk.rate(mode, ms)
  return { perSecond, msPerSync: 1000 / perSecond }
}

async function measureCommits(disk: RawDisk, db: Database, commitCase: CommitCase, ms: number): Promise<Sample> {
  const { database = 'thread', clients } = commitCase
  const step = (commitCase.step ?? readOneWriteOne(commitCase.isolation))(db)
  const rawMode = database === 'inline' ? 'inline' : 'thread'
  const raw = (): Promise<number> => disk.rate(rawMode, ms / 4, database !== 'os')
  // What earlier samples left to be written is written before, not during, this one.
  await db.flush()
  const before = await raw()
  const counterBefore = await readCounter(db)
  const statsBefore = db.stats()
  const runAll = (): Promise<Sample> => runClients(clients, ms, step)
  // The processor time of the application's own jobs is none of the commits'.
  const sample = await (commitCase.isPoolBusy === true ? runAll() : withProcessorTime(runAll, 'count'))
  const metrics = logMetrics(statsBefore, db.stats(), sample)
  const after = await raw()
  if (commitCase.step !== undefined) await checkCounter(db, counterBefore + (sample['count'] ?? 0))
  return { ...metrics, ...limitMetrics(before, after, metrics), clients }
}

function limitMetrics(before: number, after: number, metrics: Sample): Sample {
  const limitPerSecond = (before + after) / 2
  if (Math.max(before, after) > RAW_DRIFT_MAX * Math.min(before, after)) return { limitPerSecond, unsteady: 1 }
  return {
    limitPerSecond,
    ofLimit: (metrics['perSecond'] ?? 0) / limitPerSecond,
    syncsOfLimit: (metrics['syncsPerSecond'] ?? 0) / limitPerSecond,
  }
}

/** Reads one key of the client's own, writes another. */
function readOneWriteOne(isolation: 'snapshot' | undefined): (db: Database) => ClientStep {
  const options = isolation === undefined ? undefined : { isolation }
  return (db) => async (client, turn, latencies) => {
    const keys = keysByClient[client]!
    const tx = db.begin(options)
    const found = await tx.get(keys[turn % KEYS_PER_CLIENT]!)
    if (found?.length !== VALUE_BYTES) throw new Error('A key that was written has no value')
    tx.put(keys[(turn + 1) % KEYS_PER_CLIENT]!, value)
    const sinceMs = performance.now()
    await tx.commit()
    latencies.record(performance.now() - sinceMs)
  }
}

function countByHand(db: Database): ClientStep {
  return async (_client, _turn, latencies) => {
    const tx = db.begin()
    const count = Number(await tx.getForUpdate(COUNTER))
    tx.put(COUNTER, String(count + 1))
    const sinceMs = performance.now()
    await tx.commit()
    latencies.record(performance.now() - sinceMs)
  }
}

function countByTransact(db: Database): ClientStep {
  return async (_client, _turn, latencies) => {
    const sinceMs = performance.now()
    await db.transact(async (tx) => {
      tx.put(COUNTER, String(Number(await tx.getForUpdate(COUNTER)) + 1))
    })
    latencies.record(performance.now() - sinceMs)
  }
}

async function readCounter(db: Database): Promise<number> {
  return Number(await db.get(COUNTER))
}

/** A rate of wrong results is worth nothing. */
async function checkCounter(db: Database, expected: number): Promise<void> {
  const found = await readCounter(db)
  if (found !== expected) throw new Error(`The counter stands at ${found}, but ${expected} were acknowledged`)
}
