/**
 * Requests that are drawn before they are measured, and the loops that make them: point reads and scans, every answer looked at.
 *
 * What a loop is given decides who answers; the loop itself is the same for every engine. Drawing is not measured.
 */
import type { Sample } from './figures'
import { KEY_BYTES, VALUE_BYTES, createRandom, drawOrdinals, keyOf } from './keys'
import type { Distribution } from './keys'

const PICKS = 1 << 20
const SEED = 20
/** Calls between two looks at the clock. */
export const CALLS_PER_CLOCK_LOOK = 256

/** Requests in the order in which they are made, starting where the last sample ended. */
export interface Requests {
  readonly keys: readonly string[]
  next: number
}

/** Requests of both distributions over `rows` rows, the same in every run. */
export function drawRequests(rows: number): Readonly<Record<Distribution, Requests>> {
  const random = createRandom(SEED)
  const keys = Array.from({ length: rows }, (_, ordinal) => keyOf(ordinal))
  const drawn = (distribution: Distribution): Requests => ({
    keys: Array.from(drawOrdinals(distribution, { count: rows, picks: PICKS }, random), (ordinal) => keys[ordinal]!),
    next: 0,
  })
  return { uniform: drawn('uniform'), zipfian: drawn('zipfian') }
}

/** Reads `keys` one after the other, and says how many had their value. */
export type Reader = (keys: readonly string[], from: number, to: number) => number | Promise<number>

/** 1 for what every value looks like. */
export function isValue(bytes: Uint8Array | undefined): 0 | 1 {
  return bytes?.length === VALUE_BYTES ? 1 : 0
}

/** Point reads for about `ms` milliseconds. Throws if any did not find its value. */
export async function measureReads(requests: Requests, ms: number, read: Reader): Promise<Sample> {
  const { keys } = requests
  const sinceMs = performance.now()
  let count = 0
  let found = 0
  while (performance.now() - sinceMs < ms) {
    const from = requests.next
    const to = Math.min(keys.length, from + CALLS_PER_CLOCK_LOOK)
    const answer = read(keys, from, to)
    found += typeof answer === 'number' ? answer : await answer
    count += to - from
    requests.next = to === keys.length ? 0 : to
  }
  if (found !== count) throw new Error(`${count - found} of ${count} reads did not find their value`)
  return rateOf(count, performance.now() - sinceMs)
}

/** The next key that is asked for, over and over. */
export function nextKey(requests: Requests): string {
  const key = requests.keys[requests.next]!
  requests.next = (requests.next + 1) % requests.keys.length
  return key
}

/** Takes rows until `untilMs` or the end, and says how many. */
export type Scanner = () => (untilMs: number) => Promise<number>

/** One scan after the other for about `ms` milliseconds; counts rows. */
export async function measureScans(ms: number, begin: Scanner): Promise<Sample> {
  const sinceMs = performance.now()
  let count = 0
  while (performance.now() - sinceMs < ms) count += await begin()(sinceMs + ms)
  return rateOf(count, performance.now() - sinceMs)
}

/** Throws for a row that nobody wrote; a key may be text or bytes. */
export function checkRow([key, value]: readonly [{ readonly length: number }, Uint8Array]): void {
  if (key.length !== KEY_BYTES || value.length !== VALUE_BYTES)
    throw new Error('A scan gave a row that was never written')
}

function rateOf(count: number, elapsedMs: number): Sample {
  return { count, perSecond: (count * 1000) / elapsedMs }
}
