/**
 * A load of many rows in random order, beside which somebody else commits; what is then on disk, what a read takes, how it opens.
 *
 *     process 'large':    load (flush, at rest) -> reads -> compact     one database, closed cleanly at the end
 *     process 'opening':  opens it, counts what 'crash' left, closes it
 *     process 'crash':    fills the log, and is then killed
 *
 * The stream of the others commits one row each time, 100 times a second, measured from the moment it was meant to
 * (open-loop.ts), relaxed as the load is, so that what it waits for is the store and not a sync.
 */
import type { Database } from 'strictkv'
import { open } from 'strictkv'
import { diskBytes } from './bench-directory'
import { withProcessorTime } from './case-contract'
import type { CaseSet, MeasureOptions } from './case-contract'
import type { Sample } from './figures'
import { DurationHistogram } from './histogram'
import { KEY_BYTES, VALUE_BYTES, createRandom, keyOf } from './keys'
import { loadOrder, loadRows } from './loading'
import { runOpenLoop } from './open-loop'
import { settle } from './settling'
import { watchEventLoop, watchMemory } from './vitals'
import type { Watch } from './vitals'

/** Few enough that one transaction does not hold the event loop that is watched; so several load at a time. */
const ROWS_PER_TRANSACTION = 100
const LOADERS = 8
const STREAM_PER_SECOND = 100
const STREAM_IN_FLIGHT_MAX = 1_000
const STREAM_KEYS = 1_000
const READS = 200_000
const SEED = 31
const MIB = 1024 * 1024
const ROW_BYTES = KEY_BYTES + VALUE_BYTES
const LOG_BYTES_TO_FILL = 100 * MIB
const LOG_ROWS_PER_TRANSACTION = 1_000
const LOG_PREFIX = 'log'
/** Under which that much log belongs to rows in the memtable alone. */
const LOG_LIMITS = { memtableBytesMax: 512 * MIB, walBytesMax: 1024 * MIB }

const value = Buffer.alloc(VALUE_BYTES, 0x76)

/** The cases of process 'large'. */
export async function openLargeCases(options: MeasureOptions): Promise<CaseSet> {
  const { directory, rows } = options
  const db = await open(directory, { durability: 'os' })
  const cases = new Map<string, () => Promise<Sample>>([
    ['load', () => measureLoad(db, directory, rows)],
    ['reads', () => measureReads(db, rows)],
    ['compact', () => measureCompact(db)],
  ])
  return { run: (name) => cases.get(name)!(), close: () => db.close() }
}

/** Commits of others, from its making until `end`. */
interface Stream {
  end(): Promise<Sample>
}

function startStream(db: Database): Stream {
  const histogram = new DurationHistogram()
  let isOver = false
  let turn = 0
  const running = runOpenLoop({
    perSecond: STREAM_PER_SECOND,
    inFlightMax: STREAM_IN_FLIGHT_MAX,
    isOver: () => isOver,
    step: async () => {
      await db.put(`stream${turn++ % STREAM_KEYS}`, value)
    },
    onDone: (ms) => histogram.record(ms),
  })
  return {
    end: async () => {
      isOver = true
      const { count } = await running
      return { streamCommits: count, ...histogram.metrics('stream') }
    },
  }
}

/** Runs `fn` with everything watched that others would notice of it. */
async function watched(db: Database, fn: () => Promise<Sample>): Promise<Sample> {
  const watches: Watch[] = [watchEventLoop(), watchMemory()]
  const stream = startStream(db)
  const sample = await fn()
  const seen = Object.assign({}, await stream.end(), ...watches.map((watch) => watch.end())) as Sample
  return { ...sample, ...seen }
}

async function measureLoad(db: Database, directory: string, rows: number): Promise<Sample> {
  const ordinals = loadOrder(rows)
  const loaded = await watched(db, () =>
    withProcessorTime(async () => {
      const seconds = await loadTogether(db, ordinals)
      return { count: rows, perSecond: rows / seconds, seconds }
    }, 'count'),
  )
  const { stalls } = db.stats().storage
  const sinceMs = performance.now()
  await db.flush()
  await settle(db)
  const settleSeconds = (performance.now() - sinceMs) / 1000
  const { logBytesWritten, flushBytesWritten, compactionBytesWritten, flushes, compactions, tables } =
    db.stats().storage
  const user = rows * ROW_BYTES
  const tableBytes = diskBytes(directory, (name) => name.endsWith('.table'))
  return {
    ...loaded,
    settleSeconds,
    stalls: stalls.count,
    stallLongestMs: stalls.longestMs,
    stallTotalMs: stalls.totalMs,
    amplification: (flushBytesWritten + compactionBytesWritten) / user,
    logAmplification: logBytesWritten / user,
    flushes,
    compactions,
    tables,
    spaceOfLive: tableBytes / user,
    tableMiB: tableBytes / MIB,
    logMiB: diskBytes(directory, (name) => name.endsWith('.log')) / MIB,
    directoryMiB: diskBytes(directory) / MIB,
  }
}

