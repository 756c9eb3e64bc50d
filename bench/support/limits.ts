/**
 * The limits of reads in JavaScript, without an engine: a Map and a copy; copied rows, in pages and one by one.
 *
 * What a store adds to these is its own cost. Keys find places in one block of memory, so that the collector has no more
 * objects to look at than it must. Runs in a process of its own, in the same rounds as what it is compared with.
 */
import type { CaseSet, MeasureOptions } from './case-contract'
import { withProcessorTime } from './case-contract'
import type { Sample } from './figures'
import { KEY_BYTES, VALUE_BYTES, createRandom, drawOrdinals, keyOf } from './keys'
import type { Distribution } from './keys'

const PICKS = 1 << 20
const SEED = 21
const READS_PER_CLOCK_LOOK = 256
const PAGE_ROWS = 256
const ROW_BYTES = KEY_BYTES + VALUE_BYTES

type Pair = [Buffer, Buffer]

/** The cases of process 'limits'. */
export function openLimitCases(options: MeasureOptions): Promise<CaseSet> {
  const { rows } = options
  const memory = Buffer.alloc(rows * ROW_BYTES)
  const placeByKey = new Map<string, number>()
  for (let ordinal = 0; ordinal < rows; ordinal++) {
    memory.write(keyOf(ordinal), ordinal * ROW_BYTES, 'latin1')
    placeByKey.set(keyOf(ordinal), ordinal * ROW_BYTES + KEY_BYTES)
  }
  const random = createRandom(SEED)
  const cases = new Map<string, (ms: number) => Promise<Sample>>()
  for (const distribution of ['uniform', 'zipfian'] as const) {
    const keys = drawnKeys(distribution, rows, random)
    const read = (key: string): Buffer => copied(memory, placeByKey.get(key)!, VALUE_BYTES)
    cases.set(`limit-get-sync-${distribution}`, (ms) => measureSync(keys, ms, read))
    cases.set(`limit-get-${distribution}`, (ms) => measureAwaited(keys, ms, (key) => Promise.resolve(read(key))))
  }
  cases.set('limit-scan-pages', (ms) => measurePages(memory, ms))
  cases.set('limit-scan-rows', (ms) => measureRows(memory, ms))
  return Promise.resolve({
    run: (name, ms) => withProcessorTime(() => cases.get(name)!(ms), 'count'),
    close: () => Promise.resolve(),
  })
}

/** Keys as strings of their own, as those of the store's measurements are. */
function drawnKeys(distribution: Distribution, rows: number, random: () => number): string[] {
  const keys = Array.from({ length: rows }, (_, ordinal) => keyOf(ordinal))
  return Array.from(drawOrdinals(distribution, { count: rows, picks: PICKS }, random), (ordinal) => keys[ordinal]!)
}

function copied(memory: Buffer, at: number, length: number): Buffer {
  const copy = Buffer.allocUnsafe(length)
  memory.copy(copy, 0, at, at + length)
  return copy
}

function measureSync(keys: readonly string[], ms: number, read: (key: string) => Buffer): Promise<Sample> {
  const sinceMs = performance.now()
  let count = 0
  let bytes = 0
  while (performance.now() - sinceMs < ms) {
    for (let turn = 0; turn < READS_PER_CLOCK_LOOK; turn++) bytes += read(keys[count++ % keys.length]!).length
  }
  return Promise.resolve(rateOf(count, bytes / VALUE_BYTES, performance.now() - sinceMs))
}

async function measureAwaited(
  keys: readonly string[],
  ms: number,
  read: (key: string) => Promise<Buffer>,
): Promise<Sample> {
  const sinceMs = performance.now()
  let count = 0
  let bytes = 0
  while (performance.now() - sinceMs < ms) {
    for (let turn = 0; turn < READS_PER_CLOCK_LOOK; turn++) bytes += (await read(keys[count++ % keys.length]!)).length
  }
  return rateOf(count, bytes / VALUE_BYTES, performance.now() - sinceMs)
}

/** An async iterator written by hand over rows laid out one behind the other. */
function iterate<Item>(take: () => Item | undefined): AsyncIterable<Item> {
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => {
        const item = take()
        return Promise.resolve(item === undefined ? { done: true, value: undefined } : { done: false, value: item })
      },
    }),
  }
}

function rowAt(memory: Buffer, at: number): Pair {
  return [copied(memory, at, KEY_BYTES), copied(memory, at + KEY_BYTES, VALUE_BYTES)]
}

async function measurePages(memory: Buffer, ms: number): Promise<Sample> {
  let at = 0
  const takePage = (): Pair[] => {
    const page: Pair[] = []
    for (; page.length < PAGE_ROWS; at = (at + ROW_BYTES) % memory.length) page.push(rowAt(memory, at))
    return page
  }
  const sinceMs = performance.now()
  let count = 0
  for await (const page of iterate(takePage)) {
    count += page.length
    if (performance.now() - sinceMs > ms) break
  }
  return rateOf(count, count, performance.now() - sinceMs)
}

async function measureRows(memory: Buffer, ms: number): Promise<Sample> {
  let at = 0
  const takeRow = (): Pair => {
    const row = rowAt(memory, at)
    at = (at + ROW_BYTES) % memory.length
    return row
  }
  const sinceMs = performance.now()
  let count = 0
  for await (const row of iterate(takeRow)) {
    count += row.length / 2
    if (count % READS_PER_CLOCK_LOOK === 0 && performance.now() - sinceMs > ms) break
  }
  return rateOf(count, count, performance.now() - sinceMs)
}

function rateOf(count: number, found: number, elapsedMs: number): Sample {
  if (found !== count) throw new Error(`${count - found} of ${count} reads did not find their value`)
  return { count, perSecond: (count * 1000) / elapsedMs }
}
