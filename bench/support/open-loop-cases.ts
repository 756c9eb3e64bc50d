/**
 * Commits at a share of the capacity that was measured just before: how long each takes, and what of it is whose.
 *
 *     load -> at rest -> warm-up until merges have begun -> capacity (closed loop) -> open loop at `share` of it, for minutes
 *
 * Each transaction reads one random key and writes another. What commits wait for is told apart: `stall` is what the store itself
 * reports of admission; a probe writes 4 KiB and syncs it, in a file and thread of its own, 20 times a second, and so shows
 * how long a sync takes in the same minutes, whoever asks for it.
 */
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { open } from 'strictkv'
import type { Database, DatabaseEvent, DatabaseStats } from 'strictkv'
import type { CaseSet, MeasureOptions } from './case-contract'
import { logMetrics, runClients } from './closed-loop'
import { requireValue } from './contender'
import type { ContenderDurability } from './contender'
import type { Sample } from './figures'
import { DurationHistogram } from './histogram'
import { VALUE_BYTES, createRandom, keyOf } from './keys'
import { loadRows } from './loading'
import { runOpenLoop } from './open-loop'
import { RawDisk } from './raw-disk'
import { settle } from './settling'
import { watchEventLoop, watchMemory } from './vitals'

const CLIENTS = 64
const IN_FLIGHT_MAX = 5_000
const PROBE_GAP_MS = 50
const MINUTE_MS = 60_000
/** How long the warm-up of the capacity may take, for a millisecond of it, and between two looks whether merges have begun. */
const WARM_UP_MAX = 2
const WARM_UP_STEP = 0.2
const SEED = 41

const value = Buffer.alloc(VALUE_BYTES, 0x76)

/** The cases of process 'open-loop-<durability>': 'capacity', then 'at-<commits per second>'. */
export async function openOpenLoopCases(durability: ContenderDurability, options: MeasureOptions): Promise<CaseSet> {
  const { directory, rows } = options
  const stalls = new StallCounter()
  const place = path.join(directory, 'database')
  mkdirSync(place)
  const db = await open(place, { durability, onEvent: (event) => stalls.see(event) })
  await loadRelaxed(db, rows)
  await settle(db)
  const disk = await RawDisk.open(directory)
  const work = createWork(db, rows)
  const run = async (name: string, ms: number): Promise<Sample> => {
    if (name === 'capacity') return measureCapacity(db, work, ms)
    return measureOpenLoop({ db, disk, stalls, work }, Number(name.slice('at-'.length)), ms)
  }
  const close = async (): Promise<void> => {
    await db.close()
    await disk.close()
  }
  return { run, close }
}

/** The load does not wait for the disk, whatever the measured commits do. */
async function loadRelaxed(db: Database, rows: number): Promise<void> {
  await loadRows(db, { rows, durability: 'os' })
  await db.flush()
}

/** One transaction at a time of what clients do. */
interface Work {
  readonly step: () => Promise<void>
  readonly aborts: () => number
}

function createWork(db: Database, rows: number): Work {
  const keys = Array.from({ length: rows }, (_, ordinal) => keyOf(ordinal))
  const random = createRandom(SEED)
  const draw = (): string => keys[Math.floor(random() * rows)]!
  let aborts = 0
  const attempt = async (readKey: string, writeKey: string): Promise<void> => {
    const tx = db.begin()
    requireValue(await tx.get(readKey))
    tx.put(writeKey, value)
    await tx.commit()
  }
  const step = async (): Promise<void> => {
    const [readKey, writeKey] = [draw(), draw()]
    for (;;) {
      try {
        await attempt(readKey, writeKey)
        return
      } catch (error) {
        if ((error as { retryable?: boolean }).retryable !== true) throw error
        aborts++
      }
    }
  }
  return { step, aborts: () => aborts }
}

