/**
 * The key sets on which learned indexes are measured and tested: ascending, distinct, the same for the same seed.
 *
 * A set gives its i-th key when asked, so that ten million of them need no ten million strings. Keys of numbers are eight bytes, high
 * byte first; UUIDs are text, as JavaScript writes them. Pinned by test/unit/bench/key-sets.test.ts.
 */
import { createRandom } from './keys'

/** A sorted set of keys, each a flat latin1 string. */
export interface KeySet {
  readonly name: KeySetName
  readonly count: number
  /** The key of a rank from 0 to the count. */
  keyAt(rank: number): string
}

/** Those that a line follows over long stretches come first. */
export const KEY_SET_NAMES = [
  'uniform',
  'lognormal',
  'timestamps',
  'uuid4',
  'uuid7',
  'decimal',
  'composite',
  'urls',
  'adversarial',
] as const
export type KeySetName = (typeof KEY_SET_NAMES)[number]

/** What each set is, for the page. */
export const KEY_SET_TEXTS: Readonly<Record<KeySetName, string>> = {
  uniform: 'random 64-bit integers',
  lognormal: '10^9 times e to a normal variate of deviation 2',
  timestamps: 'microseconds of events whose rate follows the day, with silent nights on every seventh',
  uuid4: 'random UUIDs as text',
  uuid7: 'UUIDs of version 7 as text, about three a millisecond',
  decimal: '`user` and an ascending number of 16 digits',
  composite: '`t0042/orders/00000017`: 200 tenants of very different sizes, four tables each',
  urls: '`https://`, host, section, year, article; hosts of very different sizes',
  adversarial: 'groups of 300 to 20,000 keys, in each of which the gaps grow exponentially over 32 bits',
}

/** The set of a name with `count` keys. */
export function createKeySet(name: KeySetName, count: number, seed = 1): KeySet {
  return { name, count, keyAt: CREATE[name](count, createRandom(seed)) }
}

type Random = () => number
type KeyAt = (rank: number) => string

const CREATE: Readonly<Record<KeySetName, (count: number, random: Random) => KeyAt>> = {
  uniform: (count, random) => integerKeys(ascending(count, () => Math.floor(random() * 2 ** 24) * 2 ** 24 + Math.floor(random() * 2 ** 24)), 2 ** 16), // prettier-ignore
  lognormal: (count, random) =>
    integerKeys(
      ascending(count, () => Math.floor(1e9 * Math.exp(2 * normal(random)))),
      1,
    ),
  timestamps: (count, random) => integerKeys(timestamps(count, random), 1),
  uuid4: createUuid4,
  uuid7: createUuid7,
  decimal: () => (rank) => `user${String(rank).padStart(16, '0')}`,
  composite: createComposite,
  urls: createUrls,
  adversarial: createAdversarial,
}

const KEY = Buffer.alloc(8)

/** Keys of eight bytes: `numbers[rank] * scale`, high byte first; the scaled-off low bits are filled from the rank. */
function integerKeys(numbers: Float64Array, scale: number): KeyAt {
  return (rank) => {
    const number = numbers[rank]!
    const low = scale === 1 ? number % 2 ** 32 : ((number % 2 ** 16) * scale + (hash(rank) % scale)) % 2 ** 32
    KEY.writeUInt32BE(Math.floor((number * scale) / 2 ** 32), 0)
    KEY.writeUInt32BE(low, 4)
    return KEY.latin1Slice(0, 8)
  }
}

/** Draws `count` integers, sorts them, and moves equal ones apart. */
function ascending(count: number, draw: () => number): Float64Array {
  const numbers = new Float64Array(count)
  for (let i = 0; i < count; i++) numbers[i] = draw()
  numbers.sort()
  for (let i = 1; i < count; i++) if (numbers[i]! <= numbers[i - 1]!) numbers[i] = numbers[i - 1]! + 1
  return numbers
}

/** Box and Muller's. */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

function hash(rank: number): number {
  let mixed = Math.imul(rank + 1, 0x9e3779b1)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b)
  return (mixed ^ (mixed >>> 13)) >>> 0
}

/** Events of thirty days, in microseconds: most at noon, few at midnight, none in every seventh night. */
function timestamps(count: number, random: Random): Float64Array {
  const daySeconds = 86_400
  const numbers = new Float64Array(count)
  const meanGap = (30 * daySeconds * 1e6) / count
  let at = Date.UTC(2026, 0, 1) * 1000
  for (let i = 0; i < count; i++) {
    const day = at / (daySeconds * 1e6)
    const rate = 1 + 0.9 * Math.sin(2 * Math.PI * day)
    at += Math.max(1, Math.floor((-Math.log(1 - random()) * meanGap) / rate))
    if (Math.floor(day) % 7 === 0 && day % 1 > 0.7) at = (Math.floor(day) + 1.1) * daySeconds * 1e6
    numbers[i] = Math.floor(at)
  }
  return numbers
}

/** `n` in hexadecimal digits. */
function hex(n: number, digits: number): string {
  return n.toString(16).padStart(digits, '0')
}

