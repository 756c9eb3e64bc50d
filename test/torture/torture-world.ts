/**
 * Where the torture suite runs: a database in a real directory, and one on the disk in memory; both so small that a few
 * hundred commits are frozen, flushed and merged through several levels.
 *
 * A test speaks to the public interface alone. `crash` ends a life without `close`: in memory the process or the power goes,
 * on the real disk there is no such thing within one process, so crashes are tried in memory (and, with real processes, by
 * test/crash).
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { LimitName } from '../../src/base/limits'
import type { BytesInput, Database, Durability, ScanOptions, Snapshot, Transaction } from '../../src/index'
import { open } from '../../src/index'
import { openLsmDatabase } from '../support/harness/lsm-database'
import type { ImageChoice } from '../support/memory-runtime/durable-image'
import { createMemoryRuntime } from '../support/memory-runtime/memory-runtime'

const KiB = 1024

/** Limits near the least that are allowed. */
export const TORTURE_LIMITS: Partial<Record<LimitName, number>> = {
  memtableBytesMax: 64 * KiB,
  walBytesMax: 1024 * KiB,
  segmentBytesMin: 64 * KiB,
  segmentBytesMax: 256 * KiB,
  transactionBytesMax: 512 * KiB,
  blockBytes: 512,
  blockCacheBytesMax: 128 * KiB,
  tableBytesMax: 32 * KiB,
  levelBytesBase: 64 * KiB,
  levelSizeRatio: 2,
  reserveBytes: 0,
  manifestRoomBytes: 32 * KiB,
  mergeSliceBytes: 8 * KiB,
}

/** How a database of a world is opened, beside its limits. */
export interface WorldOptions {
  readonly limits?: Partial<Record<LimitName, number>>
  readonly durability?: Durability
}

/** A place for one database. */
export interface TortureWorld {
  /** Opens the database, creating it the first time. */
  open(options?: WorldOptions): Promise<Database>
  /** Closes what is open, and opens again. */
  reopen(options?: WorldOptions): Promise<Database>
  /** Closes what is open and removes everything. */
  end(): Promise<void>
}

/** A database in a directory of its own, removed at the end. */
export function createRealWorld(): TortureWorld {
  const directory = mkdtempSync(path.join(tmpdir(), 'strictkv-torture-'))
  return createWorld(
    ({ limits, ...options }) => open(path.join(directory, 'db'), { ...TORTURE_LIMITS, ...limits, ...options }),
    () => rmSync(directory, { recursive: true, force: true }),
  )
}

/** A world in memory, which can be crashed. */
export interface MemoryTortureWorld extends TortureWorld {
  /** Ends the present life as `choice` says ('everything': the process died; else the power went), and opens what is left. */
  crash(choice: ImageChoice, options?: WorldOptions): Promise<Database>
}

/** A database on the disk in memory. */
export function createMemoryWorld(seed = 1): MemoryTortureWorld {
  let runtime = createMemoryRuntime({ seed })
  const world = createWorld(
    ({ limits, ...options }) => openLsmDatabase(runtime, '/db', { limits: { ...TORTURE_LIMITS, ...limits }, ...options }), // prettier-ignore
    () => undefined,
  )
  return {
    ...world,
    crash(choice, options) {
      runtime.crash()
      runtime = createMemoryRuntime({ seed, files: runtime.durableImage(choice) })
      return world.open(options)
    },
  }
}

function createWorld(opening: (options: WorldOptions) => Promise<Database>, remove: () => void): TortureWorld {
  let current: Database | undefined
  const world: TortureWorld = {
    async open(options = {}) {
      current = await opening(options)
      return current
    },
    async reopen(options) {
      await current?.close()
      return world.open(options)
    },
    async end() {
      await current?.close()
      remove()
    },
  }
  return world
}

/** The worlds every group runs in. */
export const WORLDS: readonly (readonly [name: string, create: () => TortureWorld])[] = [
  ['a real directory', createRealWorld],
  ['the disk in memory', createMemoryWorld],
]