/** Seconds that it takes to load `ordinals`, each loader a part of them. */
async function loadTogether(db: Database, ordinals: Uint32Array): Promise<number> {
  const sinceMs = performance.now()
  const share = Math.ceil(ordinals.length / LOADERS)
  const loaders = Array.from({ length: LOADERS }, (_, loader) => {
    const part = ordinals.subarray(loader * share, (loader + 1) * share)
    return loadRows(db, { rows: part.length, ordinals: part, rowsPerTransaction: ROWS_PER_TRANSACTION })
  })
  await Promise.all(loaders)
  return (performance.now() - sinceMs) / 1000
}

/** Data blocks that a get looks into: keys that are there, and keys between them that are not. All are in tables. */
function measureReads(db: Database, rows: number): Promise<Sample> {
  const random = createRandom(SEED)
  const blocksPerGet = (keyAt: (ordinal: number) => string, isPresent: boolean): [looked: number, read: number] => {
    const before = db.stats().storage
    for (let turn = 0; turn < READS; turn++) {
      const found = db.getSync(keyAt(Math.floor(random() * rows)))
      if ((found?.length === VALUE_BYTES) !== isPresent)
        throw new Error('A get gave what was never written, or nothing')
    }
    const after = db.stats().storage
    const looked = after.blockCache.hits + after.blockCache.misses - before.blockCache.hits - before.blockCache.misses
    return [looked / READS, (after.blockReads - before.blockReads) / READS]
  }
  const [blocksPresent, blocksReadPresent] = blocksPerGet(keyOf, true)
  const [blocksAbsent, blocksReadAbsent] = blocksPerGet((ordinal) => `${keyOf(ordinal).slice(0, -1)}~`, false)
  return Promise.resolve({ blocksPresent, blocksReadPresent, blocksAbsent, blocksReadAbsent })
}

async function measureCompact(db: Database): Promise<Sample> {
  const before = db.stats().storage.compactionBytesWritten
  const sinceMs = performance.now()
  const sample = await watched(db, async () => {
    await db.compact()
    return { seconds: (performance.now() - sinceMs) / 1000 }
  })
  return { ...sample, writtenMiB: (db.stats().storage.compactionBytesWritten - before) / MIB }
}

/** The one case of process 'opening': opens, counts, closes. */
export function openOpeningCase({ directory }: MeasureOptions): Promise<CaseSet> {
  const run = async (): Promise<Sample> => {
    const logMiB = diskBytes(directory, (name) => name.endsWith('.log')) / MIB
    const sinceMs = performance.now()
    const db = await open(directory, LOG_LIMITS)
    const openMs = performance.now() - sinceMs
    const logRows = await db.count({ prefix: LOG_PREFIX })
    await db.close()
    return { openMs, logMiB, logRows }
  }
  return Promise.resolve({ run, close: () => Promise.resolve() })
}

/** The one case of process 'crash': fills the log with rows that no table holds; then the process is to be killed. */
export async function openCrashCase({ directory, rows }: MeasureOptions): Promise<CaseSet> {
  const db = await open(directory, { durability: 'os', ...LOG_LIMITS })
  const bytesMax = Math.min(LOG_BYTES_TO_FILL, rows * ROW_BYTES)
  const run = async (): Promise<Sample> => {
    const { logBytesWritten, flushes } = db.stats().storage
    const logBytes = (): number => db.stats().storage.logBytesWritten - logBytesWritten
    let logRows = 0
    while (logBytes() < bytesMax) {
      const tx = db.begin()
      for (let row = 0; row < LOG_ROWS_PER_TRANSACTION; row++) {
        tx.put(`${LOG_PREFIX}${String(logRows++).padStart(KEY_BYTES - LOG_PREFIX.length, '0')}`, value)
      }
      await tx.commit()
    }
    if (db.stats().storage.flushes !== flushes) throw new Error('The log was meant to hold rows that no table holds')
    return { logMiB: logBytes() / MIB, logRows }
  }
  return { run, close: () => db.close() }
}