/** What can be sustained: while memtables are still empty and nothing is to be merged, more commits go through than later on. */
async function measureCapacity(db: Database, work: Work, ms: number): Promise<Sample> {
  const isMerging = mergesSince(db.stats())
  for (let share = 0; share < WARM_UP_MAX && !isMerging(db.stats()); share += WARM_UP_STEP) {
    await runClients(CLIENTS, ms * WARM_UP_STEP, work.step)
  }
  const before = db.stats()
  const sample = await runClients(CLIENTS, ms, async (_client, _turn, latencies) => {
    const sinceMs = performance.now()
    await work.step()
    latencies.record(performance.now() - sinceMs)
  })
  return logMetrics(before, db.stats(), sample)
}

function mergesSince({ storage: { compactions } }: DatabaseStats): (now: DatabaseStats) => boolean {
  return (now) => now.storage.compactions > compactions
}

/** What admission reported since the last `clear`. */
class StallCounter {
  #events = 0
  #longestMs = 0

  see(event: DatabaseEvent): void {
    if (event.type !== 'stall') return
    this.#events++
    this.#longestMs = Math.max(this.#longestMs, event.ms)
  }

  clear(): void {
    this.#events = 0
    this.#longestMs = 0
  }

  metrics(): Sample {
    return { stallEvents: this.#events, stallLongestMs: this.#longestMs }
  }
}

interface Measured {
  readonly db: Database
  readonly disk: RawDisk
  readonly stalls: StallCounter
  readonly work: Work
}

async function measureOpenLoop({ db, disk, stalls, work }: Measured, perSecond: number, ms: number): Promise<Sample> {
  const latencies = new DurationHistogram()
  const minute = new MinuteHistogram()
  const before = db.stats()
  const abortsBefore = work.aborts()
  stalls.clear()
  const watches = [watchEventLoop(), watchMemory()]
  const endMs = performance.now() + ms
  const isOver = (): boolean => performance.now() >= endMs
  const probing = probe(disk, isOver)
  const { count, seconds, inFlightPeak } = await runOpenLoop({
    perSecond,
    inFlightMax: IN_FLIGHT_MAX,
    isOver,
    step: work.step,
    onDone: (doneMs) => {
      latencies.record(doneMs)
      minute.record(doneMs)
    },
  })
  const seen = watches.map((watch) => watch.end())
  const sync = await probing
  const all = latencies.metrics()
  const sample = { count, seconds, perSecond: count / seconds, meantPerSecond: perSecond, inFlightPeak }
  return {
    ...logMetrics(before, db.stats(), sample),
    ...all,
    ...minute.metrics(),
    ...sync,
    ...(Object.assign({}, ...seen) as Sample),
    ...stalls.metrics(),
    aborts: work.aborts() - abortsBefore,
    besidesSyncP999Ms: Math.max(0, (all['p999Ms'] ?? 0) - (sync['syncP999Ms'] ?? 0)),
  }
}

/** The worst minute: a mean over half an hour hides one in which the store hung. */
class MinuteHistogram {
  readonly #minute = new DurationHistogram()
  #sinceMs = performance.now()
  #worstP99Ms = 0
  #worstP999Ms = 0

  record(ms: number): void {
    if (performance.now() - this.#sinceMs >= MINUTE_MS) this.#next()
    this.#minute.record(ms)
  }

  metrics(): Sample {
    this.#next()
    return { worstMinuteP99Ms: this.#worstP99Ms, worstMinuteP999Ms: this.#worstP999Ms }
  }

  #next(): void {
    const { p99Ms = 0, p999Ms = 0, maxMs = 0 } = this.#minute.metrics()
    this.#worstP99Ms = Math.max(this.#worstP99Ms, p99Ms)
    this.#worstP999Ms = Math.max(this.#worstP999Ms, p999Ms)
    const shown = [p99Ms, p999Ms, maxMs].map((figure) => figure.toFixed(2)).join(' / ')
    process.stderr.write(`${new Date().toISOString()} ${this.#minute.count} commits, p99 / p99.9 / max ${shown} ms\n`)
    this.#minute.clear()
    this.#sinceMs = performance.now()
  }
}

/** Syncs 4 KiB now and then. */
async function probe(disk: RawDisk, isOver: () => boolean): Promise<Sample> {
  const histogram = new DurationHistogram()
  while (!isOver()) {
    histogram.record(1000 / (await disk.rate('thread', 0)))
    await delay(PROBE_GAP_MS)
  }
  return histogram.metrics('sync')
}