/** Runs `body` with a new database of a world, and removes it. */
export async function inWorld(
  create: () => TortureWorld,
  body: (db: Database, world: TortureWorld) => Promise<void>,
  options?: WorldOptions,
): Promise<void> {
  const world = create()
  try {
    await body(await world.open(options), world)
  } finally {
    await world.end()
  }
}

/** The same for a world in memory, which can crash. */
export async function inMemoryWorld(
  body: (db: Database, world: MemoryTortureWorld) => Promise<void>,
  options?: WorldOptions,
): Promise<void> {
  const world = createMemoryWorld()
  await body(await world.open(options), world)
  await world.end()
}

/** Whatever has rows. */
export type Readable = Pick<Database | Transaction | Snapshot, 'scan' | 'get'>

/** Rows as text, 'key=value', byte for byte. */
export async function rowsOf(from: Readable, options?: ScanOptions): Promise<string[]> {
  const rows: string[] = []
  for await (const page of from.scan(options).pages(1000)) {
    for (const [key, value] of page) rows.push(`${latin1(key)}=${latin1(value)}`)
  }
  return rows
}

/** Keys as text, byte for byte. */
export async function keysOf(from: Pick<Database, 'keys'>, options?: ScanOptions): Promise<string[]> {
  const keys: string[] = []
  for await (const page of from.keys(options).pages(1000)) for (const key of page) keys.push(latin1(key))
  return keys
}

/** The rows that a map stands for, in byte order. */
export function rowsOfMap(values: ReadonlyMap<string, string>): string[] {
  return [...values].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `${key}=${value}`)
}

/** The value of a key as text, byte for byte, or undefined. */
export async function textOf(from: Readable, key: BytesInput): Promise<string | undefined> {
  const value = await from.get(key)
  return value === undefined ? undefined : latin1(value)
}

/** Bytes as text, one character each. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).latin1Slice()
}

/** Writes all of `entries`, so many in a transaction, the transactions of one wave at a time sharing syncs. */
export async function putAll(
  db: Database,
  entries: readonly (readonly [key: string, value: string])[],
  perTransaction = 100,
): Promise<void> {
  const commits: Promise<void>[] = []
  for (let from = 0; from < entries.length; from += perTransaction) {
    const part = entries.slice(from, from + perTransaction)
    const write = (tx: Transaction): void => {
      for (const [key, value] of part) tx.put(Buffer.from(key, 'latin1'), value)
    }
    commits.push(db.transact(write))
    if (commits.length === WAVE) await Promise.all(commits.splice(0))
  }
  await Promise.all(commits)
}

/** Deletes all of `keys`, in the same way. */
export async function deleteAll(db: Database, keys: readonly string[], perTransaction = 100): Promise<void> {
  const commits: Promise<void>[] = []
  for (let from = 0; from < keys.length; from += perTransaction) {
    const part = keys.slice(from, from + perTransaction)
    const write = (tx: Transaction): void => {
      for (const key of part) tx.delete(Buffer.from(key, 'latin1'))
    }
    commits.push(db.transact(write))
    if (commits.length === WAVE) await Promise.all(commits.splice(0))
  }
  await Promise.all(commits)
}

const WAVE = 16

/** `count` keys of one length, so that their order is that of the numbers. */
export function keyNumber(number: number): string {
  return `key${String(number).padStart(6, '0')}`
}

/** The states in which rows can lie; a test that holds in one must hold in all. */
export const REST_STATES: readonly (readonly [
  name: string,
  bring: (db: Database, world: TortureWorld) => Promise<Database>,
])[] = [
  ['as written', async (db) => db],
  ['flushed', async (db) => db.flush().then(() => db)],
  ['merged', async (db) => db.compact().then(() => db)],
  ['reopened', (_db, world) => world.reopen()],
]

/** Brings the database through every state in turn, and checks after each. */
export async function inEveryState(
  db: Database,
  world: TortureWorld,
  check: (db: Database, state: string) => Promise<void>,
): Promise<void> {
  let present = db
  for (const [state, bring] of REST_STATES) {
    present = await bring(present, world)
    await check(present, state)
  }
}
