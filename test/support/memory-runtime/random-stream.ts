/** Seeded random numbers: each concern draws from a stream of its own, so that one more draw in one does not shift the rest. */

/** A reproducible source of numbers. */
export interface RandomStream {
  /** An integer in [0, 2^32). */
  u32(): number
  /** An integer in [0, bound). */
  below(bound: number): number
  /** A number in [0, 1). */
  fraction(): number
}

/** The stream named `name` of `seed`. */
export function createRandomStream(seed: number, name: string): RandomStream {
  let state = seed >>> 0
  for (const character of name) state = Math.imul(state ^ character.charCodeAt(0), 0x9e3779b1) >>> 0
  // mulberry32: small, and good enough to choose with.
  const u32 = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  return { u32, below: (bound) => Math.floor((u32() / 2 ** 32) * bound), fraction: () => u32() / 2 ** 32 }
}
