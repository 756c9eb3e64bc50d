/**
 * A small database with a history that is known, and damage done to its files: all from one seed.
 *
 * The database lives on the disk in memory, with limits at their least: tables of several levels, a log over several segments, deletions of
 * ranges, bulk loads. It ends closed or killed. Then one to three things happen to its files: bits flip, a stretch is zeroed or overwritten, a
 * file is cut, a file is gone. Used by salvage.test.ts (some seeds) and campaign.ts (two hundred).
 */
import path from 'node:path'
import type { Database } from '../../src/index'
import { openLsmDatabase } from '../support/harness/lsm-database'
import type { DurableImage } from '../support/memory-runtime/durable-image'
import { createMemoryRuntime } from '../support/memory-runtime/memory-runtime'
import { createRandomStream } from '../support/memory-runtime/random-stream'
import type { RandomStream } from '../support/memory-runtime/random-stream'

const KiB = 1024

/** Where the database is. */
export const DAMAGED_DIRECTORY = '/db'

export const DAMAGED_LIMITS = {
  memtableBytesMax: 16 * KiB, segmentBytesMin: 16 * KiB, segmentBytesMax: 16 * KiB, transactionBytesMax: 8 * KiB,
  manifestRoomBytes: 16 * KiB, blockBytes: 256, blockCacheBytesMax: 16 * KiB, tableBytesMin: 4 * KiB, tableBytesMax: 8 * KiB,
  levelBytesBase: 32 * KiB, levelZeroTablesMax: 2, reserveBytes: 0, logIdleMs: 1,
} // prettier-ignore

/** What a key had at a commit; undefined: deleted. */
export interface Written {
  readonly sequence: number
  readonly value: string | undefined
}

/** A database and what is known of it. */
export interface KnownDatabase {
  readonly ending: 'closed' | 'killed'
  readonly disk: DurableImage
  /** Of each key, in the order of commits. */
  readonly historyByKey: ReadonlyMap<string, readonly Written[]>
  readonly lastSequence: number
}

/** Something that happened to a file. */
export interface Harm {
  readonly kind: 'bit flipped' | 'zeroed' | 'overwritten' | 'cut' | 'removed'
  readonly file: string
  readonly from: number
  readonly to: number
}

const KEYS = 60
const COMMITS = 90

/** Builds the database of a seed. */
export async function buildDatabase(seed: number): Promise<KnownDatabase> {
  const random = createRandomStream(seed, 'database')
  const runtime = createMemoryRuntime({ seed })
  const history = new History()
  const open = (): Promise<Database> => openLsmDatabase(runtime, DAMAGED_DIRECTORY, { limits: DAMAGED_LIMITS })
  let db = await open()
  let lastSequence = 0
  const commits = COMMITS / 2 + below(random, COMMITS)
  for (let i = 0; i < commits; i++) {
    lastSequence =
      i > 3 && below(random, 25) === 0 ? await load(db, `load ${i} `, history) : await commit(db, random, history)
    if (below(random, 20) === 0) await db.flush()
    if (below(random, 40) === 0) await db.compact()
    if (below(random, 45) !== 0) continue
    await db.close()
    db = await open()
  }
  const ending = below(random, 2) === 0 ? 'closed' : 'killed'
  if (ending === 'closed') await db.close()
  else runtime.advance(1000)
  for (let turn = 0; turn < 20; turn++) await runtime.scheduler.nextTurn()
  const disk = runtime.durableImage('everything')
  if (ending === 'killed') await db.close()
  return { ending, disk, historyByKey: history.byKey, lastSequence }
}

class History {
  readonly byKey = new Map<string, Written[]>()

  add(key: string, written: Written): void {
    const list = this.byKey.get(key)
    if (list === undefined) this.byKey.set(key, [written])
    else list.push(written)
  }
}

async function commit(db: Database, random: RandomStream, history: History): Promise<number> {
  const tx = db.begin()
  const changes = new Map<string, string | undefined>()
  if (below(random, 12) === 0) {
    const start = below(random, KEYS)
    const [gte, lt] = [keyOf(start), keyOf(start + 1 + below(random, 8))]
    tx.deleteRange({ gte, lt })
    for (const key of history.byKey.keys()) if (key >= gte && key < lt) changes.set(key, undefined)
  }
  for (let left = 1 + below(random, 4); left > 0; left--) {
    const key = keyOf(below(random, KEYS))
    if (below(random, 5) === 0) {
      tx.delete(key)
      changes.set(key, undefined)
    } else {
      const value = `${random.u32()} `.repeat(1 + below(random, below(random, 12) === 0 ? 300 : 12))
      tx.put(key, value)
      changes.set(key, value)
    }
  }
  const { sequence } = await tx.commit()
  for (const [key, value] of changes) history.add(key, { sequence, value })
  return sequence
}

async function load(db: Database, prefix: string, history: History): Promise<number> {
  const pairs = Array.from({ length: 30 }, (_, i) => [`${prefix}${String(i).padStart(3, '0')}`, `loaded ${i}`] as const)
  const { sequence } = await db.load(pairs)
  for (const [key, value] of pairs) history.add(key, { sequence, value })
  return sequence
}

function keyOf(i: number): string {
  return `key ${String(i).padStart(3, '0')}`
}

/** A number from 0 up to and without `end`. */
export function below(random: RandomStream, end: number): number {
  return random.u32() % end
}

/** Does one to three things to the files, and says what. */
export function harm(
  database: KnownDatabase,
  seed: number,
): { readonly disk: DurableImage; readonly harms: readonly Harm[] } {
  const random = createRandomStream(seed, 'harm')
  const files = new Map(database.disk.files)
  const harms: Harm[] = []
  for (let left = 1 + below(random, 3); left > 0; left--) {
    const paths = [...files.keys()].filter((file) => path.posix.basename(file) !== 'LOCK')
    const file = paths[below(random, paths.length)]
    if (file !== undefined) harms.push(harmOne(files, file, random))
  }
  return { disk: { ...database.disk, files }, harms }
}

const KINDS = ['bit flipped', 'bit flipped', 'zeroed', 'overwritten', 'cut', 'removed'] as const

function harmOne(files: Map<string, Uint8Array>, file: string, random: RandomStream): Harm {
  const bytes = files.get(file)!.slice()
  const kind = KINDS[below(random, KINDS.length)]!
  let written = bytes.length
  while (written > 0 && bytes[written - 1] === 0) written--
  const from = below(random, Math.max(1, written))
  const to = kind === 'bit flipped' ? from + 1 : Math.min(bytes.length, from + 1 + below(random, 2000))
  const told = {
    kind,
    file: path.posix.basename(file),
    from,
    to: kind === 'cut' || kind === 'removed' ? bytes.length : to,
  }
  if (kind === 'removed') files.delete(file)
  else if (kind === 'cut') files.set(file, bytes.slice(0, from))
  else if (bytes.length > 0) {
    if (kind === 'bit flipped') bytes[from]! ^= 1 << below(random, 8)
    else for (let at = from; at < to; at++) bytes[at] = kind === 'zeroed' ? 0 : random.u32()
    files.set(file, bytes)
  }
  return told
}

/** What a key had after a commit. */
export function valueAt(database: KnownDatabase, key: string, sequence: number): string | undefined {
  return (database.historyByKey.get(key) ?? []).filter((written) => written.sequence <= sequence).at(-1)?.value
}
