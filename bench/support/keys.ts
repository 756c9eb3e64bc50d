/**
 * Keys of 20 bytes, and the order in which they are asked for: uniform or zipfian, the same for the same seed.
 *
 * Zipfian as in YCSB (theta 0.99, Gray et al. 1994): a few ranks get most requests. Ranks are scattered over the keys by a
 * bijection, so that hot keys are neither neighbours nor the oldest. Pinned by test/unit/bench/keys.test.ts.
 */

/** Bytes of a key and of a value in every measurement. */
export const KEY_BYTES = 20
export const VALUE_BYTES = 100

/** How requests fall on keys. */
export type Distribution = 'uniform' | 'zipfian'

const ZIPFIAN_THETA = 0.99
const SCATTER = 2_654_435_761

/** Numbers in [0, 1) that a seed determines (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The key of an ordinal, `KEY_BYTES` long; keys ascend as ordinals do. */
export function keyOf(ordinal: number): string {
  return `user${String(ordinal).padStart(KEY_BYTES - 4, '0')}`
}

/** All ordinals below `count` in random order. */
export function shuffledOrdinals(count: number, random: () => number): Uint32Array {
  const ordinals = Uint32Array.from({ length: count }, (_, index) => index)
  for (let last = count - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    const moved = ordinals[last]!
    ordinals[last] = ordinals[other]!
    ordinals[other] = moved
  }
  return ordinals
}

/** `picks` ordinals below `count`, drawn from the distribution. */
export function drawOrdinals(
  distribution: Distribution,
  range: { readonly count: number; readonly picks: number },
  random: () => number,
): Uint32Array {
  const { count, picks } = range
  const ordinals = new Uint32Array(picks)
  const rank = distribution === 'zipfian' ? createZipfian(count, random) : undefined
  for (let pick = 0; pick < picks; pick++) {
    ordinals[pick] = rank === undefined ? Math.floor(random() * count) : scatter(rank(), count)
  }
  return ordinals
}

/** A bijection on `[0, count)`: multiplying by a number without a common divisor visits every ordinal once. */
export function scatter(rank: number, count: number): number {
  let factor = SCATTER % count
  while (greatestCommonDivisor(factor, count) !== 1) factor = (factor + 1) % count
  return Number((BigInt(rank) * BigInt(factor)) % BigInt(count))
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}

/** Ranks below `count`, 0 the most frequent. */
function createZipfian(count: number, random: () => number): () => number {
  const theta = ZIPFIAN_THETA
  let zeta = 0
  for (let rank = 1; rank <= count; rank++) zeta += 1 / rank ** theta
  const zetaOfTwo = 1 + 0.5 ** theta
  const alpha = 1 / (1 - theta)
  const eta = (1 - (2 / count) ** (1 - theta)) / (1 - zetaOfTwo / zeta)
  return () => {
    const u = random()
    const scaled = u * zeta
    if (scaled < 1) return 0
    if (scaled < zetaOfTwo) return 1
    return Math.min(count - 1, Math.floor(count * (eta * u - eta + 1) ** alpha))
  }
}
