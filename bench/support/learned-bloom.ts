/**
 * A learned Bloom filter against a plain one of equal bits (Kraska et al. 2018), shown once: decision 0012 keeps the figures.
 *
 * The classifier is the density of keys: the key space between the first and the last key is cut into intervals, and an interval's
 * score is how many keys it has. Keys of intervals at or above a threshold are let pass by the classifier, all others stand in a
 * plain backup filter. An interval costs one bit (over the threshold or not), and the rest of the bits goes to the backup; number of
 * intervals and threshold are the best of all tried, chosen on the absent keys themselves, so in the classifier's favour.
 */
import { FilterBuilder, Filter, hashKey, KeyHash } from '../../src/storage/table/filter'
import { numberOfKey } from '../../src/storage/table/separators'
import { createKeySet } from './key-sets'
import type { KeySetName } from './key-sets'
import { createRandom } from './keys'

/** Where absent keys come from. */
export type AbsentKeys = 'like the present ones' | 'from anywhere'

/** Shares of absent keys let through. */
export interface BloomComparison {
  readonly set: KeySetName
  readonly absent: AbsentKeys
  readonly plain: number
  readonly learned: number
  /** Of the best classifier. */
  readonly intervals: number
}

const HASH = new KeyHash()
const INTERVALS = [0, 64, 256, 1024, 4096, 16_384]

/** Compares both on one set; `bitsPerKey` for each. */
export function compareBlooms(set: KeySetName, absent: AbsentKeys, count: number, bitsPerKey: number): BloomComparison {
  // Every second key is in the table; the others are as like them as keys can be.
  const all = createKeySet(set, 2 * count)
  const present = Array.from({ length: count }, (_, i) => all.keyAt(2 * i))
  const random = createRandom(11)
  let shared = 0
  while (present[0]![shared] === present[count - 1]![shared]) shared++
  const [first, last] = [numberOfKey(present[0]!, shared), numberOfKey(present[count - 1]!, shared)]
  const prefix = present[0]!.slice(0, shared)
  const others = Array.from({ length: count }, (_, i) =>
    absent === 'from anywhere'
      ? prefix + keyOfNumber(first + Math.floor(random() * (last - first)))
      : all.keyAt(2 * i + 1),
  )
  const plain = rateOf(present, others, bitsPerKey)
  let best = { learned: Infinity, intervals: 0 }
  for (const intervals of INTERVALS) {
    const intervalOf = (key: string): number =>
      Math.max(
        0,
        Math.min(intervals - 1, Math.floor(((numberOfKey(key, shared) - first) / (last - first + 1)) * intervals)),
      )
    const learned =
      intervals === 0 ? plain : bestRate({ present, others, bits: bitsPerKey * count, intervals, intervalOf })
    if (learned < best.learned) best = { learned, intervals }
  }
  return { set, absent, plain, ...best }
}

function keyOfNumber(number: number): string {
  const bytes = Buffer.alloc(6)
  bytes.writeUIntBE(number, 0, 6)
  return `${bytes.latin1Slice()}\0`
}

/** The share of `others` that a plain filter of `present` lets pass. */
function rateOf(present: readonly string[], others: readonly string[], bitsPerKey: number): number {
  if (present.length === 0) return 0
  const builder = new FilterBuilder()
  for (const key of present) {
    hashKey(key, HASH)
    builder.add(HASH)
  }
  const payload = builder.finish(bitsPerKey)
  const memory = Buffer.allocUnsafeSlow(payload.length)
  payload.copy(memory)
  const filter = Filter.decode(memory, { file: 'memory', seed: 0, offset: 0 })
  let passed = 0
  for (const key of others) {
    hashKey(key, HASH)
    if (filter.mayContain(HASH)) passed++
  }
  return others.length === 0 ? 0 : passed / others.length
}

/** The least share over thresholds. */
function bestRate(task: {
  readonly present: readonly string[]
  readonly others: readonly string[]
  readonly bits: number
  readonly intervals: number
  readonly intervalOf: (key: string) => number
}): number {
  const { present, others, bits, intervals, intervalOf } = task
  const counts = new Uint32Array(intervals)
  for (const key of present) counts[intervalOf(key)]!++
  const ascending = [...counts].sort((a, b) => a - b)
  let best = Infinity
  // Thresholds that let no interval pass, then the densest thousandth, hundredth, ... of them.
  for (const part of [0, 0.001, 0.01, 0.05, 0.1, 0.3]) {
    const threshold =
      part === 0 ? Infinity : (ascending[Math.max(0, Math.ceil(intervals * (1 - part)) - 1)] ?? Infinity)
    const isDense = (key: string): boolean => counts[intervalOf(key)]! >= threshold
    const backup = present.filter((key) => !isDense(key))
    const rest = others.filter((key) => !isDense(key))
    const bitsLeft = bits - intervals
    if (bitsLeft <= 0) continue
    const bitsEach = Math.min(32, bitsLeft / Math.max(1, backup.length))
    const rate = (others.length - rest.length + rateOf(backup, rest, bitsEach) * rest.length) / others.length
    best = Math.min(best, rate)
  }
  return best
}
