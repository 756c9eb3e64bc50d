import { createRetention, isVersionNeeded } from '../../../../src/storage/compaction/compaction-retention'
import { SeededRandom, testSeed } from '../../../support/oracle/random'

describe('retention', () => {
  test('keeps the newest version at or below each live snapshot and the published sequence', () => {
    const retention = createRetention([7, 15, 7], 18)
    expect(retention.sequences).toEqual([7, 15, 18])
    expect(retention.oldest).toBe(7)
    const chain = [20, 14, 9, 5, 2]
    const needed = chain.filter((sequence, i) => isVersionNeeded(retention, sequence, chain[i - 1] ?? Infinity))
    expect(needed).toEqual([20, 14, 5])
  })

  test('keeps everything above the published sequence, where snapshots of read-write transactions lie', () => {
    const retention = createRetention([25], 18)
    expect(retention.sequences).toEqual([18])
    for (const sequence of [19, 20, 25, 26]) expect(isVersionNeeded(retention, sequence, sequence + 1)).toBe(true)
    expect(isVersionNeeded(retention, 17, 18)).toBe(false)
    expect(isVersionNeeded(retention, 18, 19)).toBe(true)
  })

  test('a version replaced exactly at a snapshot is not needed by it', () => {
    expect(isVersionNeeded(createRetention([5], 10), 4, 5)).toBe(false)
    expect(isVersionNeeded(createRetention([5], 10), 5, 6)).toBe(true)
  })

  test('decides as a reader at every retained sequence would', () => {
    const seed = testSeed(42)
    const random = new SeededRandom(seed)
    for (let round = 0; round < 2000; round++) {
      const published = random.below(40)
      const live = Array.from({ length: random.below(4) }, () => random.below(50))
      const chain = [...new Set(Array.from({ length: 1 + random.below(8) }, () => 1 + random.below(50)))].sort(
        (a, b) => b - a,
      )
      const retention = createRetention(live, published)
      const readers = [...live, published]
      const seen = new Set(readers.map((reader) => chain.find((sequence) => sequence <= reader)))
      for (const [i, sequence] of chain.entries()) {
        const expected = sequence > published || seen.has(sequence)
        if (isVersionNeeded(retention, sequence, chain[i - 1] ?? Infinity) !== expected)
          throw new Error(`seed ${seed}, round ${round}`)
      }
    }
  })
})