function createUuid4(count: number, random: Random): KeyAt {
  const numbers = ascending(count, () => Math.floor(random() * 2 ** 24) * 2 ** 24 + Math.floor(random() * 2 ** 24))
  return (rank) => {
    const head = hex(numbers[rank]!, 12)
    const tail = hash(rank)
    const last = `${hex(hash(rank + 7), 8)}${hex(tail & 0xffff, 4)}`
    return `${head.slice(0, 8)}-${head.slice(8)}-4${hex(tail >>> 20, 3)}-${'89ab'[tail & 3]!}${hex((tail >>> 2) & 0xfff, 3)}-${last}`
  }
}

function createUuid7(count: number, random: Random): KeyAt {
  const start = Date.UTC(2026, 0, 1)
  // Milliseconds and twelve random bits, sorted together.
  const spanMs = Math.ceil(count / 3)
  const numbers = ascending(count, () => Math.floor(random() * spanMs) * 4096 + Math.floor(random() * 4096))
  return (rank) => {
    const number = numbers[rank]!
    const head = hex(start + Math.floor(number / 4096), 12)
    const tail = hash(rank)
    const last = `${hex(hash(rank + 7), 8)}${hex(tail & 0xffff, 4)}`
    return `${head.slice(0, 8)}-${head.slice(8)}-7${hex(number % 4096, 3)}-${'89ab'[tail & 3]!}${hex((tail >>> 2) & 0xfff, 3)}-${last}`
  }
}

/** The first rank of each of `groups` groups whose sizes fall as 1 / group, in shuffled order; `count` behind the last. */
function zipfianStarts(count: number, groups: number, random: Random): Uint32Array {
  const weights = Array.from({ length: groups }, (_, i) => ({ weight: 1 / (i + 1), order: random() }))
  weights.sort((a, b) => a.order - b.order)
  const sum = weights.reduce((total, { weight }) => total + weight, 0)
  const starts = new Uint32Array(groups + 1)
  let share = 0
  for (let i = 0; i < groups; i++) {
    starts[i] = Math.round((share / sum) * count)
    share += weights[i]!.weight
  }
  starts[groups] = count
  return starts
}

/** The last group that begins at or before a rank. */
function groupOf(starts: Uint32Array, rank: number): number {
  let low = 0
  let high = starts.length - 1
  while (high - low > 1) {
    const middle = (low + high) >>> 1
    if (starts[middle]! <= rank) low = middle
    else high = middle
  }
  return low
}

function createComposite(count: number, random: Random): KeyAt {
  const tables = ['events', 'orders', 'rows', 'users']
  const starts = zipfianStarts(count, 200, random)
  return (rank) => {
    const tenant = groupOf(starts, rank)
    const size = starts[tenant + 1]! - starts[tenant]!
    const within = rank - starts[tenant]!
    const table = Math.floor((within * tables.length) / size)
    const id = within - Math.ceil((table * size) / tables.length)
    return `t${String(tenant).padStart(4, '0')}/${tables[table]!}/${String(id).padStart(8, '0')}`
  }
}

const SYLLABLES = [
  'al',
  'ber',
  'co',
  'dan',
  'el',
  'fer',
  'go',
  'hal',
  'in',
  'jo',
  'kel',
  'lo',
  'mer',
  'nor',
  'os',
  'pal',
]

function word(n: number, syllables: number): string {
  let text = ''
  for (let i = 0; i < syllables; i++) text += SYLLABLES[(n >>> (4 * i)) & 15]!
  return text
}

function createUrls(count: number, random: Random): KeyAt {
  const hosts = Math.max(1, Math.floor(count / 500))
  const names = new Set<string>()
  while (names.size < hosts) names.add(word(Math.floor(random() * 2 ** 32), 2 + Math.floor(random() * 4)))
  const sorted = [...names].sort().map((name, i) => `https://${i % 3 === 0 ? name : `www.${name}`}.${i % 5 === 0 ? 'org' : 'com'}`) // prettier-ignore
  sorted.sort()
  const starts = zipfianStarts(count, hosts, random)
  return (rank) => {
    const host = groupOf(starts, rank)
    const within = rank - starts[host]!
    const [section, year, article] = [within >>> 10, 2000 + ((within >>> 6) & 15), within & 63]
    return `${sorted[host]!}/${hex(section, 5)}-${word(section * 7919, 2)}/${year}/${hex(article, 2)}-${word(hash(rank), 4)}.html`
  }
}

/** Groups of 300 to 20,000 keys; within one the gaps grow exponentially, so that it looks the same at every scale. */
function createAdversarial(count: number, random: Random): KeyAt {
  const starts: number[] = []
  for (let start = 0; start < count; start += Math.floor(300 * (20_000 / 300) ** random())) starts.push(start)
  starts.push(count)
  const bounds = Uint32Array.from(starts)
  const bytes = Buffer.alloc(8)
  return (rank) => {
    const group = groupOf(bounds, rank)
    const within = rank - bounds[group]!
    const size = bounds[group + 1]! - bounds[group]!
    bytes.writeUInt16BE(group % 2 ** 16, 0)
    bytes.writeUInt32BE(Math.min(2 ** 32 - 1, Math.floor(2 ** ((32 * (within + 1)) / size))), 2)
    bytes.writeUInt16BE(within, 6)
    return bytes.latin1Slice(0, 8)
  }
}
