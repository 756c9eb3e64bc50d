/**
 * The measurements of `strictkv bench`: each runs for a set time against a real directory and gives a rate and latencies.
 *
 *   raw sync     4 KiB written and synced, one after the other, into a file filled before: the limit of the disk for a lone client
 *   commits      one put of 100 bytes a transaction, synced, by 1, 16 and 64 clients at once, each waiting for its own
 *   gets         single keys at random out of a loaded database
 *   scans        100 rows from a random key on
 *
 * A first part of each (a tenth) warms up and is not counted. Raw syncs are measured before and after the commits: the disk of many
 * a machine is not the same from minute to minute. What it does not do: compare with other engines; the repository's bench/ does.
 * Pinned by test/cli/bench.test.ts.
 */
import { closeSync, fdatasyncSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs'
import path from 'node:path'
import { createHistogram } from 'node:perf_hooks'
import type { Database } from '../../index'
import { open } from '../../open'

/** One measurement. Latencies are those of one operation, in milliseconds. */
export interface Measurement {
  readonly name: string
  /** What is counted, as in 'commits'. */
  readonly unit: string
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

/** How to measure. */
export interface BenchOptions {
  /** An empty directory on the disk that is meant. */
  readonly directory: string
  /** Time for all measurements together; loading comes on top. */
  readonly totalMs: number
  /** Rows that gets and scans read. */
  readonly rows: number
  readonly signal: AbortSignal
  /** Told of what begins, as step `done` of `steps`. */
  readonly onStep: (what: string, done: number, steps: number) => void
  readonly onMeasured: (measurement: Measurement) => void
}

const RAW_FILE_BYTES = 4 * 1024 * 1024
const RAW_WRITE_BYTES = 4096
const VALUE_BYTES = 100
const SCAN_ROWS = 100
const CLIENT_COUNTS = [1, 16, 64] as const
const NS_PER_MS = 1e6
/** Synchronous operations after which other work gets its turn, Ctrl-C above all. */
const RAW_PER_TURN = 16

/** Runs every measurement, and gives them in order. Rejects with the signal's reason. */
export async function measureAll(options: BenchOptions): Promise<Measurement[]> {
  const found: Measurement[] = []
  const steps = 2 + CLIENT_COUNTS.length + 2
  const ms = options.totalMs / steps
  const step = async (name: string, unit: string, run: (timing: Timing) => Promise<void>): Promise<void> => {
    options.signal.throwIfAborted()
    options.onStep(name, found.length, steps)
    const timing = new Timing(ms, options.signal)
    await run(timing)
    const measurement = timing.measurement(name, unit)
    found.push(measurement)
    options.onMeasured(measurement)
  }
  const rawSync = (timing: Timing): Promise<void> => measureRawSync(options.directory, timing)
  await step('raw sync, before', 'syncs', rawSync)
  const db = await open(path.join(options.directory, 'bench-data'))
  try {
    for (const clients of CLIENT_COUNTS) {
      await step(`commits, ${clients} at a time`, 'commits', (timing) => runCommits(db, clients, timing))
    }
    await step('raw sync, after', 'syncs', rawSync)
    options.onStep('loading', found.length, steps)
    await load(db, options)
    await step('gets, random keys', 'gets', (timing) => runGets(db, options.rows, timing))
    await step(`scans of ${SCAN_ROWS} rows`, 'rows', (timing) => runScans(db, options.rows, timing))
  } finally {
    await db.close()
  }
  return found
}

/** Counts what happens within the time of one measurement. */
class Timing {
  readonly #histogram = createHistogram({ figures: 3 })
  readonly #signal: AbortSignal
  readonly #fromMs: number
  readonly #untilMs: number
  #count = 0
  #endMs: number
  #maxMs = 0

  constructor(ms: number, signal: AbortSignal) {
    const nowMs = performance.now()
    this.#signal = signal
    this.#fromMs = nowMs + ms / 10
    this.#untilMs = nowMs + ms
    this.#endMs = this.#fromMs
  }

  /** Whether there is time for another operation. Throws the signal's reason. */
  goesOn(): boolean {
    this.#signal.throwIfAborted()
    return performance.now() < this.#untilMs
  }

  /** One operation that began at `startMs` and ends now; `units` of what is counted. */
  record(startMs: number, units = 1): void {
    const nowMs = performance.now()
    if (startMs < this.#fromMs) return
    this.#histogram.record(Math.max(1, Math.round((nowMs - startMs) * NS_PER_MS)))
    this.#maxMs = Math.max(this.#maxMs, nowMs - startMs)
    this.#count += units
    this.#endMs = nowMs
  }

  measurement(name: string, unit: string): Measurement {
    const seconds = (this.#endMs - this.#fromMs) / 1000
    const at = (percent: number): number => Math.min(this.#maxMs, this.#histogram.percentile(percent) / NS_PER_MS)
    const isEmpty = this.#count === 0
    return {
      name,
      unit,
      perSecond: isEmpty ? 0 : this.#count / seconds,
      p50Ms: isEmpty ? 0 : at(50),
      p99Ms: isEmpty ? 0 : at(99),
      maxMs: this.#maxMs,
    }
  }
}

async function measureRawSync(directory: string, timing: Timing): Promise<void> {
  const file = path.join(directory, 'raw')
  const descriptor = openSync(file, 'wx', 0o600)
  try {
    const page = Buffer.alloc(RAW_WRITE_BYTES, 0x5a)
    for (let at = 0; at < RAW_FILE_BYTES; at += RAW_WRITE_BYTES) writeSync(descriptor, page, 0, RAW_WRITE_BYTES, at)
    fsyncSync(descriptor)
    let position = 0
    while (timing.goesOn()) {
      for (let i = 0; i < RAW_PER_TURN; i++) {
        const startMs = performance.now()
        writeSync(descriptor, page, 0, RAW_WRITE_BYTES, position)
        fdatasyncSync(descriptor)
        timing.record(startMs)
        position = (position + RAW_WRITE_BYTES) % RAW_FILE_BYTES
      }
      await nextTurn()
    }
  } finally {
    closeSync(descriptor)
    rmSync(file, { force: true })
  }
}

async function runCommits(db: Database, clients: number, timing: Timing): Promise<void> {
  const client = async (number: number): Promise<void> => {
    const value = Buffer.alloc(VALUE_BYTES, number)
    for (let turn = 0; timing.goesOn(); turn++) {
      const startMs = performance.now()
      await db.put(`commit/${clients}/${number}/${turn}`, value)
      timing.record(startMs)
    }
  }
  await Promise.all(Array.from({ length: clients }, (_, number) => client(number)))
}

async function load(db: Database, { rows, signal }: BenchOptions): Promise<void> {
  const value = Buffer.alloc(VALUE_BYTES, 0x2a)
  function* pairs(): Generator<readonly [string, Buffer], undefined> {
    for (let row = 0; row < rows; row++) {
      signal.throwIfAborted()
      yield [rowKey(row), value]
    }
    return undefined
  }
  await db.load(pairs())
}

async function runGets(db: Database, rows: number, timing: Timing): Promise<void> {
  while (timing.goesOn()) {
    const startMs = performance.now()
    await db.get(rowKey(Math.floor(Math.random() * rows)))
    timing.record(startMs)
  }
}

async function runScans(db: Database, rows: number, timing: Timing): Promise<void> {
  while (timing.goesOn()) {
    const startMs = performance.now()
    let count = 0
    const gte = rowKey(Math.floor(Math.random() * rows))
    for await (const page of db.scan({ gte, prefix: 'row/', limit: SCAN_ROWS }).pages(SCAN_ROWS)) count += page.length
    timing.record(startMs, count)
  }
}

function rowKey(row: number): string {
  return `row/${String(row).padStart(10, '0')}`
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}
