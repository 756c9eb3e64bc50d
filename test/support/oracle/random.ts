/**
 * Seeded randomness for tests: the same seed gives the same run on every machine.
 *
 * The seed comes from the environment (`STRICTKV_SEED`) or from the test; every failure message names it, so that one line
 * replays the run.
 */

/** A stream of pseudo-random choices (mulberry32). */
export class SeededRandom {
  #state: number

  constructor(readonly seed: number) {
    this.#state = seed >>> 0
  }

  u32(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }

  /** An integer in [0, limit). */
  below(limit: number): number {
    return Math.floor((this.u32() / 0x1_0000_0000) * limit)
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.u32() / 0x1_0000_0000 < probability
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!
  }
}

/** The seed of a random test: `STRICTKV_SEED` where it is set, else the test's own. */
export function testSeed(initial: number): number {
  const given = process.env.STRICTKV_SEED
  return given === undefined ? initial : Number(given)
}

/** What to type to run one test file again with a seed. */
export function replayCommand(seed: number, file: string, environment = ''): string {
  return `STRICTKV_SEED=${seed} ${environment}npx jest ${file}`.replace('  ', ' ')
}
